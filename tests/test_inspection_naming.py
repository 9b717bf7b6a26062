"""Names and the lines of code they come from; what torch finds of layers in a Python list."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from builder import TEMPLATES, ModelSpec, build, write_source
from builder.code.places import places
from builder.errors import ModelError
from builder.labs.inspection_naming import LISTED, PLAIN, SEQUENTIAL, compare
from builder.resolve import resolve
from tests.test_code import SOURCES

WRITTEN = [(stem, write_source(spec, style), spec.name) for stem, spec, style in SOURCES]


# --- places --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("source", "title"), [pytest.param(*w[1:], id=w[0]) for w in WRITTEN])
def test_every_line_that_makes_a_module_is_the_place_of_its_name(source: str, title: str) -> None:
    lines = source.splitlines()
    found = places(source, title)
    assert found
    for path, place in found.items():
        first = lines[place.lines[0] - 1]
        name = path.rpartition(".")[2]
        if place.how == "attribute":
            assert first.strip().startswith(f"self.{name} = ")
        elif place.how == "key":
            assert f'"{name}"' in first
        elif place.how == "position":
            assert first.strip().startswith(place.code.partition("(")[0])
        assert f"class {place.owner}(" in source
    made = [
        n for n, line in enumerate(lines, 1) if line.strip().startswith("self.") and "=" in line
    ]
    assert set(made) <= {line for place in found.values() for line in place.lines}


@pytest.mark.parametrize("title", [t for t, spec in TEMPLATES.items() if resolve(spec).runs])
def test_the_places_of_a_model_are_its_modules_and_no_others(title: str) -> None:
    spec = TEMPLATES[title]
    model = build(spec)
    named = {name for name, _ in model.named_modules()} | {n for n, _ in model.named_parameters()}
    found = places(write_source(spec), spec.name)
    assert set(found) <= named
    assert {name for name, _ in model.named_children()} <= set(found)


def test_a_name_inside_a_block_leads_through_both_classes() -> None:
    source = write_source(TEMPLATES["MyNet with SubNet"])
    found = places(source, "MyNet")
    assert (found["subnet2"].owner, found["subnet2"].code) == ("MyNet", "SubNet()")
    assert found["subnet2.conv"].owner == "SubNet"
    assert found["subnet1.conv"].lines == found["subnet2.conv"].lines
    lines = source.splitlines()
    assert lines[found["subnet2"].lines[0] - 1] == "        self.subnet2 = SubNet()"


def test_a_layer_of_ones_own_has_a_line_for_each_parameter() -> None:
    found = places(write_source(TEMPLATES["Perceptron"]), "Perceptron")
    assert found["layer1.w"].owner == "Linear"
    assert found["layer1.w"].code.startswith("nn.Parameter(")


@pytest.mark.parametrize("style", [None, "sequential", "modulelist"])
def test_a_line_that_says_how_a_parameter_starts_belongs_to_it(style: str | None) -> None:
    source = write_source(TEMPLATES["MyNet with Xavier"], style)
    found = places(source, "MyNet")
    starts = {path: place for path, place in found.items() if place.how == "start"}
    assert [path.rpartition(".")[2] for path in starts] == ["weight", "weight"]
    for place in starts.values():
        assert "xavier_uniform_" in source.splitlines()[place.lines[0] - 1]
    names = dict(build(TEMPLATES["MyNet with Xavier"]).named_parameters())
    if style is None:
        assert set(starts) <= set(names)


# --- holders -------------------------------------------------------------------------------------


def test_a_list_hides_from_torch_what_the_other_holders_register() -> None:
    found = {one.holder: one for one in compare(TEMPLATES["SmallVGG"])}
    model = build(TEMPLATES["SmallVGG"])
    numbers = sum(parameter.numel() for parameter in model.parameters())
    for holder in (SEQUENTIAL, LISTED):
        one = found[holder]
        assert (one.layers, one.modules, one.reached) == (24, 24, 24)
        assert one.numbers == one.given == one.moved == numbers
        assert len(one.keys) == len(model.state_dict())
        assert not one.complaint
        assert 0 < one.changed <= numbers
    assert found[SEQUENTIAL].keys == tuple(model.state_dict())
    assert torch.equal(found[SEQUENTIAL].output, found[LISTED].output)
    plain = found[PLAIN]
    assert (plain.layers, plain.numbers) == (24, numbers)
    assert (plain.modules, plain.given, plain.moved, plain.reached, plain.changed) == (0,) * 5
    assert plain.keys == ()
    assert plain.complaint == "ValueError: optimizer got an empty parameter list"
    # Its dropout and batch norm still train.
    assert not torch.allclose(plain.output, found[LISTED].output)


def test_a_list_computes_what_the_others_do_where_nothing_goes_by_the_mode() -> None:
    found = {one.holder: one for one in compare(TEMPLATES["LeNet5"])}
    assert torch.equal(found[PLAIN].output, found[LISTED].output)


def test_what_a_sequential_cannot_hold_says_why() -> None:
    sequential, listed, plain = compare(TEMPLATES["MyNet with SubNet"])
    assert "reads x" in sequential.refusal
    assert (listed.refusal, plain.refusal) == ("", "")
    with pytest.raises(ModelError, match="view"):
        compare(TEMPLATES["MyNet with SubNet (broken)"])


_COUNT = """
import json, sys, torch
assert "builder" not in sys.modules
found = {}
for key, (name, source) in json.load(sys.stdin).items():
    names = {}
    exec(compile(source, key, "exec"), names)
    model = names[name]()
    found[key] = [
        type(model.layers).__name__, len(model.layers), len(list(model.parameters())),
        sum(p.numel() for layer in model.layers for p in layer.parameters()),
    ]
print(json.dumps(found))
"""


def test_the_code_with_a_list_makes_what_was_counted_in_a_fresh_process(tmp_path: Path) -> None:
    specs: dict[str, ModelSpec] = {t: s for t, s in TEMPLATES.items() if resolve(s).runs}
    found = {title: compare(spec)[2] for title, spec in specs.items()}
    cases = {title: (specs[title].name, one.source) for title, one in found.items()}
    done = subprocess.run(
        [sys.executable, "-I", "-c", _COUNT],
        input=json.dumps(cases), capture_output=True, text=True, cwd=tmp_path, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    counted = json.loads(done.stdout)
    assert counted == {t: ["list", one.layers, 0, one.numbers] for t, one in found.items()}
