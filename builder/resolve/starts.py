"""Checking how a layer's parameters start, where the document says it, and what would mend it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from builder import edit, initial
from builder.errors import shown
from builder.resolve import fixes
from builder.resolve.probe import Parameter
from builder.resolve.resolution import Fix
from builder.resolve.scene import Problem, Scene
from builder.schemes import shape_of
from builder.spec import Init, ModelSpec


def told_elsewhere(scene: Scene) -> Problem | None:
    """Check a call of an earlier layer or of a block, whose parameters start where they stand."""
    node = scene.node
    again = node.op in scene.block_of
    if not node.init and not (node.frozen and again):
        return None
    return scene.problem(
        f"{node.name} says how its parameters start or stay; {node.op} says that itself.",
        _drawn(scene, node.name),
    )


def check(scene: Scene, parameters: Sequence[Parameter]) -> Problem | None:
    """Check how the layer's parameters start: each is there and can start so."""
    shapes = {parameter.name: parameter.shape for parameter in parameters}
    for name, init in scene.called.init.items():
        if name not in shapes:
            has = ", ".join(shapes) or "no parameters"
            return scene.problem(
                f"{scene.called.name} says how {shown(name)} starts; {scene.called.op} has {has}.",
                _drawn(scene, scene.called.name, name),
            )
        wrong = initial.problem(init, shapes[name])
        if wrong is not None:
            return scene.problem(
                f"{name} of {scene.called.name} cannot start as it says: {wrong}.",
                *_window_as(scene, init),
                *_otherwise(scene, name, init, shapes[name]),
                _drawn(scene, scene.called.name, name),
            )
    return None


def _drawn(scene: Scene, name: str, parameter: str | None = None) -> Fix:
    """Let torch draw a parameter; without one named all of them, which then learn too."""
    block = scene.block

    def apply(spec: ModelSpec) -> ModelSpec:
        if parameter is None:
            spec = edit.set_init(spec, name, {}, block=block)
            return edit.freeze(spec, name, False, block=block)
        return edit.start(spec, name, parameter, None, block=block)

    return Fix(f"Let torch draw {parameter or 'its parameters'}", apply)


def _otherwise(scene: Scene, parameter: str, init: Init, shape: tuple[int, ...]) -> Iterable[Fix]:
    """Start it by a scheme that it can take."""
    for found in initial.instead(init, shape):
        apply = partial(
            edit.start, name=scene.called.name, parameter=parameter, init=found, block=scene.block
        )
        yield Fix(f"Start {parameter} by {initial.in_words(found)}", apply)


def _window_as(scene: Scene, init: Init) -> Iterable[Fix]:
    """Make the window as large as the values that fill it."""
    shape = shape_of(init.args.get("values"))
    row = scene.row(scene.called.op)
    if shape is not None and row is not None and row.window is not None and len(shape) >= row.rank:
        sizes = shape[len(shape) - row.rank :]
        size = sizes[0] if len(set(sizes)) == 1 else sizes
        yield fixes.set_one(scene, scene.called, "kernel_size", size, f"Set kernel_size to {size}")
