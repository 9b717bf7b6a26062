"""What is watched of a run: true of the model, which it leaves alone, for little of its time."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from builder import TEMPLATES
from builder.data import load
from builder.store import Store
from builder.train.data import Data, split_by
from builder.train.looks import LOOKS, weights
from builder.train.looks import lookout as lookouts
from builder.train.looks.answers import SHOWN, Confusion, Predicted
from builder.train.looks.given import Given
from builder.train.looks.lookout import Lookout
from builder.train.looks.recurrent import SAMPLES, Memory
from builder.train.looks.units import CELLS, Units
from builder.train.looks.weights import BINS, Spread
from builder.train.metrics import chosen
from builder.train.recipe import Recipe
from builder.train.trainer import Trainer

MOONS = Recipe("moons", options={"samples": 100}, lr=0.01, epochs=3)
SINE = Recipe("sine", options={"samples": 60}, loss="MSELoss", epochs=2)
PARITY = Recipe("parity", options={"samples": 60}, epochs=2)


class Reader(nn.Module):
    """A recurrent model of our own, its activation a function."""

    def __init__(self, kind: type[nn.RNNBase] = nn.RNN, outputs: int = 1, *, first: bool = True):
        super().__init__()
        self.rnn = kind(1, 5, batch_first=first)
        self.first = first
        self.fc = nn.Linear(5, outputs)

    def forward(self, x: Tensor) -> Tensor:
        out = self.rnn(x if self.first else x.transpose(0, 1))[0]
        return self.fc(torch.relu(out[:, -1] if self.first else out[-1]))


def mlp(*, outputs: int = 2, inputs: int = 2) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(inputs, 6), nn.ReLU(), nn.Dropout(), nn.Linear(6, outputs))


def trainer_of(recipe: Recipe, model: nn.Module | None = None) -> tuple[Trainer, str]:
    samples = load(recipe.dataset, **recipe.options)
    parts = split_by(recipe, samples)
    x, y = parts.scaled(samples.x), parts.scaled_target(samples.y)
    data = Data(x[parts.train], y[parts.train], x[parts.validation], y[parts.validation])
    made = Trainer(model or mlp(outputs=samples.outputs), data, recipe, task=samples.task)
    return made, samples.kind


def given_of(recipe: Recipe, model: nn.Module | None = None) -> Given:
    trainer, kind = trainer_of(recipe, model)
    return Given(trainer.model, trainer.data, trainer.measure, kind)


def names(given: Given) -> set[str]:
    return {name for name, look in LOOKS.items() if look.fits(given)}


def test_each_run_is_watched_by_what_fits_it() -> None:
    assert names(given_of(MOONS)) == {"boundary", "confusion", "units", "spread"}
    assert names(given_of(SINE, Reader())) == {"forecast", "predicted", "spread", "memory"}
    iris = Recipe("iris", epochs=1)
    assert names(given_of(iris, mlp(inputs=4, outputs=3))) == {"confusion", "spread"}
    assert names(given_of(PARITY, Reader(outputs=2))) == {"confusion", "spread", "memory"}


@pytest.mark.parametrize("name", LOOKS)
def test_a_look_leaves_the_model_and_all_chance_as_they_were(name: str) -> None:
    given = given_of(SINE, Reader(nn.GRU))
    if not LOOKS[name].fits(given):
        given = given_of(MOONS)
    before = {key: value.clone() for key, value in given.model.state_dict().items()}
    chance = torch.get_rng_state()
    assert LOOKS[name].make(given)
    assert all(torch.equal(before[key], now) for key, now in given.model.state_dict().items())
    assert all(value.grad is None for value in given.model.parameters())
    assert given.model.training
    assert torch.equal(chance, torch.get_rng_state())
    hooks = [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in given.model.modules()]
    assert not any(hooks)


def test_a_confusion_matrix_counts_each_sample_once_and_names_some_of_each_cell() -> None:
    given = given_of(Recipe("iris", epochs=1), mlp(inputs=4, outputs=3))
    found = Confusion.from_bytes(LOOKS["confusion"].make(given) or b"")
    x, y = given.data.x_validation, given.data.y_validation
    guess = chosen(given.model.eval()(x))
    for true in range(3):
        for said in range(3):
            wanted = {i for i in range(len(y)) if (y[i], guess[i]) == (true, said)}
            listed = [row for row in found.rows[true, said].tolist() if row >= 0]
            assert found.counts[true, said] == len(wanted)
            assert set(listed) <= wanted
            assert len(set(listed)) == len(listed) == min(len(wanted), SHOWN)
            sure = found.sure[true, said, : len(listed)].tolist()
            assert sure == sorted(sure, reverse=True)


def test_one_output_has_a_matrix_of_two_classes() -> None:
    recipe = replace(MOONS, loss="BCEWithLogitsLoss")
    given = given_of(recipe, mlp(outputs=1))
    found = Confusion.from_bytes(LOOKS["confusion"].make(given) or b"")
    assert found.counts.shape == (2, 2)
    assert found.counts.sum() == len(given.data.y_validation)


def test_predictions_stand_beside_the_truth_of_the_same_samples() -> None:
    given = given_of(SINE, Reader())
    found = Predicted.from_bytes(LOOKS["predicted"].make(given) or b"")
    assert torch.equal(found.truth, given.data.y_validation[found.rows, 0])
    expected = given.model.eval()(given.data.x_validation)[found.rows, 0]
    torch.testing.assert_close(found.values, expected)


def test_the_map_of_a_unit_is_what_it_gives_over_the_plane() -> None:
    model = mlp()
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[1.0, 0.0]]).expand(6, 2))
        model[0].bias.zero_()
    given = given_of(MOONS, model)
    found = Units.from_bytes(LOOKS["units"].make(given) or b"")
    assert list(found.maps) == ["1 (relu)"]
    assert found.maps["1 (relu)"].shape == (6, CELLS, CELLS)
    expected = found.x.relu().expand(CELLS, CELLS)
    torch.testing.assert_close(found.maps["1 (relu)"][0].float(), expected, atol=1e-2, rtol=1e-2)


def test_activations_are_seen_as_modules_and_as_functions() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(2, 4)
            self.act = nn.Tanh()
            self.out = nn.Linear(4, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.out(nn.functional.relu(self.act(self.act(self.fc(x)))))

    found = Units.from_bytes(LOOKS["units"].make(given_of(MOONS, Twice())) or b"")
    assert list(found.maps) == ["act (tanh)", "act (tanh), call 2", "relu after act"]


def test_dead_units_are_those_that_give_zero_for_every_sample() -> None:
    model = mlp()
    with torch.no_grad():
        model[0].weight[:4].zero_()
        model[0].bias[:] = torch.tensor([-1.0, -1, -1, 1, 0, 0])
    given = given_of(MOONS, model)
    found = Spread.of([(0, LOOKS["spread"].make(given) or b"")])
    assert found.dead["1 (relu)"].tolist() == [0.5]


def test_histograms_over_time_share_their_bins_and_lose_no_weight() -> None:
    given = given_of(MOONS)
    history = []
    for step, scale in enumerate((1.0, 3.0, 0.01, 500.0)):
        with torch.no_grad():
            given.model[0].weight.copy_(torch.linspace(-1, 1, 12).reshape(6, 2) * scale)
        history.append((step, LOOKS["spread"].make(given) or b""))
    found = Spread.of(history)
    assert list(found.weights) == [name for name, _ in given.model.named_parameters()]
    assert found.reach["0.weight"] == 512
    assert found.weights["0.weight"].shape == (4, BINS)
    assert found.weights["0.weight"].sum(axis=1) == pytest.approx([1, 1, 1, 1])
    narrow = found.weights["0.weight"][2]
    assert narrow[BINS // 2 - 1 : BINS // 2 + 1] == pytest.approx([0.5, 0.5])
    assert (found.weights["0.weight"][3] > 0).sum() == 12
    assert found.gradients["3.bias"].sum(axis=1) == pytest.approx([1, 1, 1, 1])


def test_gradients_are_binned_by_the_logarithm_of_their_size() -> None:
    sizes = torch.tensor([1e-3, -1e-3, 1e-20, 0, 1e6]) * 1.1
    counts = weights._by_size(sizes)
    lowest, highest, each = weights.LOWEST, weights.HIGHEST, weights.A_TENTH
    assert len(counts) == (highest - lowest) * each
    assert counts[(-3 - lowest) * each] == 2
    assert counts[0] == 2
    assert counts[-1] == 1


@pytest.mark.parametrize(("kind", "first"), [(nn.RNN, True), (nn.LSTM, False), (nn.GRU, True)])
def test_the_memory_is_the_hidden_state_by_step_for_whole_samples(
    kind: type[nn.RNNBase], first: bool
) -> None:
    model = Reader(kind, first=first)
    given = given_of(SINE, model)
    found = Memory.from_bytes(LOOKS["memory"].make(given) or b"")
    x = given.data.x_validation[:SAMPLES]
    out = model.rnn(x if first else x.transpose(0, 1))[0]
    out = out if first else out.transpose(0, 1)
    torch.testing.assert_close(found.states["rnn"].float(), out, atol=2e-3, rtol=2e-3)
    assert found.gradients.shape == x.shape[:2]


def test_a_loss_that_hangs_on_one_step_has_its_gradient_there() -> None:
    class Third(Reader):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) * 0 + 7 * x[:, 2] ** 2

    given = given_of(SINE, Third())
    found = Memory.from_bytes(LOOKS["memory"].make(given) or b"")
    assert (found.gradients[:, 2] > 0).any()
    others = [step for step in range(found.gradients.shape[1]) if step != 2]
    assert not found.gradients[:, others].any()


def test_tokens_have_the_gradient_of_their_embedding() -> None:
    class Words(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(5, 3)
            self.rnn = nn.GRU(3, 4, batch_first=True)
            self.fc = nn.Linear(4, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.fc(self.rnn(self.embedding(x))[0][:, -1])

    given = given_of(MOONS)
    x, y = torch.randint(0, 5, (6, 7)), torch.randint(0, 2, (6,))
    given = replace(given, model=Words(), data=Data(x, y, x, y), kind="text")
    found = Memory.from_bytes(LOOKS["memory"].make(given) or b"")
    assert found.gradients.shape == (SAMPLES, 7)
    assert (found.gradients > 0).all()


@pytest.fixture
def run_id(store: Store) -> str:
    return store.create_run(TEMPLATES["MLP"], MOONS.to_json())


def test_at_the_end_every_look_is_left_in_the_store(store: Store, run_id: str) -> None:
    trainer, kind = trainer_of(MOONS)
    trainer.batch()
    Lookout(store, run_id, trainer, kind).look(over=True)
    for name in ("boundary", "confusion", "units"):
        live = store.live(run_id, name)
        assert live is not None
        assert live[0] == 1
    assert [step for step, _ in store.history(run_id, "spread")] == [1]


def test_a_long_past_is_thinned_and_keeps_its_ends(
    store: Store, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookouts, "MOST", 8)
    trainer, kind = trainer_of(MOONS)
    lookout = Lookout(store, run_id, trainer, kind)
    lookout.looks = [LOOKS["spread"]]
    for step in range(41):
        trainer.step = step
        lookout.look(over=True)
    steps = [step for step, _ in store.history(run_id, "spread")]
    assert (steps[0], steps[-1]) == (0, 40)
    assert 4 <= len(steps) <= 8


def test_a_run_that_goes_on_adds_to_its_past(store: Store, run_id: str) -> None:
    trainer, kind = trainer_of(MOONS)
    for step in (0, 5):
        trainer.step = step
        Lookout(store, run_id, trainer, kind).look(over=True)
    assert [step for step, _ in store.history(run_id, "spread")] == [0, 5]


def _spend(clock: list[float], seconds: float) -> Callable[[Given], bytes]:
    def make(_: Given) -> bytes:
        clock[0] += seconds
        return b"seen"

    return make


def test_looks_take_a_small_share_of_the_time_however_slow_they_are(
    store: Store, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, spent = [0.0], [0.0]
    monkeypatch.setattr(lookouts, "time", SimpleNamespace(perf_counter=lambda: clock[0]))
    trainer, kind = trainer_of(MOONS)
    lookout = Lookout(store, run_id, trainer, kind)
    lookout.looks = [replace(look, make=_spend(clock, 0.3), past=False) for look in lookout.looks]
    for _ in range(400):
        clock[0] += 0.5
        before = clock[0]
        lookout.look()
        spent[0] += clock[0] - before
    assert spent[0] / clock[0] < 1.5 * lookouts.SHARE + 0.3 / clock[0]
    assert all(store.live(run_id, look.name) for look in lookout.looks)


def test_a_model_that_cannot_be_looked_at_learns_all_the_same(store: Store, run_id: str) -> None:
    def refuse(_: Given) -> bytes:
        raise RuntimeError("not implemented for this layer")

    trainer, kind = trainer_of(MOONS)
    lookout = Lookout(store, run_id, trainer, kind)
    lookout.looks = [replace(LOOKS["units"], make=refuse), LOOKS["boundary"]]
    lookout.look(over=True)
    assert store.live(run_id, "boundary") is not None
    assert [look.name for look in lookout.looks] == ["boundary"]
