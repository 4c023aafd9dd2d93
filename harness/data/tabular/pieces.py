"""From a batch of read columns, named by their place in the schema, to a piece of a split."""

from __future__ import annotations

import numpy as np
import polars as pl

from harness.api import Lists, Split, hash_ids
from harness.data.tabular.batches import NUMBER
from harness.data.tabular.conversion import AnyInts, group_ids, narrow_ids
from harness.data.tabular.fields import FieldSpec
from harness.data.tabular.labels import labels_of
from harness.data.tabular.listed import lists_of, number
from harness.data.tabular.schema import Schema
from harness.data.tabular.weights import weights_of


def piece(batch: pl.DataFrame, schema: Schema, where: str, *, observed: bool) -> Split:
    """The rows of a batch. observed: whether any label of the table is unknown. where: begins messages.

    Raises:
        UserError: a value is not accepted.
    """
    ids_N = tuple(_field_ids(batch, schema.fields[name], name, where) for name in schema.single_ids())
    numbers = [number(batch[f"numbers.{name}"]) for name, spec in schema.fields.items() if spec.kind == "number"]
    labels_NT, observed_NT = labels_of(batch, schema, observed=observed)
    return Split(
        ids_NF=np.empty((len(batch), 0), np.int64),
        labels_NT=labels_NT,
        observed_NT=observed_NT,
        group_N=None if schema.group is None else group_ids(batch["group"], batch[NUMBER], f"{where}: group"),
        time_N=None if schema.time is None else batch["time"].to_numpy(),
        weight_N=None if schema.weight is None else weights_of(batch["weight"], schema.weight, where),
        numbers_NP=np.stack(numbers, axis=1) if numbers else None,
        lists=tuple(_lists(batch, schema, name, where) for name in schema.list_names()),
        ids_N=ids_N,
    )


def _field_ids(batch: pl.DataFrame, spec: FieldSpec, name: str, where: str) -> AnyInts:
    """The ids of one field; those of a cross are a hash of all its columns' ids, as that of text is."""
    at = f"{where}: fields.{name}"
    if spec.cross is None:
        return narrow_ids(batch[f"fields.{name}"], at)
    id_N = np.zeros(len(batch), np.int64)
    for i in range(len(spec.cross)):
        id_N = hash_ids(id_N ^ narrow_ids(batch[f"crossed.{name}.{i}"], at), i).view(np.int64)
    return id_N


def _lists(batch: pl.DataFrame, schema: Schema, name: str, where: str) -> Lists:
    """Of one field; one that is empty or null holds the id of null."""
    spec, at = schema.fields[name], f"{where}: fields.{name}"
    owner = schema.fields.get(spec.shares or "")
    whole = owner is not None and owner.kind == "id" and batch[f"fields.{spec.shares}"].dtype.is_integer()
    weights = None if spec.weights is None else batch[f"weights.{name}"]
    return lists_of(batch[f"lists.{name}"], spec.separator, weights, at, whole=whole)
