"""The rows of `torch.nn`: one per layer, its siblings of other ranks made by the same line."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from torch import nn

from builder.catalog.layer import Args, Layer, Wire, forward_arity, layer

LAST = Wire(-1)
CHANNELS = Wire(1)
_SPATIAL = {1: (32,), 2: (16, 16), 3: (8, 8, 8)}
_AXES = {1: "a sequence", 2: "a picture", 3: "a volume"}


def _linear() -> Iterator[Layer]:
    yield layer(
        "nn.Linear",
        "Linear",
        "Fully connected: every output is a weighted sum of all inputs, plus an offset.",
        formula=r"y = x W^\top + b",
        first="out_features bias",
        infer={"in_features": LAST},
        initial={"out_features": 64},
        positional=2,
    )
    yield layer(
        "nn.Bilinear",
        "Linear",
        "Combines two inputs: every output is a weighted sum of all products of their features.",
        formula=r"y = x_1^\top A\, x_2 + b",
        first="out_features bias",
        infer={"in1_features": LAST, "in2_features": Wire(-1, input=1)},
        initial={"out_features": 16},
        inputs=(2, 2),
        examples=((6,), (5,)),
        positional=3,
    )
    yield layer(
        "nn.Identity",
        "Linear",
        "Hands its input on unchanged; holds a place.",
        formula="y = x",
        dtype="any",
    )


def _convolutions() -> Iterator[Layer]:
    for rank, spatial in _SPATIAL.items():
        length = {"length": rank}
        window = dict.fromkeys(("kernel_size", "stride", "dilation"), length)
        shared: dict[str, Any] = {
            "first": "out_channels kernel_size stride padding",
            "infer": {"in_channels": CHANNELS},
            "ndims": (rank + 2,),
            "rank": rank,
            "examples": ((4, *spatial),),
            "positional": 2,
        }
        yield layer(
            f"nn.Conv{rank}d",
            "Convolution",
            f"Slides small learned filters over {_AXES[rank]}; each filter makes one channel.",
            formula=r"y_o = b_o + \sum_c w_{o,c} \star x_c",
            initial={"out_channels": 16, "kernel_size": 3, "padding": 1},
            fields={**window, "padding": {"length": rank, "choices": ("same", "valid")}},
            window="conv",
            family="nn.Conv{}d",
            **shared,
        )
        yield layer(
            f"nn.ConvTranspose{rank}d",
            "Convolution",
            f"A convolution turned round: makes {_AXES[rank]} larger.",
            formula=r"y_o = b_o + \sum_c w_{c,o} \star^\top x_c",
            initial={"out_channels": 16, "kernel_size": 2, "stride": 2},
            fields={
                **window,
                "padding": length,
                "output_padding": length,
                "padding_mode": {"choices": ("zeros",)},
            },
            window="transposed",
            family="nn.ConvTranspose{}d",
            **shared,
        )


def _pools() -> Iterator[Layer]:
    for rank, spatial in _SPATIAL.items():
        facts: dict[str, Any] = {
            "ndims": (rank + 2,),
            "rank": rank,
            "examples": ((4, *spatial),),
        }
        length = {"length": rank}
        yield layer(
            f"nn.MaxPool{rank}d",
            "Pooling",
            "Keeps the largest value of each window.",
            formula=r"y = \max_{\text{window}} x",
            first="kernel_size stride padding",
            initial={"kernel_size": 2},
            fields=dict.fromkeys(("kernel_size", "stride", "padding", "dilation"), length),
            window="pool",
            family="nn.MaxPool{}d",
            **facts,
        )
        yield layer(
            f"nn.AvgPool{rank}d",
            "Pooling",
            "Takes the mean of each window.",
            formula=r"y = \frac{1}{k} \sum_{\text{window}} x",
            first="kernel_size stride padding",
            initial={"kernel_size": 2},
            fields=dict.fromkeys(("kernel_size", "stride", "padding"), length),
            window="pool",
            family="nn.AvgPool{}d",
            **facts,
        )
        yield layer(
            f"nn.LPPool{rank}d",
            "Pooling",
            "Takes the p-norm of each window: between the mean (p = 1) and the maximum.",
            formula=r"y = \Big(\sum_{\text{window}} x^p\Big)^{1/p}",
            first="norm_type kernel_size stride",
            initial={"norm_type": 2.0, "kernel_size": 2},
            fields=dict.fromkeys(("kernel_size", "stride"), length),
            window="pool",
            family="nn.LPPool{}d",
            positional=2,
            **facts,
        )
        for kind, word in (("Avg", "mean"), ("Max", "largest value")):
            yield layer(
                f"nn.Adaptive{kind}Pool{rank}d",
                "Pooling",
                f"Takes the {word} of windows chosen so that the output has the size you ask for.",
                first="output_size",
                initial={"output_size": 1},
                fields={"output_size": length},
                family=f"nn.Adaptive{kind}Pool{{}}d",
                **facts,
            )
        yield layer(
            f"nn.MaxUnpool{rank}d",
            "Pooling",
            "Undoes a MaxPool: puts each value back where its maximum was, zeros elsewhere. "
            "Its second input is the indices of a MaxPool with return_indices.",
            first="kernel_size stride padding",
            initial={"kernel_size": 2},
            fields=dict.fromkeys(("kernel_size", "stride", "padding"), length),
            inputs=(2, 2),
            dtype="any",
            family="nn.MaxUnpool{}d",
            example_dtypes=("float32", "int64"),
            **{**facts, "examples": ((4, *spatial), (4, *spatial))},
        )
    for rank in (2, 3):
        yield layer(
            f"nn.FractionalMaxPool{rank}d",
            "Pooling",
            "Keeps the largest value of windows of random size; shrinks by any ratio.",
            first="kernel_size output_ratio",
            initial={"kernel_size": 2, "output_ratio": (0.5,) * rank},
            fields={
                "kernel_size": {"length": rank},
                "output_size": {"length": rank, "optional": True},
                "output_ratio": {"length": rank},
            },
            ndims=(rank + 2,),
            rank=rank,
            examples=((4, *_SPATIAL[rank]),),
        )


def _normalisations() -> Iterator[Layer]:
    standardise = r"y = \frac{x - \mathrm{E}[x]}{\sqrt{\mathrm{Var}[x] + \epsilon}}\,\gamma + \beta"
    for rank, spatial in _SPATIAL.items():
        yield layer(
            f"nn.BatchNorm{rank}d",
            "Normalisation",
            "Standardises each channel over the batch, then scales and shifts it.",
            formula=standardise,
            first="momentum affine",
            infer={"num_features": CHANNELS},
            ndims=(2, 3) if rank == 1 else (rank + 2,),
            rank=rank,
            family="nn.BatchNorm{}d",
            examples=((4, *spatial),),
        )
        yield layer(
            f"nn.InstanceNorm{rank}d",
            "Normalisation",
            "Standardises each channel of each sample on its own.",
            formula=standardise,
            first="affine",
            infer={"num_features": CHANNELS},
            ndims=(rank + 2,),
            rank=rank,
            family="nn.InstanceNorm{}d",
            examples=((4, *spatial),),
        )
    yield layer(
        "nn.LayerNorm",
        "Normalisation",
        "Standardises each sample over its last axes.",
        formula=standardise,
        first="elementwise_affine bias",
        infer={"normalized_shape": LAST},
    )
    yield layer(
        "nn.RMSNorm",
        "Normalisation",
        "Divides each sample by its root mean square.",
        formula=r"y = \frac{x}{\sqrt{\mathrm{mean}(x^2) + \epsilon}}\,\gamma",
        first="elementwise_affine",
        infer={"normalized_shape": LAST},
        fields={"eps": {"optional": True}},
    )
    yield layer(
        "nn.GroupNorm",
        "Normalisation",
        "Standardises groups of channels of each sample.",
        formula=standardise,
        first="num_groups affine",
        infer={"num_channels": CHANNELS},
        initial={"num_groups": 2},
        ndims=(2, 3, 4, 5),
        examples=((4, 16, 16),),
        positional=2,
    )
    yield layer(
        "nn.LocalResponseNorm",
        "Normalisation",
        "Divides each channel by the activity of its neighbours.",
        formula=r"y_c = x_c \Big(k + \frac{\alpha}{n}\sum_{c'} x_{c'}^2\Big)^{-\beta}",
        first="size alpha",
        initial={"size": 5},
        fields={
            "size": {"kind": "int", "optional": False, "help": "Number of neighbouring channels."},
            "alpha": {"slider": None},
        },
        ndims=(3, 4, 5),
        examples=((4, 16, 16),),
    )


ACTIVATIONS: Mapping[str, tuple[str, str, dict[str, Any]]] = {
    "ReLU": ("Keeps positive numbers, makes the rest zero.", r"\max(0, x)", {}),
    "LeakyReLU": (
        "Like ReLU, with a small slope for negative numbers.",
        r"\max(0, x) + a \min(0, x)",
        {"first": "negative_slope", "initial": {"negative_slope": 0.01}, "positional": 0},
    ),
    "PReLU": (
        "Like LeakyReLU, with a slope that is learned.",
        r"\max(0, x) + a \min(0, x)",
        {"first": "num_parameters init", "examples": ((4, 16, 16),)},
    ),
    "RReLU": (
        "Like LeakyReLU, with a slope drawn at random while training.",
        r"\max(0, x) + a \min(0, x),\ a \sim U(l, u)",
        {"first": "lower upper"},
    ),
    "ReLU6": ("ReLU that stops at 6.", r"\min(\max(0, x), 6)", {}),
    "ELU": (
        "Like ReLU, bending smoothly to -alpha.",
        r"\max(0, x) + \min(0, \alpha (e^x - 1))",
        {"first": "alpha"},
    ),
    "SELU": (
        "ELU scaled so that activations keep mean 0 and variance 1.",
        r"\lambda\,(\max(0, x) + \min(0, \alpha (e^x - 1)))",
        {},
    ),
    "CELU": (
        "ELU whose slope is continuous for every alpha.",
        r"\max(0, x) + \min(0, \alpha (e^{x/\alpha} - 1))",
        {"first": "alpha"},
    ),
    "GELU": (
        "Weighs each number by how likely a normal variable is to be smaller.",
        r"x\,\Phi(x)",
        {"first": "approximate"},
    ),
    "SiLU": ("x times its sigmoid, also called swish.", r"x\,\sigma(x)", {}),
    "Mish": ("A smooth ReLU that dips below zero.", r"x \tanh(\mathrm{softplus}(x))", {}),
    "Sigmoid": (
        "Squeezes every number into 0 to 1.",
        r"\sigma(x) = \frac{1}{1 + e^{-x}}",
        {},
    ),
    "LogSigmoid": ("Logarithm of the sigmoid.", r"\log \sigma(x)", {}),
    "Hardsigmoid": (
        "Sigmoid made of three straight lines.",
        r"\mathrm{clip}(x / 6 + 1 / 2,\ 0,\ 1)",
        {},
    ),
    "Tanh": (
        "Squeezes every number into -1 to 1.",
        r"\tanh(x) = \frac{e^x - e^{-x}}{e^x + e^{-x}}",
        {},
    ),
    "Hardtanh": (
        "Cuts off below min_val and above max_val.",
        r"\mathrm{clip}(x, a, b)",
        {"first": "min_val max_val"},
    ),
    "Hardswish": ("SiLU made of simple pieces.", r"x \cdot \mathrm{clip}(x / 6 + 1 / 2, 0, 1)", {}),
    "Softplus": (
        "A smooth ReLU.",
        r"\frac{1}{\beta} \log(1 + e^{\beta x})",
        {"first": "beta threshold"},
    ),
    "Softsign": ("Squeezes into -1 to 1, slowly.", r"\frac{x}{1 + |x|}", {}),
    "Softshrink": (
        "Pulls every number towards zero by lambd.",
        r"\mathrm{sign}(x) \max(|x| - \lambda, 0)",
        {"first": "lambd"},
    ),
    "Hardshrink": (
        "Makes small numbers zero, keeps the rest.",
        r"x \cdot [\,|x| > \lambda\,]",
        {"first": "lambd"},
    ),
    "Tanhshrink": ("x minus its tanh.", r"x - \tanh(x)", {}),
    "Threshold": (
        "Keeps numbers above the threshold, replaces the rest.",
        r"x \text{ if } x > t \text{ else } v",
        {"first": "threshold value", "initial": {"threshold": 0.1, "value": 0.0}},
    ),
    "GLU": (
        "Halves the axis: one half is gated by the sigmoid of the other.",
        r"a \cdot \sigma(b)",
        {"first": "dim"},
    ),
    "Softmax": (
        "Turns scores into probabilities that sum to 1.",
        r"\frac{e^{x_i}}{\sum_j e^{x_j}}",
        {"first": "dim", "initial": {"dim": -1}},
    ),
    "LogSoftmax": (
        "Logarithm of softmax; goes with NLLLoss.",
        r"\log \frac{e^{x_i}}{\sum_j e^{x_j}}",
        {"first": "dim", "initial": {"dim": -1}},
    ),
    "Softmin": (
        "Softmax of the negated scores.",
        r"\frac{e^{-x_i}}{\sum_j e^{-x_j}}",
        {"first": "dim", "initial": {"dim": -1}},
    ),
    "Softmax2d": (
        "Softmax over the channels of each pixel.",
        r"\frac{e^{x_c}}{\sum_{c'} e^{x_{c'}}}",
        {"ndims": (4,), "examples": ((4, 16, 16),)},
    ),
}


def _activations() -> Iterator[Layer]:
    for name, (help, formula, facts) in ACTIVATIONS.items():
        yield layer(f"nn.{name}", "Activation", help, formula=f"y = {formula}", **facts)


def _recurrent() -> Iterator[Layer]:
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


def _embeddings() -> Iterator[Layer]:
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


def _attention() -> Iterator[Layer]:
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


def _dropouts() -> Iterator[Layer]:
    helps: dict[str, tuple[str, dict[str, Any]]] = {
        "Dropout": ("Sets single values to zero at random while training.", {}),
        "Dropout1d": ("Drops whole channels of a sequence.", {"ndims": (3,), "rank": 1}),
        "Dropout2d": ("Drops whole channels of a picture.", {"ndims": (4,), "rank": 2}),
        "Dropout3d": ("Drops whole channels of a volume.", {"ndims": (5,), "rank": 3}),
        "AlphaDropout": ("Dropout that keeps mean and variance; goes with SELU.", {}),
        "FeatureAlphaDropout": (
            "AlphaDropout of whole channels.",
            {"ndims": (3, 4, 5), "examples": ((4, 16, 16),)},
        ),
    }
    for name, (help, facts) in helps.items():
        if rank := facts.get("rank"):
            facts = {**facts, "family": "nn.Dropout{}d", "examples": ((4, *_SPATIAL[rank]),)}
        yield layer(f"nn.{name}", "Dropout", help, first="p", initial={"p": 0.5}, **facts)


def _paddings() -> Iterator[Layer]:
    kinds = {
        "Zero": "zeros",
        "Constant": "a constant",
        "Reflection": "a mirror image",
        "Replication": "copies of the edge",
        "Circular": "the opposite side",
    }
    for kind, word in kinds.items():
        for rank, spatial in _SPATIAL.items():
            yield layer(
                f"nn.{kind}Pad{rank}d",
                "Padding",
                f"Makes {_AXES[rank]} larger, filling the border with {word}.",
                first="padding" + (" value" if kind == "Constant" else ""),
                initial={"padding": 1} | ({"value": 0.0} if kind == "Constant" else {}),
                # Negative padding cuts the border off, where torch allows it.
                fields={"padding": {"length": 2 * rank, "low": -10_000, "slider": (0, 8)}},
                ndims=(rank + 2,),
                rank=rank,
                family=f"nn.{kind}Pad{{}}d",
                examples=((4, *spatial),),
                positional=2,
            )


def _shapes() -> Iterator[Layer]:
    picture: dict[str, Any] = {"ndims": (4,), "examples": ((4, 16, 16),)}
    pair = {"length": 2}
    yield layer(
        "nn.Flatten",
        "Shape",
        "Joins axes into one; between pictures and Linear layers.",
        first="start_dim end_dim",
        dtype="any",
        examples=((4, 16, 16),),
        positional=2,
    )
    yield layer(
        "nn.Unflatten",
        "Shape",
        "Splits an axis into several.",
        first="dim unflattened_size",
        initial={"dim": 1, "unflattened_size": (2, -1)},
        dtype="any",
        positional=2,
    )
    yield layer(
        "nn.PixelShuffle",
        "Resampling",
        "Turns channels into a larger picture.",
        first="upscale_factor",
        initial={"upscale_factor": 2},
        **picture,
    )
    yield layer(
        "nn.PixelUnshuffle",
        "Resampling",
        "Turns a picture into more, smaller channels.",
        first="downscale_factor",
        initial={"downscale_factor": 2},
        **picture,
    )
    yield layer(
        "nn.ChannelShuffle",
        "Shape",
        "Mixes the order of channels between groups.",
        first="groups",
        initial={"groups": 2},
        ndims=(3, 4, 5),
        examples=((4, 16, 16),),
    )
    yield layer(
        "nn.Upsample",
        "Resampling",
        "Makes the spatial axes larger by copying or interpolating.",
        first="scale_factor size mode",
        initial={"scale_factor": 2},
        ndims=(3, 4, 5),
        examples=((4, 16, 16),),
        positional=0,
    )
    for name, word in (("Nearest", "copying"), ("Bilinear", "interpolating")):
        yield layer(
            f"nn.Upsampling{name}2d",
            "Resampling",
            f"Makes a picture larger by {word}; Upsample does the same and more.",
            first="scale_factor size",
            initial={"scale_factor": 2},
            fields={"size": {"length": 2}, "scale_factor": {"length": 2}},
            positional=0,
            **picture,
        )
    yield layer(
        "nn.Unfold",
        "Resampling",
        "Cuts a picture into overlapping patches, each a column.",
        first="kernel_size stride padding dilation",
        initial={"kernel_size": 3},
        fields=dict.fromkeys(("kernel_size", "stride", "padding", "dilation"), pair),
        **picture,
    )
    yield layer(
        "nn.Fold",
        "Resampling",
        "Puts overlapping patches back together into a picture, adding where they overlap.",
        first="output_size kernel_size stride padding dilation",
        initial={"output_size": 8, "kernel_size": 2, "stride": 2},
        fields=dict.fromkeys(("output_size", "kernel_size", "stride", "padding", "dilation"), pair),
        ndims=(3,),
        examples=((12, 16),),
        positional=2,
    )


def _distances() -> Iterator[Layer]:
    pair: dict[str, Any] = {"inputs": (2, 2), "examples": ((8,), (8,))}
    yield layer(
        "nn.CosineSimilarity",
        "Linear",
        "How far two inputs point the same way, from -1 to 1.",
        formula=r"y = \frac{a \cdot b}{\max(\|a\| \|b\|, \epsilon)}",
        first="dim",
        **pair,
    )
    yield layer(
        "nn.PairwiseDistance",
        "Linear",
        "Distance between two inputs, sample by sample.",
        formula=r"y = \|a - b + \epsilon\|_p",
        first="p keepdim",
        fields={"p": {"high": 100, "slider": (1, 8), "help": "The p of the p-norm."}},
        **pair,
    )


# In torch.nn, and yet not a layer of a model: containers, bases, what wraps other modules, and the
# lazy twins, whose work the wire does here.
_NOT_LAYERS = frozenset(
    {
        "AdaptiveLogSoftmaxWithLoss",
        "Container",
        "CrossMapLRN2d",
        "DataParallel",
        "Module",
        "ModuleDict",
        "ModuleList",
        "ParameterDict",
        "ParameterList",
        "RNNBase",
        "RNNCellBase",
        "Sequential",
        "SyncBatchNorm",
    }
)


def _introspected(known: set[str]) -> Iterator[Layer]:
    """Make a row for every other layer of `torch.nn` from its signature and its docstring."""
    for name in dir(nn):
        cls = getattr(nn, name)
        if (
            f"nn.{name}" in known
            or not (inspect.isclass(cls) and issubclass(cls, nn.Module))
            or name in _NOT_LAYERS
            or name.startswith("Lazy")
            or name.endswith(("Loss", "Loss2d"))
        ):
            continue
        arity = forward_arity(cls)
        shape = (7, 8) if name == "Transformer" else (8,)
        yield layer(
            f"nn.{name}",
            "Other",
            (inspect.getdoc(cls) or name).partition(".")[0].replace("\n", " ") + ".",
            inputs=arity,
            infer={"d_model": LAST} if name == "Transformer" else {},
            initial={"batch_first": True} if name == "Transformer" else {},
            examples=(shape,) * arity[0],
            positional=0,
        )


def module_rows() -> Iterator[Layer]:
    """Yield every row of `torch.nn`, those with help of their own first."""
    known: set[str] = set()
    for rows in (
        _linear,
        _convolutions,
        _pools,
        _normalisations,
        _activations,
        _recurrent,
        _embeddings,
        _attention,
        _dropouts,
        _paddings,
        _shapes,
        _distances,
    ):
        for row in rows():
            known.add(row.op)
            yield row
    yield from _introspected(known)
