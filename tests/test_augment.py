"""Pictures are changed at random as torchvision would, each for itself, the same after a stop."""

import inspect
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest
from torch import Tensor
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from builder import TEMPLATES, build
from builder.data import load, mismatches, warp
from builder.data.augment import AUGMENTATIONS, check, code, make
from builder.errors import RecipeError
from builder.store import Store
from builder.train.data import Data
from builder.train.recipe import Recipe
from builder.train.record import record
from builder.train.trainer import Trainer

BILINEAR = v2.InterpolationMode.BILINEAR
COLOUR = (3, 20, 28)
EVERYTHING: dict[str, dict[str, Any]] = {name: {} for name in AUGMENTATIONS}


def pictures(shape: tuple[int, ...] = COLOUR, count: int = 5) -> Tensor:
    return torch.rand(count, *shape, generator=torch.Generator().manual_seed(0))


def numbers(*values: float) -> Tensor:
    return torch.tensor(values)


# --- torchvision's own functions say what each picture becomes ------------------------------------


def test_a_turn_is_torchvisions() -> None:
    x, degrees = pictures(), numbers(0, 10, -30, 90, 170)
    expected = [functional.rotate(x[i], float(d), BILINEAR) for i, d in enumerate(degrees)]
    torch.testing.assert_close(warp.turned(x, degrees), torch.stack(expected), atol=1e-4, rtol=0)


def test_a_shift_with_a_scale_is_torchvisions() -> None:
    x = pictures()
    dx, dy, scale = numbers(0, 1, -3, 2, 5), numbers(2, 0, 4, -4, 1), numbers(1, 1, 0.8, 1.3, 0.5)
    expected = [
        functional.affine(x[i], 0.0, [int(dx[i]), int(dy[i])], float(scale[i]), [0, 0], BILINEAR)
        for i in range(5)
    ]
    found = warp.shifted(x, dx, dy, scale)
    torch.testing.assert_close(found, torch.stack(expected), atol=1e-4, rtol=0)


def test_a_part_that_is_brought_to_size_is_torchvisions() -> None:
    x = pictures()
    parts = ((0, 0, 20, 28), (1, 7, 5, 5), (3, 2, 8, 20), (5, 5, 10, 10), (10, 8, 10, 20))
    expected = [functional.resized_crop(x[i], *part, [20, 28]) for i, part in enumerate(parts)]
    found = warp.zoomed(x, *numbers(*sum(parts, ())).view(5, 4).T)
    torch.testing.assert_close(found, torch.stack(expected), atol=1e-4, rtol=0)


def test_a_blur_is_torchvisions() -> None:
    x, sigma = pictures(), numbers(0.1, 0.5, 1, 2, 4)
    expected = [functional.gaussian_blur(x[i], [5, 5], [float(s)] * 2) for i, s in enumerate(sigma)]
    torch.testing.assert_close(warp.blurred(x, 5, sigma), torch.stack(expected))


@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation"])
def test_a_change_of_colour_is_torchvisions(name: str) -> None:
    x, factor = pictures(), numbers(0.1, 0.5, 1, 1.5, 1.9)
    change = getattr(functional, f"adjust_{name}")
    expected = [change(x[i], float(f)) for i, f in enumerate(factor)]
    found = warp.mixed(x, warp._OTHERS[name](x), factor)
    torch.testing.assert_close(found, torch.stack(expected))


def test_greyscale_and_inversion_are_torchvisions() -> None:
    x = pictures()
    grey = make({"RandomGrayscale": {"p": 1.0}}, COLOUR)
    dark = make({"RandomInvert": {"p": 1.0}}, COLOUR)
    assert grey
    assert dark
    torch.testing.assert_close(grey(x), functional.rgb_to_grayscale(x, 3))
    assert torch.equal(dark(x), functional.invert(x))


