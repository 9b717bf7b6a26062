from collections import OrderedDict

from torch import nn


class Perceptron(nn.Sequential):
    """(N, 3) -> (N, 1)"""

    def __init__(self):
        super().__init__(
            OrderedDict(
                [
                    ("layer1", nn.Linear(3, 4)),
                    ("sigmoid", nn.Sigmoid()),
                    ("layer2", nn.Linear(4, 1)),
                ]
            )
        )
