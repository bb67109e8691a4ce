"""References per start: what an episode is compared with is what the frozen policy got from there."""

from __future__ import annotations

import json

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import DummyVecEnv

import rewardwrap as rw

SPREAD = 15.0
STARTS = 20
PROXY = rw.Native("proxy")


class OneC(gym.Env):
    """One step: action a is truly worth a - 2; the proxy adds what the start is worth, of sd 15.

    The start is observed, one-hot, and named in ``info["seed"]``; a random policy is worth 0.
    """

    observation_space = gym.spaces.Box(0.0, 1.0, (STARTS,), np.float32)
    action_space = gym.spaces.Discrete(5)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.start = int(self.np_random.integers(STARTS)) if seed is None else int(seed) % STARTS
        self.offset = SPREAD * np.random.default_rng(self.start).normal()
        return self.observe(), {"seed": self.start, "proxy": 0.0}

    def observe(self):
        return np.eye(STARTS, dtype=np.float32)[self.start]

    def step(self, action):
        worth = float(action) - 2.0
        info = {"seed": self.start, "proxy": worth + self.offset}
        return self.observe(), worth, True, False, info


def played(agent=lambda obs: 2, **options) -> rw.References:
    return rw.References.play(OneC(), agent, PROXY, seeds=range(STARTS), **options)


def test_an_episode_is_compared_with_its_own_start_on_every_host():
    refs = played()
    reward = rw.PAR(PROXY, refs)
    # two above the reference of action 2
    want = 1 / (1 + np.exp(-2.0))
    env = rw.wrap(OneC(), reward)
    for seed in range(5):
        env.reset(seed=seed)
        assert env.step(4)[1] == pytest.approx(want)
    for lanes in (1, 3, 25):
        venv = rw.wrap(DummyVecEnv([OneC] * lanes), reward)
        venv.seed(0)
        venv.reset()
        for _ in range(3):
            np.testing.assert_allclose(venv.step(np.full(lanes, 4))[1], want, rtol=1e-6)
    for mode in (AutoresetMode.SAME_STEP, AutoresetMode.NEXT_STEP):
        vector = rw.wrap(SyncVectorEnv([OneC] * 3, autoreset_mode=mode), reward)
        vector.reset(seed=0)
        np.testing.assert_allclose(vector.step(np.full(3, 4))[1], want)


def log(seed: int, proxy: float) -> dict:
    return {
        "obs": np.zeros((2, 1)), "action": [0], "reward": [0.0], "terminated": [1], "truncated": [0],
        "info": {"seed": [seed, seed], "proxy": [0.0, proxy]},
    }  # fmt: skip


@pytest.mark.parametrize("shift", [-7.0, 100.0])
def test_a_shift_of_the_score_and_its_references_changes_nothing(shift):
    refs = rw.References("seed", [1, 2], [[0.0, 1.0], [5.0, 6.0]])
    moved = rw.References("seed", [1, 2], refs.scores + shift)
    for seed in (1, 2):
        one = rw.relabel(rw.PAR(PROXY, refs), log(seed, 3.0))
        other = rw.relabel(rw.PAR(PROXY, moved), log(seed, 3.0 + shift))
        np.testing.assert_allclose(one, other)


def test_one_start_is_a_reference_for_all():
    refs = rw.References("seed", [1], [[0.5, 1.5, 3.0]])
    for seed in (1, 9):
        one = rw.relabel(rw.PAR(PROXY, refs), log(seed, 2.0))
        np.testing.assert_allclose(one, rw.relabel(rw.PAR(PROXY, (0.5, 1.5, 3.0)), log(seed, 2.0)))


def test_a_quantile_is_one_reference_for_each_start():
    refs = rw.References("seed", [1, 2], [[0.0, 1.0], [4.0, 6.0]]).quantile(0.5)
    assert refs.scores.tolist() == [[0.5], [5.0]]
    paid = rw.relabel(rw.LogSigmoid(PROXY, refs), log(2, 5.0))
    np.testing.assert_allclose(paid, -np.log(2))
    with pytest.raises(rw.ConfigError, match="one score for each start, got 2"):
        rw.LogSigmoid(PROXY, rw.References("seed", [1], [[0.0, 1.0]]))


def test_a_start_that_was_not_played_is_near_another_or_refused():
    def paid(word: str) -> float:
        refs = rw.References("seed", [0, 10], [[0.0], [8.0]], on_missing=word)
        return rw.relabel(rw.PAR(PROXY, refs), log(9, 8.0)).item()

    assert paid("nearest") == 0.5
    assert paid("mean") == pytest.approx(1 / (1 + np.exp(-4.0)))
    with pytest.raises(rw.ConfigError, match=r"one that was played, got key \[9.0\]"):
        paid("refuse")


