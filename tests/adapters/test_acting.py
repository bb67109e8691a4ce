"""Recurrent, maskable and batch-normalised learners train, are evaluated and checked like all others."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from sb3_contrib import ARS, MaskablePPO, RecurrentPPO

import rewardwrap as rw
from rewardwrap.adapters.acting import Acting
from rewardwrap.evaluate.distance.coverage import gather
from rewardwrap.training.agent import Settings, build
from rewardwrap.training.evaluation import Protocol, evaluate
from rewardwrap.training.refusal import refuse_unfit

REWARD = (rw.EnvReward() + rw.Constant(-0.5).named("time")).to_config()
SMALL = {"n_timesteps": 64, "n_envs": 2, "n_steps": 16, "batch_size": 16, "n_epochs": 1}


class Masked(gym.Env[Any, Any]):
    """Only the action that the observation shows is allowed; any other breaks it."""

    observation_space = gym.spaces.Box(0, 1, (2,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.t, self.allowed = 0, int(self.np_random.integers(2))
        return self._obs(), {}

    def step(self, action: Any) -> Any:
        assert action == self.allowed, "a forbidden action"
        self.t, self.allowed = self.t + 1, int(self.np_random.integers(2))
        return self._obs(), 1.0, self.t == 9, False, {}

    def action_masks(self) -> Any:
        return np.arange(2) == self.allowed

    def _obs(self) -> Any:
        return self.action_masks().astype(np.float32)


gym.register("rewardwrap-test/Masked-v0", Masked)
OFF = {
    "n_timesteps": 64,
    "learning_starts": 20,
    "buffer_size": 100,
    "policy_kwargs": {"net_arch": [16]},
}
CASES = {
    "ppo_lstm": ("CartPole-v1", {"policy": "MlpLstmPolicy", **SMALL}),
    "ppo_mask": ("rewardwrap-test/Masked-v0", SMALL),
    "crossq": ("Pendulum-v1", OFF),
    "trpo": ("CartPole-v1", {"n_timesteps": 64, "n_envs": 2, "n_steps": 16, "batch_size": 16}),
    "qrdqn": ("CartPole-v1", OFF),
    "tqc": ("Pendulum-v1", OFF),
}


@pytest.mark.parametrize("algo", CASES)
def test_every_algorithm_is_checked_trained_and_evaluated(algo: str) -> None:
    env, row = CASES[algo]
    settings = Settings(env=env, algo=algo, reward=REWARD, row=row, seed=0)
    refuse_unfit(settings)
    agent = build(settings)
    agent.model.learn(64, callback=rw.LogTerms())
    found = evaluate(agent.model, agent.eval_env(2), Protocol(episodes=2))
    np.testing.assert_allclose(found.shaped, found.true - 0.5 * found.lengths, rtol=1e-6)
    agent.close()


def test_a_maskable_learner_without_masks_is_refused() -> None:
    settings = Settings(env="CartPole-v1", algo="ppo_mask", reward=REWARD, row=SMALL, seed=0)
    with pytest.raises(rw.RewardwrapError, match="MaskablePPO must be told which actions"):
        build(settings)


def test_memory_is_handed_on_and_forgotten_at_an_episodes_start() -> None:
    venv = rw.make("CartPole-v1", "env", n_envs=2, seed=0)
    model = RecurrentPPO("MlpLstmPolicy", venv, seed=0)
    act = Acting(model, venv, deterministic=True)
    obs = venv.reset()
    act(obs)
    first = act._memory[0].copy()
    act.ended([False, False])
    act(obs)
    assert not np.allclose(act._memory[0], first)
    act.ended([True, True])
    act(obs)
    np.testing.assert_allclose(act._memory[0], first, rtol=1e-5)


def test_a_model_is_checked_with_its_own_policy() -> None:
    venv = rw.make("rewardwrap-test/Masked-v0", "env")
    rw.check(venv, MaskablePPO("MlpPolicy", venv, policy_kwargs={"net_arch": [3]}))
    rw.check(venv, "ppo_mask")


def test_coverage_is_played_with_masks():
    env = Masked()
    model = MaskablePPO("MlpPolicy", env, n_steps=16, batch_size=16, device="cpu", seed=0)
    found = gather(env, seed=0, episodes=3, policy=model)
    assert found.rows == 27  # a forbidden action is an error


def test_coverage_is_played_with_the_memory_of_the_episode():
    seen: list[tuple[Any, bool]] = []

    class Counting:
        def predict(
            self, obs: Any, state: Any = None, episode_start: Any = None, deterministic: bool = True
        ) -> Any:
            seen.append((state, bool(episode_start[0])))
            return 0, 1 if state is None else state + 1

    made = gather(gym.make("CartPole-v1"), seed=0, episodes=2, policy=Counting())
    assert [start for _, start in seen].count(True) == 2
    first = len(made.episodes[0]["reward"])
    assert [state for state, _ in seen] == [
        None, *range(1, first), None, *range(1, made.rows - first),
    ]  # fmt: skip


def test_who_must_see_every_step_refuses_a_learner_that_shows_none():
    venv = rw.make("CartPole-v1", rw.EnvReward() + rw.Constant(0.1).named("alive"), seed=0)
    model = ARS("LinearPolicy", venv, n_delta=2, seed=0, device="cpu")
    with pytest.raises(rw.StackError, match="Audit must see every step of the training, got ARS"):
        model.learn(64, callback=rw.evaluate.Audit())
