"""Starting points: models that a person opens and changes. One row each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

from builder.own.examples import EXAMPLES
from builder.spec import Block, Init, Input, ModelSpec, Node

Line: TypeAlias = "str | tuple[str, dict[str, Any]]"


@dataclass(frozen=True)
class Template:
    """A starting point.

    Args:
        title: its name in the gallery.
        group: where the gallery shows it.
        use: what it is good for, in a sentence.
        spec: the model.
        runs: whether it runs; a lesson may not.
    """

    title: str
    group: str
    use: str
    spec: ModelSpec
    runs: bool = True


def _nodes(*lines: Line) -> tuple[Node, ...]:
    pairs = [(line, {}) if isinstance(line, str) else line for line in lines]
    return tuple(Node(str(i), op, args) for i, (op, args) in enumerate(pairs))


def _chain(
    name: str,
    shape: tuple[int, ...],
    *lines: Line,
    container: str = "sequential",
    dtype: str = "float32",
) -> ModelSpec:
    return ModelSpec(name, (Input("x", shape, dtype),), container, _nodes(*lines))


def _graph(
    name: str,
    shape: tuple[int, ...],
    *nodes: Node,
    dtype: str = "float32",
    blocks: Mapping[str, Block] | None = None,
    own: str | None = None,
) -> ModelSpec:
    layers = {own: EXAMPLES[own]} if own else {}
    inputs = (Input("x", shape, dtype),)
    return ModelSpec(name, inputs, "graph", nodes, blocks=blocks or {}, layers=layers)


def _linear(out: int) -> Line:
    return "nn.Linear", {"out_features": out}


def _conv(out: int, kernel: int = 3, **more: Any) -> Line:
    return "nn.Conv2d", {"out_channels": out, "kernel_size": kernel, **more}


def _pool() -> Line:
    return "nn.MaxPool2d", {"kernel_size": 2}


def _seed_subnet(features: int) -> ModelSpec:
    """The seed's SubNet, used twice; the seed itself asked for half of the features there are."""
    subnet = Block(
        "graph",
        (
            Node("conv", "nn.Conv2d", {"out_channels": 16, "kernel_size": 3, "padding": 1}),
            Node("pool", "nn.MaxPool2d", {"kernel_size": 2, "stride": 2}),
        ),
    )
    return _graph(
        "MyNet",
        (3, 16, 16),
        Node("subnet1", "SubNet", inputs=("x",)),
        Node("subnet2", "SubNet", inputs=("x",)),
        Node("cat", "torch.cat", {"dim": 1}, ("subnet1", "subnet2")),
        Node("view", "Tensor.view", {"shape": (-1, features)}),
        Node("fc", "nn.Linear", {"in_features": features, "out_features": 10}),
        blocks={"SubNet": subnet},
    )


def _residual() -> ModelSpec:
    conv = {"out_channels": 16, "kernel_size": 3, "padding": 1, "bias": False}
    block = Block(
        "graph",
        (
            Node("conv1", "nn.Conv2d", conv),
            Node("bn1", "nn.BatchNorm2d"),
            Node("relu1", "F.relu"),
            Node("conv2", "nn.Conv2d", conv),
            Node("bn2", "nn.BatchNorm2d"),
            Node("add", "+", inputs=("bn2", "x")),
            Node("relu2", "F.relu"),
        ),
    )
    return _graph(
        "ResidualNet",
        (1, 28, 28),
        Node(
            "stem", "nn.Conv2d", {"out_channels": 16, "kernel_size": 3, "stride": 2, "padding": 1}
        ),
        Node("block1", "ResidualBlock"),
        Node("block2", "ResidualBlock"),
        Node("pool", "nn.AdaptiveAvgPool2d", {"output_size": 4}),
        Node("flat", "torch.flatten", {"start_dim": 1}),
        Node("fc", "nn.Linear", {"out_features": 10}),
        blocks={"ResidualBlock": block},
    )


