"""The workbench from a terminal, over the same record of runs as the page.

    python -m builder train model.json --data digits --recipe recipe.json
    python -m builder train model.json --weights weights.pt
    python -m builder runs
    python -m builder resume RUN
    python -m builder export RUN [FOLDER]

It exits with 0 when a run is finished, 1 when it failed, 2 when what was asked for cannot be done,
and 130 when it was interrupted: such a run has its checkpoint, and `resume` goes on from it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from builder.errors import BuilderError, RunError
from builder.files import has_script, load_weights, weights_safetensors, write_script
from builder.files.loading import load_into
from builder.files.matching import best_part, forms, suggest, wanted_by
from builder.files.upload import read_upload
from builder.spec import ModelSpec
from builder.store import Run, Store
from builder.templates import TEMPLATES
from builder.train import Recipe
from builder.train.given import FILE, Given
from builder.train.loop import Progress
from builder.train.record import record, requeue
from builder.train.suggest import for_data
from builder.train.worker import work

_EXIT = {"finished": 0, "failed": 1, "stopped": 130}
_CURVES = ("step", "epoch", "split", "metric", "value")


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; returns the exit status."""
    options = _parser().parse_args(arguments)
    store = Store.open()
    try:
        status: int = options.command(store, options)
    except BuilderError as error:
        sys.stderr.write(f"{error.message}\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"{error.filename or 'The file'}: {error.strerror}.\n")
        return 2
    finally:
        store.close()
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m builder",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    train = commands.add_parser("train", help="train a model and record the run")
    train.add_argument("model", help=f"a model's JSON, or a template: {', '.join(TEMPLATES)}")
    train.add_argument("--recipe", type=Path, metavar="JSON", help="the settings of the run")
    train.add_argument("--data", metavar="NAME", help="the data set; the recipe's if left out")
    train.add_argument("--epochs", type=int, help="passes over the data; the recipe's if left out")
    train.add_argument("--seed", type=int, help="of weights, split and order; else the recipe's")
    train.add_argument("--name", default="", help="what to call the run")
    train.add_argument(
        "--weights", type=Path, nargs="+", metavar="FILE",
        help="weights to start from: a .pt, a .safetensors, or shards with their index",
    )  # fmt: skip
    train.add_argument(
        "--matching", action="store_true",
        help="load those weights that fit, and draw the others; else all must fit",
    )  # fmt: skip
    train.set_defaults(command=_train)
    runs = commands.add_parser("runs", help="list the runs, the newest first")
    runs.set_defaults(command=_runs)
    resume = commands.add_parser("resume", help="go on with a run that was cut short")
    resume.add_argument("run", help="its id, or the beginning of it")
    resume.set_defaults(command=_resume)
    export = commands.add_parser("export", help="write a run's weights, code and curves to files")
    export.add_argument("run", help="its id, or the beginning of it")
    export.add_argument("folder", type=Path, nargs="?", help="where to; its id if left out")
    export.set_defaults(command=_export)
    return parser


def _train(store: Store, options: argparse.Namespace) -> int:
    spec = _spec(options.model)
    recipe = Recipe.from_json(options.recipe.read_text()) if options.recipe else Recipe()
    if options.data and options.data != recipe.dataset:
        recipe = for_data(recipe, options.data)
    given = {name: getattr(options, name) for name in ("epochs", "seed")}
    recipe = replace(recipe, **{name: value for name, value in given.items() if value is not None})
    start = _given(spec, options, recipe.seed) if options.weights else None
    return _follow(store, record(store, spec, recipe, name=options.name, given=start))


def _given(spec: ModelSpec, options: argparse.Namespace, seed: int) -> Given:
    """Load the files of weights into the model, renamed where that is what it takes."""
    upload = read_upload({path.name: path.read_bytes() for path in options.weights})
    wanted = wanted_by(spec)
    state = upload.parts[best_part(wanted, upload.parts)]
    renamed = next(iter(suggest(wanted, forms(state))), None)
    if renamed is not None:
        sys.stderr.write(f"{upload.title}: {renamed.label}. {renamed.why}.\n")
    names = renamed.names if renamed is not None else {}
    loaded, _ = load_into(spec, state, names, strict=not options.matching, seed=seed)
    count = f"{len(loaded.names)} of {len(loaded.state)}"
    sys.stderr.write(f"{upload.title}: {count} tensors loaded.\n")
    return Given(loaded.state, upload.title, loaded.names)


def _spec(name: str) -> ModelSpec:
    if name in TEMPLATES:
        return TEMPLATES[name]
    return ModelSpec.from_json(Path(name).read_text())


def _resume(store: Store, options: argparse.Namespace) -> int:
    run = _found(store, options.run)
    store.bury()
    requeue(store, run.id)
    return _follow(store, run.id)


def _follow(store: Store, run_id: str) -> int:
    """Train a queued run in this process, with a bar."""
    if store.claim(run_id, at_once=sys.maxsize) is None:
        raise RunError(f"{run_id} was taken by another process.")
    run = store.run(run_id)
    sys.stderr.write(f"{run_id}: {ModelSpec.from_json(run.spec).name}\n")
    with _bar(run) as moved, _interrupts(lambda: store.send(run_id, "stop")):
        status = work(store, run, moved)
    run = store.run(run_id)
    sys.stderr.write(f"{status}{_scores(run)}\n")
    if run.message:
        sys.stderr.write(f"{run.message}\n")
    return _EXIT[status]


@contextlib.contextmanager
def _bar(run: Run) -> Iterator[Callable[[Progress], None]]:
    total = Recipe.from_json(run.recipe).epochs
    form = "{percentage:3.0f}%|{bar}| epoch {n:.1f} of {total} [{elapsed}<{remaining}{postfix}]"
    with tqdm(total=total, bar_format=form) as bar:

        def moved(progress: Progress) -> None:
            bar.update(progress.epoch - bar.n)
            seen = {f"{split} {name}": value for _, _, split, name, value in progress.measured}
            shown = {name: seen[name] for name in ("train loss", "validation loss") if name in seen}
            if shown:
                bar.set_postfix(shown, refresh=False)

        yield moved


@contextlib.contextmanager
def _interrupts(stop: Callable[[], None]) -> Iterator[None]:
    """Let an interrupt end the run in order, its checkpoint written; a second one ends it now."""

    def asked(number: int, frame: object) -> None:
        del number, frame
        signal.signal(signal.SIGINT, signal.default_int_handler)
        stop()

    before = signal.signal(signal.SIGINT, asked)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _runs(store: Store, _: argparse.Namespace) -> int:
    store.bury()
    for run in store.runs():
        recipe = Recipe.from_json(run.recipe)
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.created))
        name = run.name or ModelSpec.from_json(run.spec).name
        sys.stdout.write(
            f"{run.id}  {when}  {run.status:9} {name} on {recipe.dataset}, "
            f"epoch {run.epoch:g} of {recipe.epochs}{_scores(run)}\n"
        )
    return 0


