from torch import nn


class TextClassifier(nn.Sequential):
    """(N, 32) of whole numbers -> (N, 4)"""

    def __init__(self):
        super().__init__(
            nn.EmbeddingBag(1000, 32),
            nn.Linear(32, 32),
            nn.ReLU(),
            nn.Linear(32, 4),
        )
