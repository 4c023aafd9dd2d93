"""A click model in plain PyTorch whose tables are stepped by an exported optimizer.

The optimizer is written beside this file by

    multiepoch export 'frequency_adaptive_lr(floor=0.05)+reinit' --to torch \\
        --table-optimizer rowwise_adagrad --table-lr 0.05 --out table_optimizer.py
"""

from __future__ import annotations

import torch
from table_optimizer import TableOptimizer  # type: ignore[import-not-found]
from torch import Tensor, nn

USERS, ITEMS, WIDTH, EXAMPLES, BATCH, EPOCHS = 2000, 500, 8, 10_000, 100, 3


class ClickModel(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.tables = nn.ModuleDict(
            {"user": nn.Embedding(USERS, WIDTH, sparse=True), "item": nn.Embedding(ITEMS, WIDTH, sparse=True)}
        )
        for table in self.tables.values():
            nn.init.normal_(table.weight, std=0.01)
        self.net = nn.Sequential(nn.Linear(2 * WIDTH, 32), nn.ReLU(), nn.Linear(32, 1), nn.Flatten(0))

    def forward(self, ids: dict[str, Tensor]) -> Tensor:
        logits: Tensor = self.net(torch.cat([table(ids[name]) for name, table in self.tables.items()], dim=1))
        return logits


def make_log() -> tuple[dict[str, Tensor], Tensor]:
    """Clicks that depend on a trait of the user and one of the item; most users occur a few times."""
    ids = {
        "user": (USERS * torch.rand(EXAMPLES) ** 2).long(),
        "item": (ITEMS * torch.rand(EXAMPLES) ** 3).long(),
    }
    score = torch.randn(USERS)[ids["user"]] + torch.randn(ITEMS)[ids["item"]] - 1
    return ids, torch.bernoulli(score.sigmoid())


def main() -> None:
    torch.manual_seed(0)
    (ids, clicks), model = make_log(), ClickModel()
    tables = TableOptimizer({name: table.weight for name, table in model.tables.items()})
    dense = torch.optim.Adam(model.net.parameters(), lr=1e-3)
    train, test = torch.arange(EXAMPLES).split([EXAMPLES * 4 // 5, EXAMPLES // 5])
    for epoch in range(1, EPOCHS + 1):
        tables.start_epoch(epoch)
        for batch in train[torch.randperm(len(train))].split(BATCH):
            logits = model({name: column[batch] for name, column in ids.items()})
            loss = nn.functional.binary_cross_entropy_with_logits(logits, clicks[batch])
            tables.zero_grad()
            dense.zero_grad()
            loss.backward()
            tables.step()
            dense.step()
        with torch.no_grad():
            logits = model({name: column[test] for name, column in ids.items()})
            found = nn.functional.binary_cross_entropy_with_logits(logits, clicks[test])
        print(f"epoch {epoch}: test logloss {found:.4f}")


if __name__ == "__main__":
    main()
