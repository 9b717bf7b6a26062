from torch import nn


class MLP(nn.Sequential):
    """(N, 2) -> (N, 2)"""

    def __init__(self):
        super().__init__(
            nn.Linear(2, 16),
            nn.ReLU(),
            nn.Linear(16, 16),
            nn.ReLU(),
            nn.Linear(16, 2),
        )
