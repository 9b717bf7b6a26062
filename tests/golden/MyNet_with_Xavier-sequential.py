from collections import OrderedDict

from torch import nn


class MyNet(nn.Sequential):
    """(N, 784) -> (N, 10)"""

    def __init__(self):
        super().__init__(
            OrderedDict(
                [
                    ("fc1", nn.Linear(784, 256)),
                    ("relu", nn.ReLU()),
                    ("fc2", nn.Linear(256, 10)),
                ]
            )
        )
        nn.init.xavier_uniform_(self[0].weight)
        nn.init.xavier_uniform_(self[2].weight)
