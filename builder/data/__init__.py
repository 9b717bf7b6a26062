"""Named data sets: loading, splitting, and whether a model fits them."""

from builder.data.datasets import DATASETS, Dataset, Option, load, title
from builder.data.fit import Mismatch, mismatches
from builder.data.samples import Samples
from builder.data.split import Split, split

__all__ = [
    "DATASETS",
    "Dataset",
    "Mismatch",
    "Option",
    "Samples",
    "Split",
    "load",
    "mismatches",
    "split",
    "title",
]
