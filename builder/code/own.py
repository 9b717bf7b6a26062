"""Layers of one's own as classes: the formula as its `forward`, with `self.` where it belongs."""

from __future__ import annotations

from collections.abc import Collection

from builder.code.initial import start_lines
from builder.code.layout import Call, Code, Infix, assignment, lines, returned, statement
from builder.own import parts
from builder.own.layer import OwnLayer, OwnParameter
from builder.own.plan import Plan
from builder.own.reading import TRAINING
from builder.own.row import OwnRow
from builder.schemes import SCHEMES
from builder.spec import Init

# What torch makes a filled tensor with, by the scheme that it equals.
_FILLED = {"normal_": "torch.randn", "zeros_": "torch.zeros", "ones_": "torch.ones"}
# How tightly an expression holds together; what holds less goes in parentheses.
_CHOICE, _COMPARISON, _SUM, _PRODUCT, _SIGN, _POWER, _WHOLE = range(7)
_TIGHTNESS = {
    **dict.fromkeys("+-", _SUM),
    **dict.fromkeys(("*", "/", "//", "%", "@"), _PRODUCT),
    "**": _POWER,
}


def own_class(row: OwnRow) -> list[str]:
    """Return the lines of the class that a layer of one's own is."""
    layer = row.layer
    arguments = tuple(
        one.name if one.default is None else f"{one.name}={one.default!r}"
        for one in layer.signature
    )
    kept = [one.name for one in layer.signature if one.name in layer.plan.reads]
    members = {one.name for one in layer.parameters} | {*kept, TRAINING}
    head = [f'    """{layer.help}"""', ""] if layer.help else []
    return [
        f"class {row.op}(nn.Module):",
        *head,
        *lines(Call("def __init__", ("self", *arguments)), indent=4, tail=":"),
        "        super().__init__()",
        *(f"        self.{name} = {name}" for name in kept),
        *(line for one in layer.parameters for line in _parameter(layer, one)),
        "",
        *lines(Call("def forward", ("self", *layer.inputs)), indent=4, tail=":"),
        *_forward(layer.plan, members),
    ]


def _parameter(layer: OwnLayer, parameter: OwnParameter) -> list[str]:
    """Return the statements that make a parameter and fill it."""
    writer = _Writer(())
    sizes: tuple[Code, ...] = tuple(map(writer.code, layer.sizes(parameter)))
    init = parameter.init
    drawn = _filled_by(init)
    made = Call(drawn or "torch.empty", sizes or ("()",))
    place = f"self.{parameter.name}"
    out = statement(Call("nn.Parameter", (made,)), indent=8, lead=f"{place} = ")
    return out if drawn else [*out, *start_lines([(place, init)])]


def _filled_by(init: Init) -> str | None:
    """Return the function whose tensor is filled so from the start, `None` if there is none."""
    if init.scheme not in _FILLED:
        return None
    fields = SCHEMES[init.scheme].fields
    plain = all(value == fields[name].default for name, value in init.args.items())
    return _FILLED[init.scheme] if plain else None


def _forward(formula: Plan, members: Collection[str]) -> list[str]:
    writer = _Writer(members)
    out = [
        line
        for one in formula.lines
        for line in assignment(one.targets, writer.code(one.value), indent=8)
    ]
    return [*out, *returned([writer.code(formula.result)], indent=8)]


