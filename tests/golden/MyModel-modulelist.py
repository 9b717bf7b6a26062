from torch import nn


class MyModel(nn.Module):
    """(N, 10) -> (N, 30)"""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(
            [
                nn.Linear(10, 20),
                nn.ReLU(),
                nn.Linear(20, 30),
                nn.Tanh(),
            ]
        )

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x
