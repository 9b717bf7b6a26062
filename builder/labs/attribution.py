"""Which parts of a picture a model's score comes from: captum's methods, one row each.

captum takes a second to import, so it is imported where it is used.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from builder.errors import LabError, ModelError, shown
from builder.labs.feature_maps import Layer
from builder.labs.framing import Frame
from builder.labs.tones import to_pixels
from builder.labs.walking import modules_of
from builder.resolve import resolve
from builder.spec import ModelSpec

Heat: TypeAlias = NDArray[np.float32]

STEPS = 32  # of the way from black to the picture, for integrated gradients
_BATCH_BYTES = 2**29
_PATCHES = 5  # how many patches side by side cover the picture
_BACK = 3  # a pass there and back costs as much as so many there
MOST_MACS = 2 * 10**11  # of all passes together: half a minute of one core
_STRENGTH = 0.8  # of the heat over the picture


@dataclass(frozen=True)
class _Case:
    """What a method is asked: the score of a class for a picture."""

    forward: Callable[[Tensor], Tensor]  # (N, C, H, W) to (N, K)
    picture: Tensor  # (1, C, H, W)
    target: int
    layer: nn.Module | None
    batch: int


@dataclass(frozen=True)
class Method:
    """A way to say where a score comes from.

    Args:
        title, help: what people read.
        signed: whether some places speak against the class.
        of_layer: whether it looks at one layer.
        passes: how many times as much as one forward pass it costs, for a picture (H, W).
        run: gives the heat, (1, H, W), for a case.
    """

    title: str
    help: str
    signed: bool
    of_layer: bool
    passes: Callable[[int, int], int]
    run: Callable[[_Case], Tensor]


@dataclass(frozen=True, eq=False)
class Explanation:
    """A heat for every pixel, (H, W), and whether below 0 means against the class."""

    heat: Heat
    signed: bool


def _saliency(case: _Case) -> Tensor:
    from captum.attr import Saliency

    found: Tensor = Saliency(case.forward).attribute(case.picture, target=case.target)
    return found.amax(dim=1)


def _grad_cam(case: _Case) -> Tensor:
    from captum.attr import LayerAttribution, LayerGradCam

    coarse = LayerGradCam(case.forward, case.layer).attribute(
        case.picture, target=case.target, relu_attributions=True
    )
    found: Tensor = LayerAttribution.interpolate(coarse, case.picture.shape[-2:], "bilinear")
    return found.sum(dim=1)


def _integrated(case: _Case) -> Tensor:
    from captum.attr import IntegratedGradients

    found: Tensor = IntegratedGradients(case.forward).attribute(
        case.picture, target=case.target, n_steps=STEPS, internal_batch_size=case.batch
    )
    return found.sum(dim=1)


def _occlusion(case: _Case) -> Tensor:
    from captum.attr import Occlusion

    _, channels, *sides = case.picture.shape
    patches, strides = zip(*map(_patch, sides), strict=True)
    found: Tensor = Occlusion(case.forward).attribute(
        case.picture,
        target=case.target,
        sliding_window_shapes=(channels, *patches),
        strides=(channels, *strides),
        perturbations_per_eval=case.batch,
    )
    return found.sum(dim=1)


def _patch(side: int) -> tuple[int, int]:
    """Return the length of a patch along a side, and how far apart patches stand."""
    patch = math.ceil(side / _PATCHES)
    return patch, max(1, patch // 2)


def _patches(height: int, width: int) -> int:
    """Return how many patches there are, and the picture itself."""
    found = 1
    for side in (height, width):
        patch, stride = _patch(side)
        found *= math.ceil((side - patch) / stride) + 1
    return found + 1


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "saliency": Method(
            "Saliency",
            "How much the score changes with each pixel: the largest of the channels' |∂score/∂x| "
            "(Simonyan et al., 2014).",
            False,
            False,
            lambda *_: _BACK,
            _saliency,
        ),
        "grad_cam": Method(
            "Grad-CAM",
            "Where a layer's maps speak for the class: the maps, each weighed by the mean of its "
            "gradient, added up, and only what is above 0 (Selvaraju et al., 2017).",
            False,
            True,
            lambda *_: _BACK,
            _grad_cam,
        ),
        "integrated": Method(
            "Integrated gradients",
            f"Gradients along the way from black to the picture, in {STEPS} steps; all pixels "
            "together add up to the difference of the two scores (Sundararajan et al., 2017).",
            True,
            False,
            lambda *_: _BACK * STEPS,
            _integrated,
        ),
        "occlusion": Method(
            "Occlusion",
            "How far the score falls where a black patch covers the picture (Zeiler and Fergus, "
            "2014).",
            True,
            False,
            _patches,
            _occlusion,
        ),
    }
)


def explain(
    method: str, model: nn.Module, spec: ModelSpec, x: Tensor, target: int, layer: str = ""
) -> Explanation:
    """Return where the score of a class comes from.

    Args:
        method: a row of `METHODS`.
        model: `build(spec)`, in evaluation; best of a spec that is `out_of_place`.
        x: (1, *shape of its input).
        target: number of the class; 0 for a model with one output.
        layer: name of the layer, for a method that looks at one.

    Raises:
        LabError: there is no such method or layer.
        ModelError: the model gives no scores, no gradient flows, or it would take too long.
    """
    if method not in METHODS:
        raise LabError(f"There is no method {shown(method)}; known are {', '.join(METHODS)}.")
    row, frame = METHODS[method], Frame.of(spec)
    outputs = scores(spec)
    if not 0 <= target < outputs:
        raise LabError(f"There is no class {target}; {spec.name} has {outputs}, counted from 0.")
    modules = modules_of(model, spec)
    if row.of_layer and layer not in modules:
        raise LabError(f"{row.title} looks at a layer, and there is no {shown(layer)}.")
    resolution = resolve(spec)
    cost = resolution.macs * row.passes(frame.height, frame.width)
    if cost > MOST_MACS:
        raise ModelError(
            f"{row.title} would take {cost / 1e9:,.0f} billion multiply-adds for {spec.name}; up "
            f"to {MOST_MACS / 1e9:,.0f} billion are spent here. Saliency and Grad-CAM need a "
            "single pass, and a smaller input makes every pass cheaper."
        )
    case = _Case(
        forward=lambda picture: model(picture.reshape(-1, *frame.shape)),
        picture=_pictured(x, frame),
        target=target,
        layer=modules.get(layer),
        batch=max(1, min(STEPS, _BATCH_BYTES // max(1, resolution.activation_bytes))),
    )
    try:
        heat = row.run(case).detach()
    except (RuntimeError, AssertionError, IndexError, ValueError, TypeError) as error:
        reason = (str(error).strip() or repr(error)).splitlines()[0]
        raise ModelError(f"{row.title} cannot be worked out for {spec.name}: {reason}") from None
    return Explanation(heat.reshape(frame.height, frame.width).float().numpy(), row.signed)


def _pictured(x: Tensor, frame: Frame) -> Tensor:
    picture = x.detach().reshape(1, frame.channels, frame.height, frame.width)
    return picture.clone().requires_grad_()


def scores(spec: ModelSpec) -> int:
    """Return how many scores a model gives a picture.

    Raises:
        ModelError: it gives something else.
    """
    out = resolve(spec).output
    if out is None or not out.batched or len(out.sample) != 1 or out.dtype != "float32":
        given = ", ".join(map(str, resolve(spec).outputs)) or "nothing"
        raise ModelError(
            f"{spec.name} gives {given}. An explanation starts from a score, so it needs a model "
            "that gives (N, K): one number for each of K classes."
        )
    return out.sample[0]


def layers_for_grad_cam(layers: tuple[Layer, ...], names: Mapping[str, object]) -> tuple[str, ...]:
    """Return the layers whose maps Grad-CAM can weigh: modules that give (1, C, h, w).

    Args:
        layers: what `look` found.
        names: of the modules there are.
    """
    return tuple(
        layer.name
        for layer in layers
        if layer.name in names and len(layer.shape) == 4 and min(layer.shape[2:]) > 1
    )


def default_layer(layers: tuple[Layer, ...], names: tuple[str, ...]) -> str | None:
    """Return the last convolution among the names, else the last name, `None` without any."""
    ops = {layer.name: layer.op for layer in layers}
    convolutions = [name for name in names if "Conv" in ops[name]]
    return next(iter(reversed(convolutions or list(names))), None)


def overlay(picture: NDArray[np.float32], found: Explanation) -> NDArray[np.uint8]:
    """Return a heat over a picture in grey, (H, W, 3); the strongest value in full colour.

    Args:
        picture: (H, W, C) from 0 to 1.
    """
    strength = np.abs(found.heat) / (float(np.abs(found.heat).max(initial=0.0)) or 1.0)
    grey = picture.mean(axis=2, keepdims=True) * 255
    alpha = (_STRENGTH * np.sqrt(strength))[:, :, None]
    mixed = grey * (1 - alpha) + colours(found) * alpha
    return np.asarray(np.rint(mixed)).astype(np.uint8)


def colours(found: Explanation) -> NDArray[np.uint8]:
    """Return a heat alone, (H, W, 3): red for and blue against, or dark to bright."""
    if found.signed:
        return to_pixels(found.heat, "signed")
    grey = to_pixels(found.heat / (float(found.heat.max(initial=0.0)) or 1.0), "clip")[:, :, :1]
    return cv2.applyColorMap(grey, cv2.COLORMAP_INFERNO)[:, :, ::-1].astype(np.uint8)
