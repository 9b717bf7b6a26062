"""The loops that training is measured against: each does the same work, epoch for epoch."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from builder.train.data import Data

Loop = Callable[[nn.Module, Data, int, int], None]


def floor(model: nn.Module, data: Data, batch: int, epochs: int) -> None:
    """The fastest plain loop: tensors in memory, one fused kernel, nothing but training."""
    if data.x.dim() == 4:
        model = model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    order = torch.Generator().manual_seed(0)
    loss_function = nn.CrossEntropyLoss()
    x = data.x.contiguous(memory_format=torch.channels_last) if data.x.dim() == 4 else data.x
    for _ in range(epochs):
        for rows in torch.randperm(len(x), generator=order).split(batch):
            out = model(x.index_select(0, rows))
            loss = loss_function(out, data.y.index_select(0, rows))
            loss.backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)


def tutorial(model: nn.Module, data: Data, batch: int, epochs: int) -> None:
    """The loop of PyTorch's own tutorial: a DataLoader, and the loss read at each step."""
    optimizer = torch.optim.Adam(model.parameters())
    loss_function = nn.CrossEntropyLoss()
    loader = _loader(data, batch)
    for _ in range(epochs):
        running = 0.0
        for x, y in loader:
            optimizer.zero_grad()
            loss = loss_function(model(x), y)
            loss.backward()
            optimizer.step()
            running += loss.item()


def skorch(model: nn.Module, data: Data, batch: int, epochs: int) -> None:
    """skorch, validating each epoch as it does by default, without its printed table."""
    from skorch import NeuralNetClassifier
    from skorch.dataset import Dataset
    from skorch.helper import predefined_split

    kept = Dataset(data.x_validation, data.y_validation)
    net = NeuralNetClassifier(
        model,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=1e-3,
        batch_size=batch,
        max_epochs=epochs,
        iterator_train__shuffle=True,
        train_split=predefined_split(kept),
        callbacks__print_log=None,
    )
    net.fit(data.x, data.y)


def lightning(model: nn.Module, data: Data, batch: int, epochs: int) -> None:
    """Lightning, validating each epoch, logging the loss, without its bar and its files."""
    for name in ("lightning.pytorch", "lightning"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"(pytorch_)?lightning.*")
    from lightning.pytorch import LightningModule, Trainer

    class Module(LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model, self.loss = model, nn.CrossEntropyLoss()

        def training_step(self, parts: tuple[Tensor, Tensor]) -> Tensor:
            x, y = parts
            loss: Tensor = self.loss(self.model(x), y)
            self.log("train_loss", loss)
            return loss

        def validation_step(self, parts: tuple[Tensor, Tensor]) -> None:
            x, y = parts
            self.log("validation_loss", self.loss(self.model(x), y))

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters())

    trainer = Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    kept = DataLoader(TensorDataset(data.x_validation, data.y_validation), batch_size=1024)
    trainer.fit(Module(), _loader(data, batch), kept)


def _loader(data: Data, batch: int) -> DataLoader[tuple[Tensor, ...]]:
    return DataLoader(TensorDataset(data.x, data.y), batch_size=batch, shuffle=True)


# Each with what our samples a second over its own must come to.
RIVALS: dict[str, tuple[Loop, float]] = {
    "floor": (floor, 0.95),
    "tutorial": (tutorial, 1.0),
    "skorch": (skorch, 1.0),
    "Lightning": (lightning, 1.0),
}