def _recurrent_classifier(name: str, op: str) -> ModelSpec:
    attribute = op.rpartition(".")[2].lower()
    return _graph(
        name,
        (1, 28, 28),
        Node("rows", "nn.Flatten", {"start_dim": 1, "end_dim": 2}),
        Node(attribute, op, {"hidden_size": 64, "batch_first": True}),
        Node("out", "item", {"index": 0}),
        Node("last", "last_step"),
        Node("fc", "nn.Linear", {"out_features": 10}),
    )


def _char_lstm() -> ModelSpec:
    return _graph(
        "CharLSTM",
        (32,),
        Node("embedding", "nn.Embedding", {"num_embeddings": 72, "embedding_dim": 32}),
        Node("lstm", "nn.LSTM", {"hidden_size": 128, "batch_first": True}),
        Node("out", "item", {"index": 0}),
        Node("last", "last_step"),
        Node("fc", "nn.Linear", {"out_features": 72}),
        dtype="int64",
    )


def _my_rnn() -> ModelSpec:
    return _graph(
        "MyRNN",
        (50, 8),
        Node("rnn", "nn.RNN", {"hidden_size": 32, "batch_first": True}),
        Node("out", "item", {"index": 0}),
        Node("last", "last_step"),
        Node("fc", "nn.Linear", {"out_features": 10}),
    )


def _transformer() -> ModelSpec:
    layer = {"nhead": 4, "dim_feedforward": 128, "dropout": 0.1, "batch_first": True}
    return _graph(
        "TextTransformer",
        (32,),
        Node("embedding", "nn.Embedding", {"num_embeddings": 1000, "embedding_dim": 64}),
        Node(
            "encoder",
            "nn.TransformerEncoder",
            {**layer, "num_layers": 2, "enable_nested_tensor": False},
        ),
        Node("mean", "Tensor.mean", {"dim": 1}),
        Node("fc", "nn.Linear", {"out_features": 4}),
        dtype="int64",
    )


_XAVIER = {"weight": Init("xavier_uniform_")}
_MY_MODEL: tuple[Line, ...] = (_linear(20), "nn.ReLU", _linear(30), "nn.Tanh")

