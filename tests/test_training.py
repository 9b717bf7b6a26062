"""The training loop: that it learns, repeats itself, and says when it cannot go on."""

import math

import pytest
import torch
from torch import nn

from builder import TEMPLATES, build
from builder.data import load, split
from builder.errors import RunError
from builder.train.data import Data
from builder.train.live import CELLS, Boundary, boundary
from builder.train.loop import Progress, train
from builder.train.measure import accuracy, r_squared
from builder.train.metrics import metrics_of
from builder.train.optimizers import OPTIMIZERS
from builder.train.recipe import Recipe


def data_of(name: str, **options: object) -> Data:
    samples = load(name, **options)
    parts = split(samples, validation=0.2, seed=0)
    x, y = parts.scaled(samples.x), parts.scaled_target(samples.y)
    return Data(x[parts.train], y[parts.train], x[parts.validation], y[parts.validation])


def mlp(inputs: int = 2, outputs: int = 2) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(inputs, 16), nn.ReLU(), nn.Linear(16, outputs))


def run(
    model: nn.Module, data: Data, recipe: Recipe, task: str = "classification"
) -> list[tuple[int, float, str, str, float]]:
    """Train and return all that was measured."""
    measured: list[tuple[int, float, str, str, float]] = []

    def keep(progress: Progress) -> bool:
        measured.extend(progress.measured)
        return True

    train(model, data, recipe, task=task, on_tick=keep)
    return measured


def test_it_learns_the_moons() -> None:
    measured = run(mlp(), data_of("moons"), Recipe("moons", lr=0.01, epochs=60))
    last = {(split, metric): value for _, _, split, metric, value in measured}
    assert last["validation", "accuracy"] > 0.9
    assert last["train", "loss"] < 0.3


def test_it_learns_a_regression() -> None:
    recipe = Recipe("diabetes", loss="MSELoss", lr=0.003, epochs=60)
    measured = run(mlp(10, 1), data_of("diabetes"), recipe, "regression")
    last = {(split, metric): value for _, _, split, metric, value in measured}
    assert last["validation", "R2"] > 0.3


def test_the_same_seed_gives_the_same_weights_to_the_bit() -> None:
    ends = []
    for _ in range(2):
        model = mlp()
        run(model, data_of("circles"), Recipe("circles", epochs=3, seed=5))
        ends.append(model.state_dict())
    assert all(torch.equal(ends[0][key], ends[1][key]) for key in ends[0])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_two_steps_of_every_optimizer_are_those_of_plain_torch(name: str) -> None:
    data = data_of("circles", samples=64)
    recipe = Recipe("circles", optimizer=name, lr=0.01, batch_size=26, epochs=1, seed=3)
    ours, theirs = mlp(), mlp()
    run(ours, data, recipe)
    optimizer = getattr(torch.optim, name)(theirs.parameters(), lr=0.01)
    order = torch.randperm(len(data.x), generator=torch.Generator().manual_seed(3))
    for rows in order.split(26):

        def closure(rows: torch.Tensor = rows) -> torch.Tensor:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(theirs(data.x[rows]), data.y[rows])
            torch.autograd.backward(loss)
            return loss

        optimizer.step(closure)
    for key, value in theirs.state_dict().items():
        # A fused kernel adds in another order.
        torch.testing.assert_close(ours.state_dict()[key], value, rtol=1e-5, atol=1e-6)


def test_a_loss_that_is_no_number_stops_the_run_and_names_step_and_rate() -> None:
    recipe = Recipe("circles", optimizer="SGD", lr=1e9, epochs=50)
    with pytest.raises(RunError, match=r"became .* at step \d+.*1e\+09"):
        run(mlp(), data_of("circles"), recipe)


def test_batch_norm_never_sees_a_last_batch_of_one() -> None:
    data = data_of("circles", samples=61)  # 48 for training
    model = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    size = next(size for size in range(2, 48) if len(data.x) % size == 1)
    run(model, data, Recipe("circles", batch_size=size, epochs=2))


def test_batch_norm_with_batches_of_one_is_refused_in_words() -> None:
    model = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    with pytest.raises(RunError, match="at least 2"):
        run(model, data_of("circles"), Recipe("circles", batch_size=1, epochs=1))


def test_dropout_works_in_training_and_rests_in_validation() -> None:
    seen: dict[bool, set[bool]] = {True: set(), False: set()}

    class Spy(nn.Dropout):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out = super().forward(x)
            seen[self.training].add(torch.equal(out, x))
            return out

    model = nn.Sequential(nn.Linear(2, 64), Spy(0.5), nn.Linear(64, 2))
    run(model, data_of("circles"), Recipe("circles", epochs=1))
    assert seen == {True: {False}, False: {True}}
    assert model.training


def test_it_stops_when_it_is_told_to() -> None:
    progress = train(
        mlp(),
        data_of("circles"),
        Recipe("circles", epochs=100_000),
        task="classification",
        on_tick=lambda progress: progress.step == 0,
    )
    assert 0 < progress.step < 100_000
    assert not progress.done


def test_what_it_measures_is_finite_and_in_order() -> None:
    measured = run(build(TEMPLATES["MLP"]), data_of("spirals"), Recipe("spirals", epochs=40))
    assert all(math.isfinite(value) for *_, value in measured)
    assert [point[0] for point in measured] == sorted(point[0] for point in measured)
    scores = {(split, m) for split in ("train", "validation") for m in ("loss", "accuracy")}
    of_groups = {("group:default", "lr"), ("group:default", "step_size")}
    of_layers = {(f"layer:{name}", "grad_norm") for name in ("0", "2", "4")}
    rest = {("validation", name) for name in metrics_of("classification")}
    rest -= {("validation", "top-3 accuracy")}  # of two classes
    assert {point[2:4] for point in measured} == scores | rest | of_groups | of_layers
    assert measured[-1][1] == 40


def test_the_validation_samples_are_scored_at_the_ends_of_epochs() -> None:
    measured = run(mlp(), data_of("moons"), Recipe("moons", epochs=40))
    scored = {epoch for _, epoch, *what, _ in measured if what == ["validation", "loss"]}
    assert {0.0, 40.0} < scored
    assert sum(epoch == int(epoch) for epoch in scored) > 4


def test_scores_are_the_fields_own() -> None:
    y = torch.tensor([0, 1, 1, 0])
    assert accuracy(torch.tensor([[2.0, 1], [0, 1], [1, 0], [5, 0]]), y) == 0.75
    assert accuracy(torch.tensor([[-1.0], [2], [-3], [-4]]), y) == 0.75
    values = torch.tensor([[1.0], [2], [3]])
    assert r_squared(values, values) == 1
    assert r_squared(torch.full((3, 1), 2.0), values) == 0


def test_the_boundary_is_the_models_answer_over_the_plane() -> None:
    data = data_of("gaussians")

    class RightHalf(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.stack([-x[:, 0], x[:, 0]], dim=1) * 50

    found = boundary(RightHalf(), data)
    assert found is not None
    plane = Boundary.from_bytes(found)
    assert plane.answer.shape == (CELLS, CELLS)
    assert torch.equal(plane.answer > 0.5, (plane.x > 0).expand(CELLS, CELLS))
    assert boundary(RightHalf(), data_of("iris")) is None
