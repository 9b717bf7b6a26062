import torch
from torch import nn


class Perceptron(nn.Module):
    """(N, 3) -> (N, 1)"""

    def __init__(self):
        super().__init__()
        self.layer1 = nn.Linear(3, 4)
        self.layer2 = nn.Linear(4, 1)

    def forward(self, x):
        x = torch.sigmoid(self.layer1(x))
        return self.layer2(x)
