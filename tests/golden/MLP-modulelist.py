from torch import nn


class MLP(nn.Module):
    """(N, 2) -> (N, 2)"""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(
            [
                nn.Linear(2, 16),
                nn.ReLU(),
                nn.Linear(16, 16),
                nn.ReLU(),
                nn.Linear(16, 2),
            ]
        )

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x
