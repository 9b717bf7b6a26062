from torch import nn


class TextTransformer(nn.Module):
    """(N, 32) of whole numbers -> (N, 4)"""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(
            [
                nn.Embedding(1000, 64),
                nn.TransformerEncoder(
                    nn.TransformerEncoderLayer(
                        64, 4, dim_feedforward=128, batch_first=True
                    ),
                    num_layers=2,
                    enable_nested_tensor=False,
                ),
                nn.Linear(64, 4),
            ]
        )

    def forward(self, x):
        x = self.layers[0](x)
        x = self.layers[1](x)
        x = x.mean(dim=1)
        return self.layers[2](x)
