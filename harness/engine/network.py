"""The net of a model for the fields of a data set."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from harness.api import FieldTable, Model, Strategy, UserError
from harness.base.errors import described
from harness.base.plugin import params
from harness.data.indexed_dataset import IndexedDataset
from harness.engine.columns import Columns, lay_out


def reads_alone(model: Model, dataset: IndexedDataset) -> bool:
    """Whether the net reads the ids of sequences one by one."""
    return model.reads_sequences() and any(each.ordered for each in dataset.kinds.lists)


def network_of(
    model: Model, columns: Columns, tasks: int, strategies: Sequence[Strategy] = ()
) -> tuple[nn.Module, int]:
    """The net, drawn from torch's global random stream, and how wide the rows are that it reads, after all strategies.

    Raises:
        UserError: the model does not fit the fields or tasks.
    """
    width = model.width(tasks)
    if columns.positions:
        net = model.sequence_network(columns.vectors, tasks, columns.positions)
    else:
        net = model.network(columns.vectors, tasks)
    for strategy in strategies:
        net, width = strategy.network(net, columns.vectors, width)
    return net, width


def plain_columns(model: Model, dataset: IndexedDataset) -> Columns:
    """What the net reads, where no strategy has decided yet how ids become rows."""
    tables = [FieldTable(name, 0, 1) for name in dataset.tables]
    numbers = [FieldTable(number.name, 0, 2) for number in dataset.kinds.numbers]
    return lay_out(dataset, tables, [1] * len(tables), numbers, alone=reads_alone(model, dataset))


def check_fits(model: Model, dataset: IndexedDataset) -> None:
    """Make the net once, before anything is trained.

    Raises:
        UserError: the model does not fit the fields or tasks of the data, or fails.
    """
    try:
        network_of(model, plain_columns(model, dataset), len(dataset.tasks))
    except UserError:
        raise
    except Exception as error:  # of a model's own code, or of torch
        given = ", ".join(f"{name} = {value!r}" for name, value in params(model).items())
        raise UserError(f"model '{model.name}' ({given}) cannot be made for these data: {described(error)}") from error
