from collections import OrderedDict

import torch
from torch import nn


class Linear(nn.Module):
    """Fully connected, as the notes write it."""

    def __init__(self, in_features, out_features):
        super().__init__()
        self.w = nn.Parameter(torch.randn(in_features, out_features))
        self.b = nn.Parameter(torch.randn(out_features))

    def forward(self, x):
        x = x.mm(self.w)
        return x + self.b.expand_as(x)


class OneLayer(nn.Sequential):
    """(N, 4) -> (N, 3)"""

    def __init__(self):
        super().__init__(
            OrderedDict(
                [
                    ("layer", Linear(4, 3)),
                ]
            )
        )
