"""Rows of what works along spatial axes, one line for all ranks: windows, norms, padding, sizes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from builder.catalog.layer import CHANNELS, LAST, Layer, layer

_SPATIAL = {1: (32,), 2: (16, 16), 3: (8, 8, 8)}
_AXES = {1: "a sequence", 2: "a picture", 3: "a volume"}


def convolutions() -> Iterator[Layer]:
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


def pools() -> Iterator[Layer]:
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


def normalisations() -> Iterator[Layer]:
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


def dropouts() -> Iterator[Layer]:
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


def paddings() -> Iterator[Layer]:
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


def shapes() -> Iterator[Layer]:
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
