"""A look at data finds what would make a model's score mean less than it seems."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from streamlit.testing.v1 import AppTest

from builder.data import Samples, load, split
from builder.data.look import Look, look

ROWS = 100


def table(x: torch.Tensor, y: torch.Tensor, **facts: Any) -> Samples:
    classes = () if y.is_floating_point() else tuple(map(str, range(int(y.max()) + 1)))
    names = tuple(f"c{n}" for n in range(x.shape[1]))
    task = "classification" if classes else "regression"
    return Samples("mine", x, y, classes, names, task, "table", **facts)  # type: ignore[arg-type]


def seen(samples: Samples) -> Look:
    return look(samples, split(samples))


@pytest.fixture
def x() -> torch.Tensor:
    return torch.randn(ROWS, 3, generator=torch.Generator().manual_seed(0))


HALVES = torch.arange(ROWS) % 2


def test_clean_data_raise_nothing(x: torch.Tensor) -> None:
    found = seen(table(x, HALVES))
    assert found.findings == ()
    assert (found.count, found.train, found.validation) == (100, 80, 20)
    assert found.balance == (("0", 40, 10), ("1", 40, 10))
    assert found.ranges[0].mean == pytest.approx(float(x[:, 0].mean()), abs=1e-6)


def test_a_column_that_is_the_class_is_a_leak(x: torch.Tensor) -> None:
    x[:, 1] = HALVES * 3 - 7
    found = seen(table(x, HALVES))
    assert found.leaks == ("c1",)
    assert "c1" in found.findings[0]


def test_a_column_that_is_the_value_in_other_units_is_a_leak(x: torch.Tensor) -> None:
    y = torch.randn(ROWS, 1, generator=torch.Generator().manual_seed(1))
    x[:, 2] = 2.54 * y[:, 0] + 1
    assert seen(table(x, y)).leaks == ("c2",)


def test_a_number_for_each_row_is_no_leak(x: torch.Tensor) -> None:
    x[:, 0] = torch.arange(ROWS)
    assert seen(table(x, HALVES)).leaks == ()


def test_duplicates_across_the_split_are_counted(x: torch.Tensor) -> None:
    samples = table(x, HALVES)
    parts = split(samples)
    x[parts.validation[:4]] = x[parts.train[:4]]
    found = look(samples, parts)
    assert (found.duplicates, found.crossing) == (4, 4)
    assert "4 of 20 validation samples are in training too" in found.findings[0]


def test_duplicates_within_training_are_said(x: torch.Tensor) -> None:
    samples = table(x, HALVES)
    parts = split(samples)
    x[parts.train[0]] = x[parts.train[1]]
    assert "but not across the split" in look(samples, parts).findings[0]


def test_gaps_rare_classes_and_constants_are_told(x: torch.Tensor) -> None:
    x[3, 0] = float("nan")
    x[:, 1] = 5
    y = torch.zeros(ROWS, dtype=torch.int64)
    y[:5] = 1
    said = " ".join(seen(table(x, y)).findings)
    assert "1 values are missing, in c0" in said
    assert "c1: one value" in said
    assert "Class 0 has 95 samples, 1 has 5" in said


@pytest.mark.parametrize("name", ["iris", "diabetes", "moons", "digits", "sine"])
def test_data_of_every_kind_can_be_looked_at(name: str) -> None:
    samples = load(name)
    found = seen(samples)
    assert found.count == len(samples.x)
    assert not found.leaks


def page() -> None:
    from ui.training.look import look_panel

    look_panel()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"dataset": "iris"}, "drawn by the seed, classes keep their shares"),
        ({"dataset": "diabetes", "split": "folds", "folds": 4, "fold": 1}, "part 2 of 4 is kept"),
        ({"dataset": "sine"}, "by time, the last part is kept"),
    ],
)
def test_the_page_says_how_data_are_split(home: Path, fields: dict[str, Any], said: str) -> None:
    from builder.train import Recipe

    test = AppTest.from_function(page, default_timeout=120)
    test.session_state["recipe"] = replace(Recipe(), **fields)
    test.run()
    assert any(said in caption.value for caption in test.caption)
    assert not test.exception


def settings_page() -> None:
    from ui.training.data import data_panel
    from ui.training.look import look_panel

    data_panel()
    look_panel()


def test_data_that_cannot_be_had_are_said_once(home: Path) -> None:
    from builder.train import Recipe

    test = AppTest.from_function(settings_page, default_timeout=120)
    test.session_state["recipe"] = replace(Recipe(), dataset="own:abc")
    [error] = test.run().error
    assert "not on this machine" in error.value
    assert "their settings say why" in test.info[0].value
    assert not test.exception


def test_what_a_table_of_ones_own_gives_away_is_left_out_by_a_button(home: Path) -> None:
    from builder.data.own import Shelf
    from builder.train import Recipe

    rows = "\n".join(f"{n % 30},{n % 2},{'yes' if n % 2 else 'no'}" for n in range(40))
    name = Shelf().keep("table", "mine.csv", f"a,copy,y\n{rows}\n".encode())
    test = AppTest.from_function(settings_page, default_timeout=120)
    test.session_state["recipe"] = Recipe(name)
    test.run()
    assert any("copy: the target can be told" in warning.value for warning in test.warning)
    for label in ("Leave out copy", "Leave out rows that repeat"):
        next(button for button in test.button if button.label == label).click().run()
    assert any("30 rows, 1 feature;" in caption.value for caption in test.caption)
    assert not test.warning
    assert not test.exception
