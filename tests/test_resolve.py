"""Resolving: shapes, costs, and what is said and offered when a model cannot run."""

import gc
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import nn

from builder import CATALOG, TEMPLATES, Block, ModelSpec, Node, build, edit, resolve
from builder.resolve import BatchDim, Fault, TensorType, describe, settle
from builder.resolve.probe import Call, _run, probe
from builder.resolve.types import N
from builder.resolve.walk import MAX_DEPTH, MAX_LAYERS
from builder.resolve.window import explain_window, largest_kernel
from builder.spec import CONTAINERS, Input
from tests.fresh import random_inputs

ROOT = Path(__file__).parents[1]
Op = str | tuple[str, dict[str, Any]]


def chain(
    shape: tuple[int, ...], *ops: Op, container: str = "sequential", dtype: str = "float32"
) -> ModelSpec:
    pairs = [(op, {}) if isinstance(op, str) else op for op in ops]
    nodes = tuple(Node(str(i), op, args) for i, (op, args) in enumerate(pairs))
    return ModelSpec("M", (Input("x", shape, dtype),), container, nodes)


def graph(shape: tuple[int, ...], *nodes: Node, dtype: str = "float32", **more: Any) -> ModelSpec:
    more.setdefault("inputs", (Input("x", shape, dtype),))
    return ModelSpec("M", container="graph", nodes=nodes, **more)


def linear(out: Any, **more: Any) -> Op:
    return "nn.Linear", {"out_features": out, **more}


def conv(out: int, kernel: Any = 3, *, rank: int = 2, **more: Any) -> Op:
    return f"nn.Conv{rank}d", {"out_channels": out, "kernel_size": kernel, **more}


def pool(kernel: Any, *, rank: int = 2, **more: Any) -> Op:
    return f"nn.MaxPool{rank}d", {"kernel_size": kernel, **more}


def recurrent(kind: str = "LSTM", hidden: int = 8, **more: Any) -> Op:
    return f"nn.{kind}", {"hidden_size": hidden, "batch_first": True, **more}


def node(name: str, op: Op, *inputs: str) -> Node:
    kind, args = (op, {}) if isinstance(op, str) else op
    return Node(name, kind, args, inputs)


EMBED: Op = ("nn.Embedding", {"num_embeddings": 10, "embedding_dim": 4})
ATTEND: Op = ("nn.MultiheadAttention", {"num_heads": 4, "batch_first": True})
BROKEN = TEMPLATES["MyNet with SubNet (broken)"]


def only_fault(spec: ModelSpec) -> Fault:
    found = resolve(spec).faults
    assert len(found) == 1
    return found[0]


def runs(spec: ModelSpec) -> None:
    """The model resolves, and torch agrees: at two batch sizes and in both modes."""
    resolution = resolve(spec)
    assert resolution.faults == ()
    model = build(spec)
    for batch in (2, 5):
        for training in (True, False):
            output = model.train(training)(*random_inputs(spec, batch))
            outputs = (output,) if len(resolution.outputs) == 1 else output
            for value, kind in zip(outputs, resolution.outputs, strict=True):
                if isinstance(kind, TensorType):
                    assert tuple(value.shape) == kind.at(batch)


# --- what comes out ------------------------------------------------------------------------------


def test_every_step_tells_its_shape_its_parameters_and_its_cost() -> None:
    resolution = resolve(TEMPLATES["LeNet5"])
    rows = [(step.op, step.shape_text, step.params, step.macs) for step in resolution.steps]
    assert rows == [
        ("nn.Conv2d", "(N, 6, 28, 28)", 156, 117600),
        ("nn.ReLU", "(N, 6, 28, 28)", 0, 0),
        ("nn.MaxPool2d", "(N, 6, 14, 14)", 0, 0),
        ("nn.Conv2d", "(N, 16, 10, 10)", 2416, 240000),
        ("nn.ReLU", "(N, 16, 10, 10)", 0, 0),
        ("nn.MaxPool2d", "(N, 16, 5, 5)", 0, 0),
        ("nn.Flatten", "(N, 400)", 0, 0),
        ("nn.Linear", "(N, 120)", 48120, 48000),
        ("nn.ReLU", "(N, 120)", 0, 0),
        ("nn.Linear", "(N, 84)", 10164, 10080),
        ("nn.ReLU", "(N, 84)", 0, 0),
        ("nn.Linear", "(N, 10)", 850, 840),
    ]
    assert resolution.params == sum(step.params for step in resolution.steps) == 61706
    assert resolution.trainable == resolution.params
    assert resolution.macs == sum(step.macs for step in resolution.steps)
    assert resolution.activation_bytes == sum(4 * step_features(step) for step in resolution.steps)
    assert resolution.output == TensorType((N, 10))
    assert resolution.by_name["7"].inferred == {"in_features"}
    assert resolution.by_name["7"].args["in_features"] == 400
    assert resolution.by_name["0"].key == "0"


def step_features(step: Any) -> int:
    return step.output.features


@pytest.mark.parametrize("title", [title for title in TEMPLATES if "broken" not in title])
def test_every_template_runs_as_resolved(title: str) -> None:
    runs(TEMPLATES[title])
    assert resolve(TEMPLATES[title]).notes == ()


def test_the_batch_is_a_letter_wherever_a_layer_puts_it() -> None:
    spec = graph((5, 6), node("gru", recurrent("GRU", 3, num_layers=2, bidirectional=True)))
    assert resolve(spec).by_name["gru"].shape_text == "[(N, 5, 6); (4, N, 3)]"
    assert str(BatchDim(2)) == "2N"
    assert str(BatchDim(1, 3)) == "N+3"
    assert str(BatchDim(2, -1)) == "2N-1"
    assert str(TensorType((N,))) == "(N,)"
    assert str(TensorType(())) == "()"
    kind = TensorType((BatchDim(3), 4, BatchDim(1, 1)))
    assert kind.at(5) == (15, 4, 6)
    assert kind.sample == (3, 4, 2)
    assert not kind.batched
    assert describe((kind, (TensorType((N, 2), "int64"),))) == "[(3N, 4, N+1); [(N, 2)]]"
    assert TensorType((N, 2), "int64").bytes == 16


