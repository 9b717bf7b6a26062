from torch import nn


class MyRNN(nn.Module):
    """(N, 50, 8) -> (N, 10)"""

    def __init__(self):
        super().__init__()
        self.rnn = nn.RNN(8, 32, batch_first=True)
        self.fc = nn.Linear(32, 10)

    def forward(self, x):
        x, _ = self.rnn(x)
        return self.fc(x[:, -1])