GALLERY: tuple[Template, ...] = (
    Template(
        "MLP",
        "First steps",
        "Two hidden layers for points on a plane: circles, spirals, moons. Trains in seconds.",
        _chain("MLP", (2,), _linear(16), "nn.ReLU", _linear(16), "nn.ReLU", _linear(2)),
    ),
    Template(
        "LeNet5",
        "Pictures",
        "The classic for handwritten digits; over 0.95 on MNIST within a minute.",
        _chain(
            "LeNet5",
            (1, 28, 28),
            _conv(6, 5, padding=2),
            "nn.ReLU",
            _pool(),
            _conv(16, 5),
            "nn.ReLU",
            _pool(),
            "nn.Flatten",
            _linear(120),
            "nn.ReLU",
            _linear(84),
            "nn.ReLU",
            _linear(10),
        ),
    ),
    Template(
        "SmallVGG",
        "Pictures",
        "Pairs of 3x3 convolutions with batch norm, for colour pictures of 32 by 32.",
        _chain(
            "SmallVGG",
            (3, 32, 32),
            *(
                line
                for width in (32, 64, 128)
                for line in (
                    _conv(width, padding=1),
                    "nn.BatchNorm2d",
                    "nn.ReLU",
                    _conv(width, padding=1),
                    "nn.BatchNorm2d",
                    "nn.ReLU",
                    _pool(),
                )
            ),
            "nn.Flatten",
            ("nn.Dropout", {"p": 0.5}),
            _linear(10),
        ),
    ),
    Template(
        "ResidualNet",
        "Pictures",
        "Skip connections: each block adds its input to what it computed.",
        _residual(),
    ),
    Template(
        "ConvAutoencoder",
        "Pictures",
        "Squeezes a picture through a narrow middle and draws it again.",
        _chain(
            "ConvAutoencoder",
            (1, 28, 28),
            _conv(16, stride=2, padding=1),
            "nn.ReLU",
            _conv(8, stride=2, padding=1),
            "nn.ReLU",
            ("nn.ConvTranspose2d", {"out_channels": 16, "kernel_size": 2, "stride": 2}),
            "nn.ReLU",
            ("nn.ConvTranspose2d", {"out_channels": 1, "kernel_size": 2, "stride": 2}),
            "nn.Sigmoid",
        ),
    ),
    Template(
        "LSTMClassifier",
        "Sequences",
        "Reads a picture row by row with an LSTM and names the digit at the end.",
        _recurrent_classifier("LSTMClassifier", "nn.LSTM"),
    ),
    Template(
        "GRUClassifier",
        "Sequences",
        "The same with a GRU, which has a quarter fewer weights.",
        _recurrent_classifier("GRUClassifier", "nn.GRU"),
    ),
    Template(
        "CharLSTM",
        "Sequences",
        "Reads a text letter by letter and says which comes next; trained, it writes on.",
        _char_lstm(),
    ),
    Template(
        "TextClassifier",
        "Sequences",
        "A bag of word vectors, averaged: the simplest classifier of texts.",
        _chain(
            "TextClassifier",
            (32,),
            ("nn.EmbeddingBag", {"num_embeddings": 1000, "embedding_dim": 32}),
            _linear(32),
            "nn.ReLU",
            _linear(4),
            dtype="int64",
        ),
    ),
    Template(
        "TextTransformer",
        "Sequences",
        "A small Transformer encoder over word indices.",
        _transformer(),
    ),
    Template(
        "Linear",
        "From the notes",
        "A fully connected layer of one's own: parameters w and b, and a formula for the rest.",
        _graph("OneLayer", (4,), Node("layer", "Linear", {"out_features": 3}), own="Linear"),
    ),
    Template(
        "Perceptron",
        "From the notes",
        "Two such layers with a sigmoid between, 3-4-1: keys layer1.w to layer2.b.",
        _graph(
            "Perceptron",
            (3,),
            Node("layer1", "Linear", {"out_features": 4}),
            Node("sigmoid", "torch.sigmoid"),
            Node("layer2", "Linear", {"out_features": 1}),
            own="Linear",
        ),
    ),
    Template(
        "MyModel",
        "From the notes",
        "Linear, ReLU, Linear, Tanh as an nn.Sequential.",
        _chain("MyModel", (10,), *_MY_MODEL),
    ),
    Template(
        "MyModel (ModuleList)",
        "From the notes",
        "The same layers as an nn.ModuleList: other keys, and a forward pass of your own.",
        _chain("MyModel", (10,), *_MY_MODEL, container="modulelist"),
    ),
    Template(
        "MyRNN",
        "From the notes",
        "An RNN whose last time step goes into a Linear layer.",
        _my_rnn(),
    ),
    Template(
        "MyNet",
        "From the notes",
        "784-256-10 with F.relu between: functions hold no weights.",
        _graph(
            "MyNet",
            (784,),
            Node("fc1", "nn.Linear", {"out_features": 256}),
            Node("relu", "F.relu"),
            Node("fc2", "nn.Linear", {"out_features": 10}),
        ),
    ),
    Template(
        "MyNet with Xavier",
        "From the notes",
        "The same with weights that start by Xavier's rule rather than by torch's own.",
        _graph(
            "MyNet",
            (784,),
            Node("fc1", "nn.Linear", {"out_features": 256}, init=_XAVIER),
            Node("relu", "F.relu"),
            Node("fc2", "nn.Linear", {"out_features": 10}, init=_XAVIER),
        ),
    ),
    Template(
        "MyNet with SubNet",
        "From the notes",
        "One block used twice, side by side, then joined.",
        _seed_subnet(2048),
    ),
    Template(
        "MyNet with SubNet (broken)",
        "From the notes",
        "A lesson: view(-1, 16*8*8) quietly turns a batch of 2 into 4. Find out why, and mend it.",
        _seed_subnet(1024),
        runs=False,
    ),
)

TEMPLATES: Mapping[str, ModelSpec] = MappingProxyType(
    {template.title: template.spec for template in GALLERY}
)