def _scores(run: Run) -> str:
    """Return the loss and the first other score of the validation samples, if there are any."""
    scores = run.facts.get("metrics", {})
    kept = [name for name in scores if name.startswith("validation ")][:2]
    return ": " + ", ".join(f"{name} {scores[name]:.4g}" for name in kept) if kept else ""


def _export(store: Store, options: argparse.Namespace) -> int:
    run = _found(store, options.run)
    folder: Path = options.folder or Path(run.id)
    weights = store.folder(run.id) / "weights.pt"
    if not weights.exists():
        raise RunError(f"{run.id} has left no weights yet.")
    spec, recipe = ModelSpec.from_json(run.spec), Recipe.from_json(run.recipe)
    state = load_weights(weights.read_bytes())
    points = store.points(run.id)
    rows = [",".join(_CURVES)]
    rows += [",".join(str(getattr(point, name)) for name in _CURVES) for point in points]
    files: dict[str, bytes] = {
        f"{spec.name}.pt": weights.read_bytes(),
        f"{spec.name}.safetensors": weights_safetensors(state),
        f"{spec.name}.py": run.facts["code"].encode(),
        f"{spec.name}.json": run.spec.encode(),
        "recipe.json": run.recipe.encode(),
        "curves.csv": ("\n".join(rows) + "\n").encode(),
        "run.json": json.dumps(dict(run.facts), indent=2).encode(),
    }
    if has_script(recipe.dataset):
        files["check.py"] = write_script(spec.name, recipe).encode()
    left = {"best.pt": f"{spec.name}-best.pt", FILE: FILE}
    for name, called in left.items():
        path = store.folder(run.id) / name
        if path.exists():
            files[called] = path.read_bytes()
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
        sys.stdout.write(f"{folder / name}\n")
    return 0


def _found(store: Store, beginning: str) -> Run:
    found = [run for run in store.runs(binned=None) if run.id.startswith(beginning)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise RunError(f"There is no run {beginning!r}; `python -m builder runs` lists them.")
    raise RunError(f"{len(found)} runs begin with {beginning!r}; a longer beginning tells them.")


if __name__ == "__main__":
    sys.exit(main())
