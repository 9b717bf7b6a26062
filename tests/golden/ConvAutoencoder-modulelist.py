from torch import nn


class ConvAutoencoder(nn.Module):
    """(N, 1, 28, 28) -> (N, 1, 28, 28)"""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(
            [
                nn.Conv2d(1, 16, kernel_size=3, stride=2, padding=1),
                nn.ReLU(),
                nn.Conv2d(16, 8, kernel_size=3, stride=2, padding=1),
                nn.ReLU(),
                nn.ConvTranspose2d(8, 16, kernel_size=2, stride=2),
                nn.ReLU(),
                nn.ConvTranspose2d(16, 1, kernel_size=2, stride=2),
                nn.Sigmoid(),
            ]
        )

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x