def test_inputs_outputs_and_dtypes_are_told() -> None:
    spec = graph(
        (),
        node("embed", EMBED, "i"),
        node("sum", "+", "embed", "x"),
        inputs=(Input("x", (7, 4)), Input("i", (7,), "int64")),
        outputs=("sum", "i"),
    )
    resolution = resolve(spec)
    assert resolution.outputs == (TensorType((N, 7, 4)), TensorType((N, 7), "int64"))
    assert resolution.output is None
    assert resolution.by_name["sum"].sources == ("embed", "x")
    runs(spec)


def test_blocks_hold_their_own_steps_and_shared_weights_count_once() -> None:
    block = Block("graph", (node("fc", linear(8)), node("relu", "F.relu")))
    spec = graph((8,), Node("a", "B"), Node("b", "a"), Node("c", "B"), blocks={"B": block})
    resolution = resolve(spec)
    assert [step.params for step in resolution.steps] == [72, 0, 72]
    assert [step.macs for step in resolution.steps] == [64, 64, 64]
    a, b, c = resolution.steps
    assert (a.shared, b.shared, a.key, b.key) == (None, "a", "a", "")
    assert [inner.params for inner in a.steps] == [72, 0]
    assert [inner.params for inner in b.steps] == [0, 0]
    assert [inner.key for inner in c.steps] == ["fc", ""]
    assert (a.layers, resolution.params) == (3, 144)


def test_keys_are_those_of_the_state_dict() -> None:
    nodes = ("nn.ReLU", linear(4), "F.relu", linear(3))
    listed = chain((4,), *nodes, container="modulelist")
    assert [step.key for step in resolve(listed).steps] == ["layers.0", "layers.1", "", "layers.2"]
    assert next(iter(build(listed).state_dict())) == "layers.1.weight"


# --- faults and their fixes ----------------------------------------------------------------------

