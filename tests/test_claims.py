"""Every figure that README and documents quote is the one in results/tables, and supports what is said of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.claims import BY_HAND, Cell, blocks, cell, figures

from harness.base.places import ROOT

DOCUMENTS = [ROOT / "README.md", *(ROOT / "docs" / f"{name}.md" for name in ("why", "results", "protocol", "verdict"))]
OURS = "draws avazu_like running_mean+return_to_mean gain"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_figures_are_those_of_their_cells_and_support_what_is_said(document: Path) -> None:
    problems = []
    for shown, names in blocks(document.read_text(encoding="utf-8")):
        texts = [figure.text for figure in shown]
        assert len(shown) == len(names), f"{len(texts)} figures have {len(names)} cells: {texts}, {names}"
        for figure, name in zip(shown, names, strict=True):
            if name.startswith(BY_HAND):
                continue
            what, _, says = name.rpartition(" ")
            found = cell(what)
            if figure.differs(found):
                problems.append(f"'{figure.text}': {what} is {found.values}")
            if says != found.says or (figure.bold and says != "shown"):
                problems.append(f"'{figure.text}': {what} is '{found.says}'")
    assert not problems, "\n".join(problems)


def test_a_changed_digit_is_noticed() -> None:
    mean, low, high = cell(OURS).values
    for text, differs in [
        (f"{mean:+.4f} [{low:.4f}, {high:.4f}]", False),
        (f"{mean:.3f}", False),
        (f"{mean + 1e-4:+.4f} [{low:.4f}, {high:.4f}]", True),
        (f"{mean:+.4f} [{low:.4f}, {high + 1e-4:.4f}]", True),
        (f"{-mean:+.4f} [{-high:.4f}, {-low:.4f}]", True),
    ]:
        (figure,) = figures(f"it gains {text} AUC")
        assert figure.differs(cell(OURS)) == differs, text


@pytest.mark.parametrize(
    "name",
    [
        "size_law running_mean+return_to_mean > 64 M, foretold",
        "bound avazu_like test_AUC > plain, epoch 1",
        "populations A_new_data_set reinit > gain on a new one > high",
        "facts F19.7",
    ],
)
def test_a_changed_digit_is_noticed_in_a_table_of_four_digits(name: str) -> None:
    """Though what is printed there may be half a unit from what was measured."""
    value, *_ = cell(name).values
    for changed in (-1, 0, 1):
        (figure,) = figures(f"it is {value + changed / 10**4:+.4f}")
        assert figure.differs(cell(name)) == bool(changed)
    (rounded,) = figures(f"it is {value:+.3f}")
    assert not rounded.differs(cell(name))
    (changed_rounded,) = figures(f"it is {value + 0.0016:+.3f}")
    assert changed_rounded.differs(cell(name))


def test_a_cell_of_a_page_has_a_mean_an_end_or_both_ends_and_a_difference_has_none() -> None:
    gain = cell("losses avazu_like in_batch_softmax none > epoch 2 - epoch 1")
    assert len(gain.values) == 3
    assert gain.says == "below"
    low = cell("losses avazu_like in_batch_softmax none > epoch 2 - epoch 1 > low")
    assert (low.values, low.says) == (gain.values[1:2], "alone")
    after, before = (f"losses avazu_like in_batch_softmax none > epoch {n}" for n in (2, 1))
    assert cell(f"{after} less {before}").values[0] == pytest.approx(gain.values[0], abs=1.01e-4)


def test_a_loss_may_be_said_without_a_sign() -> None:
    (figure,) = figures("it loses .0024 [.0014, .0034]")
    assert not figure.differs(Cell((-0.0024, -0.0034, -0.0014), "not"))
    assert figure.differs(Cell((-0.0024, -0.0034, 0.0014), "not"))


@pytest.mark.parametrize(
    "name",
    [
        "draws avazu_like gain",
        "draws avazu_like nobody gain",
        "bound test_AUC > ours, epoch 4",
        "losses avazu_like none > loss",
        "losses avazu_like logloss none > nothing",
        "losses avazu_like logloss none > epoch",
    ],
)
def test_a_name_must_fit_one_cell(name: str) -> None:
    with pytest.raises(LookupError, match=r"names \d+ cells"):
        cell(name)


def test_a_block_has_the_figures_above_its_cells() -> None:
    text = "**+.0041** [.0030, .0052], not `.1234`, .3 and .25\n<!-- cells\na b shown\n-->\nlater .0012 of it"
    (first, names), (rest, none) = blocks(text)
    assert [(f.numbers, f.bold) for f in first] == [(("+.0041", ".0030", ".0052"), True)]
    assert names == ["a b shown"]
    assert [f.numbers for f in rest] == [(".0012",)]
    assert none == []
