"""Arrays and points of one's own become samples, or a sentence that says what would."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from builder import TEMPLATES
from builder.data import load, mismatches, split
from builder.data.own import Shelf, array, points
from builder.data.own.points import Drawing
from builder.errors import DataError
from builder.files import has_script, write_script
from builder.train.recipe import Recipe

Keep = Callable[..., Path]
DRAW = np.random.default_rng(0)
ROWS = 20
LABELS = np.arange(ROWS) % 4


@pytest.fixture
def keep(home: Path) -> Keep:
    """Puts arrays on the shelf, one as .npy or several as .npz, and returns where they lie."""

    def make(one: Any = None, **several: Any) -> Path:
        buffer = io.BytesIO()
        if one is not None:
            np.save(buffer, one)
        else:
            np.savez_compressed(buffer, **several)
        return shelved(buffer.getvalue())

    return make


def shelved(content: bytes, kind: str = "array", title: str = "mine.npz") -> Path:
    shelf = Shelf()
    return shelf.path(shelf.keep(kind, title, content))


# --- arrays ---------------------------------------------------------------------------------------


def test_inputs_and_targets_are_found_by_their_names(keep: Keep) -> None:
    path = keep(notes=np.arange(3), X=DRAW.random((ROWS, 5)), labels=LABELS)
    assert array.suggest(path) == {
        "x": "X", "y": "labels", "task": "classification", "kind": "table",
    }  # fmt: skip
    samples = array.read(path, {})
    assert samples.x.shape == (ROWS, 5)
    assert samples.x.dtype == torch.float32
    assert samples.y.tolist() == LABELS.tolist()
    assert samples.classes == ("0", "1", "2", "3")
    assert len(samples.features) == 5


def test_the_last_column_can_be_the_target(keep: Keep) -> None:
    table = DRAW.random((ROWS, 4))
    samples = array.read(keep(table), {})
    assert (samples.task, samples.options["y"]) == ("regression", array.LAST_COLUMN)
    torch.testing.assert_close(samples.x, torch.tensor(table[:, :3], dtype=torch.float32))
    torch.testing.assert_close(samples.y[:, 0], torch.tensor(table[:, 3], dtype=torch.float32))


def test_an_array_is_loaded_by_its_name(home: Path) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, x=DRAW.random((ROWS, 3)), y=LABELS)
    name = Shelf().keep("array", "mine.npz", buffer.getvalue())
    samples = load(name, task="regression", x="x", y="y", kind="table")
    assert samples.name == name
    assert samples.y.shape == (ROWS, 1)


@pytest.mark.parametrize(
    ("x", "kind", "shape"),
    [
        (np.zeros((ROWS, 8, 6)), "picture", (1, 8, 6)),
        (np.zeros((ROWS, 8, 6, 3)), "picture", (3, 8, 6)),
        (np.zeros((ROWS, 3, 8, 6)), "picture", (3, 8, 6)),
        (np.zeros((ROWS, 8, 6)), "sequence", (8, 6)),
        (np.zeros((ROWS, 8)), "sequence", (8, 1)),
        (np.zeros(ROWS), "table", (1,)),
    ],
)
def test_an_array_is_read_as_what_is_chosen(
    keep: Keep, x: Any, kind: str, shape: tuple[int, ...]
) -> None:
    samples = array.read(keep(x=x, y=LABELS), {"kind": kind})
    assert (samples.kind, samples.shape) == (kind, shape)


@pytest.mark.parametrize(
    ("x", "low", "high"),
    [
        (np.array([0, 51, 255], np.uint8), 0.0, 1.0),
        (np.array([10, 51, 204], np.uint8), 10 / 255, 0.8),
        (np.array([0.0, 0.5, 0.9]), 0.0, 0.9),
        (np.array([0.0, 51.0, 204.0]), 0.0, 0.8),
        (np.array([-1.0, 0.0, 1.0]), 0.0, 1.0),
        (np.array([0.0, 500.0, 1000.0]), 0.0, 1.0),
        (np.array([False, True]), 0.0, 1.0),
    ],
)
def test_pictures_have_values_from_0_to_1(keep: Keep, x: Any, low: float, high: float) -> None:
    pictures = np.resize(x, (ROWS, 4, 4))
    values = array.read(keep(x=pictures, y=LABELS), {"kind": "picture"}).x
    assert values.min() == pytest.approx(low)
    assert values.max() == pytest.approx(high)


@pytest.mark.parametrize(
    ("y", "classes", "first"),
    [
        (np.array(["no", "yes"] * 10), ("no", "yes"), 0),
        (np.array([b"no", b"yes"] * 10), ("no", "yes"), 0),
        (np.array([True, False] * 10), ("False", "True"), 1),
        (np.array([[2.0], [1.0]] * 10), ("1", "2"), 1),
        (np.eye(4)[LABELS], ("0", "1", "2", "3"), 0),
    ],
)
def test_targets_of_any_type_become_classes(
    keep: Keep, y: Any, classes: tuple[str, ...], first: int
) -> None:
    samples = array.read(keep(x=np.zeros((ROWS, 2)), y=y), {})
    assert (samples.task, samples.classes) == ("classification", classes)
    assert samples.y.dtype == torch.int64
    assert int(samples.y[0]) == first


X = np.zeros((ROWS, 2))


@pytest.mark.parametrize(
    ("arrays", "options", "said"),
    [
        ({"x": X, "y": LABELS}, {"x": "z"}, "no array 'z' for x; it has x, y"),
        ({"x": X, "y": LABELS[:5]}, {"y": "y"}, "both need an axis of samples first"),
        ({"x": X, "y": LABELS}, {"kind": "picture"}, "cannot be read as 'picture'"),
        ({"x": X, "y": LABELS}, {"task": "guess"}, "task is 'guess'"),
        ({"x": X, "y": LABELS}, {"columns": 2}, "no setting 'columns'"),
        (
            {"x": X, "y": np.ones(ROWS)},
            {"task": "classification"},
            "1 for every sample; two or more classes",
        ),
        ({"x": X, "y": np.ones(ROWS)}, {"task": "regression"}, "1 for every sample"),
        ({"x": X, "y": LABELS / [np.nan] * 1.0}, {"task": "regression"}, "NaN or infinite"),
        ({"x": X, "y": LABELS / [np.nan]}, {"task": "classification"}, "NaN or infinite"),
        ({"x": X, "y": np.zeros((ROWS, 3))}, {"task": "regression"}, "3 values a sample"),
        ({"x": X, "y": np.array(["a", "b"] * 10)}, {"task": "regression"}, "made of words"),
        ({"x": X + np.inf, "y": LABELS}, {}, "infinite numbers"),
        ({"x": np.array(["a"] * ROWS), "y": LABELS}, {"x": "x"}, "inputs are numbers"),
        ({"x": X[:0], "y": LABELS[:0]}, {"task": "regression"}, "holds no samples"),
        ({"x": X + 1j, "y": LABELS}, {"x": "x", "y": "y"}, "complex128; numbers work"),
        ({"x": np.zeros((ROWS, 2, 2, 2, 2)), "y": LABELS}, {}, "1 to 4 axes work"),
        ({"x": np.zeros((ROWS, 5, 6, 7)), "y": LABELS}, {}, "pictures are (n, H, W)"),
        ({"x": np.zeros(ROWS)}, {}, "Choose an array of targets"),
        ({"x": np.float64(1), "y": LABELS}, {"x": "x", "y": "y"}, "axis of samples first"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(
    keep: Keep, arrays: dict[str, Any], options: dict[str, Any], said: str
) -> None:
    path = keep(**arrays)
    array.suggest(path)
    with pytest.raises(DataError) as error:
        array.read(path, options)
    assert said in error.value.message


def test_more_classes_than_can_be_told_apart_are_refused(keep: Keep) -> None:
    path = keep(x=np.zeros((1500, 2)), y=np.arange(1500))
    with pytest.raises(DataError, match="1,500 different values"):
        array.read(path, {"task": "classification"})


def test_pickled_objects_are_not_read(home: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return (pytest.fail, ("it was run",))

    buffer = io.BytesIO()
    np.save(buffer, np.array([Trap(), 1], dtype=object))
    with pytest.raises(DataError, match="holds Python objects, which would have to be run"):
        array.read(shelved(buffer.getvalue()), {"x": array.ONLY})


def head_of(shape: tuple[int, ...]) -> bytes:
    """A .npy file that announces an array and holds none of it."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        buffer, {"descr": "<f8", "fortran_order": False, "shape": shape}
    )
    return buffer.getvalue()


