"""Other people's environments: what is paid equals a hand computation, and a short training runs.

Needs `pip install "rewardwrap[foreign]"`; run with `pytest -m slow tests/foreign`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import rewardwrap as rw

pytestmark = [
    pytest.mark.slow,
    # their own: deprecated names, unversioned data files, pygame's resources
    pytest.mark.filterwarnings("default"),
]
GAMMA = 0.9


def first_number(obs: Any) -> Any:
    """One number of any observation: of its first part, for dicts."""
    while isinstance(obs, dict):
        obs = next(obs[key] for key in ("observation", "image") if key in obs)
    return 500.0 + np.reshape(obs, (len(obs), -1))[:, 0].astype(float)


REWARD = (
    2.0 * rw.EnvReward().named("twice")
    + rw.Potential(first_number, gamma=GAMMA).named("first")
    + rw.Constant(-0.25).named("time")
)


def paid(env_reward: Any, before: Any, after: Any, terminated: Any) -> Any:
    """The same by hand, for arrays of lanes."""
    here = first_number(before)
    return 2.0 * env_reward + np.where(terminated, 0.0, GAMMA * first_number(after)) - here - 0.25


def made(env_id: str, package: str | None, **options: Any) -> Callable[[], gym.Env[Any, Any]]:
    if package:
        pytest.importorskip(package)
    return lambda: gym.make(env_id, **options)


def image_of_minigrid() -> gym.Env[Any, Any]:
    from minigrid.wrappers import ImgObsWrapper

    return ImgObsWrapper(gym.make("MiniGrid-Empty-5x5-v0"))


SINGLES = [
    ("MiniGrid-Empty-5x5-v0", "minigrid"),
    ("PointMaze_UMaze-v3", "gymnasium_robotics"),
    ("highway-fast-v0", "highway_env"),
    ("LunarLander-v3", "Box2D"),
    ("BipedalWalker-v3", "Box2D"),
]


def batched(obs: Any) -> Any:
    return {k: batched(v) for k, v in obs.items()} if isinstance(obs, dict) else np.asarray([obs])


@pytest.mark.parametrize(("env_id", "package"), SINGLES)
def test_a_single_environment_pays_what_was_composed(env_id: str, package: str) -> None:
    make = made(env_id, package)
    bare, env = make(), rw.wrap(make(), REWARD)
    before, _ = bare.reset(seed=3)
    env.reset(seed=3)
    bare.action_space.seed(0)
    total = 0.0
    for _ in range(150):
        action = bare.action_space.sample()
        after, reward, terminated, truncated, _ = bare.step(action)
        _, got, *ends, info = env.step(action)
        assert ends == [terminated, truncated]
        want = paid(reward, batched(before), batched(after), terminated)[0]
        assert got == pytest.approx(want, abs=1e-4)
        total += float(reward)
        assert info["episode_terms"]["env"] == pytest.approx(total, abs=1e-6)
        before = after
        if terminated or truncated:
            break
    rw.check(env)


@pytest.mark.parametrize("mode", list(AutoresetMode), ids=lambda mode: mode.name)
@pytest.mark.parametrize(("env_id", "package"), SINGLES)
def test_lanes_of_gymnasium_pay_what_single_environments_do(
    env_id: str, package: str, mode: AutoresetMode
) -> None:
    make = made(env_id, package)

    def short() -> gym.Env[Any, Any]:
        return gym.wrappers.TimeLimit(make(), 7)

    singles = [rw.wrap(short(), REWARD) for _ in range(2)]
    env = rw.wrap(SyncVectorEnv([short] * 2, autoreset_mode=mode), REWARD)
    env.reset(seed=[3, 4])
    for single, seed in zip(singles, (3, 4), strict=True):
        single.reset(seed=seed)
    env.action_space.seed(0)
    resting = np.zeros(2, bool)
    for _ in range(18):
        actions = env.action_space.sample()
        _, got, terminated, truncated, _ = env.step(actions)
        for i, single in enumerate(singles):
            if resting[i]:
                assert got[i] == 0.0
                single.reset()
                continue
            _, want, *_ = single.step(actions[i])
            assert got[i] == pytest.approx(want, abs=1e-4)
            if (terminated | truncated)[i] and mode is not AutoresetMode.NEXT_STEP:
                single.reset()
        ended = terminated | truncated
        resting = ended & (mode is AutoresetMode.NEXT_STEP)
        if ended.any() and mode is AutoresetMode.DISABLED:
            env.reset(options={"reset_mask": ended})


TRAINED = [
    (image_of_minigrid, "minigrid"),
    ("PointMaze_UMaze-v3", "gymnasium_robotics"),
    ("highway-fast-v0", "highway_env"),
    ("LunarLander-v3", "Box2D"),
]


@pytest.mark.parametrize(("what", "package"), TRAINED)
def test_a_short_training_is_paid_and_logged(what: Any, package: str) -> None:
    pytest.importorskip(package)
    from stable_baselines3 import PPO
    from stable_baselines3.common.monitor import Monitor
    from stable_baselines3.common.vec_env import DummyVecEnv

    if callable(what):
        venv = rw.wrap(DummyVecEnv([lambda: Monitor(what())] * 2), REWARD)
    else:
        venv = rw.make(what, REWARD, n_envs=2, seed=0)
    nested = isinstance(venv.observation_space, gym.spaces.Dict)
    model = PPO(
        "MultiInputPolicy" if nested else "MlpPolicy",
        venv, n_steps=128, batch_size=64, n_epochs=1, gamma=GAMMA, seed=0, device="cpu",
    )  # fmt: skip
    rw.check(venv, model)
    model.learn(512, callback=rw.LogTerms())
    if model.ep_info_buffer:
        true = np.mean([episode["r"] for episode in model.ep_info_buffer])
        logged = model.logger.name_to_value.get("rollout/ep_true_rew_mean", true)
        assert logged == pytest.approx(true, abs=1e-3)


def test_objectives_of_mo_gymnasium_are_paid_by_part() -> None:
    pytest.importorskip("mo_gymnasium")
    from stable_baselines3 import PPO

    reward = rw.EnvReward(part=0).named("treasure") + 0.5 * rw.EnvReward(part=1).named("time")
    bare = gym.make("deep-sea-treasure-v0")
    env = rw.wrap(gym.make("deep-sea-treasure-v0"), reward)
    bare.reset(seed=0)
    env.reset(seed=0)
    for action in (1, 3, 1, 1, 3):
        _, vector, terminated, *_ = bare.step(action)
        _, got, _, _, info = env.step(action)
        assert got == pytest.approx(vector[0] + 0.5 * vector[1])
        assert info["reward_terms"]["env"] == pytest.approx(vector.sum())
        if terminated:
            break
    with pytest.raises(rw.ConfigError, match="part must be one of 0 to 1"):
        rw.make("deep-sea-treasure-v0", "env")
    venv = rw.make("deep-sea-treasure-v0", reward, n_envs=2, seed=0)
    PPO("MlpPolicy", venv, n_steps=64, batch_size=64, device="cpu").learn(
        256, callback=rw.LogTerms()
    )
    from mo_gymnasium.wrappers.vector import MOSyncVectorEnv

    lanes = rw.wrap(MOSyncVectorEnv([lambda: gym.make("deep-sea-treasure-v0")] * 2), reward)
    lanes.reset(seed=0)
    assert lanes.step(np.array([1, 1]))[1].shape == (2,)


def test_agents_of_pettingzoo_are_lanes() -> None:
    supersuit = pytest.importorskip("supersuit")
    walkers = pytest.importorskip("pettingzoo.sisl.multiwalker_v9")
    from stable_baselines3 import PPO

    def lanes() -> Any:
        both = walkers.parallel_env(n_walkers=2, max_cycles=25)
        one = supersuit.pettingzoo_env_to_vec_env_v1(both)
        return supersuit.concat_vec_envs_v1(one, 2, num_cpus=0, base_class="stable_baselines3")

    venv = rw.wrap(lanes(), REWARD)
    venv.seed(5)
    before = venv.reset()
    rng, true = np.random.default_rng(0), np.zeros(4)
    for _ in range(25):
        obs, got, dones, infos = venv.step(rng.uniform(-1, 1, (4, 4)).astype(np.float32))
        own = venv.reward_terms[:, 0]
        last = [i.get("terminal_observation", o) for i, o in zip(infos, obs, strict=True)]
        after = np.where(dones[:, None], last, obs)
        # SuperSuit's VecEnv does not say that a limit cut an episode: an end is an end, for SB3 as for us
        np.testing.assert_allclose(got, paid(own, before, after, dones), atol=1e-3)
        true += own
        if dones.all():
            break
        before = obs
    assert dones.all()
    assert [i["episode_terms"]["env"] for i in infos] == pytest.approx(true.tolist())
    model = PPO("MlpPolicy", venv, n_steps=64, batch_size=64, gamma=GAMMA, seed=0, device="cpu")
    rw.check(venv, model)
    model.learn(512, callback=rw.LogTerms())


def test_pools_of_envpool_pay_without_their_reset_rows() -> None:
    envpool = pytest.importorskip("envpool")

    env = rw.wrap(envpool.make("CartPole-v1", env_type="gymnasium", num_envs=3, seed=1), REWARD)
    before, _ = env.reset()
    before, resting = before.copy(), np.zeros(3, bool)
    ends = 0
    for _ in range(40):
        obs, got, terminated, truncated, info = env.step(np.zeros(3, np.int64))
        want = np.where(resting, 0.0, paid(1.0, before, obs, terminated))
        np.testing.assert_allclose(got, want, atol=1e-4)
        resting, before = terminated | truncated, obs.copy()
        if resting.any():
            lengths = info["elapsed_step"][resting]
            assert info["episode_terms"]["env"][resting].tolist() == lengths.tolist()
            ends += int(resting.sum())
    assert ends > 3
    rw.check(env)


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_games_of_ale_in_one_process_pay_the_score(mode: AutoresetMode) -> None:
    vector = pytest.importorskip("ale_py.vector_env")
    games = vector.AtariVectorEnv("pong", num_envs=2, reward_clipping=False, autoreset_mode=mode)
    env = rw.wrap(games, rw.EnvReward() + rw.Constant(-0.25).named("time"))
    env.reset(seed=0)
    rng, score = np.random.default_rng(0), np.zeros(2)
    for _ in range(300):
        _, got, terminated, truncated, _ = env.step(rng.integers(6, size=2))
        own = env.reward_terms[:, 0]
        np.testing.assert_allclose(got, own - 0.25)
        score += own
        assert not (terminated | truncated).any()
    assert (score < 0).all()
    np.testing.assert_allclose(env.episode_terms[:, 0], score)
    rw.check(env)


def test_a_text_is_left_out_for_sb3_with_a_sentence() -> None:
    pytest.importorskip("minigrid")
    with pytest.raises(rw.ConfigError, match="got a MissionSpace space at obs\\['mission'\\]"):
        rw.make("MiniGrid-Empty-5x5-v0", "env")


@pytest.fixture(autouse=True)
def registered() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for package in ("minigrid", "gymnasium_robotics", "highway_env", "mo_gymnasium"):
            try:
                module = __import__(package)
            except ImportError:
                continue
            gym.register_envs(module)
