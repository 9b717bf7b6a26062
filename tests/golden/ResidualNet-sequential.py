from collections import OrderedDict

import torch.nn.functional as F
from torch import nn


class ResidualBlock(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(16, 16, kernel_size=3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.conv2 = nn.Conv2d(16, 16, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(16)

    def forward(self, x):
        y = self.conv1(x)
        y = F.relu(self.bn1(y))
        y = self.conv2(y)
        y = self.bn2(y)
        return F.relu(y + x)


class ResidualNet(nn.Sequential):
    """(N, 1, 28, 28) -> (N, 10)"""

    def __init__(self):
        super().__init__(
            OrderedDict(
                [
                    ("stem", nn.Conv2d(1, 16, kernel_size=3, stride=2, padding=1)),
                    ("block1", ResidualBlock()),
                    ("block2", ResidualBlock()),
                    ("pool", nn.AdaptiveAvgPool2d(4)),
                    ("flat", nn.Flatten()),
                    ("fc", nn.Linear(256, 10)),
                ]
            )
        )
