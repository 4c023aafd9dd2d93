"""Synthetic conversions with power-law ids: click -> add_to_cart -> checkout, and the probability of each known.

Ids are drawn by Zipf's law, one exponent per field; products are nested in campaigns and campaigns in advertisers;
product slots change hands over time, so that the later splits hold ids unseen in training. A logit is the sum of id
biases, a latent user x product interaction and a daily cycle; an intercept per task meets the label rate exactly. Every
row's generating probability is kept, so the best reachable AUC and logloss are known.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import expit, log_expit

from harness.api import Data, Dataset, Generator, Ints, Split, UserError, hash_ids, tuned

Floats = npt.NDArray[np.float64]
DAY = 86_400
CONTEXT = {"country": 40, "age_band": 8, "device": 6, "placement": 12}
TASKS = ("click", "add_to_cart", "checkout")


class PowerLaw(Dataset):
    """rows: of all splits. days: their span; train is the first 80 %, valid and test 10 % each.

    users ... categories: cardinalities. *_exponent: of Zipf's law. product_life: days until a product's slot goes to a
    new one. click, add_to_cart, checkout: label rates, of all rows. id_bias, interaction: standard deviation that ids
    alone and user x product pairs give the logit.
    """

    name = "powerlaw"
    version = 1
    example = {
        "rows": 12_000, "users": 2_000, "products": 800, "campaigns": 80, "advertisers": 20, "categories": 8,
        "click": 0.3, "add_to_cart": 0.1, "checkout": 0.05,
    }  # fmt: skip
    rows: int = tuned(2_000_000, 1_000, 10**9)
    days: int = tuned(10, 1, 365)
    users: int = tuned(400_000, 2, 10**9)
    products: int = tuned(200_000, 2, 10**9)
    campaigns: int = tuned(20_000, 2, 10**8)
    advertisers: int = tuned(2_000, 2, 10**8)
    categories: int = tuned(300, 2, 10**6)
    user_exponent: float = tuned(0.6, 0.0, 3.0)
    product_exponent: float = tuned(1.05, 0.0, 3.0)
    campaign_exponent: float = tuned(0.8, 0.0, 3.0)
    product_life: float = tuned(30.0, 0.1, 10_000.0)
    click: float = tuned(0.04, 1e-6, 0.999999)
    add_to_cart: float = tuned(0.004, 1e-6, 0.999999)
    checkout: float = tuned(0.0005, 1e-6, 0.999999)
    id_bias: float = tuned(1.0, 0.0, 10.0)
    interaction: float = tuned(0.7, 0.0, 10.0)
    latent: int = tuned(6, 1, 256)

    def __post_init__(self) -> None:
        super().__post_init__()
        for (outer, above), (inner, rate) in pairwise((t, getattr(self, t)) for t in TASKS):
            if rate >= above:
                raise UserError(
                    f"powerlaw: {inner} = {rate:g} is not below {outer} = {above:g}; accepted: rates that nest"
                )
        if self.rows * self.checkout < 100:
            raise UserError(
                f"powerlaw: rows = {self.rows:,} at checkout = {self.checkout:g} gives about "
                f"{self.rows * self.checkout:.0f} positives; accepted: 100 or more"
            )

    def build(self, rng: Generator) -> Data:
        time_N = np.sort(rng.integers(0, self.days * DAY, self.rows))
        index = self._indices(rng, time_N)
        truth_NT = self._truth(rng, index)
        conditional = truth_NT / np.column_stack([np.ones(self.rows), truth_NT[:, :-1]])
        happened = rng.random((self.rows, len(TASKS))) < conditional
        labels_NT = np.logical_and.accumulate(happened, axis=1).astype(np.uint8)
        ids_NF = np.column_stack([hash_ids(i, f).view(np.int64) for f, i in enumerate(index.values())])
        parts = [
            Split(
                ids_NF=ids_NF[at],
                labels_NT=labels_NT[at],
                group_N=ids_NF[at, 0],
                time_N=time_N[at],
                truth_NT=truth_NT[at].astype(np.float32),
            )
            for at in np.split(np.arange(self.rows), [self.rows * 8 // 10, self.rows * 9 // 10])
        ]
        return Data(tuple(index), TASKS, *parts)

    def _indices(self, rng: Generator, time_N: Ints) -> dict[str, Ints]:
        """Field -> index of its id in each row, before hashing."""
        user_N = _zipf(rng, self.users, self.user_exponent, self.rows)
        slot_N = _zipf(rng, self.products, self.product_exponent, self.rows)
        owner_N = np.floor(time_N / (self.product_life * DAY) + rng.random(self.products)[slot_N]).astype(np.int64)
        product_N = slot_N + owner_N * self.products
        made = int(product_N.max()) + 1
        campaign_P = _zipf(rng, self.campaigns, self.campaign_exponent, made)
        advertiser_C = rng.integers(0, self.advertisers, self.campaigns)
        category_P = _zipf(rng, self.categories, 0.7, made)
        context = {name: _zipf(rng, size, 1.0, self.rows) for name, size in CONTEXT.items()}
        return {
            "user": user_N,
            "product": product_N,
            "campaign": campaign_P[product_N],
            "advertiser": advertiser_C[campaign_P[product_N]],
            "category": category_P[product_N],
            **context,
            "hour": time_N // 3600 % 24,
        }

    def _truth(self, rng: Generator, index: dict[str, Ints]) -> Floats:
        """Probability of each task in each row, of all rows: later stages are products along the funnel."""
        share = {"user": 0.30, "product": 0.30, "campaign": 0.15, "advertiser": 0.10, "category": 0.05}
        taste = _normal(rng, index["user"], self.latent)
        trait = _normal(rng, index["product"], self.latent) + _normal(rng, index["category"], self.latent)
        match_N = np.einsum("nk,nk->n", taste, trait) / np.sqrt(2 * self.latent)
        truth, log_above = [], np.zeros(self.rows)
        for task in TASKS:
            logit_N = self.interaction * match_N
            for name, index_N in index.items():
                part = share.get(name, 0.10 / (len(index) - len(share)))
                logit_N = logit_N + self.id_bias * np.sqrt(part) * _normal(rng, index_N, 1)[:, 0]
            intercept = _calibrate(logit_N, log_above, getattr(self, task))
            log_above = log_above + log_expit(logit_N + intercept)
            truth.append(np.exp(log_above))
        return np.column_stack(truth)


def _zipf(rng: Generator, size: int, exponent: float, draws: int) -> Ints:
    """Ranks 0 .. size - 1 with probability proportional to (rank + 1) ** -exponent."""
    mass = np.cumsum(np.arange(1, size + 1, dtype=np.float64) ** -exponent)
    return np.searchsorted(mass, rng.random(draws) * mass[-1], side="right")


def _normal(rng: Generator, index_N: Ints, columns: int) -> npt.NDArray[np.float32]:
    """A standard normal vector per id, looked up for each row."""
    return rng.standard_normal((int(index_N.max()) + 1, columns), dtype=np.float32)[index_N]


def _calibrate(logit_N: Floats, log_above_N: Floats, rate: float) -> float:
    """The intercept at which the mean of above * expit(logit + intercept) is `rate`."""
    above_N = np.exp(log_above_N)
    return float(brentq(lambda b: float(np.mean(above_N * expit(logit_N + b))) - rate, -60.0, 60.0, xtol=1e-12))
