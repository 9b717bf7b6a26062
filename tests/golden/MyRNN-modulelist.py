from torch import nn


class MyRNN(nn.Module):
    """(N, 50, 8) -> (N, 10)"""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(
            [
                nn.RNN(8, 32, batch_first=True),
                nn.Linear(32, 10),
            ]
        )

    def forward(self, x):
        x, _ = self.layers[0](x)
        return self.layers[1](x[:, -1])
