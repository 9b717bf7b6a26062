"""What a fresh machine relies on: requirements, pins, settings."""

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PINS = (ROOT / "constraints.txt").read_text().splitlines()
SETTINGS = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
ASKED_FOR = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]]


@pytest.mark.parametrize("asked_for", ASKED_FOR)
def test_every_requirement_has_a_pin_inside_its_range(asked_for: str) -> None:
    requirement = Requirement(asked_for)
    assert requirement.specifier
    pins = {canonicalize_name(pin.split("==")[0]): pin.split("==")[1] for pin in PINS}
    assert requirement.specifier.contains(pins[canonicalize_name(requirement.name)])


def test_a_pin_is_a_name_and_a_version_and_nothing_else() -> None:
    assert [pin for pin in PINS if not re.fullmatch(r"[\w.-]+==[\w.]+", pin)] == []
    assert len({canonicalize_name(pin.split("==")[0]) for pin in PINS}) == len(PINS)


def test_the_workbench_answers_to_this_machine_alone_and_reports_to_nobody() -> None:
    assert SETTINGS["server"]["address"] == "127.0.0.1"
    assert set(SETTINGS["server"]["allowedHosts"]) == {"127.0.0.1", "localhost"}
    assert SETTINGS["browser"]["gatherUsageStats"] is False
    assert SETTINGS["client"]["showErrorDetails"] == "none"


def _brightness(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_brightness(one), _brightness(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everything_in_a_theme_can_be_read(theme: str) -> None:
    colours = SETTINGS["theme"][theme]
    grounds = [
        colours["backgroundColor"],
        colours["secondaryBackgroundColor"],
        colours["codeBackgroundColor"],
        colours["sidebar"]["backgroundColor"],
    ]
    for ground in grounds:
        assert _contrast(colours["textColor"], ground) >= 7
        assert _contrast(colours["linkColor"], ground) >= 4.5
        assert _contrast(colours["primaryColor"], ground) >= 3
    assert _contrast("#FFFFFF", colours["primaryColor"]) >= 4.5
    assert _contrast(colours["primaryColor"], colours["backgroundColor"]) >= 4
    for line in colours["chartCategoricalColors"]:
        assert _contrast(line, colours["backgroundColor"]) >= 3


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_scale_of_colours_goes_one_way(theme: str) -> None:
    colours = SETTINGS["theme"][theme]
    scale = [_brightness(colour) for colour in colours["chartSequentialColors"]]
    assert scale == sorted(scale, reverse=theme == "light")
    scale = [_brightness(colour) for colour in colours["chartDivergingColors"]]
    assert len(scale) == 10
    assert scale[:5] == sorted(scale[:5], reverse=theme == "dark")
    assert scale[5:] == sorted(scale[5:], reverse=theme == "light")


def test_an_old_python_is_named_before_anything_is_made(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.1 && exit 0\nexit 1\n')
    old.chmod(0o755)
    answer = subprocess.run(
        ["make", "-C", ROOT, "app", f"PYTHON={old}", f"VENV={tmp_path / 'venv'}"],
        capture_output=True,
        text=True,
        env=os.environ | {"MAKEFLAGS": ""},
    )
    assert answer.returncode != 0
    assert "needs Python 3.11 or newer" in answer.stderr
    assert "Python 3.9.1" in answer.stderr
    assert not (tmp_path / "venv").exists()
