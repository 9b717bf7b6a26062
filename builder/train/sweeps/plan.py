"""What a sweep is to try: a setup, one or two settings of it, their values, and the seeds."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, TypeAlias

from builder.errors import BuilderError, RecipeError, shown
from builder.spec import ModelSpec
from builder.train.recipe import Recipe
from builder.train.scores import BEST_LOSS
from builder.train.sweeps.setting import Setting, Setup
from builder.train.sweeps.settings import settings_of

FORMAT = 1
MOST_AXES, MOST_RUNS = 2, 500

# How the values are come by.
METHODS: Mapping[str, str] = MappingProxyType(
    {
        "pair": "Two values, A and B.",
        "grid": "Every value of one with every value of the other.",
        "random": "Values drawn from a range; of two settings more values are tried than on a "
        "grid of as many runs.",
        "search": "Values that Optuna chooses by what the runs before came to (TPE); it begins "
        "with a few that are drawn.",
    }
)

# A value for each axis.
Values: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True)
class Axis:
    """A setting and what is tried of it: values, or a range of numbers to draw from.

    Args:
        path: of the setting.
        values: in the order in which they are tried.
        low, high: the range, both ends in it, where there are no values.
        by_factors: whether the range is drawn from by factors, evenly over its logarithm.
    """

    path: str
    values: Values = ()
    low: float | None = None
    high: float | None = None
    by_factors: bool = False

    def __post_init__(self) -> None:
        values = (tuple(v) if isinstance(v, list) else v for v in self.values)
        object.__setattr__(self, "values", tuple(values))


@dataclass(frozen=True)
class Plan:
    """What a sweep is to try; plain data, and never changed but for more seeds.

    Args:
        setup: what all its runs are started with, but for what the axes vary.
        axes: one or two.
        method: of `METHODS`.
        count: how many points a random or searching sweep tries.
        seeds: each point is trained with each of them; the recipe's own does not count.
        measure: by which its runs are ranked, and searched; see `builder.train.scores`.
        draw: seed of what is drawn.
    """

    setup: Setup
    axes: tuple[Axis, ...]
    method: str = "grid"
    count: int = 0
    seeds: tuple[int, ...] = (0,)
    measure: str = BEST_LOSS
    draw: int = 0

    def to_json(self) -> str:
        """Return the plan as JSON, format 1."""
        plan = {
            "format": FORMAT,
            "spec": json.loads(self.setup.spec.to_json()),
            "recipe": json.loads(self.setup.recipe.to_json()),
            "axes": [asdict(axis) for axis in self.axes],
        }
        others = ("method", "count", "seeds", "measure", "draw")
        return json.dumps(plan | {name: getattr(self, name) for name in others})

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """Read a plan; raises `BuilderError` where it cannot be read any more."""
        try:
            found = json.loads(text)
            if found.pop("format") != FORMAT:
                raise ValueError("another format")
            spec = ModelSpec.from_json(json.dumps(found.pop("spec")))
            recipe = Recipe.from_json(json.dumps(found.pop("recipe")))
            axes = tuple(Axis(**axis) for axis in found.pop("axes"))
            seeds = tuple(found.pop("seeds"))
            return cls(Setup(spec, recipe), axes, seeds=seeds, **found)
        except BuilderError as error:
            raise RecipeError(f"A sweep cannot be read: {error.message}") from None
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise RecipeError(f"A sweep cannot be read: {error}.") from None

    @cached_property
    def settings(self) -> tuple[Setting, ...]:
        """The setting of each axis; raises `RecipeError` where there is none."""
        known = settings_of(self.setup)
        for axis in self.axes:
            if axis.path not in known:
                raise RecipeError(
                    f"There is no setting {shown(axis.path)} in this model and recipe."
                )
        return tuple(known[axis.path] for axis in self.axes)

    @property
    def runs(self) -> int:
        """How many runs there are in it, at most."""
        return self.points * len(self.seeds)

    @property
    def points(self) -> int:
        """How many points it has, at most."""
        if self.method in ("pair", "grid"):
            return math.prod(len(axis.values) for axis in self.axes)
        return self.count

    def grid(self) -> tuple[Values, ...]:
        """Return all values of one axis with all of the other."""
        return tuple(itertools.product(*(axis.values for axis in self.axes)))

    def at(self, values: Sequence[Any], seed: int) -> Setup:
        """Return the setup of a run: a value for each axis, and a seed."""
        setup = replace(self.setup, recipe=replace(self.setup.recipe, seed=seed))
        for setting, value in zip(self.settings, values, strict=True):
            setup = setting.put(setup, value)
        return setup

    @property
    def title(self) -> str:
        """What it is called: `A/B of learning rate`, `Grid over learning rate and batch_size`."""
        labels = " and ".join(setting.label for setting in self.settings)
        return (
            f"A/B of {labels}" if self.method == "pair" else f"{self.method.title()} over {labels}"
        )

    def words(self, values: Sequence[Any]) -> str:
        """Return what tells a point from others: `learning rate 0.01, batch_size 8`."""
        pairs = zip(self.settings, values, strict=True)
        return ", ".join(f"{setting.label} {setting.words(value)}" for setting, value in pairs)

    def check(self) -> None:
        """Raise `RecipeError` for the first thing that cannot work."""
        if self.method not in METHODS:
            raise RecipeError(
                f"There is no method {shown(self.method)}; there are {', '.join(METHODS)}."
            )
        most = 1 if self.method == "pair" else MOST_AXES
        if not 1 <= len(self.axes) <= most:
            raise RecipeError(f"{len(self.axes)} settings are varied; 1 to {most} work.")
        if len({axis.path for axis in self.axes}) < len(self.axes):
            raise RecipeError("The same setting is varied twice; two different ones work.")
        for axis, setting in zip(self.axes, self.settings, strict=True):
            self._check_axis(axis, setting)
        self._check_seeds()
        if self.method in ("random", "search") and self.count < 1:
            raise RecipeError(f"{shown(self.count)} runs are asked for; 1 or more work.")
        if self.runs > MOST_RUNS:
            raise RecipeError(
                f"That would be {self.runs:,} runs; at most {MOST_RUNS} work. Fewer values, or "
                "fewer seeds, would do."
            )

    def _check_axis(self, axis: Axis, setting: Setting) -> None:
        label = setting.label
        for value in axis.values:
            wrong = setting.field.problem(value)
            if wrong is not None:
                raise RecipeError(f"{label}: {wrong}")
        if len(set(map(repr, axis.values))) < len(axis.values):
            raise RecipeError(f"{label} has the same value twice; each is tried once.")
        if self.method == "pair" and len(axis.values) != 2:
            raise RecipeError(f"{label} has {len(axis.values)} values; a pair has two.")
        if axis.values:
            return
        if self.method in ("pair", "grid"):
            raise RecipeError(f"{label} has no values to try.")
        if not setting.numeric:
            raise RecipeError(f"{label} has no range; values to choose from work.")
        low, high = axis.low, axis.high
        if low is None or high is None or not low < high:
            raise RecipeError(
                f"The range of {label} is {shown(low)} to {shown(high)}; from a lower to a "
                "higher number works."
            )
        for end in (low, high):
            wrong = setting.field.problem(int(end) if setting.kind == "int" else end)
            if wrong is not None:
                raise RecipeError(f"{label}: {wrong}")
        if axis.by_factors and low <= 0:
            raise RecipeError(
                f"The range of {label} begins at {low:g}, and no factor leads on from there; "
                "a number above 0 works."
            )

    def _check_seeds(self) -> None:
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise RecipeError("Each seed is used once, and one is needed.")
        for seed in self.seeds:
            if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
                raise RecipeError(f"A seed is {shown(seed)}; a whole number from 0 up works.")
        if len(self.seeds) > 1 and any(axis.path == "seed" for axis in self.axes):
            raise RecipeError("The seed itself is varied, so one seed for each run is enough.")
