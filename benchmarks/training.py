"""Training: our loop with all it records, against the fastest plain loop and the ordinary one."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import torch
from torch import nn

from benchmarks.report import Row
from benchmarks.rivals import RIVALS
from builder import TEMPLATES, ModelSpec, Node, build
from builder.spec import Input
from builder.store import Store
from builder.train import loop
from builder.train.data import Data
from builder.train.launch import Launcher
from builder.train.recipe import Recipe
from builder.train.trainer import Trainer
from builder.train.watcher import Watcher

TURNS = 7
STARTS = 9


def measure() -> list[Row]:
    """Return a row for each model against each rival, and one for the first point of a run."""
    torch.set_num_threads(1)
    rows = []
    for name, spec, shape, samples, batch, epochs in (
        ("MLP 2-16-16-2, batch 32", TEMPLATES["MLP"], (2,), 400, 32, 150),
        ("MLP 784-256-10, batch 128", TEMPLATES["MyNet"], (784,), 4000, 128, 20),
        ("RNN(8, 32) over 50 steps, batch 32", TEMPLATES["MyRNN"], (50, 8), 800, 32, 8),
        ("small CNN, batch 64", _cnn(), (1, 28, 28), 2000, 64, 4),
    ):
        rows += _against(name, spec, _data(shape, samples), batch, epochs)
    return [*rows, _first_point()]


def _cnn() -> ModelSpec:
    nodes = (
        Node("conv1", "nn.Conv2d", {"in_channels": 1, "out_channels": 8, "kernel_size": 3}),
        Node("relu1", "nn.ReLU"),
        Node("pool1", "nn.MaxPool2d", {"kernel_size": 2}),
        Node("conv2", "nn.Conv2d", {"in_channels": 8, "out_channels": 16, "kernel_size": 3}),
        Node("relu2", "nn.ReLU"),
        Node("pool2", "nn.MaxPool2d", {"kernel_size": 2}),
        Node("flatten", "nn.Flatten"),
        Node("out", "nn.Linear", {"in_features": 400, "out_features": 10}),
    )
    return ModelSpec(name="SmallCNN", inputs=(Input("x", (1, 28, 28)),), nodes=nodes)


def _data(shape: tuple[int, ...], samples: int) -> Data:
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(samples, *shape, generator=draw)
    y = torch.randint(0, 2, (samples,), generator=draw)
    kept = samples // 4  # as a fifth of the whole is kept by default
    return Data(x, y, x[:kept].clone(), y[:kept].clone())


def _against(name: str, spec: ModelSpec, data: Data, batch: int, epochs: int) -> list[Row]:
    loops = {"ours": _ours} | {rival: loop for rival, (loop, _) in RIVALS.items()}
    speeds: dict[str, list[float]] = {rival: [] for rival in loops}
    for turn in range(TURNS + 1):
        for rival, run in loops.items():
            torch.manual_seed(0)
            model = build(spec)
            began = time.perf_counter()
            run(model, data, batch, epochs)
            if turn:  # the first turn warms up
                speeds[rival].append(epochs * len(data.x) / (time.perf_counter() - began))
    figures = ", ".join(f"{r} {statistics.median(s):,.0f}" for r, s in speeds.items())
    rows = []
    for rival, (_, target) in RIVALS.items():
        pairs = zip(speeds["ours"], speeds[rival], strict=True)
        ratio = statistics.median(ours / theirs for ours, theirs in pairs)
        rows.append(
            Row(
                f"{name}: our samples a second / {rival}",
                ratio,
                f">= {target}" if target < 1 else "> 1",
                ratio >= target,
                f"samples/s: {figures}",
            )
        )
    return rows


def _ours(model: nn.Module, data: Data, batch: int, epochs: int) -> None:
    """The loop as the worker runs it, everything that it watches written to a store."""
    recipe = Recipe("mnist", batch_size=batch, epochs=epochs)
    with tempfile.TemporaryDirectory() as home:
        store = Store(Path(home))
        run_id = store.create_run(TEMPLATES["MLP"], recipe.to_json())
        trainer = Trainer(model, data, recipe, task="classification")
        watcher = Watcher(store, run_id, trainer, "table", at_once=1)
        loop.run(trainer, watcher.tick)
        watcher.event_file.close()
        store.close()


def _first_point() -> Row:
    """Time from starting a run, a spare worker standing warm, to its first point in the store."""
    spent = []
    with tempfile.TemporaryDirectory() as home:
        store = Store(Path(home))
        launcher = Launcher(store)
        recipe = Recipe("circles", epochs=20)
        for _ in range(STARTS):
            launcher.keep_warm()
            time.sleep(8)  # long enough for the spare to import torch
            began = time.perf_counter()
            run_id = launcher.start(TEMPLATES["MLP"], recipe)
            while not store.points(run_id):
                time.sleep(0.005)
            spent.append(time.perf_counter() - began)
            while store.run(run_id).active:
                time.sleep(0.05)
        launcher.close()
        store.close()
    median = statistics.median(spent)
    return Row(
        "Start to the first point, warm worker / 1 s",
        median,
        "< 1",
        median < 1,
        f"{median * 1000:.0f} ms, median of {STARTS}",
    )
