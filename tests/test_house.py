"""How the house is laid out, held over the syntax trees of the product's files.

    app.py → pages/ → ui/ → builder/ → torch

Each rule is a function from one file to its faults, and is itself tested on planted sources.
"""

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HOUSE = ("app", "pages", "ui", "builder")
OUTSIDE = ("tests", "benchmarks")
STATE = "ui/state.py"
STATES = {"session_state", "query_params"}

# Modules whose loaders run what a file says.
RUN_WHAT_THEY_READ = {"pickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
HTML_IN_SCRIPTS = re.compile(
    r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\s*\(|new\s+Function\b)"
)
LATER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


@dataclass(frozen=True)
class File:
    """One file of the product; `path` is relative to the root, with slashes."""

    path: str
    text: str

    @property
    def place(self) -> str:
        """The part of the house it stands in: one of HOUSE."""
        return self.path.removesuffix(".py").split("/")[0]

    def nodes(self) -> Iterator[ast.AST]:
        return ast.walk(ast.parse(self.text, self.path))

    def imports(self) -> Iterator[tuple[int, str]]:
        """Line and full dotted name of everything imported, at any depth of the file."""
        package = self.path.removesuffix(".py").split("/")[:-1]
        for node in self.nodes():
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                above = package[: len(package) - node.level + 1] if node.level else []
                base = [*above, *([node.module] if node.module else [])]
                yield from ((node.lineno, ".".join([*base, a.name])) for a in node.names)
            elif isinstance(node, ast.Call) and _name(node.func) in {"import_module", "__import__"}:
                given = [a.value for a in node.args[:1] if isinstance(a, ast.Constant)]
                yield from ((node.lineno, str(value)) for value in given)


Rule = Callable[[File], Iterator[str]]


def imports_run_to_the_right(file: File) -> Iterator[str]:
    own = HOUSE.index(file.place)
    for line, name in file.imports():
        top = name.split(".")[0]
        if top in OUTSIDE:
            yield f"{file.path}:{line}: the product imports {name}"
        elif top in HOUSE and HOUSE.index(top) < own:
            yield f"{file.path}:{line}: {file.place} imports {name}, which stands to its left"
        elif top == file.place == "pages":
            yield f"{file.path}:{line}: a page imports the page {name}"
        elif top == "streamlit" and file.place == "builder":
            yield f"{file.path}:{line}: builder imports {name}"


def one_file_touches_the_session(file: File) -> Iterator[str]:
    if file.path == STATE:
        return
    for node in file.nodes():
        names = []
        if isinstance(node, ast.Attribute):
            names = [node.attr]
        elif isinstance(node, ast.ImportFrom):
            names = [alias.name for alias in node.names]
        for name in STATES.intersection(names):
            yield f"{file.path}:{node.lineno}: {name} is for {STATE} alone"


def nothing_of_the_users_is_executed(file: File) -> Iterator[str]:
    for line, name in file.imports():
        if name.split(".")[0] in RUN_WHAT_THEY_READ:
            yield f"{file.path}:{line}: imports {name}"
    for node in file.nodes():
        if not isinstance(node, ast.Call):
            continue
        given = {word.arg: word.value for word in node.keywords}
        where = f"{file.path}:{node.lineno}"
        if isinstance(node.func, ast.Name) and node.func.id in {"eval", "exec"}:
            yield f"{where}: calls {node.func.id}"
        if ast.unparse(node.func) in {"torch.load", "load_state_dict_from_url"} and not _is(
            given.get("weights_only"), True
        ):
            yield f"{where}: loads without weights_only=True"
        if "weights_only" in given and not _is(given["weights_only"], True):
            yield f"{where}: weights_only is not True"
        for word in ("unsafe_allow_html", "unsafe_allow_javascript", "allow_pickle", "shell"):
            if word in given and not _is(given[word], False):
                yield f"{where}: {word} is not False"


def widths_are_said_the_new_way(file: File) -> Iterator[str]:
    for node in file.nodes():
        if isinstance(node, ast.keyword) and node.arg == "use_container_width":
            yield f"{file.path}:{node.value.lineno}: use_container_width; say width='stretch'"


def nothing_is_left_for_later(file: File) -> Iterator[str]:
    for token in tokenize.generate_tokens(io.StringIO(file.text).readline):
        if token.type == tokenize.COMMENT and LATER.search(token.string):
            yield f"{file.path}:{token.start[0]}: {token.string}"
    for node in file.nodes():
        if isinstance(node, ast.Attribute) and node.attr in {"skip", "skipif", "xfail"}:
            yield f"{file.path}:{node.lineno}: {ast.unparse(node)}"


def scripts_write_text_not_html(file: File) -> Iterator[str]:
    for number, line in enumerate(file.text.splitlines(), 1):
        for found in HTML_IN_SCRIPTS.findall(line):
            yield f"{file.path}:{number}: {found}"


RULES: list[Rule] = [
    imports_run_to_the_right,
    one_file_touches_the_session,
    nothing_of_the_users_is_executed,
    widths_are_said_the_new_way,
]


def _name(function: ast.expr) -> str:
    return ast.unparse(function).split(".")[-1]


def _is(value: ast.expr | None, constant: bool) -> bool:
    return isinstance(value, ast.Constant) and value.value is constant


def _python(places: tuple[str, ...] = HOUSE) -> list[File]:
    paths = [ROOT / "app.py", *(p for place in places for p in (ROOT / place).rglob("*.py"))]
    return [_file(path) for path in sorted(paths) if path.exists()]


def _scripts() -> list[File]:
    paths = [p for p in (ROOT / "assets").rglob("*") if p.suffix in {".js", ".mjs", ".ts", ".html"}]
    return [_file(path) for path in sorted(paths) if "vendor" not in path.parts]


def _file(path: Path) -> File:
    return File(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps_to(rule: Rule) -> None:
    files = _python()
    assert {"builder"} <= {file.place for file in files}
    assert [fault for file in files for fault in rule(file)] == []


def test_nothing_is_left_for_later() -> None:
    files = _python(HOUSE + OUTSIDE)
    assert [fault for file in files for fault in nothing_is_left_for_later(file)] == []


def test_our_scripts_write_text_not_html() -> None:
    files = _scripts()
    assert files
    assert [fault for file in files for fault in scripts_write_text_not_html(file)] == []


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        (imports_run_to_the_right, "builder/spec.py", "import ui.forms"),
        (imports_run_to_the_right, "builder/spec.py", "from pages import build"),
        (imports_run_to_the_right, "builder/train/loop.py", "def f():\n    import streamlit as st"),
        (imports_run_to_the_right, "builder/train/loop.py", "from streamlit.runtime import get"),
        (
            imports_run_to_the_right,
            "builder/spec.py",
            "import importlib\nimportlib.import_module('ui')",
        ),
        (imports_run_to_the_right, "builder/spec.py", "import tests.conftest"),
        (
            imports_run_to_the_right,
            "ui/forms.py",
            "if TYPE_CHECKING:\n    from pages.build import x",
        ),
        (imports_run_to_the_right, "ui/forms.py", "import app"),
        (imports_run_to_the_right, "pages/build.py", "import pages.train"),
        (imports_run_to_the_right, "pages/build.py", "from . import train"),
        (imports_run_to_the_right, "pages/build.py", "from .train import draw"),
        (one_file_touches_the_session, "ui/forms.py", "st.session_state['spec'] = 1"),
        (one_file_touches_the_session, "pages/build.py", "from streamlit import session_state"),
        (one_file_touches_the_session, "app.py", "print(st.query_params)"),
        (nothing_of_the_users_is_executed, "builder/code/read.py", "eval(text)"),
        (nothing_of_the_users_is_executed, "ui/forms.py", "exec(text)"),
        (nothing_of_the_users_is_executed, "builder/files/weights.py", "import pickle"),
        (nothing_of_the_users_is_executed, "builder/files/weights.py", "from joblib import load"),
        (nothing_of_the_users_is_executed, "builder/files/weights.py", "torch.load(path)"),
        (
            nothing_of_the_users_is_executed,
            "builder/files/weights.py",
            "torch.load(path, weights_only=False)",
        ),
        (
            nothing_of_the_users_is_executed,
            "builder/files/weights.py",
            "load(path, weights_only=trusted)",
        ),
        (nothing_of_the_users_is_executed, "ui/forms.py", "st.markdown(t, unsafe_allow_html=True)"),
        (nothing_of_the_users_is_executed, "builder/data/x.py", "np.load(f, allow_pickle=True)"),
        (nothing_of_the_users_is_executed, "builder/train/x.py", "run(line, shell=True)"),
        (widths_are_said_the_new_way, "ui/charts.py", "st.dataframe(t, use_container_width=True)"),
        (nothing_is_left_for_later, "builder/spec.py", "x = 1  # TO" + "DO: the rest"),
        (nothing_is_left_for_later, "tests/test_spec.py", "@pytest.mark.xfail\ndef test_x(): ..."),
        (scripts_write_text_not_html, "assets/list.js", "label.innerHTML = name;"),
        (scripts_write_text_not_html, "assets/list.js", "label.insertAdjacentHTML('end', name);"),
        (scripts_write_text_not_html, "assets/list.js", "eval (name);"),
    ],
)
def test_a_planted_fault_is_found(rule: Rule, path: str, text: str) -> None:
    assert list(rule(File(path, text))) != []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("app.py", "import streamlit as st\nfrom pages import build\nfrom ui import state"),
        ("pages/build.py", "from ui.forms import form\nfrom builder import resolve"),
        ("ui/forms.py", "from . import charts\nfrom .charts import curve\nimport builder.spec"),
        ("ui/components/list.py", "from ..state import spec\nfrom .bridge import mount"),
        (STATE, "import streamlit as st\nst.session_state['a'] = st.query_params"),
        ("builder/resolve/walk.py", "from ..spec import Node\nfrom . import probe\nimport torch"),
        ("builder/build.py", "model.eval()\ntorch.load(path, weights_only=True)"),
    ],
)
def test_what_is_allowed_is_no_fault(path: str, text: str) -> None:
    assert [fault for rule in RULES for fault in rule(File(path, text))] == []
