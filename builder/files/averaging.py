"""The mean of several checkpoints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

from builder.build import DEFAULT_BUDGET, outline
from builder.errors import BuilderError, shown
from builder.files.distance import in_parts
from builder.files.matching import Form
from builder.labs.subject import loaded
from builder.spec import ModelSpec

_BATCH = 256


def average(
    states: Sequence[Mapping[str, Tensor]], titles: Sequence[str] | None = None
) -> dict[str, Tensor]:
    """Return the mean of checkpoints, taken in double precision.

    Whole numbers, such as the batches that a batch norm has seen, are the largest of theirs: they
    count, and are no weights.

    Args:
        titles: what the checkpoints are called, for the message.

    Raises:
        BuilderError: fewer than two are given, or they are of different models.
    """
    if len(states) < 2:
        raise BuilderError("A mean needs two checkpoints or more.")
    titles = titles or [f"checkpoint {number}" for number in range(1, len(states) + 1)]
    for title, state in zip(titles[1:], states[1:], strict=True):
        for complaint in _unlike(states[0], state):
            raise BuilderError(
                f"{titles[0]} and {title} are of different models: {complaint}. Those of one model "
                "have a mean."
            )
    return {name: _mean([state[name] for state in states]) for name in states[0]}


def _unlike(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> Iterator[str]:
    for name in (*one, *other):
        if name not in one or name not in other:
            yield f"only one of them has {shown(name)}"
        elif Form.of(one[name]) != Form.of(other[name]):
            forms = Form.of(one[name]), Form.of(other[name])
            yield f"{shown(name)} is {forms[0]} in one, {forms[1]} in the other"


def _mean(tensors: Sequence[Tensor]) -> Tensor:
    if not tensors[0].is_floating_point():
        return torch.stack(list(tensors)).amax(dim=0)
    parts = [torch.stack(group).mean(dim=0) for group in in_parts(*tensors)]
    flat = torch.cat(parts) if parts else torch.zeros(0)
    return flat.reshape(tensors[0].shape).to(tensors[0].dtype)


def keeps_statistics(spec: ModelSpec) -> bool:
    """Whether a model has batch norms, whose statistics belong to the weights they were taken with.

    Raises:
        ModelError: the model cannot run.
    """
    return "BatchNorm" in outline(spec)


def with_statistics_of(
    spec: ModelSpec, weights: Mapping[str, Tensor], x: Tensor, *, budget: int = DEFAULT_BUDGET
) -> dict[str, Tensor]:
    """Return weights whose batch norms have taken their statistics anew.

    Those of a mean are not the mean of those (Izmailov et al., "Averaging weights leads to wider
    optima and better generalization", UAI 2018, section 3.2).

    Args:
        x: samples, (n, *shape of the input).

    Raises:
        ModelError: the model cannot run, or is too large.
        LabError: the weights are those of another model.
    """
    model: nn.Module = loaded(spec, weights, budget=budget)
    with torch.random.fork_rng(devices=[]):  # Dropout draws
        update_bn(torch.split(x, _BATCH), model)
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