def test_an_array_that_announces_too_much_is_refused_unread(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = shelved(head_of((10**6, 10**6)))
    monkeypatch.setattr(np, "load", None)
    with pytest.raises(DataError, match="1,000,000,000,000 numbers; up to 100,000,000"):
        array.read(path, {"x": array.ONLY})


def test_an_array_that_ends_early_is_refused(home: Path) -> None:
    with pytest.raises(DataError, match="does not hold what its head says"):
        array.read(shelved(head_of((100, 3))), {})


def zip_of(name: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr(name, b"x")
    return buffer.getvalue()


@pytest.mark.parametrize("content", [b"", b"PK", b"\x93NUMPY", b"1,2", zip_of("a.npy")])
def test_what_holds_no_arrays_is_refused(home: Path, content: bytes) -> None:
    with pytest.raises(DataError, match="holds no arrays that can be read"):
        array.suggest(shelved(content))
    with pytest.raises(DataError, match="a ZIP without arrays"):
        array.suggest(shelved(zip_of("a.txt")))


# --- points ---------------------------------------------------------------------------------------

DRAWN = Drawing(((0.5, -0.25, 0), (0.0, 0.0, 0), (-1.0, 1.0, 3), (0.1, 0.2, 3)))


def test_drawn_points_become_samples(home: Path) -> None:
    name = Shelf().keep("points", "Drawing", DRAWN.to_json())
    samples = load(name)
    assert (samples.kind, samples.shape, samples.classes) == ("points", (2,), ("0", "3"))
    assert samples.y.tolist() == [0, 0, 1, 1]
    torch.testing.assert_close(samples.x[0], torch.tensor([0.5, -0.25]))


def test_a_drawing_is_kept_as_it_was() -> None:
    assert Drawing.from_json(DRAWN.to_json()) == DRAWN


def test_points_are_added_and_erased() -> None:
    assert DRAWN.add(((0.9, 0.9, 5),)).counts == {0: 2, 3: 2, 5: 1}
    assert DRAWN.erase(0.05, 0.1, 0.2).counts == {0: 1, 3: 1}
    assert len(Drawing().add(((0.0, 0.0, 0),) * 5000).points) == points.MAX_POINTS


@pytest.mark.parametrize(
    ("drawn", "said"),
    [
        ((), "none has some so far"),
        (((0.0, 0.0, 0),) * 3, "one class has some so far"),
        ((*((0.0, 0.0, 0),) * 3, (0.0, 0.0, 1)), "Class 1 has 1 point"),
    ],
)
def test_too_few_points_are_told_of(home: Path, drawn: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        points.read(shelved(Drawing(drawn).to_json(), "points", "Drawing"), {})


@pytest.mark.parametrize(
    "drawn", [[[0, 0]], [[2, 0, 1]], [[0, 0, 6]], [[0, float("nan"), 0]], "no", [[0, 0, 0]] * 2001]
)
def test_what_is_no_drawing_is_refused(home: Path, drawn: Any) -> None:
    content = json.dumps({"points": drawn}).encode()
    with pytest.raises(DataError, match=r"works|work|has across"):
        points.read(shelved(content, "points", "Drawing"), {})
    with pytest.raises(DataError, match="no setting 'noise'"):
        points.read(shelved(DRAWN.to_json(), "points", "Drawing"), {"noise": 1})


# --- on the page ----------------------------------------------------------------------------------


def array_page() -> None:
    import streamlit as st

    from builder.data import load
    from builder.data.own import Shelf
    from ui.training.own.array import form
    from ui.training.settings import choose_data, recipe

    [own] = Shelf().listed()
    if recipe().dataset != own.name:
        choose_data(own.name)
    form(own)
    samples = load(own.name, **recipe().options)
    st.text(f"{samples.kind} {samples.shape} {samples.task} {recipe().loss}")


def test_it_is_chosen_what_an_array_is(keep: Keep) -> None:
    keep(x=DRAW.random((ROWS, 8, 8)), y=LABELS, z=DRAW.random((ROWS, 3)))
    test = AppTest.from_function(array_page, default_timeout=120).run()
    assert test.text[0].value == "picture (1, 8, 8) classification CrossEntropyLoss"
    test.selectbox[0].select("z").run()
    assert test.text[0].value == "table (3,) classification CrossEntropyLoss"
    test.selectbox[3].select("regression").run()
    assert test.text[0].value == "table (3,) regression MSELoss"
    assert not test.exception


def points_page() -> None:
    import streamlit as st

    from ui import state
    from ui.training.own.points import Draft, drawing_panel
    from ui.training.settings import recipe

    draft = state.get("points:draft") or Draft()
    state.put("points:draft", draft)
    if not draft.drawing.points:
        for across in (-0.5, 0.5):
            for number in (0, 1):
                draft.take({"do": "add", "points": [[across, 0.0, number]]})
    drawing_panel()
    st.text(recipe().dataset)


def test_drawn_points_become_the_data_of_the_recipe(home: Path) -> None:
    test = AppTest.from_function(points_page, default_timeout=120).run()
    test.button[0].click().run()
    [own] = Shelf().listed()
    assert test.text[0].value == own.name
    assert test.button[0].disabled, "they are kept already"
    assert not test.exception


def test_messages_call_ones_own_data_by_their_file(home: Path) -> None:
    name = Shelf().keep("points", "My moons", DRAWN.to_json())
    samples = load(name)
    assert samples.called == "My moons"
    found = mismatches(TEMPLATES["LeNet5"], samples)
    assert "a sample of My moons is (2,)" in found[0].message
    with pytest.raises(DataError, match="samples of My moons leaves"):
        split(samples, validation=0.1)
    Shelf().remove(name)
    assert samples.called == name


def test_no_script_is_written_for_data_that_come_with_no_package(home: Path) -> None:
    name = Shelf().keep("points", "My moons", DRAWN.to_json())
    assert not has_script(name)
    assert has_script("moons")
    with pytest.raises(DataError, match="No script can bring the data My moons"):
        write_script("Net", Recipe(dataset=name))
