from torch import nn


class MyModel(nn.Sequential):
    """(N, 10) -> (N, 30)"""

    def __init__(self):
        super().__init__(
            nn.Linear(10, 20),
            nn.ReLU(),
            nn.Linear(20, 30),
            nn.Tanh(),
        )
