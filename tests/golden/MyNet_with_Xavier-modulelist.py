import torch.nn.functional as F
from torch import nn


class MyNet(nn.Module):
    """(N, 784) -> (N, 10)"""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(
            [
                nn.Linear(784, 256),
                nn.Linear(256, 10),
            ]
        )
        nn.init.xavier_uniform_(self.layers[0].weight)
        nn.init.xavier_uniform_(self.layers[1].weight)

    def forward(self, x):
        x = F.relu(self.layers[0](x))
        return self.layers[1](x)
