import torch
import torch.nn.functional as F
from torch import nn


class MyModel(nn.Module):
    """(N, 10) -> (N, 30)"""

    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(10, 20)
        self.fc2 = nn.Linear(20, 30)

    def forward(self, x):
        x = F.relu(self.fc1(x))
        return torch.tanh(self.fc2(x))
