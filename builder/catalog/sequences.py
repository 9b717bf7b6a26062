"""Rows of what reads sequences: recurrent layers, embeddings, attention."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from torch import nn

from builder.catalog.layer import LAST, Args, Layer, layer


def recurrent() -> Iterator[Layer]:
    formulas = {
        "RNN": r"h_t = \tanh(W_{ih} x_t + b_{ih} + W_{hh} h_{t-1} + b_{hh})",
        "LSTM": r"c_t = f_t c_{t-1} + i_t g_t,\quad h_t = o_t \tanh(c_t)",
        "GRU": r"h_t = (1 - z_t)\, n_t + z_t\, h_{t-1}",
    }
    helps = {
        "RNN": "Reads a sequence step by step, carrying a hidden state.",
        "LSTM": "An RNN with gates and a memory cell, for long sequences.",
        "GRU": "An RNN with two gates; lighter than an LSTM.",
    }
    for name, formula in formulas.items():
        gives = "(all steps, (h, c))" if name == "LSTM" else "(all steps, last state)"
        yield layer(
            f"nn.{name}",
            "Recurrent",
            f"{helps[name]} Gives {gives}.",
            formula=formula,
            first="hidden_size num_layers bidirectional"
            + (" nonlinearity" if name == "RNN" else ""),
            infer={"input_size": LAST},
            initial={"hidden_size": 32, "batch_first": True},
            inputs=(1, 2),
            ndims=(3,),
            examples=((7, 8),),
            positional=2,
            unrolls=True,
        )
        yield layer(
            f"nn.{name}Cell",
            "Recurrent",
            f"A single step of an {name}." + (" Gives (h, c)." if name == "LSTM" else ""),
            formula=formula,
            first="hidden_size",
            infer={"input_size": LAST},
            initial={"hidden_size": 32},
            inputs=(1, 2),
            ndims=(2,),
            examples=((8,),),
            positional=2,
        )


def embeddings() -> Iterator[Layer]:
    yield layer(
        "nn.Embedding",
        "Embedding",
        "Looks up a learned vector for each index.",
        formula=r"y_t = E[x_t]",
        first="num_embeddings embedding_dim padding_idx",
        initial={"num_embeddings": 1000, "embedding_dim": 32},
        dtype="int",
        example_dtypes=("int64",),
        examples=((12,),),
        positional=2,
    )
    yield layer(
        "nn.EmbeddingBag",
        "Embedding",
        "Looks up vectors and takes their mean, sum or maximum, one for each sequence.",
        formula=r"y = \tfrac{1}{T} \sum_t E[x_t]",
        first="num_embeddings embedding_dim mode",
        initial={"num_embeddings": 1000, "embedding_dim": 32},
        fields={"mode": {"choices": ("mean", "sum", "max")}},
        dtype="int",
        example_dtypes=("int64",),
        ndims=(2,),
        examples=((12,),),
        positional=2,
    )


class Stack(Layer):
    """`nn.TransformerEncoder` and `nn.TransformerDecoder`, which take a layer and repeat it."""

    @property
    def repeated(self) -> str:
        """Name of the layer that is repeated, without `nn.`."""
        return f"{self.title}Layer"

    def split_args(self, args: Args) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the arguments of the repeated layer and those of the stack itself."""
        changed = self.changed(args)
        own = inspect.signature(getattr(nn, self.title)).parameters
        return (
            {name: value for name, value in changed.items() if name not in own},
            {name: value for name, value in changed.items() if name in own},
        )

    def module(self, args: Args) -> nn.Module:
        inner, own = self.split_args(args)
        made = getattr(nn, self.title)(getattr(nn, self.repeated)(**inner), **own)
        assert isinstance(made, nn.Module)
        return made


def attention() -> Iterator[Layer]:
    yield layer(
        "nn.MultiheadAttention",
        "Attention",
        "Every token looks at every other, through several heads. With one input it is "
        "self-attention. Gives (tokens, weights).",
        formula=r"\mathrm{softmax}\!\big(Q K^\top / \sqrt{d}\big) V",
        first="num_heads dropout",
        infer={"embed_dim": LAST},
        initial={"num_heads": 4, "batch_first": True},
        inputs=(1, 3),
        repeat=3,
        ndims=(3,),
        examples=((7, 8),),
        positional=2,
    )
    width = {"d_model": LAST}
    first = "nhead dim_feedforward dropout activation"
    fresh = {"nhead": 4, "dim_feedforward": 128, "batch_first": True}
    tokens: dict[str, Any] = {"ndims": (3,), "examples": ((7, 8),)}
    pair: dict[str, Any] = {
        "ndims": (3,),
        "examples": ((7, 8), (5, 8)),
        "inputs": (1, 2),
        "repeat": 2,
    }
    encoder = "Self-attention, then a small network for each token, both with a shortcut"
    decoder = "Self-attention, attention over a second input, then a small network for each token"
    yield layer(
        "nn.TransformerEncoderLayer",
        "Attention",
        f"{encoder}.",
        first=first,
        infer=width,
        initial=fresh,
        positional=2,
        **tokens,
    )
    yield layer(
        "nn.TransformerDecoderLayer",
        "Attention",
        f"{decoder}.",
        first=first,
        infer=width,
        initial=fresh,
        positional=2,
        **pair,
    )
    yield layer(
        "nn.Transformer",
        "Attention",
        "An encoder for the first input, and a decoder that writes the second with it in view.",
        first=f"num_encoder_layers num_decoder_layers {first}",
        infer=width,
        initial={**fresh, "num_encoder_layers": 2, "num_decoder_layers": 2},
        positional=0,
        **{**pair, "inputs": (2, 2), "repeat": 1},
    )
    for stack, single, text, facts in (
        (nn.TransformerEncoder, nn.TransformerEncoderLayer, encoder, tokens),
        (nn.TransformerDecoder, nn.TransformerDecoderLayer, decoder, pair),
    ):
        encoder_only = {"enable_nested_tensor": False} if stack is nn.TransformerEncoder else {}
        yield layer(
            f"nn.{stack.__name__}",
            "Attention",
            f"A stack of layers. {text}.",
            first=f"num_layers {first}",
            infer=width,
            initial={**fresh, "num_layers": 2, **encoder_only},
            # Of the stack's own arguments the layer and the final norm are modules, not choices.
            signature_of=(_own(stack), single),
            make=Stack,
            **facts,
        )


def _own(stack: type[nn.Module]) -> Any:
    """Return a callable with the stack's arguments that are choices."""
    keep = inspect.signature(stack)
    dropped = ("encoder_layer", "decoder_layer", "norm")

    def own() -> None: ...

    own.__signature__ = keep.replace(  # type: ignore[attr-defined]
        parameters=[p for name, p in keep.parameters.items() if name not in dropped]
    )
    return own