# A model, the node at fault, words its message holds, and the labels of the fixes that come before
# switching the layer off and taking it out.
CASES: dict[str, tuple[ModelSpec, str, tuple[str, ...], tuple[str, ...]]] = {
    "in_features of the first layer": (
        chain((10,), linear(20, in_features=12)),
        "0",
        ("in_features=12", "receives 10 in the last axis of (N, 10)"),
        ("Set in_features to 10",),
    ),
    "in_features in the middle": (
        chain((10,), linear(20), "nn.ReLU", linear(5, in_features=30)),
        "2",
        ("in_features=30", "receives 20"),
        ("Set in_features to 20", "Make 0 give 30"),
    ),
    "in_channels": (
        chain((3, 8, 8), conv(4), "nn.BatchNorm2d", conv(4, in_channels=8)),
        "2",
        ("in_channels=8", "receives 4 in axis 1 of (N, 4, 6, 6)"),
        ("Set in_channels to 4", "Make 0 give 8"),
    ),
    "num_features": (
        chain((3, 8, 8), conv(4), ("nn.BatchNorm2d", {"num_features": 5})),
        "1",
        ("num_features=5", "receives 4 in axis 1"),
        ("Set num_features to 4", "Make 0 give 5"),
    ),
    "input_size": (
        chain((5, 6), recurrent(input_size=9)),
        "0",
        ("input_size=9", "receives 6 in the last axis of (N, 5, 6)"),
        ("Set input_size to 6",),
    ),
    "normalized_shape": (
        chain((5, 8), ("nn.LayerNorm", {"normalized_shape": (3, 8)})),
        "0",
        ("normalized_shape=(3, 8)", "of (N, 5, 8)"),
        ("Set normalized_shape to 8",),
    ),
    "Flatten missing, the size as if it were there": (
        chain((3, 8, 8), conv(4), linear(10, in_features=144)),
        "1",
        ("in_features=144", "receives 6", "4·6·6 = 144", "a Flatten before it"),
        ("Put a Flatten before it",),
    ),
    "Flatten missing, another size": (
        chain((3, 8, 8), conv(4), linear(10, in_features=100)),
        "1",
        ("in_features=100", "receives 6 in the last axis of (N, 4, 6, 6)"),
        ("Put a Flatten before it", "Set in_features to 6"),
    ),
    "Flatten missing, the size inferred": (
        chain((3, 8, 8), conv(4), linear(10)),
        "1",
        ("mixes the last axis only", "has 6 of the 144 values", "(N, 4, 6, 6)"),
        ("Put a Flatten before it", "Keep to the last axis"),
    ),
    "Flatten missing in a volume": (
        chain((3, 8, 8, 8), conv(4, rank=3), linear(10)),
        "1",
        ("has 6 of the 864 values",),
        ("Put a Flatten before it", "Keep to the last axis"),
    ),
    "Flatten there, the size wrong": (
        chain((3, 8, 8), conv(4), "nn.Flatten", linear(10, in_features=100)),
        "2",
        ("in_features=100", "receives 144", "1 joined 4·6·6 = 144"),
        ("Set in_features to 144",),
    ),
    "Conv2d on a sequence": (
        chain((3, 8), conv(4)),
        "0",
        ("takes 4 axes (N, channels, height, width)", "receives 3: (N, 3, 8)"),
        ("Use nn.Conv1d", "Make input x one channel: (1, 3, 8)", "Make it one channel"),
    ),
    "Conv1d on a picture": (
        chain((3, 8, 8), conv(4, rank=1)),
        "0",
        ("takes 3 axes (N, channels, length)", "receives 4: (N, 3, 8, 8)"),
        ("Use nn.Conv2d", "Put a Flatten before it"),
    ),
    "Conv2d with sizes per axis on a sequence": (
        chain((3, 8), conv(4, (3, 5), padding=(1, 2))),
        "0",
        ("takes 4 axes",),
        ("Use nn.Conv1d", "Make input x one channel: (1, 3, 8)", "Make it one channel"),
    ),
    "Conv3d on a picture": (
        chain((3, 8, 8), conv(4, rank=3)),
        "0",
        ("takes 5 axes (N, channels, depth, height, width)",),
        ("Use nn.Conv2d", "Make input x one channel: (1, 3, 8, 8)", "Make it one channel"),
    ),
    "Conv2d on a picture laid flat": (
        chain((784,), conv(4)),
        "0",
        ("receives 2: (N, 784)",),
        ("Read it as a picture: (1, 28, 28)",),
    ),
    "Conv2d behind a Flatten": (
        chain((3, 8, 8), "nn.Flatten", conv(4)),
        "1",
        ("receives 2: (N, 192)",),
        ("Remove 0, the Flatten before it", "Read it as a picture: (3, 8, 8)"),
    ),
    "MaxPool2d on a sequence": (
        chain((3, 8), pool(2)),
        "0",
        ("takes 4 axes",),
        ("Use nn.MaxPool1d", "Make input x one channel: (1, 3, 8)", "Make it one channel"),
    ),
    "MaxPool1d on a picture": (
        chain((3, 8, 8), pool(2, rank=1)),
        "0",
        ("takes 3 axes",),
        ("Use nn.MaxPool2d", "Put a Flatten before it"),
    ),
    "AdaptiveAvgPool1d on a picture": (
        chain((3, 8, 8), ("nn.AdaptiveAvgPool1d", {"output_size": 3})),
        "0",
        ("takes 3 axes",),
        ("Use nn.AdaptiveAvgPool2d", "Put a Flatten before it"),
    ),
    "F.max_pool1d on a picture": (
        graph((3, 8, 8), node("pool", ("F.max_pool1d", {"kernel_size": 2}))),
        "pool",
        ("takes 3 axes",),
        ("Use F.max_pool2d", "Put a Flatten before it"),
    ),
    "BatchNorm1d on a picture": (
        chain((3, 8, 8), "nn.BatchNorm1d"),
        "0",
        ("takes 2 axes (N, channels) or 3 axes (N, channels, length)", "receives 4"),
        ("Use nn.BatchNorm2d", "Put a Flatten before it"),
    ),
    "BatchNorm2d on features": (
        chain((8,), "nn.BatchNorm2d"),
        "0",
        ("takes 4 axes", "receives 2: (N, 8)"),
        ("Use nn.BatchNorm1d",),
    ),
    "Dropout2d on a sequence": (
        chain((3, 8), "nn.Dropout2d"),
        "0",
        ("takes 4 axes",),
        ("Use nn.Dropout1d", "Make input x one channel: (1, 3, 8)", "Make it one channel"),
    ),
    "a picture read by an LSTM": (
        chain((1, 28, 28), recurrent()),
        "0",
        ("takes 3 axes (N, time, features)", "receives 4: (N, 1, 28, 28)"),
        ("Put a Flatten before it",),
    ),
    "features read by an LSTM": (
        chain((28,), recurrent()),
        "0",
        ("receives 2: (N, 28)",),
        ("Read its features one at a time", "Read it as a single step"),
    ),
    "sequences read by EmbeddingBag twice over": (
        chain((5, 3), ("nn.EmbeddingBag", dict(EMBED[1])), dtype="int64"),
        "0",
        ("takes 2 axes (N, length)", "(N, 5, 3)"),
        ("Put a Flatten before it",),
    ),
    "an LSTM in a Sequential": (
        chain((5, 6), recurrent(), linear(10)),
        "1",
        ("takes a tensor", "0 gives 2 things: (N, 5, 8); [(1, N, 8); (1, N, 8)]"),
        (
            "Take the last time step (it becomes a ModuleList)",
            "Take its first output, (N, 5, 8) (it becomes a ModuleList)",
        ),
    ),
    "a GRU in a ModuleList": (
        chain((5, 6), recurrent("GRU"), linear(10), container="modulelist"),
        "1",
        ("0 gives 2 things: (N, 5, 8); (1, N, 8)",),
        ("Take the last time step", "Take its first output, (N, 5, 8)"),
    ),
    "an RNN in a graph": (
        graph((5, 6), node("rnn", recurrent("RNN")), node("act", "nn.ReLU")),
        "act",
        ("rnn gives 2 things",),
        ("Take its first output, (N, 5, 8)", "Take the last time step"),
    ),
    "an LSTM whose tuple is added": (
        graph((5, 8), node("lstm", recurrent()), node("sum", "+", "x", "lstm")),
        "sum",
        ("+ takes a tensor; lstm gives 2 things",),
        ("Take its first output, (N, 5, 8)",),
    ),
    "attention's tuple fed onward": (
        graph((5, 8), node("attention", ATTEND), node("norm", "nn.LayerNorm")),
        "norm",
        ("attention gives 2 things: (N, 5, 8); (N, 5, 5)",),
        ("Take its first output, (N, 5, 8)",),
    ),
    "indices fed onward": (
        chain((3, 8, 8), pool(2, return_indices=True), "nn.ReLU"),
        "1",
        ("0 gives 2 things: (N, 3, 4, 4); (N, 3, 4, 4)",),
        ("Take its first output, (N, 3, 4, 4) (it becomes a ModuleList)",),
    ),
    "kernel larger than its input": (
        chain((1, 4, 4), conv(4, 5)),
        "0",
        (
            "a window of 5 is larger than what it receives, (N, 1, 4, 4)",
            "height floor((4 + 2·0 - 1·(5 - 1) - 1) / 1) + 1 = 0",
            "At most 4 fits",
        ),
        ("Set kernel_size to 4", "Set padding to 1"),
    ),
    "pool larger than its input": (
        chain((1, 4, 4), pool((2, 7), padding=(0, 1))),
        "0",
        ("a window of 2x7", "width floor((4 + 2·1 - 7) / 7) + 1 = 0", "At most 4x6 fits"),
        ("Set kernel_size to (2, 6)",),
    ),
    "dilation that stretches the window": (
        chain((1, 8, 4), conv(4, (3, 3), dilation=(4, 2))),
        "0",
        ("height floor((8 + 2·0 - 4·(3 - 1) - 1) / 1) + 1 = 0", "At most 2x2 fits"),
        ("Set kernel_size to (2, 2)",),
    ),
    "groups and channels that come in": (
        chain((6, 8, 8), conv(4, groups=4)),
        "0",
        ("groups=4 does not divide in_channels=6 (6 / 4 = 1.50)",),
        ("Set groups to 2", "Set groups to 1"),
    ),
    "groups and channels that come out": (
        chain((6, 8, 8), conv(4, groups=3)),
        "0",
        ("groups=3 does not divide out_channels=4",),
        ("Set groups to 2", "Set groups to 1"),
    ),
    "num_heads": (
        graph((5, 6), node("attention", ATTEND)),
        "attention",
        ("num_heads=4 does not divide embed_dim=6",),
        ("Set num_heads to 3", "Set num_heads to 6"),
    ),
    "nhead": (
        chain(
            (5, 9), linear(10), ("nn.TransformerEncoderLayer", {"nhead": 4, "batch_first": True})
        ),
        "1",
        ("nhead=4 does not divide d_model=10",),
        ("Set nhead to 5", "Set nhead to 2", "Make 0 give 12"),
    ),
    "num_groups": (
        chain((3, 8, 8), conv(6), ("nn.GroupNorm", {"num_groups": 4})),
        "1",
        ("num_groups=4 does not divide num_channels=6",),
        ("Set num_groups to 3", "Set num_groups to 6", "Make 0 give 8"),
    ),
    "an Embedding fed floats": (
        chain((5,), EMBED),
        "0",
        ("reads whole numbers (int64)", "receives float32 numbers of shape (N, 5)"),
        ("Make input x int64",),
    ),
    "an Embedding fed floats through another layer": (
        chain((5, 1), "nn.Flatten", EMBED),
        "1",
        ("reads whole numbers (int64)",),
        ("Make input x int64",),
    ),
    "an Embedding behind a Linear": (
        chain((5,), linear(3), EMBED),
        "1",
        ("receives float32 numbers of shape (N, 3)",),
        (),
    ),
    "a Linear fed whole numbers": (
        chain((5,), linear(3), dtype="int64"),
        "0",
        ("reads float32", "receives int64 numbers of shape (N, 5)"),
        ("Make input x float32", "Put an Embedding before it"),
    ),
    "a Linear fed whole numbers through another layer": (
        chain((5, 1), "nn.Flatten", linear(3), dtype="int64"),
        "1",
        ("reads float32",),
        ("Make input x float32", "Put an Embedding before it"),
    ),
    "indices that are floats": (
        graph((3, 8, 8), node("un", ("nn.MaxUnpool2d", {"kernel_size": 2}), "x", "x")),
        "un",
        ("reads whole numbers (int64)",),
        (),
    ),
    "indices of a larger picture": (
        graph(
            (1, 8, 8),
            node("pool", pool(4, return_indices=True)),
            node("out", ("item", {"index": 0}), "pool"),
            node("at", ("item", {"index": 1}), "pool"),
            node("un", ("nn.MaxUnpool2d", {"kernel_size": 2}), "out", "at"),
        ),
        "un",
        ("gives 4x4 = 16 places", "the indices that pool took are of 8x8 = 64"),
        ("Take the sizes of pool",),
    ),
    "the seed's view": (
        BROKEN,
        "view",
        (
            "changes the batch: (N, 32, 8, 8) becomes (2N, 1024)",
            "a batch of 2 comes out as 4",
            "32 · 8 · 8 = 2,048 values, and the view asks for 1,024 a row",
        ),
        (
            "View it as (-1, 2,048), and let the next layer follow",
            "Use torch.flatten(x, 1), and let the next layer follow",
        ),
    ),
    "the batch folded by flatten": (
        graph((8,), node("flat", ("torch.flatten", {"start_dim": 0}))),
        "flat",
        ("(N, 8) becomes (8N,), so a batch of 2 comes out as 16",),
        ("Set start_dim to 1",),
    ),
    "the batch averaged away": (
        graph((8,), node("mean", ("Tensor.mean", {"dim": 0}))),
        "mean",
        ("(N, 8) becomes (8,)",),
        ("Set dim to 1",),
    ),
    "the batch joined": (
        graph((8,), node("cat", ("torch.cat", {"dim": 0}), "x", "x")),
        "cat",
        ("(N, 8) becomes (2N, 8)",),
        ("Set dim to 1",),
    ),
    "the batch moved": (
        graph((4, 8), node("turn", ("Tensor.permute", {"dims": (1, 0, 2)})), node("r", "F.relu")),
        "turn",
        ("(N, 4, 8) becomes (4, N, 8)",),
        ("Keep the batch first: (0, 1, 2)",),
    ),
    "the batch swapped": (
        graph((4, 8), node("turn", ("torch.transpose", {"dim0": 0, "dim1": 1}))),
        "turn",
        ("(N, 4, 8) becomes (4, N, 8)",),
        ("Swap axes 1 and 2",),
    ),
    "view of sizes that do not fit": (
        graph((3, 8), node("view", ("Tensor.view", {"shape": (-1, 5)}))),
        "view",
        ("A sample has 24 values", "cannot be seen as (-1, 5)"),
        (
            "View it as (-1, 24), and let the next layer follow",
            "Use torch.flatten(x, 1), and let the next layer follow",
        ),
    ),
    "a sum of different sizes": (
        graph((8,), node("a", linear(4)), node("sum", "+", "a", "x")),
        "sum",
        ("+ receives a (N, 4), x (N, 8)", "must be equal, or 1, in every axis"),
        ("Put a Linear to 4 behind x", "Put a Linear to 8 behind a"),
    ),
    "a skip past a strided convolution": (
        graph((3, 8, 8), node("a", conv(4, stride=2, padding=1)), node("sum", "+", "a", "x")),
        "sum",
        ("a (N, 4, 4, 4), x (N, 3, 8, 8)",),
        ("Put a 1x1 convolution behind x",),
    ),
    "branches that cannot be joined": (
        graph((3, 8, 8), node("a", conv(4)), node("cat", ("torch.cat", {"dim": 1}), "a", "x")),
        "cat",
        ("a (N, 4, 6, 6), x (N, 3, 8, 8)", "equal in every axis but the joined one"),
        (),
    ),
    "a matrix product the wrong way round": (
        graph((4, 8), node("a", linear(8)), node("mul", "torch.matmul", "x", "a")),
        "mul",
        ("last axis of the first must equal the last but one of the second",),
        ("Transpose a",),
    ),
    "an unknown argument": (
        chain((8,), linear(4, units=3)),
        "0",
        ("nn.Linear has no argument 'units'", "in_features, out_features, bias"),
        ("Remove units",),
    ),
    "a required argument missing": (
        chain((8,), "nn.Linear"),
        "0",
        ("needs out_features: a whole number from 1 to 100,000,000",),
        ("Set out_features to 64",),
    ),
    "zero": (
        chain((8,), linear(0)),
        "0",
        ("out_features is 0; a whole number from 1",),
        ("Set out_features to 1", "Set out_features to 64"),
    ),
    "negative": (
        chain((3, 8, 8), conv(4, padding=-1)),
        "0",
        ("padding is -1; a whole number from 0", "'same' or 'valid'"),
        ("Set padding to 0", "Set padding to 1"),
    ),
    "far too large": (
        chain((8,), linear(10**12)),
        "0",
        ("out_features is 1000000000000", "to 100,000,000 works"),
        ("Set out_features to 64",),
    ),
    "text": (
        chain((8,), linear("ten")),
        "0",
        ("out_features is 'ten'",),
        ("Set out_features to 64",),
    ),
    "text a million letters long": (
        chain((8,), linear("t" * 10**6)),
        "0",
        ("out_features is 'ttt",),
        ("Set out_features to 64",),
    ),
    "a number with a point": (
        chain((8,), linear(3.0)),
        "0",
        ("out_features is 3.0",),
        ("Set out_features to 64",),
    ),
    "an empty size that the wire tells": (
        chain((8,), linear(3, in_features=None)),
        "0",
        ("in_features is empty",),
        ("Let the wire tell in_features",),
    ),
    "true for a number": (
        chain((8,), ("nn.Dropout", {"p": True})),
        "0",
        ("p is True; a number from 0 to 1",),
        ("Set p to 0.5",),
    ),
    "a word that torch does not know": (
        chain((3, 8, 8), conv(4, padding_mode="mirror")),
        "0",
        ("padding_mode is 'mirror'; 'zeros' or 'reflect'",),
        ("Leave padding_mode to torch: zeros",),
    ),
    "a list of the wrong length": (
        chain((3, 8, 8), conv(4, (3, 3, 3))),
        "0",
        ("kernel_size is (3, 3, 3)", "or a list of 2"),
        ("Set kernel_size to 3",),
    ),
    "an axis that is not there": (
        chain((8,), ("nn.Softmax", {"dim": 3})),
        "0",
        ("dim=3; (N, 8) has the axes 0 to 1, or -2 to -1",),
        ("Set dim to -1, the last axis",),
    ),
    "output_padding beyond the stride": (
        chain((3, 8, 8), ("nn.ConvTranspose2d", {**conv(4)[1], "output_padding": (0, 2)})),
        "0",
        ("output_padding=2 must be smaller than the stride, 1, or the dilation, 1",),
        ("Set output_padding to 0",),
    ),
    "a mirror wider than the picture": (
        chain((3, 8, 8), ("nn.ReflectionPad2d", {"padding": (1, 2, 9, 1)})),
        "0",
        ("a border of 9 mirrors more cells than there are in (N, 3, 8, 8); at most 7 works",),
        ("Set padding to (1, 2, 7, 1)",),
    ),
    "same padding with a stride": (
        chain((3, 8, 8), conv(4, stride=2, padding="same")),
        "0",
        ("padding='same' is not supported for strided convolutions",),
        (
            "Leave stride to torch: 1",
            "Leave padding to torch: 0",
            "Back to its first values",
        ),
    ),
    "a size too small to standardise": (
        chain((3, 1, 1), "nn.InstanceNorm2d"),
        "0",
        ("Expected more than 1 spatial element when training, got input size (N, 3, 1, 1)",),
        (),
    ),
    "nothing left of a picture": (
        chain((3, 2, 8), ("nn.UpsamplingBilinear2d", {"scale_factor": 0.3})),
        "0",
        ("would give (N, 3, 0, 2), which holds no number at all",),
        ("Back to its first values",),
    ),
    "channels that cannot be shuffled": (
        chain((3, 8, 8), conv(6), ("nn.PixelShuffle", {"upscale_factor": 2})),
        "1",
        ("4 must divide the channels, 6, of (N, 6, 6, 6)",),
        ("Set upscale_factor to 1",),
    ),
    "an odd axis halved": (
        chain((7,), "nn.GLU"),
        "0",
        ("nn.GLU halves axis -1", "(N, 7)"),
        (),
    ),
    "an unknown layer": (
        chain((8,), "nn.Relu"),
        "0",
        ("no layer called 'nn.Relu'", "Did you mean nn.ReLU"),
        ("Use nn.ReLU",),
    ),
    "a function in a Sequential": (
        chain((8,), "F.relu"),
        "0",
        ("F.relu is a function, and a Sequential holds modules only",),
        ("Use nn.ReLU", "Make it a ModuleList"),
    ),
    "a function without a module in a Sequential": (
        chain((8, 4), ("Tensor.mean", {"dim": 1})),
        "0",
        ("Tensor.mean is a function",),
        ("Make it a ModuleList",),
    ),
    "a sum in a Sequential": (
        chain((8,), "nn.ReLU", "+"),
        "1",
        ("+ is a function",),
        ("Read 0 and x",),
    ),
    "attention in a Sequential": (
        chain((5, 8), ATTEND),
        "0",
        ("takes 3 inputs, and a Sequential hands on one",),
        ("Make it a ModuleList",),
    ),
    "two inputs in a Sequential": (
        chain((8,), linear(8), ("nn.Bilinear", {"out_features": 3})),
        "1",
        ("takes 2 inputs and receives 1",),
        ("Read 0 and x",),
    ),
    "a skip in a Sequential": (
        replace(
            chain((8,), linear(8), "nn.ReLU"),
            nodes=(*chain((8,), linear(8)).nodes, Node("1", "nn.ReLU", {}, ("x",))),
        ),
        "1",
        ("1 reads x; in a Sequential every layer reads the one before it",),
        ("Make it a ModuleList", "Read the layer before"),
    ),
    "a layer called again in a Sequential": (
        chain((8,), linear(8), "0"),
        "1",
        ("1 calls 0 again; a Sequential runs each of its layers once",),
        ("Make it a ModuleList",),
    ),
    "too many inputs": (
        graph((8,), node("a", linear(8)), node("b", "nn.ReLU", "a", "x")),
        "b",
        ("nn.ReLU takes 1 input and receives 2",),
        ("Read a only",),
    ),
    "two of three inputs": (
        graph((5, 8), node("a", linear(8)), node("b", ATTEND, "a", "x")),
        "b",
        ("takes 1 or 3 inputs and receives 2",),
        (),
    ),
    "a layer that comes later": (
        graph((8,), node("a", "nn.ReLU", "b"), node("b", "nn.ReLU")),
        "a",
        ("a reads 'b', which comes later",),
        ("Read the layer before",),
    ),
    "a layer that is not there": (
        graph((8,), node("a", "nn.ReLU", "zz")),
        "a",
        ("a reads 'zz', which is not there",),
        ("Read the layer before",),
    ),
    "an output that is not there": (
        graph((8,), node("a", "nn.ReLU"), outputs=("zz",)),
        "a",
        ("The model's output is 'zz', and there is no layer of that name",),
        ("Give the last layer's output",),
    ),
    "a single tensor taken apart": (
        graph((8,), node("a", ("item", {"index": 0}))),
        "a",
        ("item takes one of several outputs; x gives a single tensor, (N, 8)",),
        (),
    ),
    "an output beyond the last": (
        graph((5, 8), node("lstm", recurrent()), node("a", ("item", {"index": 5}))),
        "a",
        ("item has index=5; lstm gives 2 things, counted from 0",),
        ("Set index to 0",),
    ),
    "a single number as input": (
        graph((), node("fc", linear(3))),
        "fc",
        ("reads in_features off the last axis of what it receives, (N,)",),
        ("Make input x (8,)",),
    ),
    "weights of another size called again": (
        graph((8,), node("a", linear(4)), node("b", "a")),
        "b",
        ("a was made with in_features=8; called again by b, it receives 4",),
        ("Give b weights of its own",),
    ),
    "a block of another size called again": (
        graph(
            (8,),
            node("a", "B"),
            node("b", "a"),
            blocks={"B": Block("graph", (node("fc", linear(4)),))},
        ),
        "fc",
        ("fc was made with in_features=8; called again with its block, it receives 4",),
        ("Give b weights of its own",),
    ),
    "a call with arguments": (
        graph((8,), node("a", linear(8)), Node("b", "a", {"bias": False})),
        "b",
        ("b sets 'bias'; a has its own arguments",),
        ("Remove bias",),
    ),
    "inside a block": (
        graph(
            (8,),
            node("a", "B"),
            blocks={"B": Block("graph", (node("fc", linear(4, in_features=3)),))},
        ),
        "fc",
        ("in_features=3", "receives 8"),
        ("Set in_features to 8",),
    ),
    "the batch lost inside a block": (
        graph(
            (8,),
            node("a", "B"),
            blocks={"B": Block("graph", (node("m", ("Tensor.mean", {"dim": 0})),))},
        ),
        "m",
        ("(N, 8) becomes (8,)",),
        ("Set dim to 1",),
    ),
    "the batch lost by a function called again": (
        graph(
            (4, 4),
            node("v", ("Tensor.view", {"shape": (-1, 16)})),
            node("w", ("Tensor.view", {"shape": (-1, 8)})),
            node("again", "w"),
        ),
        "w",
        ("(N, 16) becomes (2N, 8)",),
        (
            "View it as (-1, 16), and let the next layer follow",
            "Use torch.flatten(x, 1), and let the next layer follow",
        ),
    ),
    "a block that contains itself": (
        graph((8,), node("a", "B"), blocks={"B": Block("graph", (node("i", "B"),))}),
        "i",
        ("Block 'B' contains itself",),
        (),
    ),
    "a layer that calls itself": (
        graph((8,), node("a", "nn.ReLU"), node("b", "b")),
        "b",
        ("no layer called 'b'",),
        (),
    ),
    "layers that call one another": (
        graph((8,), node("a", "b"), node("b", "a")),
        "a",
        ("no layer called 'b'",),
        (),
    ),
    "a block of two inputs given one": (
        graph(
            (8,),
            node("a", "B"),
            blocks={"B": Block("graph", (node("s", "+", "p", "q"),), ("p", "q"))},
        ),
        "a",
        ("Block 'B' has 2 inputs and receives 1",),
        (),
    ),
}


