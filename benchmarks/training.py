"""Training: our loop with all it records, against the fastest plain loop and the ordinary one."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.report import Row
from builder import TEMPLATES, ModelSpec, build
from builder.store import Store
from builder.train.data import Data
from builder.train.launch import Launcher
from builder.train.loop import train
from builder.train.recipe import Recipe
from builder.train.worker import Watcher

TURNS = 7
STARTS = 9


def measure() -> list[Row]:
    """Return a row for each model against each rival, and one for the first point of a run."""
    torch.set_num_threads(1)
    rows = []
    for name, title, shape, samples, batch, epochs in (
        ("MLP 2-16-16-2, batch 32", "MLP", (2,), 400, 32, 300),
        ("MLP 784-256-10, batch 128", "MyNet", (784,), 4000, 128, 40),
        ("LeNet-5, batch 64", "LeNet5", (1, 28, 28), 4000, 64, 4),
    ):
        rows += _against(name, TEMPLATES[title], _data(shape, samples), batch, epochs)
    return [*rows, _first_point()]


def _data(shape: tuple[int, ...], samples: int) -> Data:
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(samples, *shape, generator=draw)
    y = torch.randint(0, 2, (samples,), generator=draw)
    kept = samples // 4  # as a fifth of the whole is kept by default
    return Data(x, y, x[:kept].clone(), y[:kept].clone())


def _against(name: str, spec: ModelSpec, data: Data, batch: int, epochs: int) -> list[Row]:
    rivals: dict[str, Callable[[nn.Module, Data, int, int], None]] = {
        "ours": _ours,
        "floor": _floor,
        "DataLoader": _ordinary,
    }
    speeds: dict[str, list[float]] = {rival: [] for rival in rivals}
    for turn in range(TURNS + 1):
        for rival, run in rivals.items():
            torch.manual_seed(0)
            model = build(spec)
            began = time.perf_counter()
            run(model, data, batch, epochs)
            if turn:  # the first turn warms up
                speeds[rival].append(epochs * len(data.x) / (time.perf_counter() - began))
    figures = ", ".join(f"{r} {statistics.median(s):,.0f}" for r, s in speeds.items())
    rows = []
    for rival, target in (("floor", 0.95), ("DataLoader", 1.0)):
        pairs = zip(speeds["ours"], speeds[rival], strict=True)
        ratio = statistics.median(ours / theirs for ours, theirs in pairs)
        words = f">= {target}" if rival == "floor" else "> 1"
        rows.append(
            Row(
                f"{name}: our samples a second / {rival}",
                ratio,
                words,
                ratio >= target,
                f"samples/s: {figures}",
            )
        )
    return rows


def _ours(model: nn.Module, data: Data, batch: int, epochs: int) -> None:
    """The loop as the worker runs it, its measurements written to a store."""
    recipe = Recipe("mnist", batch_size=batch, epochs=epochs)
    with tempfile.TemporaryDirectory() as home:
        store = Store(Path(home))
        run_id = store.create_run(TEMPLATES["MLP"], recipe.to_json())
        watcher = Watcher(store, run_id, model, data, "table")
        train(model, data, recipe, task="classification", on_tick=watcher.tick)
        store.close()


def _floor(model: nn.Module, data: Data, batch: int, epochs: int) -> None:
    """The fastest plain loop: nothing but training."""
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    order = torch.Generator().manual_seed(0)
    loss_function = nn.CrossEntropyLoss()
    for _ in range(epochs):
        for rows in torch.randperm(len(data.x), generator=order).split(batch):
            out = model(data.x.index_select(0, rows))
            loss = loss_function(out, data.y.index_select(0, rows))
            loss.backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)


def _ordinary(model: nn.Module, data: Data, batch: int, epochs: int) -> None:
    """The loop of most tutorials."""
    optimizer = torch.optim.Adam(model.parameters())
    loss_function = nn.CrossEntropyLoss()
    loader: DataLoader[tuple[Tensor, ...]] = DataLoader(
        TensorDataset(data.x, data.y), batch_size=batch, shuffle=True
    )
    for _ in range(epochs):
        for x, y in loader:
            optimizer.zero_grad()
            loss_function(model(x), y).backward()
            optimizer.step()


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
