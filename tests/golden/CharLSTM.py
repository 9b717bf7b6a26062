from torch import nn


class CharLSTM(nn.Module):
    """(N, 32) of whole numbers -> (N, 72)"""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(72, 32)
        self.lstm = nn.LSTM(32, 128, batch_first=True)
        self.fc = nn.Linear(128, 72)

    def forward(self, x):
        x = self.embedding(x)
        x, _ = self.lstm(x)
        return self.fc(x[:, -1])
