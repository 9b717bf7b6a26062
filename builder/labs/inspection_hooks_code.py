"""The code that puts hooks on a model, passes a batch and takes them off again."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from torch import Tensor

from builder.labs.inspection_hooks import KINDS, Hook
from builder.labs.walking import out_of_place
from builder.spec import ModelSpec

_WIDTH = 88
# What each hook prints, after its kind and the name of its module.
_PRINTED = {
    "pre": "[tuple(value.shape) for value in args]",
    "forward": 'getattr(output, "shape", type(output))',
    "backward": "[None if grad is None else tuple(grad.shape) for grad in grad_output]",
}


def write_hooks(spec: ModelSpec, inputs: Sequence[Tensor], hooks: Collection[Hook]) -> str:
    """Return Python that does with hooks what `observe` does, below the class of the model.

    Args:
        inputs: one tensor for each input; the code draws others of their shapes.
        hooks: on which modules, of which kinds, in the order in which they are put on.
    """
    kinds = [kind for kind in KINDS if any(kind == other for _, other in hooks)]
    back = "backward" in kinds
    lines = ["from functools import partial", "", "import torch", ""]
    for kind in kinds:
        lines += ["", *_function(kind), ""]
    lines += ["", f"model = {spec.name}().eval()"]
    if back and out_of_place(spec) != spec:
        lines += [
            "for module in model.modules():  # a full backward hook lets no layer write over",
            '    if hasattr(module, "inplace"):  # what its module gives',
            "        module.inplace = False",
        ]
    lines += ["", "handles = []"]
    for kind in kinds:
        lines += _registered(kind, [path for path, other in hooks if other == kind])
    lines += ["", *_pass(spec, inputs, back=back)]
    lines += ["", "for handle in handles:", "    handle.remove()"]
    lines += [
        f"assert not any(module.{KINDS[kind].kept} for module in model.modules())" for kind in kinds
    ]
    return "\n".join(lines) + "\n"


def _function(kind: str) -> Iterator[str]:
    arguments = ", ".join(("name", *KINDS[kind].args))
    yield f"def {kind}({arguments}):"
    yield f'    print("{kind}", name, {_PRINTED[kind]})'


def _registered(kind: str, paths: Sequence[str]) -> Iterator[str]:
    quoted = [f'"{path}"' for path in paths]
    whole = f"for name in ({', '.join(quoted)}{',' * (len(quoted) == 1)}):"
    if len(whole) <= _WIDTH:
        yield whole
    else:
        yield "for name in ("
        yield from (f"    {name}," for name in quoted)
        yield "):"
    yield "    module = model.get_submodule(name)"
    yield f"    handles.append(module.{KINDS[kind].method}(partial({kind}, name)))"


def _pass(spec: ModelSpec, inputs: Sequence[Tensor], *, back: bool) -> Iterator[str]:
    for entry, value in zip(spec.inputs, inputs, strict=True):
        shape = ", ".join(map(str, value.shape))
        if value.is_floating_point():
            yield f"{entry.name} = torch.randn({shape}{', requires_grad=True' * back})"
        else:
            yield f"{entry.name} = torch.randint({int(value.max()) + 1}, {tuple(value.shape)})"
    names = ", ".join(entry.name for entry in spec.inputs)
    if not back:
        yield "with torch.no_grad():"
        yield f"    output = model({names})"
    elif len(spec.main.results) > 1:
        yield f"outputs = model({names})"
        yield "torch.autograd.backward(outputs, [torch.randn_like(value) for value in outputs])"
    else:
        yield f"output = model({names})"
        yield "output.backward(torch.randn_like(output))"
