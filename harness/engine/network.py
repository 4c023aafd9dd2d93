"""The net of a model for the fields of a data set."""

from __future__ import annotations

from torch import nn

from harness.api import FieldTable, Model
from harness.data.indexed import IndexedDataset
from harness.engine.columns import Columns, lay_out


def reads_alone(model: Model, dataset: IndexedDataset) -> bool:
    """Whether the net reads the ids of sequences one by one."""
    return model.reads_sequences() and any(each.ordered for each in dataset.kinds.lists)


def network_of(model: Model, columns: Columns, tasks: int) -> nn.Module:
    """The net, drawn from torch's global random stream.

    Raises:
        UserError: the model does not fit the fields or tasks.
    """
    if columns.positions:
        return model.sequence_network(columns.vectors, tasks, columns.positions)
    return model.network(columns.vectors, tasks)


def check_fits(model: Model, dataset: IndexedDataset) -> None:
    """Make the net once, before anything is trained.

    Raises:
        UserError: the model does not fit the fields or tasks of the data.
    """
    tables = [FieldTable(name, 0, 1) for name in dataset.tables]
    numbers = [FieldTable(number.name, 0, 2) for number in dataset.kinds.numbers]
    columns = lay_out(dataset, tables, [1] * len(tables), numbers, alone=reads_alone(model, dataset))
    network_of(model, columns, len(dataset.tasks))
