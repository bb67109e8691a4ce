"""Groups of lanes under stable-baselines3: what is paid, when, and what the learner sees meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.vec_env import VecEnv

import rewardwrap as rw
from rewardwrap.adapters.lockstep import WAITING
from rewardwrap.core.episode import Episode
from rewardwrap.scores.grouped import PAY

STEPS = 6


class Count(gym.Env[Any, Any]):
    """Action 1 ends it; each step pays 1; starts at a seeded number."""

    observation_space = gym.spaces.Box(-1e9, 1e9, (2,), np.float64)
    action_space = gym.spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.obs = np.array([self.np_random.integers(100), 0.0])
        return self.obs.copy(), {}

    def step(self, action: Any) -> Any:
        self.obs[1] += 1
        return self.obs.copy(), 1.0, bool(action), False, {"clock": self.obs[1]}


class Unseeded(Count):
    """Its starts come from elsewhere."""

    others = np.random.default_rng(0)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        self.obs = self.others.normal(size=2)
        return self.obs, {}


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> str:
    for name, entry, limit in (
        ("Count-v0", Count, STEPS),
        ("Endless-v0", Count, None),
        ("Unseeded-v0", Unseeded, STEPS),
    ):
        spec = EnvSpec(name, entry_point=entry, max_episode_steps=limit)  # type: ignore[arg-type]
        monkeypatch.setitem(gym.registry, name, spec)
    return "Count-v0"


class Kept:
    """The return; keeps what it was shown."""

    def __init__(self) -> None:
        self.groups: list[list[Episode]] = []

    def __call__(self, episodes: Sequence[Episode]) -> list[float]:
        self.groups.append(list(episodes))
        return [float(e.reward.sum()) for e in episodes]


def ending(venv: VecEnv, at: Sequence[int | None], steps: int) -> list[Any]:
    """Lane i ends itself at its step ``at[i]``, or never; rows of (obs, rewards, dones, infos)."""
    return [venv.step(np.array([int(end == t + 1) for end in at])) for t in range(steps)]


def test_a_lane_that_has_finished_waits_on_its_last_observation(count: str) -> None:
    venv = rw.make_grouped(count, Kept(), group=3, n_envs=3)
    start = venv.reset()
    assert (start == start[0]).all()
    rows = ending(venv, [2, 4, 3], 4)
    assert [row[2].tolist() for row in rows] == [[False] * 3] * 3 + [[True] * 3]
    assert [row[0][0, 1] for row in rows] == [1, 2, 2, 0]
    assert [row[3][0].get(WAITING, False) for row in rows] == [False, False, True, True]
    assert [row[1].tolist() for row in rows] == [[0, 0, 0]] * 3 + [[-1, 1, 0]]
    infos = rows[-1][3]
    assert [info["episode_terms"]["env"] for info in infos] == [2, 4, 3]
    assert [info["episode"]["r"] for info in infos] == [2, 4, 3]
    assert [info["terminal_observation"][1] for info in infos] == [2, 4, 3]
    assert not any("episode" in info for row in rows[:-1] for info in row[3])
    assert not any(info["TimeLimit.truncated"] for row in rows for info in row[3])


def test_groups_are_complete_at_their_own_time_and_begin_anew_together(count: str) -> None:
    venv = rw.make_grouped(count, Kept(), group=2, n_envs=4)
    first = venv.reset()[:, 0]
    assert first[0] == first[1] != first[2] == first[3]
    rows = ending(venv, [1, 2, 3, 1], 3)
    assert [row[2].tolist() for row in rows[1:]] == [
        [True, True, False, False],
        [False, False, True, True],
    ]
    again = rows[1][0][:2, 0]
    assert again[0] == again[1] != first[0]
    assert (rw.make_grouped(count, Kept(), group=2, n_envs=4).reset()[:, 0] == first).all()
    venv.seed(0)
    assert (venv.reset()[:, 0] == first).all()
    venv.seed(1)
    assert (venv.reset()[:, 0] != first).any()


def test_a_score_sees_whole_episodes_and_logs_pay_the_same(count: str) -> None:
    score = Kept()
    venv = rw.make_grouped(count, score, group=2, n_envs=2)
    venv.reset()
    (*_, (_, paid, dones, _)) = ending(venv, [2, None], STEPS)
    assert dones.all()
    short, long = score.groups[0]
    assert (len(short), len(long), len(short.obs), len(long.obs)) == (2, STEPS, 3, STEPS + 1)
    assert short.terminated.tolist() == [False, True]
    assert long.truncated.tolist() == [False] * 5 + [True]
    assert short.obs[:, 1].tolist() == [0, 1, 2]
    assert short.action.tolist() == [0, 1]
    assert short.info["clock"].tolist() == [1, 2]
    logged = rw.relabel(rw.Grouped(Kept(), group=2), [short.columns(), long.columns()])
    assert [row.sum() for row in logged] == paid.tolist() == [-2, 2]


@pytest.mark.parametrize("limit", ["end", "bootstrap"])
def test_a_time_limit_is_paid_or_bootstrapped_and_never_both(count: str, limit: Any) -> None:
    venv = rw.make_grouped(count, Kept(), group=3, n_envs=3, limit=limit)
    venv.reset()
    (*_, (_, paid, _, infos)) = ending(venv, [2, 4, None], STEPS)
    cut = [info["TimeLimit.truncated"] for info in infos]
    assert cut == [False, False, limit == "bootstrap"]
    assert paid.tolist() == ([-1, 1, 0] if limit == "bootstrap" else [-2, 0, 2])


def test_lanes_of_other_horizons_wait_for_each_other_and_are_compared_with_their_own(
    count: str,
) -> None:
    views = ({"max_episode_steps": 3}, {"max_episode_steps": 5})
    venv = rw.make_grouped(count, rw.Grouped(Kept(), group=4, views=views))
    assert len(set(venv.reset()[:, 0])) == 1
    rows = ending(venv, [2, None, 4, None], 5)
    assert [row[2].tolist() for row in rows] == [[False] * 4] * 4 + [[True] * 4]
    assert rows[-1][1].tolist() == [-0.5, 0.5, -0.5, 0.5]
    assert not any(info["TimeLimit.truncated"] for info in rows[-1][3])


def test_nothing_is_paid_twice(count: str) -> None:
    venv = rw.make_grouped(count, Kept(), group=2, n_envs=4, centred=False)
    venv.reset()
    rng, paid, true = np.random.default_rng(0), np.zeros(4), np.zeros(4)
    for _ in range(300):
        _, rewards, dones, infos = venv.step((rng.random(4) < 0.3).astype(int))
        paid += rewards
        true += [
            info["episode"]["r"] if done else 0.0 for done, info in zip(dones, infos, strict=True)
        ]
        assert all((PAY in info) == done for done, info in zip(dones, infos, strict=True))
    assert paid.tolist() == true.tolist()
    assert paid.min() > 0
    venv.step(np.zeros(4, int))
    venv.reset()
    assert ending(venv, [1] * 4, 1)[0][1].tolist() == [1, 1, 1, 1]


def test_what_cannot_be_a_group_is_refused(count: str) -> None:
    with pytest.raises(rw.ConfigError, match="multiple of the group, 4, got 6. Use 4"):
        rw.make_grouped(count, Kept(), n_envs=6)
    with pytest.raises(rw.ConfigError, match="must complete, got Endless-v0 without a time limit"):
        rw.make_grouped("Endless-v0", Kept())
    assert rw.make_grouped("Endless-v0", Kept(), env_kwargs={"max_episode_steps": 9}).num_envs == 4
    with pytest.raises(rw.ConfigError, match="even must be False"):
        rw.make_grouped(count, rw.Grouped(Kept(), even=True))
    with pytest.raises(rw.ConfigError, match="group must be said once, got 2 beside Grouped"):
        rw.make_grouped(count, rw.Grouped(Kept(), group=8), group=2, n_envs=8)
    with pytest.raises(rw.UnknownName):
        rw.make_grouped("Cuont-v0", Kept())
    with pytest.warns(rw.RewardwrapWarning, match="should begin alike"):
        rw.make_grouped("Unseeded-v0", Kept()).reset()
    wrong = rw.make_grouped(count, lambda episodes: [np.nan] * len(episodes))
    wrong.reset()
    with pytest.raises(rw.RewardValueError, match="must be finite, got nan for episode 0 of 4"):
        ending(wrong, [1] * 4, 1)


@pytest.mark.parametrize(
    ("learner", "fields"),
    [
        (PPO, {"n_steps": 16, "batch_size": 16, "n_epochs": 1}),
        (A2C, {}),
        (DQN, {"learning_starts": 8}),
    ],
)
def test_learners_train_on_it_and_the_terms_are_logged(
    count: str, learner: Any, fields: dict[str, Any]
) -> None:
    venv = rw.make_grouped(count, Kept(), n_envs=4)
    model = learner("MlpPolicy", venv, seed=0, **fields)
    model.learn(64, callback=rw.LogTerms(), log_interval=1000)
    assert venv.term_names == ("env", "score", "shaped")
    assert model.ep_info_buffer[0]["r"] >= 1
    if learner is not DQN:
        logged = model.logger.name_to_value
        assert logged["rollout/ep_true_rew_mean"] >= 1
        assert "reward/score/return_mean" in logged


def test_ppo_learns_from_its_group_alone(count: str) -> None:
    venv = rw.make_grouped(count, Kept(), group=4, n_envs=8, centred=True)
    model = PPO(
        "MlpPolicy", venv, n_steps=16, batch_size=128, n_epochs=4, learning_rate=1e-2, seed=0,
        gamma=1.0, gae_lambda=1.0,
    )  # fmt: skip
    model.learn(1536)
    lengths = [info["l"] for info in model.ep_info_buffer]
    assert np.mean(lengths) > 4.5


def test_a_group_is_a_reward_that_make_pays_and_wrap_refuses(count: str) -> None:
    rule = rw.Grouped(Kept(), group=2)
    one = rw.make(count, rw.EnvReward() + rule.named("score"), n_envs=2, seed=0)
    other = rw.make_grouped(count, Kept(), group=2, n_envs=2)
    assert (one.reset() == other.reset()).all()
    sums = np.sum([row[1] for row in ending(one, [2, 4], 4)], axis=0)
    paid = np.sum([row[1] for row in ending(other, [2, 4], 4)], axis=0)
    assert (sums - paid).tolist() == [2, 4]
    with pytest.raises(rw.ConfigError, match="lanes that wait for their group, got a TimeLimit"):
        rw.wrap(gym.make(count), rule)
    with pytest.raises(rw.ConfigError, match="at most one Grouped, got 2"):
        rw.make(count, rule + rw.Grouped(Kept()), n_envs=4)
    with pytest.raises(rw.ConfigError, match='"dummy" for a reward of whole groups'):
        rw.make(count, rule, n_envs=2, vec_env="subproc")
    with pytest.raises(rw.ConfigError, match="Grouped must be paid alone from logs"):
        rw.relabel(rw.EnvReward() + rule, [])


def test_evaluation_judges_each_episode_alone_and_teaches_the_score_nothing(count: str) -> None:
    concise = rw.Concise(lambda es: [1.0] * len(es), steps=(0, 4), anneal=(1.0, 0.0, 4))
    rule = rw.Grouped(concise, group=2)
    plain = rw.make(count, "env", n_envs=2, training=False)
    venv = rw.make(count, rule, n_envs=2, training=False)
    for host in (plain, venv):
        host.seed(7)
    assert (plain.reset() == venv.reset()).all()
    for _ in range(3):
        (*_, (_, paid, dones, _)) = ending(venv, [2, 2], 2)
        assert dones.all()
        assert paid.tolist() == pytest.approx([1.275, 1.275])
