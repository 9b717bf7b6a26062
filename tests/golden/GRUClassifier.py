from torch import nn


class GRUClassifier(nn.Module):
    """(N, 1, 28, 28) -> (N, 10)"""

    def __init__(self):
        super().__init__()
        self.rows = nn.Flatten(1, 2)
        self.gru = nn.GRU(28, 64, batch_first=True)
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        x = self.rows(x)
        x, _ = self.gru(x)
        return self.fc(x[:, -1])
