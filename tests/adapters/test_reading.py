"""Text and lists as observations: arrays with known answers, and an agent that learns from sentences."""

from __future__ import annotations

from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from stable_baselines3 import A2C

import rewardwrap as rw
from rewardwrap.adapters.reading import ReadText
from rewardwrap.nets.text_recipe import fit_text
from rewardwrap.rewards.phrases import phrase


class Asked(gym.Env[Any, Any]):
    """It says which of two answers it wants."""

    observation_space: ClassVar[Any] = spaces.Text(40)
    action_space: ClassVar[Any] = spaces.Discrete(2)
    words = ("say no now", "please say yes")

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.wanted, self.left = int(self.np_random.integers(2)), 8
        return self.words[self.wanted], {}

    def step(self, action: Any) -> Any:
        paid = float(action == self.wanted)
        self.wanted, self.left = int(self.np_random.integers(2)), self.left - 1
        return self.words[self.wanted], paid, self.left == 0, False, {}


class Lists(Asked):
    observation_space: ClassVar[Any] = spaces.Dict(
        {
            "rows": spaces.Sequence(spaces.Box(-9, 9, (2,), np.float32)),
            "say": spaces.Text(40),
            "x": spaces.Discrete(3),
        }
    )

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        return {"rows": (), "say": "none", "x": 2}, {}

    def step(self, action: Any) -> Any:
        rows = (np.array([1, -2], np.float32), np.array([3, 4], np.float32))
        return {"rows": rows, "say": "two", "x": 1}, 0.0, False, False, {"old": 1}


def test_a_sentence_is_its_numbers_and_stands_in_info() -> None:
    env = rw.ReadText(Asked())
    obs, info = env.reset(seed=0)
    assert env.observation_space.contains(obs)
    assert info["text"] in Asked.words
    np.testing.assert_allclose(obs, phrase(info["text"], 1024), atol=1e-7)


def test_a_list_is_count_mean_least_and_largest_in_any_order() -> None:
    env = rw.ReadText(Lists())
    obs, info = env.reset()
    np.testing.assert_array_equal(obs["rows"], np.zeros(7))
    assert (obs["x"], info) == (2, {"text/say": "none"})
    obs, *_, info = env.step(0)
    np.testing.assert_array_equal(obs["rows"], [2, 2, 1, 1, -2, 3, 4])
    assert info == {"old": 1, "text/say": "two"}
    assert env.observation_space.contains(obs)
    turned = env._pooled(Lists.observation_space["rows"], [np.array([3, 4]), np.array([1, -2])])
    np.testing.assert_array_equal(turned, obs["rows"])


def test_an_agent_learns_from_what_it_is_told() -> None:
    venv = rw.make(lambda: ReadText(Asked()), n_envs=4, seed=0)
    small = {"net_arch": [8]}
    agent = A2C(
        "MlpPolicy", venv, seed=0, gamma=0.5, n_steps=16, learning_rate=0.01, policy_kwargs=small
    )
    agent.learn(1500)
    right = 0
    for wanted, words in enumerate(Asked.words):
        obs = phrase(words, 1024).astype(np.float32)
        right += int(agent.predict(obs, deterministic=True)[0] == wanted)
    assert right == 2


def test_a_text_model_pays_by_the_sentence_of_the_observation(tmp_path: Any) -> None:
    rows = [("", f"please say yes {i}", f"say no now {i}") for i in range(20)]
    model = fit_text(rows, body="hashed").save(tmp_path / "m")
    venv = rw.make(lambda: ReadText(Asked()), rw.TextReward(str(model), "text"), n_envs=1, seed=0)
    venv.reset()
    paid = [venv.step(np.array([0])) for _ in range(6)]
    kind = [str(infos[0]["text"]).startswith("please") for *_, infos in paid]
    assert [float(p[1][0]) > 0 for p in paid] == kind
    assert 0 < sum(kind) < 6


def test_without_it_training_says_what_to_wrap(tmp_path: Any) -> None:
    from rewardwrap.adapters.observations import require_arrays
    from rewardwrap.core.errors import ConfigError

    with pytest.raises(ConfigError, match="rewardwrap.adapters.reading.ReadText"):
        require_arrays(Asked())
