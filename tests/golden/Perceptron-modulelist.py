import torch
from torch import nn


class Perceptron(nn.Module):
    """(N, 3) -> (N, 1)"""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(
            [
                nn.Linear(3, 4),
                nn.Linear(4, 1),
            ]
        )

    def forward(self, x):
        x = torch.sigmoid(self.layers[0](x))
        return self.layers[1](x)