@pytest.mark.parametrize(("spec", "at", "words", "labels"), CASES.values(), ids=list(CASES))
def test_a_fault_says_what_is_wrong_and_offers_what_mends_it(
    spec: ModelSpec, at: str, words: tuple[str, ...], labels: tuple[str, ...]
) -> None:
    before = resolve(spec)
    fault = only_fault(spec)
    assert fault.node == fault.path[-1] == at
    for part in words:
        assert part in fault.message
    assert fault.message[-1] in ".?"
    assert len(fault.message) < 400
    offered = [fix.label for fix in fault.fixes]
    assert len(set(offered)) == len(offered), "two fixes with one label"
    leaving = [f"Switch {at} off", f"Remove {at}"]
    assert [label for label in offered if label not in leaving] == list(labels)
    results = {spec}
    for position, fix in enumerate(fault.fixes):
        mended = fix.apply(spec)
        assert mended not in results, f"{fix.label} does what another one does"
        results.add(mended)
        after = resolve(mended)
        assert after.runs or after.faults[0].path != fault.path, fix.label
        assert after.runs or len(after.steps) >= len(before.steps) - 1, fix.label
        assert ModelSpec.from_json(mended.to_json()) == mended
        if position == 0 and fix.label not in leaving:
            runs(mended)


def test_the_cases_cover_what_a_person_gets_wrong() -> None:
    assert len(CASES) > 90
    assert all(fix.apply(case[0]) for case in CASES.values() for fix in only_fault(case[0]).fixes)


