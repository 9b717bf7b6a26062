import torch.nn.functional as F
from torch import nn


class TextClassifier(nn.Module):
    """(N, 32) of whole numbers -> (N, 4)"""

    def __init__(self):
        super().__init__()
        self.embeddingbag1 = nn.EmbeddingBag(1000, 32)
        self.fc1 = nn.Linear(32, 32)
        self.fc2 = nn.Linear(32, 4)

    def forward(self, x):
        x = self.embeddingbag1(x)
        x = F.relu(self.fc1(x))
        return self.fc2(x)