# --- every row ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_a_picture_keeps_its_shape_and_its_range(name: str) -> None:
    change = make({name: {}}, COLOUR)
    assert change
    x = pictures()
    before = x.clone()
    y = change(x)
    assert y.shape == x.shape
    assert y.dtype == x.dtype
    assert y.min() >= 0
    assert y.max() <= 1 + 1e-6
    assert torch.equal(x, before), "the samples themselves were changed"


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_each_picture_of_a_batch_draws_for_itself(name: str) -> None:
    change = make({name: {"p": 0.5} if "p" in AUGMENTATIONS[name].fields else {}}, COLOUR)
    assert change
    torch.manual_seed(0)
    y = change(pictures(count=1).expand(32, -1, -1, -1))
    assert len({tuple(one.flatten().tolist()) for one in y}) > 1


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_the_code_is_the_transform_with_the_same_arguments(name: str) -> None:
    made = eval(code({name: {}}, COLOUR), {"v2": v2})  # our own words, no user's
    [transform] = made.transforms
    assert type(transform).__name__ == name
    for argument, value in AUGMENTATIONS[name].given({}).items():
        if argument in ("p", "scale", "ratio"):
            assert getattr(transform, argument) == value
    assert made(pictures()[0]).shape == COLOUR


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_a_row_has_the_arguments_of_its_transform(name: str) -> None:
    row = AUGMENTATIONS[name]
    assert set(row.fields) <= set(inspect.signature(getattr(v2, name)).parameters)
    for field in row.fields.values():
        assert field.problem(field.default) is None
        assert field.help


@pytest.mark.parametrize("name", ["RandomHorizontalFlip", "RandomVerticalFlip", "RandomErasing"])
def test_a_share_of_nought_changes_nothing(name: str) -> None:
    change = make({name: {"p": 0.0}}, COLOUR)
    assert change
    assert torch.equal(change(pictures()), pictures())


@settings(max_examples=15)
@given(st.floats(0.05, 0.9), st.integers(0, 10**6))
def test_what_is_erased_has_about_the_area_that_was_asked_for(share: float, seed: int) -> None:
    torch.manual_seed(seed)
    change = make({"RandomErasing": {"p": 1.0, "scale": (share, share)}}, (1, 40, 40))
    assert change
    gone = (change(torch.ones(8, 1, 40, 40)) == 0).float().mean((1, 2, 3))
    assert all(g == 0 or math.isclose(g, share, abs_tol=0.04) for g in gone.tolist())


def test_a_crop_moves_by_whole_pixels() -> None:
    x = pictures((1, 8, 8), count=16)
    change = make({"RandomCrop": {"padding": 2}}, (1, 8, 8))
    assert change
    padded = torch.nn.functional.pad(x, [2] * 4)
    for before, after in zip(padded, change(x), strict=True):
        windows = before.unfold(1, 8, 1).unfold(2, 8, 1).reshape(-1, 8, 8)
        assert any(torch.equal(window, after[0]) for window in windows)


def test_no_augmentation_is_none() -> None:
    assert make({}, (4,)) is None
    assert code({}, (4,)) == ""


# --- what cannot work is said ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("augment", "shape", "said"),
    [
        ({"RandomInvert": {}}, (4,), "Augmentation is for pictures"),
        ({"RandomInvert": {}}, (5, 8, 8), "Augmentation is for pictures"),
        ({"Sharpen": {}}, (1, 8, 8), "no augmentation 'Sharpen'; there are RandomHorizontalFlip"),
        ({"RandomInvert": {"q": 1}}, (1, 8, 8), "RandomInvert: has no argument 'q'; it has p"),
        ({"RandomInvert": {"p": 2}}, (1, 8, 8), "p is 2; a number from 0 to 1 works"),
        ({"ColorJitter": {}}, (1, 8, 8), "needs pictures in colour; these have 1 channel"),
        ({"RandomErasing": {"scale": (0.5, 0.2)}}, (1, 8, 8), "the lower number comes first"),
        ({"GaussianBlur": {"kernel_size": 4}}, (1, 8, 8), "an odd number"),
        ({"GaussianBlur": {"kernel_size": 17}}, (1, 8, 8), "at most 15 works with 8 pixels"),
    ],
)
def test_what_cannot_work_is_said(augment: Any, shape: tuple[int, ...], said: str) -> None:
    with pytest.raises(RecipeError, match=said.replace("(", r"\(")):
        check(augment, shape)


