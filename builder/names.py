"""Names that a person gives to models, blocks, layers and inputs; they end in generated code."""

import keyword
import re
from functools import cache

from torch import nn

from builder.catalog import CATALOG
from builder.errors import SpecError, shown

MAX_LENGTH = 60
# What generated code refers to: a layer, an input or a class of that name would hide it.
_CODE_NAMES = frozenset({"torch", "nn", "F", "self", "super"})
_CLASS_NAMES = _CODE_NAMES | {"x", "OrderedDict", "Tensor", "int", "float", "tuple", "range", "len"}
# An op is a layer, a block or another node: a word that names a layer can name nothing else.
_OPS = frozenset(op for op in CATALOG if op.isidentifier())
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@cache
def _module_attributes() -> frozenset[str]:
    return frozenset(dir(nn.Module())) | {"layers"}


def check_identifier(name: object, what: str) -> str:
    """Return `name` if it can stand in Python code; `SpecError` says `what` it was meant for."""
    if not isinstance(name, str):
        raise SpecError(f"The name of {what} must be text, not {type(name).__name__}.")
    if len(name) > MAX_LENGTH:
        raise SpecError(
            f"The name of {what} has {len(name)} characters; {MAX_LENGTH} at most are allowed."
        )
    if not _IDENTIFIER.fullmatch(name):
        raise SpecError(
            f"{shown(name)} cannot be the name of {what}: a name is made of letters a to z, digits "
            "and underscores, and does not start with a digit."
        )
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        raise SpecError(f"{name!r} cannot be the name of {what}: it is a word of Python itself.")
    if name.startswith("__"):
        raise SpecError(f"{name!r} cannot be the name of {what}: it starts with two underscores.")
    return name


def check_class_name(name: object, what: str) -> str:
    """Return `name` if generated code can define a class of that name."""
    text = check_identifier(name, what)
    if text in _CLASS_NAMES:
        raise SpecError(f"{text!r} cannot be the name of {what}: the generated code needs it.")
    return _check_no_op(text, what)


def check_node_name(name: object) -> str:
    """Return `name` if a layer can be called so: a position such as `0`, or an attribute name."""
    if isinstance(name, str) and name.isascii() and name.isdigit() and len(name) <= 6:
        if name != str(int(name)):
            raise SpecError(f"{name!r} cannot be the name of a layer: write {int(name)}.")
        return name
    return _check_no_op(check_member_name(name, "a layer", instead="_layer"), "a layer")


def check_member_name(name: object, what: str, *, instead: str = "_") -> str:
    """Return `name` if an `nn.Module` can have an attribute of that name beside its own."""
    text = check_identifier(name, what)
    if text in _module_attributes():
        raise SpecError(
            f"{text!r} cannot be the name of {what}: every nn.Module already has an attribute "
            f"of that name. {text + instead!r} would work."
        )
    if text in _CODE_NAMES:
        raise SpecError(f"{text!r} cannot be the name of {what}: the generated code needs it.")
    return text


def check_input_name(name: object) -> str:
    """Return `name` if a model input can be called so: it becomes an argument of `forward`."""
    text = check_identifier(name, "an input")
    if text in _CODE_NAMES:
        raise SpecError(f"{text!r} cannot be the name of an input: the generated code needs it.")
    return text


def _check_no_op(text: str, what: str) -> str:
    if text in _OPS:
        raise SpecError(f"{text!r} cannot be the name of {what}: a function is called so.")
    return text


def free_name(wanted: str, taken: set[str]) -> str:
    """Return `wanted`, or `wanted2`, `wanted3`, ... if it is taken."""
    if wanted not in taken:
        return wanted
    number = 2
    while f"{wanted}{number}" in taken:
        number += 1
    return f"{wanted}{number}"
