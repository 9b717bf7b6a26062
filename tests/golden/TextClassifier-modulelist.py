from torch import nn


class TextClassifier(nn.Module):
    """(N, 32) of whole numbers -> (N, 4)"""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(
            [
                nn.EmbeddingBag(1000, 32),
                nn.Linear(32, 32),
                nn.ReLU(),
                nn.Linear(32, 4),
            ]
        )

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x
