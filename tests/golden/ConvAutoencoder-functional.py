import torch
import torch.nn.functional as F
from torch import nn


class ConvAutoencoder(nn.Module):
    """(N, 1, 28, 28) -> (N, 1, 28, 28)"""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, kernel_size=3, stride=2, padding=1)
        self.conv2 = nn.Conv2d(16, 8, kernel_size=3, stride=2, padding=1)
        self.convtranspose1 = nn.ConvTranspose2d(8, 16, kernel_size=2, stride=2)
        self.convtranspose2 = nn.ConvTranspose2d(16, 1, kernel_size=2, stride=2)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        x = F.relu(self.convtranspose1(x))
        return torch.sigmoid(self.convtranspose2(x))
