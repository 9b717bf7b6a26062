"""The public face of `builder`."""

import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import builder

ROOT = Path(__file__).parents[1]
FACE = {
    "ModelSpec",
    "Block",
    "Node",
    "TEMPLATES",
    "CATALOG",
    "resolve",
    "build",
    "write_source",
    "BuilderError",
}


def test_the_face_is_what_was_agreed_on() -> None:
    assert set(builder.__all__) == FACE
    assert list(builder.__all__) == sorted(builder.__all__, key=lambda n: (not n.isupper(), n))


@pytest.mark.parametrize("name", sorted(FACE))
def test_every_public_name_is_there_and_explained(name: str) -> None:
    value = getattr(builder, name)
    if name not in ("TEMPLATES", "CATALOG"):
        assert (inspect.getdoc(value) or "").endswith((".", "`)."))
        assert value.__module__.startswith("builder.")


@pytest.mark.parametrize(
    "module",
    ["spec", "edit", "resolve", "build", "code", "catalog", "templates", "names", "document"],
)
def test_every_public_function_of_the_engine_is_explained(module: str) -> None:
    home = importlib.import_module(f"builder.{module}")
    public = [
        (name, value)
        for name, value in vars(home).items()
        if not name.startswith("_")
        and (inspect.isfunction(value) or inspect.isclass(value))
        and value.__module__.startswith("builder")
    ]
    assert public
    assert home.__doc__
    for name, value in public:
        assert inspect.getdoc(value), name
        if inspect.isfunction(value):
            assert "return" in value.__annotations__, name


def test_the_engine_is_used_without_the_page() -> None:
    program = """
import sys
for name in ("streamlit", "plotly", "pandas", "ui", "pages", "sklearn", "mlxtend", "sqlalchemy"):
    sys.modules[name] = None  # as if it were not installed
sys.path.insert(0, sys.argv[1])
import torch
from builder import TEMPLATES, ModelSpec, build, resolve, write_source
spec = TEMPLATES["LeNet5"]
assert resolve(spec).params == 61706
assert build(spec)(torch.zeros(2, 1, 28, 28)).shape == (2, 10)
assert "class LeNet5(nn.Sequential):" in write_source(spec)
assert ModelSpec.from_json(spec.to_json()) == spec
"""
    done = subprocess.run(
        [sys.executable, "-I", "-W", "error", "-c", program, str(ROOT)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
