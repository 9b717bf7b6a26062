from torch import nn


class CharLSTM(nn.Module):
    """(N, 32) of whole numbers -> (N, 72)"""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(
            [
                nn.Embedding(72, 32),
                nn.LSTM(32, 128, batch_first=True),
                nn.Linear(128, 72),
            ]
        )

    def forward(self, x):
        x = self.layers[0](x)
        x, _ = self.layers[1](x)
        return self.layers[2](x[:, -1])