def test_a_start_may_be_told_by_a_function_of_its_observation():
    refs = rw.References(lambda obs, info: obs, [[0.0], [1.0]], [[2.0], [4.0]])
    assert rw.relabel(rw.PAR(PROXY, refs), log(0, 2.0)).item() == 0.5
    refs = rw.References.play(OneC(), lambda obs: 2, PROXY, seeds=[3], key=lambda obs, info: obs)
    assert refs.starts.tolist() == [np.eye(STARTS)[3].tolist()]


def test_references_are_saved_and_refused_where_somebody_changed_them(tmp_path):
    refs = played(episodes=2)
    refs.save(tmp_path)
    again = rw.References.load(tmp_path)
    assert again.to_config() == refs.to_config()
    assert again.scores.shape == (STARTS, 2)
    file = tmp_path / "references.json"
    file.write_text(file.read_text().replace('"nearest"', '"mean"'))
    with pytest.raises(rw.ConfigError, match="other content than its hash says"):
        rw.References.load(tmp_path)
    with pytest.raises(rw.ConfigError, match="must be a folder with"):
        rw.References.load(tmp_path / "nowhere")


def test_a_reward_with_references_comes_back_from_its_configuration():
    reward = rw.Sparsify(rw.PAR(rw.EpisodeSum(PROXY), played()), last=True)
    again = rw.from_config(json.loads(json.dumps(reward.to_config())))
    one, other = (rw.relabel(r, log(3, 2.0)) for r in (reward, again))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: rw.References("seed", [1, 2], [[0.0]]), "a row for each start, got"),
        (lambda: rw.References("seed", [1], [[np.nan]]), "must be finite"),
        (lambda: rw.References("seed", [1], [[0.0]], on_missing="x"), "on_missing must be"),
        (lambda: rw.PAR(rw.Native("other"), played()), "those of another reward"),
        (lambda: played(key="level"), 'got "level" beside seed, proxy'),
        (lambda: played(agent=3), "agent must be a model"),
        (lambda: played().quantile(2), r"q must lie in \[0, 1\]"),
    ],
)
def test_bad_references_are_refused(wrong, said):
    with pytest.raises(rw.ConfigError, match=said):
        wrong()


def test_a_key_that_reset_does_not_report_is_named():
    with pytest.raises(rw.RewardValueError, match='info must hold "level", got'):
        rw.relabel(rw.PAR(PROXY, rw.References("level", [1], [[0.0]])), log(1, 0.0))


def learned(reward: rw.Reward, seed: int) -> float:
    """The true worth of what PPO does in the end, of at most 2."""
    venv = rw.wrap(DummyVecEnv([OneC] * 16), reward)
    model = PPO(
        "MlpPolicy", venv, n_steps=16, batch_size=64, n_epochs=4, learning_rate=3e-3, seed=seed
    )
    model.learn(12_000)
    every = model.policy.obs_to_tensor(np.eye(STARTS, dtype=np.float32))[0]
    chances = model.policy.get_distribution(every).distribution.probs.detach().numpy()
    return float((chances @ (np.arange(5) - 2.0)).mean())


@pytest.mark.slow
def test_ppo_learns_from_references_per_start():
    refs = played()
    per_start = [learned(rw.PAR(PROXY, refs), seed) for seed in range(3)]
    one_for_all = [learned(rw.PAR(PROXY, float(refs.scores.mean())), seed) for seed in range(3)]
    # PPO divides advantages by their deviation, which rescues many flat starts, not all
    assert min(per_start) >= 1.9
    assert max(one_for_all) <= min(per_start) - 0.1


def climbed(reward: rw.Reward, updates: int) -> float:
    """The true worth after so many steps of the exact policy gradient, without any normalisation."""
    offsets = [SPREAD * np.random.default_rng(start).normal() for start in range(STARTS)]
    episodes = [log(start, a - 2.0 + c) for start, c in enumerate(offsets) for a in range(5)]
    pays = np.array(rw.relabel(reward, episodes)).reshape(STARTS, 5)
    logits = np.zeros((STARTS, 5))
    for _ in range(updates):
        chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        logits += chances * (pays - (chances * pays).sum(axis=1, keepdims=True))
    return float((chances @ (np.arange(5) - 2.0)).mean())


def test_references_per_start_teach_where_one_for_all_is_flat():
    refs = played()
    assert climbed(rw.PAR(PROXY, refs), 100) >= 1.6
    assert climbed(rw.PAR(PROXY, float(refs.scores.mean())), 100) <= 0.6
