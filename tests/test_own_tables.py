"""Tables of one's own become samples, or a sentence that says what would."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from streamlit.testing.v1 import AppTest

from builder.data import split
from builder.data.own import PREFIX, Shelf, table
from builder.errors import DataError

Keep = Callable[..., Path]

PETS = """weight,sort,fed,born,name,likes
4.5,cat,yes,2020-01-01,a,1.5
,dog,no,2020-01-02,b,2.5
30,dog,yes,2020-01-03,c,3.25
5,bird,,2020-01-04,d,4.5
"""

GERMAN = "größe,straße und häuser\n1,2.5\n3,4\n"


@pytest.fixture
def keep(home: Path) -> Keep:
    def make(content: str | bytes, title: str = "mine.csv") -> Path:
        shelf = Shelf()
        raw = content.encode() if isinstance(content, str) else content
        return shelf.path(shelf.keep("table", title, raw))

    return make


def test_columns_are_guessed_and_encoded(keep: Keep) -> None:
    path = keep(PETS)
    found = table.suggest(path)
    assert (found["target"], found["task"], found["delimiter"]) == ("likes", "regression", ",")
    assert found["kinds"]["born"] == "date"
    samples = table.read(path, {"kinds": {"name": "ignored"}})
    assert samples.features == (
        "weight", "sort = bird", "sort = cat", "sort = dog", "fed = yes", "born (days)",
    )  # fmt: skip
    assert torch.isnan(samples.x[1, 0])
    assert torch.isnan(samples.x[3, 4])
    assert samples.scaling == ("standard", *["none"] * 4, "standard")
    assert samples.x[:, 5].diff().tolist() == [1, 1, 1]


def test_gaps_are_filled_or_dropped(keep: Keep) -> None:
    path = keep(PETS)
    dropped = table.look(path, {"missing": "drop"})
    assert len(dropped.samples.x) == 2
    assert "2 of 4 rows" in dropped.notes[0]
    samples = table.read(path, {"missing": "zero", "kinds": {"name": "ignored"}})
    assert not split(samples, validation=0.25).scaled(samples.x).isnan().any()


@pytest.mark.parametrize(
    ("text", "encoding", "delimiter", "decimal"),
    [
        ("größe;y\n1,5;a\n2,5;b\n3,5;a\n", "utf-8", ";", ","),
        ("größe\ty\n1.5\ta\n2.5\tb\n3.5\ta\n", "utf-16", "\t", "."),
        ("a|y\n1|x\n2|z\n", "utf-8", "|", "."),
    ],
)
def test_the_way_a_file_is_written_is_guessed(
    keep: Keep, text: str, encoding: str, delimiter: str, decimal: str
) -> None:
    path = keep(text.encode(encoding))
    found = table.suggest(path)
    assert [found[n] for n in ("encoding", "delimiter", "decimal")] == [
        encoding, delimiter, decimal,
    ]  # fmt: skip
    assert len(table.read(path, {}).classes) == 2


def test_letters_of_another_encoding_are_read(keep: Keep) -> None:
    text = "ville,prix\n" + "Orléans,3\nNîmes,4\nBesançon,5\n" * 20
    path = keep(text.encode("cp1252"))
    samples = table.read(path, {"target": "ville", "task": "classification"})
    assert len(samples.classes) == 3
    with pytest.raises(DataError, match="not written in utf-8"):
        table.read(path, {"encoding": "utf-8"})


def test_a_workbook_and_a_parquet_file_are_read_as_the_same(keep: Keep) -> None:
    frame = pd.DataFrame({"a": [1.5, 2.5, 3.0, 4.0], "y": ["n", "y", "n", "y"]})
    book, parquet = io.BytesIO(), io.BytesIO()
    frame.to_excel(book, index=False)
    frame.to_parquet(parquet)
    for content in (book, parquet):
        samples = table.read(keep(content.getvalue()), {})
        assert samples.x[:, 0].tolist() == [1.5, 2.5, 3.0, 4.0]
        assert samples.classes == ("n", "y")


def test_a_table_without_names_has_some(keep: Keep) -> None:
    samples = table.read(keep("1,2.5\n3,4.5\n5,6.25\n"), {})
    assert len(samples.x) == 3
    assert len(samples.features) == 1


def test_columns_of_one_name_are_told_apart(keep: Keep) -> None:
    found = table.look(keep("a,a,y\n1,2,3.5\n4,5,6.5\n"), {})
    assert found.samples.features == ("a", "a (2)")
    assert "More than one column is called a" in found.notes[0]


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        ("", {}, "is empty"),
        ("a,b\n", {}, "a header and no rows"),
        ("a\n1\n2\n", {}, "has one column"),
        ("a,y\n1,2\n3,4,5\n6,7\n", {}, "line 3 has 3 fields"),
        ("a,y\n1,2\n3\n6,7\n", {}, "line 3 has 1 fields"),
        ("a,y\n1,2\n3,2\n", {"target": "y"}, "is '2' in every row"),
        ("a,y\n1,2\n3,2\n", {"target": "z"}, "no column 'z'; it has a, y"),
        ("a,y\n1,2\n3,4\n", {"kinds": {"a": "ignored"}, "target": "y"}, "no column to learn from"),
        ("a,y\n1,2\n3,4\n", {"scaling": "log"}, "scaling is 'log'"),
        ("a,y\n1,2\n3,4\n", {"missing": "guess"}, "missing is 'guess'"),
        ("a,y\n1,2\n3,4\n", {"decimal": ","}, "both a comma"),
        ("a,y\n1,2\n3,4\n", {"encoding": "klingon"}, "no encoding 'klingon'"),
        ("a,y\n1,2\n3,4\n", {"colour": 1}, "no setting 'colour'"),
        ("a,y\nu,2\nv,4\n", {"kinds": {"a": "number"}, "target": "y"}, "holds 'u'"),
        (b"\x00\x01\x02,\x00", {}, "neither text nor a workbook"),
        (b"PAR1 not really", {}, "is broken"),
        (b"PK\x03\x04 not really", {}, "broken workbook"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(
    keep: Keep, content: str | bytes, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(DataError) as error:
        table.read(keep(content), options)
    assert said in error.value.message


def test_words_of_very_many_values_are_no_category(keep: Keep) -> None:
    rows = "\n".join(f"word {n},{n % 2}" for n in range(100))
    with pytest.raises(DataError, match="no column to learn from"):
        table.read(keep(f"text,y\n{rows}\n"), {"kinds": {"text": "ignored"}})
    with pytest.raises(DataError, match="100 values; up to 50"):
        table.read(keep(f"text,y\n{rows}\n"), {"kinds": {"text": "category"}})


def test_ragged_lines_can_be_skipped(keep: Keep) -> None:
    found = table.look(keep("a,y\n1,2.5\n3,4,5\n6,7.5\n"), {"ragged": "skip"})
    assert len(found.samples.x) == 2
    assert found.notes == ("Left out for too many or too few fields: line 3.",)


def test_a_million_rows_are_sampled_with_a_note(keep: Keep) -> None:
    row = "\n".join(f"{n},{n % 7}.5" for n in range(1000)) + "\n"
    found = table.look(keep("a,y\n" + row * 1000), {})
    assert len(found.samples.x) == 250_000
    assert "Of 1,000,000 rows" in found.notes[0]


def test_a_later_row_tells_the_type_of_its_column(keep: Keep) -> None:
    text = "a,y\n" + "1,2\n" * 500_000 + "1.5,3\n"
    samples = table.read(keep(text), {"target": "a", "task": "regression"})
    assert np.isfinite(samples.y.numpy()).all()


# --- on the page ----------------------------------------------------------------------------------


def table_page() -> None:
    import streamlit as st

    from builder.data.own import Shelf
    from ui.training.data import data_panel
    from ui.training.settings import choose_data, recipe

    [own] = Shelf().listed()
    if recipe().dataset != own.name:
        choose_data(own.name)
    samples = data_panel()
    if samples is not None:
        target, rows = samples.options["target"], len(samples.x)
        st.text(f"{samples.task} {samples.shape} {target} {rows} {recipe().loss} {recipe().epochs}")


def pick(test: AppTest, label: str, value: object) -> AppTest:
    return next(box for box in test.selectbox if box.label == label).select(value).run()


def test_what_is_learned_from_a_table_is_chosen(keep: Keep) -> None:
    keep(PETS)
    test = AppTest.from_function(table_page, default_timeout=120)
    test.session_state["table-format"] = True
    test.run()
    assert test.text[0].value == "regression (10,) likes 4 MSELoss 200"
    test.session_state["recipe"] = replace(test.session_state["recipe"], epochs=7)
    pick(test, "Target", "sort")
    # The usual loss goes with the task; what else was chosen stays.
    assert test.text[0].value == "classification (8,) sort 4 CrossEntropyLoss 7"
    pick(test, "In a gap", "drop")
    assert any("2 of 4 rows" in caption.value for caption in test.caption)
    pick(test, "Between columns", ";")
    assert not test.text
    [error] = test.error
    assert "has one column" in error.value
    pick(test, "Between columns", ",")
    assert test.text[0].value == "regression (10,) likes 2 MSELoss 7"
    assert not test.exception


@pytest.mark.parametrize(
    ("content", "options", "label", "rows"),
    [
        ("a,y\n1,2\n3\n6,7.5\n", {}, "Skip such lines", 2),
        ("a,b,y\n1,2.5,4\n3,4.5,4\n", {"target": "y", "task": "regression"}, "Learn b", 2),
        ("a,y\nu,2.5\nv,4\n", {"kinds": {"a": "number"}}, "Take a as a category", 2),
        ("a,y\nu,2.5\nv,4\n", {"target": "a", "task": "regression"}, "Learn a class", 2),
        ("a,y\n,2.5\n,4\n1,5\n", {"missing": "drop"}, "Fill the gaps", 3),
        (GERMAN.encode("cp1252"), {"encoding": "utf-8"}, "Read it as cp125", 2),
    ],
)
def test_what_cannot_be_read_is_mended_by_a_button(
    keep: Keep, content: str | bytes, options: dict[str, Any], label: str, rows: int
) -> None:
    from builder.train import Recipe

    name = PREFIX + keep(content).stem
    test = AppTest.from_function(table_page, default_timeout=30)
    test.session_state["recipe"] = Recipe(name, options)
    test.run()
    assert len(test.error) == 1
    next(button for button in test.button if button.label.startswith(label)).click().run()
    assert not test.error
    assert f" {rows} " in test.text[0].value
    assert not test.exception


@pytest.mark.parametrize("content", ["", "a\n1\n", "a,y\n1,2\n3\n", b"\x00\x01", b"PK\x03\x04"])
def test_a_file_that_is_no_table_is_said_on_the_page(keep: Keep, content: str | bytes) -> None:
    keep(content)
    test = AppTest.from_function(table_page, default_timeout=120).run()
    assert len(test.error) == 1
    assert not test.exception
