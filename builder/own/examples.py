"""Layers that people write themselves, to start from."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from builder.own.layer import OwnLayer, OwnParameter, Setting
from builder.spec import Init

_ONES = Init("ones_")
_XAVIER = Init("xavier_uniform_")

EXAMPLES: Mapping[str, OwnLayer] = MappingProxyType(
    {
        "Linear": OwnLayer(
            (Setting("in_features", axis=-1), Setting("out_features")),
            (
                OwnParameter("w", "(in_features, out_features)"),
                OwnParameter("b", "(out_features,)"),
            ),
            "x = x.mm(w)\nreturn x + b.expand_as(x)",
            help="Fully connected, as the notes write it.",
        ),
        "Swish": OwnLayer(
            (),
            (OwnParameter("beta", "(1,)", _ONES),),
            "return x * torch.sigmoid(beta * x)",
            help="An activation whose bend is learned (Ramachandran et al., 2017).",
        ),
        "RMSNorm": OwnLayer(
            (Setting("features", axis=-1), Setting("eps", "float", 1e-6)),
            (OwnParameter("gain", "(features,)", _ONES),),
            "size = torch.rsqrt(x.square().mean(-1, keepdim=True) + eps)\nreturn x * size * gain",
            help="Brings the last axis to length 1 on average (Zhang and Sennrich, 2019).",
        ),
        "SwiGLU": OwnLayer(
            (Setting("features", axis=-1), Setting("hidden")),
            (
                OwnParameter("w", "(features, 2 * hidden)", _XAVIER),
                OwnParameter("v", "(hidden, features)", _XAVIER),
            ),
            "gate, value = (x @ w).chunk(2, dim=-1)\nreturn (F.silu(gate) * value) @ v",
            help="Two products, one of which gates the other (Shazeer, 2020).",
        ),
        "Attention": OwnLayer(
            (Setting("features", axis=-1),),
            (
                OwnParameter("q", "(features, features)", _XAVIER),
                OwnParameter("k", "(features, features)", _XAVIER),
                OwnParameter("v", "(features, features)", _XAVIER),
            ),
            "scores = (x @ q) @ (x @ k).mT / features**0.5\n"
            "return scores.softmax(dim=-1) @ (x @ v)",
            help="One head of self-attention over (N, time, features) (Vaswani et al., 2017).",
        ),
        "Noise": OwnLayer(
            (Setting("std", "float", 0.1),),
            (),
            "return x + std * torch.randn_like(x) if training else x",
            help="Adds noise while training, and nothing in eval().",
        ),
    }
)
