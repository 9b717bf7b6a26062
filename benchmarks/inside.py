"""The Inside page on a model of ResNet-50's size: opening it, its histograms, its hooks."""

from __future__ import annotations

import re
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch
from playwright.sync_api import Page, expect, sync_playwright
from torch import nn

from benchmarks.report import Row
from builder import Block, ModelSpec, Node, build
from builder.labs.inspection_hooks import hooked
from builder.labs.inspection_values import facts, held
from builder.spec import Input
from builder.store import Store
from tests.browser.chromium import find_chromium
from tests.browser.conftest import FLAGS
from tests.browser.screen import open_page, settle
from tests.browser.server import running_server

TURNS, PAIRS, BATCH = 5, 3, 64
PARAMETERS = 25_557_032  # as the paper's model has them, and torchvision's
_BINS = 24


def measure() -> list[Row]:
    """Return the rows."""
    model = build(resnet50()).eval()
    assert sum(parameter.numel() for parameter in model.parameters()) == PARAMETERS
    return [_opening(), _histograms(model), _hooks(model)]


def resnet50() -> ModelSpec:
    """Return ResNet-50 as a model of the workbench: a graph of bottleneck blocks."""
    nodes = [
        _conv("conv1", 64, 7, stride=2, padding=3),
        Node("bn1", "nn.BatchNorm2d"),
        Node("relu", "nn.ReLU", {"inplace": True}),
        Node("maxpool", "nn.MaxPool2d", {"kernel_size": 3, "stride": 2, "padding": 1}),
    ]
    blocks = {}
    stages = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))
    for stage, (width, count, stride) in enumerate(stages, 1):
        blocks[f"First{stage}"] = _bottleneck(width, stride, narrowed=True)
        blocks[f"Bottleneck{stage}"] = _bottleneck(width, 1, narrowed=False)
        kinds = [f"First{stage}", *[f"Bottleneck{stage}"] * (count - 1)]
        nodes += [Node(f"layer{stage}_{place}", kind) for place, kind in enumerate(kinds)]
    nodes += [
        Node("avgpool", "nn.AdaptiveAvgPool2d", {"output_size": 1}),
        Node("flatten", "nn.Flatten"),
        Node("fc", "nn.Linear", {"out_features": 1000}),
    ]
    picture = (Input("x", (3, 224, 224)),)
    return ModelSpec("ResNet50", picture, "graph", tuple(nodes), blocks=blocks)


def _conv(name: str, out: int, kernel: int, *inputs: str, **more: int) -> Node:
    args = {"out_channels": out, "kernel_size": kernel, "bias": False, **more}
    return Node(name, "nn.Conv2d", args, inputs)


def _bottleneck(width: int, stride: int, *, narrowed: bool) -> Block:
    relu = {"inplace": True}
    nodes = [
        _conv("conv1", width, 1, "x"),
        Node("bn1", "nn.BatchNorm2d"),
        Node("relu1", "nn.ReLU", relu),
        _conv("conv2", width, 3, stride=stride, padding=1),
        Node("bn2", "nn.BatchNorm2d"),
        Node("relu2", "nn.ReLU", relu),
        _conv("conv3", 4 * width, 1),
        Node("bn3", "nn.BatchNorm2d"),
    ]
    if narrowed:
        nodes += [
            _conv("shortcut", 4 * width, 1, "x", stride=stride),
            Node("bn4", "nn.BatchNorm2d"),
        ]
    nodes += [
        Node("add", "+", inputs=("bn3", "bn4" if narrowed else "x")),
        Node("relu3", "nn.ReLU", relu),
    ]
    return Block("graph", tuple(nodes))


def _opening() -> Row:
    """From the click on Inside until tree, listing and dictionaries stand there.

    Each time it is a model that has not been built before.
    """
    spec, spent = resnet50(), []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        home = Path(folder) / "home"
        store = Store(home)
        for turn in range(TURNS + 1):
            store.save_model(f"m{turn}", replace(spec, name=f"ResNet50_{turn}"))
        store.close()
        with running_server(Path(folder), home=home) as server:
            browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            for turn in range(TURNS + 1):
                open_page(page, f"{server.url}/?model=m{turn}")
                if turn:  # the first turn warms up
                    spent.append(_opened(page, f"ResNet50_{turn}"))
                else:
                    _opened(page, "ResNet50_0")
            browser.close()
    median = statistics.median(spent)
    return Row(
        "Opening Inside on ResNet-50 / 1.5 s",
        median / 1.5,
        "< 1",
        median < 1.5,
        f"{median * 1000:.0f} ms, median of {TURNS}, each built anew, the browser's part included",
    )


def _opened(page: Page, title: str) -> float:
    began = time.perf_counter()
    page.get_by_role("link", name="Inside").click()
    expect(page.locator(".module-tree .tree-row").first).to_contain_text(title)
    expect(page.get_by_text(re.compile("conv1 Conv2d")).first).to_be_visible()
    expect(page.get_by_role("cell", name="_forward_hooks", exact=True)).to_be_visible()
    took = time.perf_counter() - began
    settle(page)
    return took


def _histograms(model: nn.Module) -> Row:
    """All that the table of parameters says of every tensor, its histogram included."""
    torch.set_num_threads(1)
    spent = []
    for _ in range(TURNS):
        began = time.process_time()
        found = [facts(one.tensor, _BINS) for one in held(model)]
        spent.append(time.process_time() - began)
    assert sum(one.count for one in found) >= PARAMETERS
    median = statistics.median(spent)
    return Row(
        "Figures and histograms of 25 million parameters / 1 s",
        median,
        "< 1",
        median < 1,
        f"{median * 1000:.0f} ms of CPU time, one thread",
    )


def _hooks(model: nn.Module) -> Row:
    """Forward hooks on every module, with their figures, against the bare pass; in turn."""
    torch.set_num_threads(1)
    x = torch.randn(BATCH, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    hooks = [(name, "forward") for name, _ in model.named_modules()]
    times: dict[str, list[float]] = {"bare": [], "hooked": []}
    with torch.no_grad():
        model(x[:2])
        for _ in range(PAIRS):
            began = time.process_time()
            model(x)
            times["bare"].append(time.process_time() - began)
            began = time.process_time()
            with hooked(model, hooks) as firings:
                model(x)
            times["hooked"].append(time.process_time() - began)
            assert len(firings) == len(hooks)
    ratio = statistics.median(
        ours / bare for ours, bare in zip(times["hooked"], times["bare"], strict=True)
    )
    figures = ", ".join(f"{name} {statistics.median(spent):.1f}" for name, spent in times.items())
    return Row(
        f"ResNet-50, batch of {BATCH}: forward with hooks on every module / bare",
        ratio,
        "<= 1.3",
        ratio <= 1.3,
        f"CPU s: {figures}",
    )
