"""The columns of the tables of a description, each with what it tells; nothing where its title says it all."""

from __future__ import annotations

TIMES = {"first": "time of the first row", "last": "time of the last row"}
WEIGHTS = {"least weight": "of a row", "mean weight": "of all rows", "most weight": "of a row"}
LABELS = {
    "label": "",
    "train positives": "training rows whose label is 1, and their share of the rows whose label is known",
    "valid positives": "the same of validation rows",
    "test positives": "the same of test rows",
}
BEST = {
    "best AUC": "on test, of the probabilities that drew the labels, ± its standard error: no model can expect more",
    "best logloss": "the same of the logloss, in nats: no model can expect less",
}
FIELDS = {
    "field": "",
    "ids in train": "different ids that occur in training",
    "seen once": "share of them that occur once",
    "10 or more": "of those that occur twice or more, the share that occurs ten times or more",
    "top 1%": "share of the training lookups (a lookup is one id of one row) that go to the most frequent 1% of ids",
    "top 10%": "the same of 10% of ids",
    "exponent": "of the law fitted to the tail, by which the r-th most frequent id occurs in proportion to (r + shift) "
    "to the power of minus this, ± half its 95 % interval: the larger, the more of all lookups the first ids take; "
    "a dash where no law fits",
    "shift": "of the same law: the larger, the more alike the first ids are",
}
TESTED = {
    "test unseen": "share of the test rows whose id training never saw; in the line of all, one of whose ids",
    "test seen once": "the same of ids that training saw once; in the line of all, of each row's rarest id",
}
NUMBERS = {
    "number": "",
    "missing in train": "share of the training rows without a value",
    "missing in test": "the same of test rows",
    "moved in test": "mean of the test rows less that of the training rows, in standard deviations of training",
}
LISTS = {
    "list": "",
    "table": "the field whose ids it holds, and with which it shares rows of the embedding table",
    "ids in train": "different ids of that table that occur in training",
    "mean length": "ids in the list of a test row",
    "test unseen": "share of the ids in lists of test rows that training never saw",
}
OF_ONE_ID = (
    "how the labels of two training rows of one id of the field correlate, up to 1; none: no more than by chance, so "
    "that the ids tell nothing of the label; a dash: no id returns"
)
LASTS = (
    "of ids with rows in both halves of training: the part of what they say of the label in the earlier half that "
    "holds in the later one, with its 95 % interval; about 1: they say the same all the time; below: embeddings go "
    "stale; a dash: too few such ids, or no more than chance"
)
TOGETHER = {
    "columns": "",
    "pair": "whether they are two fields, or a field and a label",
    "normalised mutual information": "0: neither tells anything of the other; 1: one of them tells the other",
}


def moving(unit: str) -> dict[str, str]:
    """Of fields, by period."""
    return {
        f"field, by {unit}": "",
        "new ids, 2nd": f"of the lookups of the second {unit}, the share whose id had not occurred before",
        "new ids, last": f"the same of the last {unit} of training",
        "unseen, first": f"of the lookups of the first held-out {unit}, the share whose id training never saw",
        "unseen, last": f"the same of the last {unit}",
        "drift, last": f"how far the ids of the last {unit} are from those of the first, in bits: 0 is the same, 1 has "
        "nothing in common",
    }


def rate(unit: str) -> dict[str, str]:
    """Of labels, by period."""
    return {
        f"label, by {unit}": "",
        "first rate": f"share of positives of the first {unit}",
        "first 95 %": "its 95 % interval",
        "last rate": f"the same of the last {unit}",
        "last 95 %": "its 95 % interval",
    }