def test_a_mended_seed_has_the_right_features() -> None:
    mended = only_fault(BROKEN).fixes[0].apply(BROKEN)
    assert mended == TEMPLATES["MyNet with SubNet"]


def test_later_layers_follow_a_size_that_was_mended() -> None:
    spec = chain(
        (3, 8, 8),
        conv(4, in_channels=1),
        ("nn.BatchNorm2d", {"num_features": 9}),
        "nn.Flatten",
        linear(10, in_features=7),
        linear(3, in_features=8),
    )
    mended = only_fault(spec).fixes[0].apply(spec)
    runs(mended)
    assert [dict(n.args) for n in mended.nodes if n.op == "nn.Linear"] == [
        {"out_features": 10, "in_features": 144},
        {"out_features": 3, "in_features": 10},
    ]
    assert settle(mended) == mended


def test_a_layer_before_gives_what_is_asked_for() -> None:
    spec = chain((10,), linear(20), "nn.ReLU", linear(5, in_features=30))
    mended = only_fault(spec).fixes[1].apply(spec)
    assert mended.nodes[0].args["out_features"] == 30
    assert mended.nodes[2] == spec.nodes[2]


def test_what_follows_a_fault_is_not_reached_and_what_comes_before_is_shown() -> None:
    spec = chain((10,), linear(20), linear(5, in_features=30), "nn.ReLU", "nn.Tanh")
    resolution = resolve(spec)
    assert [step.name for step in resolution.steps] == ["0"]
    assert resolution.unreached == ("2", "3")
    assert resolution.outputs == ()
    assert resolution.output is None
    assert not resolution.runs