# --- in training ----------------------------------------------------------------------------------


def trainer(**recipe: Any) -> Trainer:
    settings = Recipe(dataset="digits", batch_size=64, epochs=2, **recipe)
    torch.manual_seed(settings.seed)
    samples = load("digits")
    x, y = samples.x[:300], samples.y[:300]
    spec = TEMPLATES["MLP"]
    for mismatch in mismatches(spec, samples)[:1]:
        spec = mismatch.fixes[0].apply(spec)
    data = Data(x[:240], y[:240], x[240:], y[240:])
    return Trainer(build(spec).train(), data, settings, task=samples.task)


AUGMENT = {name: {} for name, row in AUGMENTATIONS.items() if not row.colour}


def test_an_augmented_run_that_stopped_ends_with_the_same_bits() -> None:
    whole = trainer(augment=AUGMENT)
    while not whole.over:
        whole.batch()
    expected = {name: value.clone() for name, value in whole.model.state_dict().items()}
    first = trainer(augment=AUGMENT)
    for _ in range(3):
        first.batch()
    first.take()
    state = first.state()
    second = trainer(augment=AUGMENT)
    torch.manual_seed(99)
    second.restore(state)
    while not second.over:
        second.batch()
    found = second.model.state_dict()
    assert all(torch.equal(found[name], value) for name, value in expected.items())


def test_only_training_batches_are_augmented() -> None:
    plain, augmented = trainer(), trainer(augment=AUGMENT)
    assert plain.validate() == augmented.validate()
    plain.batch()
    augmented.batch()
    weights = zip(plain.model.parameters(), augmented.model.parameters(), strict=True)
    assert any(not torch.equal(a, b) for a, b in weights)


def test_a_recipe_for_a_table_with_augmentation_is_refused() -> None:
    recipe = Recipe(dataset="moons", augment={"RandomInvert": {}})
    model = build(TEMPLATES["MLP"])
    x, y = torch.zeros(4, 2), torch.zeros(4, dtype=torch.int64)
    with pytest.raises(RecipeError, match="Augmentation is for pictures"):
        Trainer(model, Data(x, y, x, y), recipe, task="classification")


def test_a_run_that_would_augment_a_table_is_refused_before_it_starts(home: Path) -> None:
    store = Store(home)
    with pytest.raises(RecipeError, match="Augmentation is for pictures"):
        record(store, TEMPLATES["MLP"], Recipe(dataset="moons", augment={"RandomInvert": {}}))
    store.close()


# --- on the page ----------------------------------------------------------------------------------


def page() -> None:
    import streamlit as st

    from ui.training.augment import augment_panel
    from ui.training.settings import recipe

    augment_panel()
    st.text(dict(recipe().augment))


def test_augmentations_are_chosen_set_and_looked_at(home: Path) -> None:
    test = AppTest.from_function(page, default_timeout=120).run()
    turn = next(box for box in test.checkbox if box.label == "Turn")
    assert "Take the colour away" not in [box.label for box in test.checkbox]
    turn.check().run()
    assert test.text[0].value == "{'RandomRotation': {}}"
    test.slider[0].set_value(45.0).run()
    assert test.text[0].value == "{'RandomRotation': {'degrees': 45.0}}"
    assert "RandomRotation(degrees=45.0" in test.code[0].value
    test.button[0].click().run()
    shift = next(box for box in test.checkbox if box.label == "Shift and scale")
    shift.check().run()
    across = next(slider for slider in test.slider if slider.label == "translate, across")
    across.set_value(0.3).run()
    assert "'RandomAffine': {'translate': (0.3, 0.1)}" in test.text[0].value
    next(box for box in test.checkbox if box.label == "Turn").uncheck().run()
    assert "RandomRotation" not in test.text[0].value
    assert not test.exception
