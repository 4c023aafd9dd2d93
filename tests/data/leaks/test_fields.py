"""Fields that have another value than usual only where the label is of its rarer class."""

from __future__ import annotations

import pytest

from harness.data.estimate import Estimate
from harness.data.leaks.evidence import Apart, Telling
from harness.data.leaks.fields import of_fields
from harness.data.leaks.tallies import What


def field(usual: tuple[int, int], others: tuple[int, int], auc: float = 0.6) -> Telling:
    return Telling("bought", What.IDS, "click", {"valid": Estimate(auc, 0.001)}, Apart(usual, others))


@pytest.mark.parametrize(
    ("usual", "others", "seen"),
    [
        ((900, 60), (0, 20), "only where label 'click' is 1: in 20 of 20 held-out rows"),
        ((900, 60), (1, 60), "almost only where label 'click' is 1: in 60 of 61 held-out rows"),
        (
            (60, 900),
            (20, 0),
            "only where label 'click' is 0: in 20 of 20 held-out rows with another value, and in 6.2%",
        ),
    ],
)
def test_a_field_that_follows_the_rarer_class_is_found(
    usual: tuple[int, int], others: tuple[int, int], seen: str
) -> None:
    (found,) = of_fields([field(usual, others)])
    assert found.check == "field_follows_label"
    assert seen in str(found)


@pytest.mark.parametrize(
    ("usual", "others"),
    [((900, 60), (0, 19)), ((900, 60), (2, 60)), ((60, 900), (0, 500)), ((900, 60), (500, 0)), ((0, 0), (0, 0))],
    ids=["too few", "of both classes", "of the usual class 1", "of the usual class 0", "no labels"],
)
def test_another_field_is_not(usual: tuple[int, int], others: tuple[int, int]) -> None:
    assert not list(of_fields([field(usual, others)]))


def test_a_field_is_named_once() -> None:
    """One that follows the label so often that it tells it too."""
    (found,) = of_fields([field((900, 5), (0, 95), auc=0.97)])
    assert found.check == "field_tells_label"