def test_a_fault_in_a_block_tells_the_way_to_it() -> None:
    inner = Block("graph", (node("act", "nn.ReLU"), node("fc", linear(4, in_features=3))))
    outer = Block("graph", (node("inner", "Inner"),))
    spec = graph(
        (8,), node("a", "nn.ReLU"), node("b", "Outer"), blocks={"Inner": inner, "Outer": outer}
    )
    fault = only_fault(spec)
    assert fault.path == ("b", "inner", "fc")
    assert (fault.node, fault.block) == ("fc", "Inner")
    assert [step.name for step in resolve(spec).steps] == ["a"]
    runs(fault.fixes[0].apply(spec))


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_a_recurrent_layer_feeds_on_in_every_container(kind: str, container: str) -> None:
    spec = edit.set_container(chain((5, 6), recurrent(kind), linear(3)), container)
    labels = [fix.label for fix in only_fault(spec).fixes]
    last, first = (fix.apply(spec) for fix in only_fault(spec).fixes[:2])
    assert labels[0].startswith("Take the last time step")
    assert resolve(last).output == TensorType((N, 3))
    assert resolve(first).output == TensorType((N, 5, 3))
    runs(last)
    runs(first)


# --- the batch -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spec",
    [
        graph(
            (6, 4),
            node("fold", ("Tensor.reshape", {"shape": (-1, 4)})),
            node("fc", linear(5)),
            node("unfold", ("Tensor.reshape", {"shape": (-1, 6, 5)})),
        ),
        graph(
            (6, 4),
            node("away", ("Tensor.permute", {"dims": (1, 0, 2)})),
            node("rnn", ("nn.RNN", {"hidden_size": 3})),
            node("out", ("item", {"index": 0})),
            node("back", ("torch.transpose", {"dim0": 0, "dim1": 1})),
        ),
        graph(
            (4,),
            node("a", ("torch.cat", {"dim": 0}), "x", "x"),
            node("b", ("Tensor.view", {"shape": (-1, 8)})),
        ),
        graph(
            (4,),
            node("a", ("torch.stack", {"dim": 0}), "x", "x"),
            node("b", ("Tensor.mean", {"dim": 0})),
        ),
    ],
    ids=["fold and unfold", "permute away and back", "join and split", "stack and reduce"],
)
def test_a_batch_that_comes_back_is_no_fault(spec: ModelSpec) -> None:
    runs(spec)


