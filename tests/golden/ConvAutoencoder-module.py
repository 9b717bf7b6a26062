from torch import nn


class ConvAutoencoder(nn.Module):
    """(N, 1, 28, 28) -> (N, 1, 28, 28)"""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, kernel_size=3, stride=2, padding=1)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(16, 8, kernel_size=3, stride=2, padding=1)
        self.relu2 = nn.ReLU()
        self.convtranspose1 = nn.ConvTranspose2d(8, 16, kernel_size=2, stride=2)
        self.relu3 = nn.ReLU()
        self.convtranspose2 = nn.ConvTranspose2d(16, 1, kernel_size=2, stride=2)
        self.sigmoid1 = nn.Sigmoid()

    def forward(self, x):
        x = self.conv1(x)
        x = self.relu1(x)
        x = self.conv2(x)
        x = self.relu2(x)
        x = self.convtranspose1(x)
        x = self.relu3(x)
        x = self.convtranspose2(x)
        return self.sigmoid1(x)
