"""Credit for steps from returns."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch
from stable_baselines3 import PPO

import rewardwrap as rw
from rewardwrap.core.errors import ConfigError
from rewardwrap.training.return_decomposition import (
    Decoder,
    Episodes,
    ReturnDecomposition,
    decomposition_loss,
)


def one(values: list[float], mean: float, length: int, *, unbiased: bool = True) -> float:
    predicted, target, lengths = (
        torch.tensor([values]),
        torch.tensor([mean]),
        torch.tensor([length]),
    )
    return float(decomposition_loss(predicted, target, lengths.float(), unbiased=unbiased))


def test_the_unbiased_loss_of_subsets_is_the_full_loss_on_average() -> None:
    rng = np.random.default_rng(0)
    values, mean = rng.normal(size=10), 0.3
    full = one(values.tolist(), mean, 10)
    draws = [values[list(chosen)].tolist() for chosen in combinations(range(10), 4)]
    corrected = np.mean([one(draw, mean, 10) for draw in draws])
    plain = np.mean([one(draw, mean, 10, unbiased=False) for draw in draws])
    assert corrected == pytest.approx(full, rel=1e-4)
    assert plain > full + 0.01


def test_drawing_every_step_is_plain_return_decomposition() -> None:
    values = [1.0, 0.0, 2.0]
    assert one(values, 0.5, 3) == pytest.approx(0.25)
    assert one(values, 0.5, 3, unbiased=False) == pytest.approx(0.25)


def test_steps_are_drawn_without_replacement() -> None:
    kept = Episodes(4)
    kept.add(np.arange(6.0)[:, None], 6.0)
    rows, mean, lengths = kept.draw(np.random.default_rng(0), 5, 6)
    assert sorted(rows[0, :, 0].tolist()) == list(range(6))
    assert mean.tolist() == [1.0] * 5
    assert lengths.tolist() == [6.0] * 5


def planted(unbiased: bool) -> np.ndarray:
    """What the decoder pays for each of three factors; truth 1, -0.5 and 0."""
    rng = np.random.default_rng(1)
    kept = Episodes(300)
    for _ in range(300):
        factors = rng.normal(size=(20, 3))
        kept.add(factors, float(factors[:, 0].sum() - 0.5 * factors[:, 1].sum()))
    decoder = Decoder(3, (), lr=0.005, seed=0)
    decoder.fit(kept, updates=1200, batch=64, steps=5, unbiased=unbiased)
    arrays = decoder.arrays()
    return arrays["weight0"][:, 0] / arrays["sd"]


def test_the_weights_behind_the_returns_are_found() -> None:
    np.testing.assert_allclose(planted(unbiased=True), [1.0, -0.5, 0.0], atol=0.15)


def test_the_biased_loss_shrinks_them() -> None:
    assert abs(planted(unbiased=False)[0]) < 0.6


def test_the_frozen_decoder_says_what_the_network_says() -> None:
    kept = Episodes(8)
    rng = np.random.default_rng(0)
    for _ in range(8):
        kept.add(rng.normal(size=(12, 2)), float(rng.normal()))
    decoder = Decoder(2, (16, 8), lr=1e-3, seed=3)
    decoder.fit(kept, updates=5, batch=4, steps=8, unbiased=True)
    lean, place = rw.Field("pole_angle").named("lean"), rw.Field("cart_position").named("place")
    reward = rw.Decoded(lean + place, hidden=[16, 8])
    reward.load_state_arrays(decoder.arrays())
    rows = rng.normal(size=(7, 2))
    with torch.no_grad():
        scaled = torch.as_tensor((rows - decoder.mean) / decoder.sd, dtype=torch.float32)
        torch_says = decoder.net(scaled)[:, 0].numpy()
    np.testing.assert_allclose(reward.decode(rows), torch_says, atol=1e-5)


def test_the_learner_is_paid_the_decoder_and_the_true_return_stays_recorded() -> None:
    lean = rw.Field("pole_angle").named("lean")
    venv = rw.make("CartPole-v1", rw.Decoded(lean, hidden=[8]), n_envs=4, seed=0)
    model = PPO("MlpPolicy", venv, n_steps=64, batch_size=64, n_epochs=1, seed=0)
    before = venv.reward.state_dict()
    model.learn(512, callback=ReturnDecomposition(updates=3, batch=4))
    after = venv.reward.state_dict()
    assert any(not np.array_equal(before[name], after[name]) for name in before)
    assert {"env", "lean", "decoded", "shaped"} <= set(venv.term_names)


def test_an_environment_without_a_decoded_reward_is_refused() -> None:
    venv = rw.make("CartPole-v1", rw.EnvReward(), n_envs=2)
    model = PPO("MlpPolicy", venv, n_steps=32, batch_size=32)
    with pytest.raises(ConfigError, match="must hold one rw.Decoded, got 0"):
        model.learn(64, callback=ReturnDecomposition())
    plain = PPO("MlpPolicy", "CartPole-v1", n_steps=32, batch_size=32)
    with pytest.raises(ConfigError, match=r"must be one of rw\.make or rw\.wrap"):
        plain.learn(32, callback=ReturnDecomposition())