def test_a_batch_of_two_is_not_taken_for_a_size_of_two() -> None:
    spec = graph((2, 3), node("a", ("Tensor.view", {"shape": (2, 2, 3)})))
    assert "cannot be seen as (2, 2, 3) for every size of the batch" in only_fault(spec).message
    spec = graph((3,), node("a", ("Tensor.view", {"shape": (-1, 6)})))
    assert "cannot be seen as (-1, 6)" in only_fault(spec).message
    broadcast = graph((), node("s", "+", "x", "y"), inputs=(Input("x", (4,)), Input("y", (2, 4))))
    assert "receives x (N, 4), y (N, 2, 4)" in only_fault(broadcast).message


# --- notes ---------------------------------------------------------------------------------------


def test_what_runs_and_is_probably_not_meant_is_noted() -> None:
    spec = graph(
        (5, 6),
        node("gru", ("nn.GRU", {"hidden_size": 3})),
        node("unread", "nn.ReLU", "x"),
        node("out", ("item", {"index": 0}), "gru"),
    )
    notes = resolve(spec).notes
    assert [(note.node, note.message) for note in notes] == [
        ("gru", "batch_first is off: this layer takes the batch axis for time."),
        ("unread", "Nothing reads what this layer gives."),
    ]
    assert notes[0].fixes[0].label == "Set batch_first"
    mended = notes[0].fixes[0].apply(spec)
    assert mended.main.node("gru").args["batch_first"] is True
    assert len(resolve(mended).notes) == 1


def test_torchs_own_warnings_are_noted() -> None:
    spec = graph((5, 6), node("gru", recurrent("GRU", dropout=0.5)))
    (note,) = resolve(spec).notes
    assert note.node == "gru"
    assert "dropout" in note.message
    assert "num_layers=1" in note.message


# --- what is switched off, called again, nested ---------------------------------------------------


def test_a_layer_that_is_off_hands_on_its_input_wherever_it_is_called() -> None:
    spec = graph(
        (8,),
        Node("a", "nn.Linear", {"out_features": 3}, enabled=False),
        node("b", "a"),
        Node("c", "nn.Conv2d", {"nonsense": 1}, enabled=False),
        Node("d", "B", enabled=False),
        node("e", "d"),
        blocks={"B": Block("graph", (node("x1", "nn.Linear"),))},
    )
    resolution = resolve(spec)
    assert [step.shape_text for step in resolution.steps] == ["(N, 8)"] * 5
    assert [step.enabled for step in resolution.steps] == [False] * 5
    assert resolution.params == 0


def test_a_chain_of_calls_reaches_the_weights() -> None:
    spec = graph((8,), node("a", linear(8)), node("b", "a"), node("c", "b"))
    assert [step.shared for step in resolve(spec).steps] == [None, "a", "a"]
    assert resolve(spec).params == 72
    runs(spec)


def test_blocks_are_nested_as_deep_as_anyone_needs() -> None:
    def nested(depth: int) -> ModelSpec:
        blocks = {
            f"B{i}": Block("graph", (node("inner", f"B{i + 1}" if i < depth - 1 else "nn.ReLU"),))
            for i in range(depth)
        }
        return graph((8,), node("a", "B0"), blocks=blocks)

    runs(nested(MAX_DEPTH))
    fault = only_fault(nested(MAX_DEPTH + 1))
    assert f"nested more than {MAX_DEPTH} deep" in fault.message


