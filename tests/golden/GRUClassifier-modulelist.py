from torch import nn


class GRUClassifier(nn.Module):
    """(N, 1, 28, 28) -> (N, 10)"""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(
            [
                nn.Flatten(1, 2),
                nn.GRU(28, 64, batch_first=True),
                nn.Linear(64, 10),
            ]
        )

    def forward(self, x):
        x = self.layers[0](x)
        x, _ = self.layers[1](x)
        return self.layers[2](x[:, -1])
