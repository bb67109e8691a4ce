"""StablePPO: ratios that stay finite, rows that are left out, and what that costs."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.utils import set_random_seed

from rewardwrap_policies import PresetError, algorithm, hyperparameters
from rewardwrap_policies.stable import LOG_RATIO, StablePPO

SMALL: dict[str, Any] = {"n_steps": 32, "batch_size": 16, "n_epochs": 2, "seed": 0, "device": "cpu"}


def collected(cls: Any, **options: Any) -> Any:
    """A model with one rollout in its buffer, not yet trained on it."""
    model = cls("MlpPolicy", "CartPole-v1", **SMALL, **options)
    total, callback = model._setup_learn(32)
    model.collect_rollouts(model.env, callback, model.rollout_buffer, n_rollout_steps=32)
    model._update_current_progress_remaining(0, total)
    return model


def parameters(model: Any) -> torch.Tensor:
    return torch.cat([p.detach().ravel() for p in model.policy.parameters()])


def test_without_outliers_it_is_ppo() -> None:
    one, other = (collected(PPO), collected(StablePPO, sigmas=None))
    for model in (one, other):
        set_random_seed(0)
        model.train()
    torch.testing.assert_close(parameters(one), parameters(other), atol=1e-5, rtol=0)
    assert "evaluate_actions" not in vars(other.policy)


def test_a_log_ratio_that_overflows_is_a_thousand() -> None:
    assert math.exp(min(12.0, LOG_RATIO)) == pytest.approx(1000.0)
    one, other = (collected(cls, max_grad_norm=1e9) for cls in (PPO, StablePPO))
    for model in (one, other):
        # an action that has become likely and is bad: PPO's own clipping does not bound it
        model.rollout_buffer.log_probs[3] -= 120.0
        model.rollout_buffer.advantages[3] = -1.0
    other.train()
    with pytest.raises(ValueError, match="nan"):
        one.train()
    assert torch.isfinite(parameters(other)).all()


def test_the_filter_drops_the_rare_success_and_says_so() -> None:
    kept: dict[Any, set[float]] = {}
    for sigmas in (3.0, None):
        model = collected(StablePPO, sigmas=sigmas)
        buffer = model.rollout_buffer
        buffer.advantages[:] = np.random.default_rng(0).normal(0, 0.01, buffer.advantages.shape)
        buffer.advantages[5] = 1.0
        if sigmas is None:
            model.train()
        else:
            with pytest.warns(
                UserWarning, match="5.[0-9] sigma better than the mean: a rare success"
            ):
                model.train()
        seen = {float(a) for batch in buffer.get(16) for a in batch.advantages}
        kept[sigmas] = seen
        assert buffer.rows == 32
    assert (1.0 in kept[None], 1.0 in kept[3.0]) == (True, False)
    assert len(kept[3.0]) == 31


def test_a_minibatch_of_outliers_keeps_its_nearest_row() -> None:
    model = collected(StablePPO, sigmas=0.5)
    buffer = model.rollout_buffer
    buffer.advantages[:16], buffer.advantages[16:] = -1.0, 2.0
    assert sum(len(batch.advantages) for batch in buffer.get(1)) == 32


def test_it_is_an_algorithm_like_the_others(tmp_path: Path) -> None:
    settings = hyperparameters("ppo_stable", "CartPole-v1")
    assert algorithm("ppo_stable") is StablePPO
    assert settings.model["sigmas"] == 3.0
    env = gymnasium.make("CartPole-v1")
    model = StablePPO("MlpPolicy", env, **SMALL, sigmas=2.5)
    model.learn(32)
    model.save(tmp_path / "model")
    back = StablePPO.load(tmp_path / "model", env=env)
    assert (back.sigmas, back.rollout_buffer.sigmas) == (2.5, 2.5)
    assert torch.equal(parameters(model), parameters(back))


@pytest.mark.parametrize(
    "options", [{"sigmas": 0.0}, {"clip_log_ratio": -1.0}, {"sigmas": math.inf}]
)
def test_a_number_out_of_range_is_a_sentence(options: dict[str, Any]) -> None:
    ((name, value),) = options.items()
    with pytest.raises(PresetError, match=f"{name} must be above 0, got {value}"):
        StablePPO("MlpPolicy", "CartPole-v1", **options)