def test_blocks_that_multiply_are_stopped_at_once() -> None:
    ops = [*(f"B{i}" for i in range(1, 10)), "nn.ReLU"]
    blocks = {
        f"B{i}": Block("graph", tuple(node(f"n{j}", op) for j in range(10)))
        for i, op in enumerate(ops)
    }
    start = time.perf_counter()
    fault = only_fault(graph((8,), node("a", "B0"), blocks=blocks))
    assert f"the model has over {MAX_LAYERS:,} layers" in fault.message
    assert time.perf_counter() - start < 10


# --- windows -------------------------------------------------------------------------------------

WINDOWS = [row for row in CATALOG.values() if row.window and row.rank == 1 and row.is_module]


@given(
    st.sampled_from(WINDOWS),
    st.integers(1, 40),
    st.integers(1, 9),
    st.integers(1, 6),
    st.integers(0, 6),
    st.integers(1, 4),
    st.integers(0, 4),
    st.booleans(),
)
def test_the_formula_gives_the_size_that_torch_does(
    row: Any, size: int, kernel: int, stride: int, pad: int, dilation: int, extra: int, up: bool
) -> None:
    wanted = {
        "kernel_size": kernel,
        "stride": stride,
        "padding": pad,
        "dilation": dilation,
        "output_padding": extra,
        "ceil_mode": up,
        "norm_type": 2.0,
        "in_channels": 1,
        "out_channels": 1,
    }
    args = {name: value for name, value in wanted.items() if name in row.fields}
    try:
        made = getattr(nn, row.title)(**args, **({"device": "meta"} if "Conv" in row.op else {}))
        out = made(torch.empty(1, 1, size, device="meta")).shape[-1]
    except (RuntimeError, ValueError):
        out = None
    told, text = explain_window(row, args, size, 0)
    assert text.endswith(f" = {told}")
    assert out in (told, None)
    assert (out is not None) == (told >= 1) or row.window == "transposed" or pad > kernel // 2
    if row.window != "transposed":
        fit = largest_kernel(row, args, size, 0)
        assume(fit > 1)
        assert explain_window(row, {**args, "kernel_size": fit, "stride": 1}, size, 0)[0] >= 1
        assert explain_window(row, {**args, "kernel_size": fit + 1, "stride": 1}, size, 0)[0] < 1


def test_the_formula_of_same_and_valid_padding_is_told() -> None:
    row = CATALOG["nn.Conv1d"]
    assert explain_window(row, {"kernel_size": 3, "padding": "same"}, 9, 0) == (
        9,
        "padding 'same' keeps 9",
    )
    assert explain_window(row, {"kernel_size": 3, "padding": "valid"}, 9, 0)[0] == 7


# --- the probe -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
@pytest.mark.parametrize("steps", [3, 4, 17])
@pytest.mark.parametrize("more", [{}, {"num_layers": 2, "bidirectional": True, "bias": False}])
def test_a_long_sequence_is_known_from_a_short_one(
    kind: str, steps: int, more: dict[str, Any]
) -> None:
    args = {"input_size": 5, "hidden_size": 4, "batch_first": True, **more}
    row = CATALOG[f"nn.{kind}"]
    call = Call(row.op, repr(args), (TensorType((N, steps, 5)),), args, row)
    short, full = probe(call), _run(call)
    assert short.output == full.output
    assert short.macs == full.macs
    assert short.parameters == full.parameters


def test_a_sequence_of_a_million_steps_takes_no_longer() -> None:
    spec = graph((10**6, 5), node("lstm", recurrent("LSTM", 7, num_layers=3)))
    start = time.perf_counter()
    resolution = resolve(spec)
    assert time.perf_counter() - start < 10
    assert resolution.by_name["lstm"].shapes[0] == (N, 10**6, 7)


def test_an_answer_is_kept() -> None:
    args = {"in_features": 31, "out_features": 17}
    row = CATALOG["nn.Linear"]
    call = Call(row.op, repr(args), (TensorType((N, 31)),), args, row)
    assert probe(call) is probe(replace(call))
    other = {"in_features": 31, "out_features": 17, "bias": False}
    assert probe(replace(call, key=repr(other), args=other)).params == 31 * 17


def test_what_differs_only_in_kind_is_not_mixed_up() -> None:
    one, true = chain((8,), linear(4, bias=True)), chain((8,), linear(4, bias=1))
    assert resolve(one).runs
    assert "bias is 1; true or false works" in only_fault(true).message
    assert resolve(one).runs


# --- size and speed ------------------------------------------------------------------------------


def test_a_thousand_layers_are_resolved_and_resolved_again_in_a_moment() -> None:
    spec = chain((64,), *[linear(64), "nn.ReLU"] * 500)
    resolution = resolve(spec)
    assert resolution.params == 500 * (64 * 64 + 64)
    gc.collect()
    changed = edit.set_args(spec, "500", {"out_features": 65})
    start = time.perf_counter()
    assert resolve(changed).runs
    warm = time.perf_counter() - start
    start = time.perf_counter()
    assert resolve(changed).runs
    assert time.perf_counter() - start < 0.1
    assert warm < 2


def test_a_fault_in_a_thousand_layers_is_found_and_mended_in_a_moment() -> None:
    spec = chain((64,), *[linear(64, in_features=64), "nn.ReLU"] * 500)
    resolve(spec)
    broken = edit.set_args(spec, "2", {"in_features": 65})
    start = time.perf_counter()
    fault = only_fault(broken)
    assert time.perf_counter() - start < 5
    assert fault.fixes[0].apply(broken) == spec


def test_a_stack_of_seven_billion_parameters_takes_no_memory() -> None:
    program = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from builder import ModelSpec, Node, resolve
from builder.spec import Input
def stack(width, layers):
    args = {"nhead": 8, "dim_feedforward": 4 * width, "batch_first": True}
    nodes = tuple(Node(str(i), "nn.TransformerEncoderLayer", args) for i in range(layers))
    return ModelSpec("M", (Input("x", (128, width)),), "sequential", nodes)
def used():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
resolve(stack(64, 36))
before = used()
params = resolve(stack(4096, 36)).params
print(params, used() - before)
"""
    done = subprocess.run(
        [sys.executable, "-I", "-c", program, str(ROOT)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    params, megabytes = map(int, done.stdout.split())
    assert params > 7 * 10**9
    assert megabytes < 50
