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


class Perceptron(nn.Module):
    """(N, 3) -> (N, 1)"""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(
            [
                Linear(3, 4),
                Linear(4, 1),
            ]
        )

    def forward(self, x):
        x = torch.sigmoid(self.layers[0](x))
        return self.layers[1](x)
