"""What a built module says of itself, against the notes, hand-written classes and torch."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from builder import TEMPLATES, ModelSpec, Node, build
from builder.build import assemble
from builder.errors import BudgetError
from builder.labs.inspection import (
    KEPT,
    WALKS,
    dictionaries,
    own_attributes,
    parts,
    printed,
    told,
    walked,
)
from builder.labs.subject import assembled
from builder.spec import Input

NOTES = Path(__file__).parent / "golden" / "notes"
RUNNING = [title for title in TEMPLATES if "broken" not in title]


class SubNet(nn.Module):
    """The notes' own, by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 16, kernel_size=3, padding=1)
        self.pool = nn.MaxPool2d(kernel_size=2, stride=2)


class MyNet(nn.Module):
    """The notes' own, by hand; its forward pass cannot run."""

    def __init__(self) -> None:
        super().__init__()
        self.subnet1 = SubNet()
        self.subnet2 = SubNet()
        self.fc = nn.Linear(16 * 8 * 8, 10)


def notes(file: str) -> dict[str, list[str]]:
    """What the notes print, by heading; their lines have lost their indentation."""
    found: dict[str, list[str]] = {}
    for line in (NOTES / file).read_text(encoding="utf-8").splitlines():
        if line.endswith(":") and "(" not in line:
            lines = found[line[:-1]] = []
        elif line:
            lines.append(line)
    return found


def unindented(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


# --- the notes ---------------------------------------------------------------------------------


def test_mynet_prints_what_the_notes_print() -> None:
    model, said = build(TEMPLATES["MyNet"]), notes("MyNet.txt")
    assert unindented(printed(model, "named_parameters")) == said["Parameters"]
    assert unindented(printed(model, "named_modules")) == said["Modules"]
    assert unindented(printed(model, "named_buffers")) == said["Buffers"] == []
    held = dictionaries(model)
    assert said["Forward hooks"] == list(held["_forward_hooks"].values())
    assert said["Backward hooks"] == list(held["_backward_hooks"].values())


def test_its_children_are_those_that_the_notes_print_and_the_last_that_they_forget() -> None:
    model, said = assemble(TEMPLATES["MyNet with SubNet (broken)"]), notes("MyNet_with_SubNet.txt")
    *children, last = unindented(printed(model, "named_children"))
    assert children == said["Children"] == said["Named Children"]
    assert last == said["Modules"][-1] == "fc Linear(in_features=1024, out_features=10, bias=True)"


def test_all_its_modules_are_those_that_the_notes_print_but_for_what_torch_never_prints() -> None:
    model, said = assemble(TEMPLATES["MyNet with SubNet (broken)"]), notes("MyNet_with_SubNet.txt")
    lines = unindented(printed(model, "named_modules"))
    for heading in ("Modules", "Named Modules"):
        # The notes name the model itself once, and list the grandchildren within its own lines.
        wrote = [line.replace("MyNet MyNet(", "MyNet(") for line in said[heading]]
        more = [line for line in wrote if line.startswith(("(subnet1.", "(subnet2."))]
        assert len(more) == 4
        assert [line for line in wrote if line not in more] == lines


@pytest.mark.parametrize("method", WALKS)
def test_a_walk_over_the_notes_model_prints_what_it_prints_over_their_class(method: str) -> None:
    ours, theirs = assemble(TEMPLATES["MyNet with SubNet (broken)"]), MyNet()
    assert printed(ours, method) == printed(theirs, method)
    assert walked(ours, method) == walked(theirs, method)


def test_the_code_of_a_walk_prints_what_is_said_to_be_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = build(TEMPLATES["SmallVGG"])
    for method, walk in WALKS.items():
        exec(walk.code, {"model": model})
        assert capsys.readouterr().out == printed(model, method)


# --- parts and dictionaries ---------------------------------------------------------------------


@pytest.mark.parametrize("title", RUNNING)
def test_the_parts_of_a_model_are_its_modules_with_what_they_hold(title: str) -> None:
    model = build(TEMPLATES[title])
    found = parts(model)
    assert [part.path for part in found] == [name for name, _ in model.named_modules()]
    assert found[0].params == sum(p.numel() for p in model.parameters())
    held = {f"{part.path}.{name}".lstrip(".") for part in found for name in part.parameters}
    assert held == {name for name, _ in model.named_parameters()}
    held = {f"{part.path}.{name}".lstrip(".") for part in found for name in part.buffers}
    assert held == {name for name, _ in model.named_buffers()}
    for part in found:
        assert part.level == len(part.path.split(".")) * bool(part.path)


def test_all_that_torchs_own_constructor_makes_is_shown_and_explained() -> None:
    assert set(KEPT) == set(vars(nn.Module()))
    assert all(words.endswith(".") for words in KEPT.values())


def test_the_dictionaries_are_those_of_the_module_as_they_are_now() -> None:
    layer = nn.Linear(2, 3)
    assert dictionaries(layer)["_parameters"] == {"weight": layer.weight, "bias": layer.bias}
    assert dictionaries(layer)["training"] is True
    handle = layer.eval().register_forward_hook(print)
    assert list(dictionaries(layer)["_forward_hooks"].values()) == [print]
    assert dictionaries(layer)["training"] is False
    handle.remove()
    assert not dictionaries(layer)["_forward_hooks"]
    assert own_attributes(layer) == {"in_features": 2, "out_features": 3}
    assert not any(name.startswith("_") for name in own_attributes(build(TEMPLATES["MyNet"])))


def test_an_attribute_is_told_in_a_line() -> None:
    layer = nn.Linear(2, 3, bias=False)
    assert told(vars(layer)["_parameters"]) == (
        "{'weight': Parameter (3, 2) float32, 'bias': None}"
    )
    assert told(nn.Sequential(layer)._modules) == "{'0': Linear}"
    assert told({0: print}) == "{0: print}"
    assert told((3, 3)) == "(3, 3)"
    assert told(dict.fromkeys(range(14))).endswith("11: None, and 2 more}")


# --- models that cannot run ---------------------------------------------------------------------


@pytest.mark.parametrize("title", RUNNING)
def test_a_model_that_runs_is_assembled_as_it_is_built(title: str) -> None:
    torch.manual_seed(0)
    one = build(TEMPLATES[title])
    other = assembled(TEMPLATES[title], 0)
    assert str(one) == str(other)
    assert all(map(torch.equal, one.state_dict().values(), other.state_dict().values()))


def test_behind_a_fault_layers_are_made_that_say_their_sizes() -> None:
    def fc(name: str, **sizes: int) -> Node:
        return Node(name, "nn.Linear", {"out_features": 4, **sizes})

    nodes = (fc("0"), fc("1", in_features=7), Node("2", "nn.ReLU"), fc("3"), fc("4", in_features=4))
    spec = ModelSpec("Broken", (Input("x", (8,)),), "sequential", nodes)
    assert walked(assemble(spec), "named_children") == ("0", "1", "2", "4")
    with pytest.raises(BudgetError, match="budget is 50"):
        assemble(spec, budget=50)
