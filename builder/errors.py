"""What a person is told when something cannot be done.

    BuilderError            base: a sentence for a person, and the node it is about, if any
    ├── SpecError           the document itself is wrong: a name, a type, a format, an unknown op
    │   └── FormulaError    a part of a formula of one's own layer that is not allowed, or fails
    ├── EditError           an edit that cannot be made, such as moving a node that is not there
    ├── ModelError          the document is sound, but the model it describes cannot run
    │   └── BudgetError     it could run, and would take more memory than was allowed
    ├── DataError           a data set that cannot be loaded, or that does not fit the model
    ├── RecipeError         training settings that cannot work
    ├── RunError            a training run that cannot be found, started or commanded
    │   └── TakenError      a place in a sweep that another process was quicker to take
    └── LabError            something a lab page cannot work with
        ├── PictureError    a file that is no picture, or one that is too large
        └── KernelError     a kernel that is no table of numbers

Every message says what was received and what would work, and can be shown as it stands.
"""

import reprlib
from collections.abc import Mapping
from typing import Any

_repr = reprlib.Repr()
_repr.maxstring = _repr.maxother = _repr.maxlong = 60
_repr.maxtuple = _repr.maxlist = _repr.maxdict = 8


def shown(value: object) -> str:
    """Return a value as a message quotes it: a file may hold a name of a million letters."""
    return _repr.repr(value)


class BuilderError(Exception):
    """An error meant for a person.

    Args:
        message: what happened and what would work, in plain sentences.
        node: name of the node the message is about, `None` where there is none.
    """

    def __init__(self, message: str, *, node: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.node = node


class SpecError(BuilderError):
    """The document is not a model: a bad name, type, format or op."""


class FormulaError(SpecError):
    """A part of a formula that is not allowed, or that cannot be computed.

    Args:
        part: the part, a `builder.own.parts.Expression`; `None` where the text is no formula
            at all.
        line: line of the text, counted from 1, that is wrong; 0 for the whole of it.
    """

    def __init__(self, message: str, *, part: Any = None, line: int = 0) -> None:
        super().__init__(message)
        self.part = part
        self.line = line if part is None else part.place.line

    @property
    def located(self) -> str:
        """The message with its line in front, for where the text does not stand beside it."""
        return f"line {self.line}: {self.message}" if self.line else self.message


class EditError(BuilderError):
    """An edit that the document cannot take."""


class ModelError(BuilderError):
    """A sound document whose model cannot run."""


class BudgetError(ModelError):
    """A model that has more parameters than the budget allows."""


class DataError(BuilderError):
    """A data set that cannot be loaded or does not fit.

    Args:
        mends: settings of the data set with which it could, by the words for a button.
    """

    def __init__(
        self,
        message: str,
        *,
        node: str | None = None,
        mends: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        super().__init__(message, node=node)
        self.mends = dict(mends or {})


class RecipeError(BuilderError):
    """Training settings that cannot work."""


class RunError(BuilderError):
    """A training run that cannot be found, started or commanded."""


class TakenError(RunError):
    """A place in a sweep that another process was quicker to take."""


class LabError(BuilderError):
    """Something that a lab page cannot work with."""


class PictureError(LabError):
    """A file that is no picture, is broken, or is too large."""


class KernelError(LabError):
    """A kernel that is no table of numbers, or is too large."""
