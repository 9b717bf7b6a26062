import torch
from torch import nn


class GRUClassifier(nn.Module):
    """(N, 1, 28, 28) -> (N, 10)"""

    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(28, 64, batch_first=True)
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        x = torch.flatten(x, 1, end_dim=2)
        x, _ = self.gru(x)
        return self.fc(x[:, -1])
