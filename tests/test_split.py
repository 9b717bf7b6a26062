"""Splits: by a share, by time, by folds; fillings and scales come from the training rows."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.data import Samples, load, split
from builder.data.split import GAPS, METHODS, SCALINGS
from builder.errors import DataError

NAN = float("nan")


def _table(x: list[list[float]], **fields: Any) -> Samples:
    """Return a table whose last rows are kept when it is split by time."""
    made = Samples(
        "mine",
        torch.tensor(x),
        torch.arange(float(len(x))).unsqueeze(1),
        (),
        tuple(f"c{number}" for number in range(len(x[0]))),
        "regression",
        "table",
    )
    return replace(made, **fields)


def _last(samples: Samples, share: float = 0.25) -> Any:
    return split(samples, validation=share, method="time")


@pytest.mark.parametrize("name", ["iris", "diabetes", "sine"])
def test_each_sample_is_kept_in_one_fold_and_none_in_two(name: str) -> None:
    samples = load(name)
    kept = []
    for fold in range(4):
        parts = split(samples, method="folds", folds=4, fold=fold, seed=3)
        assert not set(parts.train.tolist()) & set(parts.validation.tolist())
        kept += parts.validation.tolist()
    assert len(set(kept)) == len(kept)
    if not samples.by_time:
        assert sorted(kept) == list(range(len(samples.x)))


def test_classes_keep_their_shares_in_every_fold() -> None:
    samples = load("iris")
    for fold in range(5):
        parts = split(samples, method="folds", folds=5, fold=fold)
        assert samples.y[parts.validation].bincount().tolist() == [10, 10, 10]


def test_the_seed_decides_the_folds_and_the_share_does_not() -> None:
    samples = load("iris")

    def kept(**how: Any) -> list[int]:
        found: list[int] = split(samples, method="folds", **how).validation.tolist()
        return found

    assert kept(seed=1) == kept(seed=1, validation=0.5)
    assert kept(seed=1) != kept(seed=2)


def test_folds_of_a_series_go_forward_in_time() -> None:
    samples = load("sine")
    ends = []
    for fold in range(5):
        parts = split(samples, method="folds", folds=5, fold=fold)
        assert parts.train.max() < parts.validation.min()
        ends.append(int(parts.validation.max()))
    assert ends == sorted(ends)
    assert ends[-1] == len(samples.x) - 1


@pytest.mark.parametrize("method", ["random", "time"])
def test_a_series_is_always_split_by_time(method: str) -> None:
    parts = split(load("sine"), validation=0.2, method=method, seed=9)
    assert parts.train.tolist() == list(range(800))
    assert parts.validation.tolist() == list(range(800, 1000))


def test_a_split_by_time_keeps_the_last_rows_of_a_table_too() -> None:
    parts = split(load("iris"), validation=0.2, method="time")
    assert parts.validation.tolist() == list(range(120, 150))


@given(
    rows=st.integers(2, 40),
    share=st.floats(0.05, 0.95),
    seed=st.integers(0, 2**32 - 1),
    method=st.sampled_from(sorted(METHODS)),
    folds=st.integers(2, 6),
)
@settings(max_examples=40, deadline=None)
def test_a_split_is_one_of_all_rows_or_is_refused_in_words(
    rows: int, share: float, seed: int, method: str, folds: int
) -> None:
    samples = _table([[float(row)] for row in range(rows)])
    try:
        parts = split(samples, validation=share, seed=seed, method=method, folds=folds, fold=1)
    except DataError:
        return
    both = torch.cat([parts.train, parts.validation])
    assert both.sort().values.tolist() == list(range(rows))
    assert len(parts.train) > 0 < len(parts.validation)


@pytest.mark.parametrize(("gaps", "filled"), [("mean", 3.0), ("median", 2.0), ("zero", 0.0)])
def test_a_gap_is_filled_from_the_training_rows_alone(gaps: str, filled: float) -> None:
    samples = _table([[1.0], [2.0], [6.0], [NAN], [NAN], [1000.0]], gaps=gaps, scaling="none")
    parts = _last(samples, 0.34)
    x = parts.scaled(samples.x)
    assert x[[0, 1, 2, 5], 0].tolist() == [1, 2, 6, 1000]
    assert x[3:5, 0].tolist() == [filled, filled]


def test_a_column_of_gaps_alone_in_training_is_zero_there() -> None:
    samples = _table([[NAN], [NAN], [NAN], [4.0]])
    parts = _last(samples)
    assert parts.scaled(samples.x)[:, 0].tolist() == [0, 0, 0, 4]


def test_data_without_gaps_have_no_fillings() -> None:
    assert split(load("iris")).fill is None
    assert split(load("digits")).fill is None


@pytest.mark.parametrize("gaps", GAPS)
@pytest.mark.parametrize("scaling", SCALINGS)
@given(values=st.lists(st.floats(-1e3, 1e3, width=32) | st.just(NAN), min_size=8, max_size=20))
@settings(max_examples=10, deadline=None)
def test_what_is_kept_never_tells_the_fillings_or_the_scale(
    gaps: str, scaling: str, values: list[float]
) -> None:
    samples = _table([[value] for value in values], gaps=gaps, scaling=scaling)
    parts = _last(samples)
    x = samples.x.clone()
    x[parts.validation] = 1e6
    again = _last(replace(samples, x=x))
    given_x = samples.x[parts.train]
    assert torch.equal(parts.scaled(given_x), again.scaled(given_x))
    assert parts.scaled(samples.x).isfinite().all()


def test_min_max_brings_the_training_rows_from_zero_to_one() -> None:
    samples = _table([[5.0], [7.0], [9.0], [13.0]], scaling="minmax")
    x = _last(samples).scaled(samples.x)
    assert x[:, 0].tolist() == [0, 0.5, 1, 2]


def test_each_column_has_a_scale_of_its_own() -> None:
    rows = [[0.0, 0.0, 0.0], [2.0, 2.0, 2.0], [4.0, 4.0, 4.0], [6.0, 6.0, 6.0]]
    samples = _table(rows, scaling=("none", "minmax", "standard"))
    x = _last(samples).scaled(samples.x).numpy()
    assert x[:, 0].tolist() == [0, 2, 4, 6]
    assert x[:, 1].tolist() == [0, 0.5, 1, 1.5]
    assert x[:3, 2] == pytest.approx([-np.sqrt(1.5), 0, np.sqrt(1.5)])


def test_a_column_that_never_changes_is_zero_in_every_scale_that_moves_it() -> None:
    samples = _table([[7.0, 7.0], [7.0, 7.0], [7.0, 7.0], [8.0, 8.0]])
    x = _last(replace(samples, scaling=("minmax", "standard"))).scaled(samples.x)
    assert x[:3].eq(0).all()


def test_unscaled_data_are_handed_on_as_they_are() -> None:
    samples = replace(load("iris"), scaling="none")
    assert split(samples).scaled(samples.x) is samples.x


def test_a_target_comes_back_in_its_units() -> None:
    samples = load("diabetes")
    parts = split(samples, method="folds", folds=3, fold=2)
    y = parts.unscaled_target(parts.scaled_target(samples.y))
    assert torch.allclose(y, samples.y, rtol=1e-4)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"method": "magic"}, ("'magic'", "random, time, folds")),
        ({"method": "folds", "folds": 1}, ("1", "from 2 to 100")),
        ({"method": "folds", "folds": 2.0}, ("2.0", "whole number")),
        ({"method": "folds", "folds": True}, ("True", "whole number")),
        ({"method": "folds", "folds": 5, "fold": 5}, ("5 folds", "from 0 to 4")),
        ({"method": "folds", "fold": -1}, ("-1", "from 0 to 4")),
        ({"method": "folds", "folds": 60}, ("class setosa of iris", "has 50", "50 folds or fewer")),
        ({"method": "folds", "seed": -1}, ("-1", "seed")),
    ],
)
def test_a_split_that_cannot_be_is_refused_with_one_that_can(
    how: dict[str, Any], words: tuple[str, ...]
) -> None:
    with pytest.raises(DataError) as caught:
        split(load("iris"), **how)
    for word in words:
        assert word in caught.value.message


def test_a_class_of_one_sample_cannot_be_in_folds() -> None:
    samples = load("iris")
    few = replace(samples, x=samples.x[:5], y=torch.tensor([0, 0, 1, 1, 2]))
    with pytest.raises(DataError, match="class virginica of iris, which has 1; it is too small"):
        split(few, method="folds", folds=2)
