"""The floor: the posterior of ids when all else is known."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest
import torch
from scipy.special import expit
from scipy.stats import norm

from harness.data.synthetic import kernel
from harness.data.synthetic.kernel import LEFT, RIGHT
from harness.data.synthetic.presets import load_population
from harness.data.synthetic.sampler import Sampler
from perf.bound.__main__ import divergence
from perf.bound.posterior import Known, Posterior, fit, known

NO_MATCH = torch.zeros(1)


@pytest.fixture(scope="module")
def sampler() -> Sampler:
    return Sampler.drawn(load_population("avazu_like", {"rows": 4000}), 3)


def rows_of(code_N: npt.NDArray[np.int64], label_N: npt.NDArray[np.float64], train: int, scale: float) -> Known:
    """Rows of one field without a match."""
    code_NF = torch.from_numpy(code_N)[:, None]
    return Known(
        code_NF, torch.from_numpy(label_N).float(), torch.zeros(len(code_N), 1),
        torch.bincount(code_NF[:train, 0], minlength=int(code_N.max()) + 1), train, torch.tensor([scale]),
        np.zeros(1, np.int64), NO_MATCH, noise_scale=0.9, intercept=-1.0,
    )  # fmt: skip


def test_told_the_normals_it_gives_the_truth(sampler: Sampler) -> None:
    data, c = known(sampler, "click"), sampler.compiled
    rows = sampler.rows(0, sampler.population.rows)
    model = Posterior(data)
    assert model.latent is not None
    with torch.no_grad():
        for f in range(len(sampler.fields)):
            code_N, first_N = np.unique(data.code_NF[:, f].numpy(), return_index=True)
            id_N = rows.ids_NF[first_N, f].view(np.uint64)
            bias_NT = np.zeros((len(id_N), 1))
            kernel._biases(id_N, c.shared_FT[f], c.own_FT[f], c.normal, bias_NT)
            side_NK = np.zeros((len(id_N), len(data.match_K)), np.float32)
            kernel._latent(id_N, c.normal, side_NK)
            model.bias.weight[code_N, 0] = torch.from_numpy(bias_NT[:, 0]).float() / data.scale_F[f].clamp(min=1e-9)
            model.latent.weight[code_N, : side_NK.shape[1]] = torch.from_numpy(side_NK)
        for table in (model.bias, model.latent):
            table.weight[:, table.embedding_dim // 2 :] = -20.0
    guess_N = model.predict(slice(0, sampler.population.rows))
    assert np.abs(guess_N - rows.truth_NT[:, 0]).max() < 1e-5


def test_mean_and_variance_of_a_logit_are_those_of_draws(sampler: Sampler) -> None:
    data = dataclasses.replace(known(sampler, "click"), noise_scale=1.0, intercept=0.0)
    torch.manual_seed(0)
    model, rows_B = Posterior(data), torch.arange(20)
    mean_B, var_B, _ = model.logit(rows_B)
    draws, total = 20_000, 0.0
    code_BF = data.code_NF[rows_B]
    mean, log = model.bias(code_BF).chunk(2, -1)
    total = ((mean + log.exp() * torch.randn(draws, *mean.shape))[..., 0] * data.scale_F).sum(-1)
    sides = {}
    for side in (LEFT, RIGHT):
        assert model.latent is not None
        mean, log = model.latent(code_BF[:, np.flatnonzero(data.side_F == side).tolist()]).chunk(2, -1)
        sides[side] = (mean + log.exp() * torch.randn(draws, *mean.shape)).sum(2)
    total = total + ((data.match_K * sides[LEFT] + data.fashion_NK[rows_B]) * sides[RIGHT]).sum(-1)
    error_B = 5 * (var_B / draws).sqrt()
    assert ((total.mean(0) - mean_B).abs() < error_B).all()
    assert ((total.var(0) / var_B - 1).abs() < 0.1).all()


def test_one_id_has_the_posterior_of_quadrature() -> None:
    label_N = np.array([1.0, 1, 1, 0, 1, 1, 0, 1])
    data = rows_of(np.zeros(8, np.int64), label_N, 8, scale=1.5)
    model = fit(data, epochs=600, rate=0.05)
    z = np.linspace(-8, 8, 4001)
    probability = expit(0.9 * 1.5 * z - 1.0)
    weight = norm.pdf(z) * probability ** label_N.sum() * (1 - probability) ** (8 - label_N.sum())
    exact = (weight * probability).sum() / weight.sum()
    assert model.predict(slice(0, 1))[0] == pytest.approx(exact, abs=0.005)


def test_an_id_that_training_never_had_keeps_its_prior() -> None:
    data = rows_of(np.array([0, 0, 0, 1]), np.array([1.0, 1, 1, 0]), 3, scale=1.5)
    model = fit(data, epochs=50)
    prior = (expit(0.9 * 1.5 * np.linspace(-8, 8, 4001) - 1) * norm.pdf(np.linspace(-8, 8, 4001))).sum() * 16 / 4000
    assert model.predict(slice(3, 4))[0] == pytest.approx(prior, abs=1e-4)


def test_divergence_is_the_excess_of_the_expected_logloss() -> None:
    truth, guess = np.array([0.2, 0.0, 0.5]), np.array([0.3, 0.1, 0.5])
    loss = -truth * np.log(guess) - (1 - truth) * np.log(1 - guess)
    with np.errstate(divide="ignore", invalid="ignore"):
        entropy = -np.nan_to_num(truth * np.log(truth)) - (1 - truth) * np.log(1 - truth)
    assert divergence(truth, guess) == pytest.approx(loss - entropy)
