"""Synthetic conversions with power-law ids, of any size, whose generating probability is known in every row.

`harness/data/synthetic/sampler.py` gives the model, `docs/engine.md` explains it, and `datasets/presets/` holds
populations.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from harness.api import Dataset, Generator, Kept, Split, Stream, UserError, tuned
from harness.data.synthetic.held import held_bytes
from harness.data.synthetic.population import TABLES, Population, source
from harness.data.synthetic.presets import load_population
from harness.data.synthetic.sampler import Sampler, sampler_seed

PARTS = (
    "id_bias", "interaction", "context", "drift", "number_bias", "list_bias", "history_match", "noise", "correlation",
)  # fmt: skip
WHOLE = ("rows", "days", "repeat", "gap", "latent", *PARTS)
FIELDS = {
    "users": ("user", "ids"),
    "products": ("product", "ids"),
    "campaigns": ("campaign", "ids"),
    "advertisers": ("advertiser", "ids"),
    "categories": ("category", "ids"),
    "user_exponent": ("user", "exponent"),
    "product_exponent": ("product", "exponent"),
    "campaign_exponent": ("campaign", "exponent"),
    "product_life": ("product", "life"),
}
RATES = ("click", "add_to_cart", "sign_up", "checkout")


class PowerLaw(Dataset):
    """preset: a population in `datasets/presets/`, `random-7` or of another seed, or a TOML file of your own. rows: of
    all splits, in order of time.

    Every other knob changes one value of the preset, and is the preset's if left at -1: `users` to `categories` are
    cardinalities, `*_exponent` of Zipf's law, `product_life` the days until a product's rank goes to a new one, `click`
    to `checkout` label rates of all rows, `id_bias` to `noise` standard deviations of parts of the logit, `repeat` and
    `gap` of sessions. `fields`, `numbers`, `lists`, `sequences` and `tasks` are tables that change any value:
    `[dataset.fields.user]`, `shift = 3.0`.

    labels: final, or seen: a conversion still to come when training starts is then unknown in the training split.
    """

    name = "powerlaw"
    version = 2
    example = {"preset": "tiny"}
    preset: str = "ads"
    labels: str = tuned("final", choices=("final", "seen"))
    rows: int = tuned(-1, 1_000, 10**12, neutral=-1)
    days: int = tuned(-1, 1, 3650, neutral=-1)
    repeat: float = tuned(-1.0, 0.0, 0.98, neutral=-1.0)
    gap: float = tuned(-1.0, 0.0, 1e6, neutral=-1.0)
    users: int = tuned(-1, 2, 10**12, neutral=-1)
    products: int = tuned(-1, 2, 10**12, neutral=-1)
    campaigns: int = tuned(-1, 2, 10**12, neutral=-1)
    advertisers: int = tuned(-1, 2, 10**12, neutral=-1)
    categories: int = tuned(-1, 2, 10**12, neutral=-1)
    user_exponent: float = tuned(-1.0, 0.0, 8.0, neutral=-1.0)
    product_exponent: float = tuned(-1.0, 0.0, 8.0, neutral=-1.0)
    campaign_exponent: float = tuned(-1.0, 0.0, 8.0, neutral=-1.0)
    product_life: float = tuned(-1.0, 0.0, 1e5, neutral=-1.0)
    click: float = tuned(-1.0, 1e-9, 0.999999, neutral=-1.0)
    add_to_cart: float = tuned(-1.0, 1e-9, 0.999999, neutral=-1.0)
    sign_up: float = tuned(-1.0, 1e-9, 0.999999, neutral=-1.0)
    checkout: float = tuned(-1.0, 1e-9, 0.999999, neutral=-1.0)
    id_bias: float = tuned(-1.0, 0.0, 10.0, neutral=-1.0)
    interaction: float = tuned(-1.0, 0.0, 10.0, neutral=-1.0)
    context: float = tuned(-1.0, 0.0, 10.0, neutral=-1.0)
    drift: float = tuned(-1.0, 0.0, 10.0, neutral=-1.0)
    number_bias: float = tuned(-1.0, 0.0, 10.0, neutral=-1.0)
    list_bias: float = tuned(-1.0, 0.0, 10.0, neutral=-1.0)
    history_match: float = tuned(-1.0, 0.0, 10.0, neutral=-1.0)
    noise: float = tuned(-1.0, 0.0, 10.0, neutral=-1.0)
    correlation: float = tuned(-1.0, 0.0, 1.0, neutral=-1.0)
    latent: int = tuned(-1, 1, 256, neutral=-1)
    fields: dict[str, dict[str, Any]] | None = None
    numbers: dict[str, dict[str, Any]] | None = None
    lists: dict[str, dict[str, Any]] | None = None
    sequences: dict[str, dict[str, Any]] | None = None
    tasks: dict[str, dict[str, Any]] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._population()

    def _population(self) -> Population:
        """The preset with the knobs' changes.

        Raises:
            UserError: it is not possible, or a knob is about a field or task that the preset has not.
        """
        changes: dict[str, Any] = {name: getattr(self, name) for name in WHOLE if getattr(self, name) != -1}
        changes |= {name: _tables(name, getattr(self, name)) for name in TABLES}
        for knob, (field, part) in FIELDS.items():
            if getattr(self, knob) != -1:
                changes["fields"].setdefault(field, {})[part] = getattr(self, knob)
        for task in RATES:
            if getattr(self, task) != -1:
                changes["tasks"].setdefault(task, {})["rate"] = getattr(self, task)
        try:
            return load_population(self.preset, changes)
        except UserError as error:
            raise UserError(f"powerlaw: {error}") from error

    def stream(self, rng: Generator) -> Stream:
        population = self._population()
        sampler = Sampler(population, sampler_seed(rng))
        thinned = population.thinned
        return Stream(
            sampler.fields,
            sampler.tasks,
            self._pieces(sampler),
            population.rows if thinned is None else None,
            kinds=sampler.kinds,
            kept={} if thinned is None else {thinned: Kept(population.tasks[thinned].kept)},
        )

    def _pieces(self, sampler: Sampler) -> Iterator[tuple[str, Split]]:
        first, edges = 0, sampler.population.edges()
        training_starts = sampler.time_of(edges[0])
        for part, last in zip(("train", "valid", "test"), edges, strict=True):
            for rows in sampler.chunks(first, last):
                split = sampler.split(rows)
                if self.labels == "seen" and part == "train":
                    split = dataclasses.replace(split, observed_NT=rows.seen_by(training_starts))
                yield part, split
            first = last

    def memory(self) -> int:
        return held_bytes(self._population())

    def fingerprint(self) -> dict[str, Any]:
        """The population itself, however it was spelt, and the source that makes rows of it."""
        population = self._population().model_dump_json(exclude={"description", "target"})
        return {"population": population, "labels": self.labels, "source": source()}


def _tables(what: str, given: Any) -> dict[str, dict[str, Any]]:
    """A copy of a knob that is a table of tables."""
    tables = {} if given is None else given
    if not isinstance(tables, dict) or not all(isinstance(values, dict) for values in tables.values()):
        raise UserError(f"powerlaw: {what} = {given!r} is no table of tables; accepted: as fields.user.ids = 1000")
    return {name: dict(values) for name, values in tables.items()}