class _Writer:
    """Writes expressions; names in `members` are attributes of the layer."""

    def __init__(self, members: Collection[str]) -> None:
        self.members = members

    def code(self, part: parts.Expression) -> Code:
        """Return an expression as code that can be laid out on several lines."""
        if isinstance(part, parts.Call):
            return Call(self._called(part), self._arguments(part))
        if isinstance(part, parts.Binary) and part.sign != "**":
            return Infix(part.sign, self._operands(part))
        return self.text(part)

    def text(self, part: parts.Expression, within: int = _CHOICE) -> str:
        """Return an expression on one line, in parentheses if `within` holds tighter than it."""
        written, tightness = self._written(part)
        return f"({written})" if tightness < within else written

    def _written(self, part: parts.Expression) -> tuple[str, int]:
        match part:
            case parts.Constant(constant=value):
                return _constant(value), _SIGN if _negative(value) else _WHOLE
            case parts.Name(name=name):
                return (f"self.{name}" if name in self.members else name), _WHOLE
            case parts.Binary(sign="**", left=left, right=right):
                gap = "" if _simple(left) and _simple(right) else " "
                base, exponent = self.text(left, _WHOLE), self.text(right, _SIGN)
                return f"{base}{gap}**{gap}{exponent}", _POWER
            case parts.Binary():
                return f" {part.sign} ".join(self._operands(part)), _TIGHTNESS[part.sign]
            case parts.Unary(sign=sign, operand=operand):
                powered = isinstance(operand, parts.Binary) and operand.sign == "**"
                return f"{sign}{self.text(operand, _WHOLE if powered else _SIGN)}", _SIGN
            case parts.Comparison(sign=sign, left=left, right=right):
                return f"{self.text(left, _SUM)} {sign} {self.text(right, _SUM)}", _COMPARISON
            case parts.Choice(test=test, then=then, other=other):
                first, asked = self.text(then, _COMPARISON), self.text(test, _COMPARISON)
                return f"{first} if {asked} else {self.text(other)}", _CHOICE
            case parts.Items(items=items, brackets=brackets):
                inner = ", ".join(map(self.text, items))
                comma = "," if len(items) == 1 and brackets == "()" else ""
                return f"{brackets[0]}{inner}{comma}{brackets[1]}", _WHOLE
            case parts.Index(of=of, index=index):
                return f"{self._owner(of)}[{self._index(index)}]", _WHOLE
            case parts.Attribute(of=of, name=name):
                return f"{self._owner(of)}.{name}", _WHOLE
            case parts.Call():
                inner = ", ".join(map(str, self._arguments(part)))
                return f"{self._called(part)}({inner})", _WHOLE
        raise TypeError(f"no way to write {type(part).__name__}")

    def _operands(self, part: parts.Binary) -> tuple[str, ...]:
        """Return what one sign stands between: three for `a + b + c`."""
        tightness = _TIGHTNESS[part.sign]
        last = self.text(part.right, tightness + 1)
        if isinstance(part.left, parts.Binary) and part.left.sign == part.sign:
            return (*self._operands(part.left), last)
        return self.text(part.left, tightness), last

    def _index(self, part: parts.Expression) -> str:
        if isinstance(part, parts.Slice):
            plain = all(self._short(end) for end in part.parts)
            colon = ":" if plain else " : "
            ends = ["" if end is None else self.text(end) for end in (part.start, part.stop)]
            step = f"{colon}{self.text(part.step)}" if part.step is not None else ""
            return f"{ends[0]}{colon}{ends[1]}{step}".strip()
        if isinstance(part, parts.Items) and part.brackets == "()":
            return ", ".join(map(self._index, part.items))
        return self.text(part)

    def _short(self, end: parts.Expression) -> bool:
        """Whether formatters set no space between it and the `:` of a slice."""
        if isinstance(end, parts.Unary):
            return self._short(end.operand)
        local = isinstance(end, parts.Name) and end.name not in self.members
        return local or isinstance(end, parts.Constant)

    def _called(self, part: parts.Call) -> str:
        if part.receiver is None:
            return part.function.called
        return f"{self._owner(part.receiver)}{part.function.called}"

    def _owner(self, part: parts.Expression) -> str:
        """Return what stands before a dot or a bracket."""
        text = self.text(part, _WHOLE)
        return f"({text})" if isinstance(part, parts.Constant) else text

    def _arguments(self, part: parts.Call) -> tuple[str, ...]:
        named = (f"{name}={self.text(value)}" for name, value in part.named)
        return (*map(self.text, part.args), *named)


def _constant(value: object) -> str:
    if value is ...:
        return "..."
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _negative(value: object) -> bool:
    return isinstance(value, int | float) and value < 0


def _simple(part: parts.Expression) -> bool:
    """Whether formatters set no space between it and `**`."""
    if isinstance(part, parts.Unary):
        return _simple(part.operand)
    return isinstance(part, parts.Name | parts.Constant) or (
        isinstance(part, parts.Attribute) and _simple(part.of)
    )
