"""The contracts that data sets, strategies and models are written against: the one module that a plug-in imports.

Importing it does not import torch. The letters at the end of a name are its shape: N examples, B examples of a batch,
F fields, T tasks, C rows looked up for one example, K distinct rows touched by a batch, D embedding width, R rows of
the fused table, U distinct training ids of one field, M any number of ids.
"""

from __future__ import annotations

from harness.base.errors import UserError, unknown
from harness.base.plugin import tuned
from harness.contracts.data import Data, Dataset, Generator, Ints, Lists, Split, Stream
from harness.contracts.doubt import Doubt
from harness.contracts.encoding import Encoder, FieldStats, hash_ids, vocabulary
from harness.contracts.kept import Kept
from harness.contracts.kinds import Kinds, ListField, NumberField
from harness.contracts.model import Model, Positions, mlp
from harness.contracts.rows import DenseSpec, FieldTable, LookupColumn, RowStep, Tables, TableSpec
from harness.contracts.strategy import Strategy
from harness.contracts.strategy import defining as defining

__all__ = [
    "Data",
    "Dataset",
    "DenseSpec",
    "Doubt",
    "Encoder",
    "FieldStats",
    "FieldTable",
    "Generator",
    "Ints",
    "Kept",
    "Kinds",
    "ListField",
    "Lists",
    "LookupColumn",
    "Model",
    "NumberField",
    "Positions",
    "RowStep",
    "Split",
    "Strategy",
    "Stream",
    "TableSpec",
    "Tables",
    "UserError",
    "hash_ids",
    "mlp",
    "tuned",
    "unknown",
    "vocabulary",
]  # fmt: skip
