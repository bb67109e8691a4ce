"""The chance of a reference: forms, what the trace adds, and the policy of a learner."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stable_baselines3 import PPO

import rewardwrap as rw
from rewardwrap.core.episode import Episode
from rewardwrap.scores import ReferenceProbability, chances_of

LAST = np.array([True])
ONE = Episode(np.array([[0.2], [0.7]]), np.zeros(1), np.zeros(1), LAST, ~LAST)


def shown(obs: Any, actions: Any) -> Any:
    """A policy that makes everything as likely as its observation says."""
    return np.asarray(obs, float)[:, 0]


def after(episode: Episode) -> Any:
    return episode.obs[-1:], np.zeros(1)


def before(episode: Episode) -> Any:
    return episode.obs[:1], np.zeros(1)


def test_a_trace_pays_what_it_adds_and_one_that_changes_nothing_pays_0() -> None:
    assert ReferenceProbability(shown, after)([ONE]).tolist() == [0.7]
    assert ReferenceProbability(shown, after, bare=before)([ONE]) == pytest.approx([0.5])
    assert ReferenceProbability(shown, before, bare=before)([ONE]).tolist() == [0.0]
    assert ReferenceProbability(shown, before, bare=after)([ONE]).tolist() == [0.0]
    kept = ReferenceProbability(
        shown, lambda e: (e.obs[[-1, -1]], np.zeros(2)), valid=lambda es: [1.0]
    )
    assert kept([ONE]) == pytest.approx([0.9 * 0.7 + 0.1])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_the_mean_is_above_the_geometric_mean_and_that_above_the_product(
    chances: list[float],
) -> None:
    def asked(episode: Episode) -> Any:
        return np.array(chances)[:, None], np.zeros(len(chances))

    forms = [
        ReferenceProbability(shown, asked, form=f)([ONE])[0]
        for f in ("mean", "geometric", "product")
    ]  # type: ignore[arg-type]
    assert forms[0] >= forms[1] - 1e-12
    assert forms[1] >= forms[2] - 1e-12
    assert 0.0 <= forms[2] <= forms[0] <= 1.0 + 1e-12


def test_a_learner_says_how_likely_its_actions_are() -> None:
    model = PPO("MlpPolicy", "CartPole-v1", seed=0, n_steps=8, batch_size=8)
    obs = np.zeros((3, 4), np.float32)
    both = [chances_of(model)(obs, np.full(3, a)) for a in (0, 1)]
    assert np.add(*both) == pytest.approx([1.0] * 3)


def test_bad_input_is_one_sentence() -> None:
    with pytest.raises(rw.ConfigError, match='form must be "mean", "geometric" or "product", got'):
        ReferenceProbability(shown, after, form="sum")  # type: ignore[arg-type]
    with pytest.raises(rw.RewardValueError, match="at least one action, got none"):
        ReferenceProbability(shown, lambda e: (e.obs[:0], np.zeros(0)))([ONE])
    with pytest.raises(rw.RewardValueError, match="one probability for each of 1 actions"):
        ReferenceProbability(lambda obs, a: np.zeros(5), after)([ONE])
    with pytest.raises(rw.RewardValueError, match=r"probability must lie in \[0, 1\], got 3"):
        ReferenceProbability(lambda obs, a: np.array([3.0]), after)([ONE])
