"""Noise that each frame keeps, on environments, vector environments and policies."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.wrappers import FrameStackObservation, NormalizeObservation
from stable_baselines3 import PPO
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import (
    DummyVecEnv,
    SubprocVecEnv,
    VecEnvWrapper,
    VecFrameStack,
    VecNormalize,
)

from rewardwrap_policies.errors import NoiseError
from rewardwrap_policies.frame_noise import FrameNoise
from rewardwrap_policies.noisy_frames import NoisyFrames, VecNoisyFrames
from rewardwrap_policies.smoothed import SmoothedPolicy

SIGMA = 0.3


class Counter(gym.Env[Any, Any]):
    """Shows how many steps it has taken, so that noise is what is left of an observation."""

    def __init__(self, *, length: int = 6, pixels: bool = False) -> None:
        self.length, self.steps = length, 0
        self.action_space = gym.spaces.Discrete(2)
        self.observation_space = (
            gym.spaces.Box(0, 255, (2, 2, 1), np.uint8)
            if pixels
            else gym.spaces.Box(0, 1000, (3,), np.float32)
        )

    def _obs(self) -> Any:
        space = self.observation_space
        return np.full(space.shape, 100 + self.steps, space.dtype)  # type: ignore[arg-type]

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.steps = 0
        return self._obs(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.steps += 1
        return self._obs(), 1.0, self.steps >= self.length, False, {}


def _clean(steps: Any) -> Any:
    return 100.0 + np.asarray(steps)


def test_the_noise_has_the_asked_deviation_and_is_new_for_each_frame() -> None:
    space = gym.spaces.Box(-1, 1, (4,), np.float32)
    noise = FrameNoise(space, SIGMA, np.random.default_rng(0), lanes=50_000)
    noise.start(np.ones(50_000, dtype=bool))
    first = noise.noise.copy()
    noise.move()
    assert first.std() == pytest.approx(SIGMA, rel=0.02)
    assert abs(np.corrcoef(first.ravel(), noise.noise.ravel())[0, 1]) < 0.02


def test_a_scale_gives_each_number_its_own_deviation() -> None:
    space = gym.spaces.Box(-1, 1, (2,), np.float32)
    noise = FrameNoise(space, 0.1, np.random.default_rng(0), lanes=50_000, scale=[1.8, 0.14])
    noise.start(np.ones(50_000, dtype=bool))
    assert noise.noise.std(axis=0) == pytest.approx([0.18, 0.014], rel=0.02)


def test_a_frame_keeps_its_noise_while_it_is_in_a_gymnasium_stack() -> None:
    env = FrameStackObservation(NoisyFrames(Counter(), SIGMA), 3)
    before, _ = env.reset(seed=0)
    assert (before == before[0]).all(), "the first frame fills the stack, with its one draw"
    for _ in range(4):
        after, *_ = env.step(0)
        assert (after[:-1] == before[1:]).all()
        assert (after[-1] != before[-1]).all()
        before = after


@pytest.mark.parametrize("host", [DummyVecEnv, SubprocVecEnv])
def test_a_stack_inside_the_environments_is_found_and_its_frames_keep_their_noise(
    host: Any,
) -> None:
    venv = VecNoisyFrames(host([_stacked_counter, _stacked_counter]), SIGMA)
    before: Any = venv.reset()
    assert np.ptp(before, axis=1).max() < 1e-4, "reset repeats one frame and its draw"
    for _ in range(4):
        after: Any = venv.step(np.zeros(2, int))[0]
        assert after[:, :-1] == pytest.approx(before[:, 1:])
        assert (after[:, -1] != before[:, -1]).all()
        before = after
    venv.close()


def _stacked_counter() -> gym.Env[Any, Any]:
    return FrameStackObservation(Counter(), 3)


def test_a_frame_keeps_its_noise_under_vec_frame_stack() -> None:
    venv = VecFrameStack(VecNoisyFrames(DummyVecEnv([Counter] * 2), SIGMA), 3)
    before: Any = venv.reset()
    assert (before[:, :6] == 0).all(), "no frame, no noise"
    for _ in range(4):
        after: Any = venv.step(np.zeros(2, int))[0]
        assert (after[:, :6] == before[:, 3:]).all()
        before = after


def test_zero_padding_of_a_gymnasium_stack_gets_no_noise() -> None:
    made = [lambda: FrameStackObservation(Counter(), 3, padding_type="zero")]
    obs: Any = VecNoisyFrames(DummyVecEnv(made), SIGMA).reset()
    assert (obs[0, :2] == 0).all()
    assert (obs[0, 2] != 100).all()


def test_the_last_frame_of_an_episode_and_the_first_of_the_next_have_their_own_noise() -> None:
    venv = VecNoisyFrames(DummyVecEnv([lambda: FrameStackObservation(Counter(length=3), 2)]), SIGMA)
    before: Any = venv.reset()
    for _ in range(2):
        before, _, done, _ = venv.step(np.zeros(1, int))
        assert not done[0]
    after, _, done, infos = venv.step(np.zeros(1, int))
    last = infos[0]["terminal_observation"]
    assert done[0]
    assert last[0] == pytest.approx(before[0, 1])  # type: ignore[index]
    assert abs(last[1] - _clean(3)).max() < 6 * SIGMA
    assert np.ptp(after, axis=1).max() < 1e-4  # type: ignore[arg-type]
    assert (after[0, 0] != last[1]).all()  # type: ignore[index]


def test_noise_on_a_stack_would_have_been_averaged_away() -> None:
    """What the rule is for: the mean over a stack must not know more than one draw of a frame."""
    made = [lambda: FrameStackObservation(Counter(), 4)] * 4000
    first: Any = VecNoisyFrames(DummyVecEnv(made), SIGMA).reset()
    assert (first.mean(axis=1) - 100).std() == pytest.approx(SIGMA, rel=0.05)


def test_whole_numbers_stay_whole_and_in_their_space() -> None:
    venv = VecNoisyFrames(DummyVecEnv([lambda: Counter(pixels=True)] * 50), 200.0)
    obs: Any = venv.reset()
    assert obs.dtype == np.uint8
    assert venv.observation_space.contains(obs[0])
    assert {0, 255} <= set(obs.ravel().tolist())


def test_floats_lose_their_bounds() -> None:
    venv = VecNoisyFrames(DummyVecEnv([Counter]), SIGMA)
    assert venv.observation_space.contains(np.full(3, -5, np.float32))


def test_the_same_seed_gives_the_same_noise() -> None:
    venv = VecNoisyFrames(DummyVecEnv([Counter] * 2), SIGMA)
    runs = []
    for seed in (1, 1, 2):
        venv.seed(seed)
        runs.append([venv.reset(), venv.step(np.zeros(2, int))[0]])
    assert np.array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


class Recorder:
    """A policy that remembers what it was shown."""

    def __init__(self, space: gym.Space[Any]) -> None:
        self.observation_space = space
        self.seen: list[Any] = []

    def predict(
        self,
        observation: Any,
        state: Any = None,
        episode_start: Any = None,
        deterministic: bool = False,
    ) -> tuple[Any, Any]:
        self.seen.append(observation)
        single = observation.shape == self.observation_space.shape
        return (np.int64(0) if single else np.zeros(len(observation), np.int64)), None


@pytest.mark.parametrize(
    ("axis", "padding"), [(0, "reset"), (-1, "zero")], ids=["gymnasium", "VecFrameStack"]
)
def test_a_smoothed_policy_lets_each_frame_keep_its_noise(axis: int, padding: str) -> None:
    if axis == 0:
        venv: Any = DummyVecEnv([lambda: FrameStackObservation(Counter(length=4), 3)] * 2)
    else:
        venv = VecFrameStack(DummyVecEnv([lambda: Counter(length=4)] * 2), 3)
    inner = Recorder(venv.observation_space)
    policy = SmoothedPolicy(inner, SIGMA, stack=3, axis=axis, padding=padding)
    evaluate_policy(policy, venv, n_eval_episodes=6, warn=False)
    shown = [obs.reshape(2, 3, 3) for obs in inner.seen]
    for step, (before, after) in enumerate(pairwise(shown), start=1):
        if step % 4:
            assert after[:, :2] == pytest.approx(before[:, 1:])
        elif padding == "reset":
            assert np.ptp(after, axis=1).max() < 1e-4
        else:
            assert (after[:, :2] == 0).all()


def test_a_smoothed_policy_plays_any_sb3_model() -> None:
    venv = DummyVecEnv([lambda: gym.make("CartPole-v1")] * 2)
    model = PPO("MlpPolicy", venv, n_steps=16, batch_size=16, device="cpu")
    policy = SmoothedPolicy(model, 0.2)
    rewards, _ = evaluate_policy(policy, venv, n_eval_episodes=2, warn=False)
    assert rewards > 0
    one, _ = policy.predict(np.zeros(4, np.float32))
    assert np.shape(one) == ()


def test_the_normaliser_comes_after_the_noise() -> None:
    venv = VecNormalize(DummyVecEnv([Counter] * 3))
    venv.obs_rms.mean, venv.obs_rms.var = np.full(3, 100.0), np.full(3, 1e-6)
    inner = Recorder(venv.observation_space)
    SmoothedPolicy(inner, SIGMA, normalizer=venv).predict(np.full((3, 3), 100, np.float32))
    assert np.abs(inner.seen[0]).max() == pytest.approx(venv.clip_obs)


def test_a_model_learns_under_the_noise_it_will_have() -> None:
    venv = VecFrameStack(VecNoisyFrames(DummyVecEnv([lambda: gym.make("CartPole-v1")]), 0.2), 2)
    model = PPO("MlpPolicy", venv, n_steps=32, batch_size=32, device="cpu")
    model.learn(64)
    assert model.num_timesteps == 64


def test_a_stack_needs_to_know_where_episodes_start() -> None:
    space = gym.spaces.Box(-1, 1, (4, 2), np.float32)
    policy = SmoothedPolicy(Recorder(space), SIGMA, stack=4)
    with pytest.raises(NoiseError, match="episode_start must be true in all 1 lanes at first"):
        policy.predict(np.zeros((1, 4, 2), np.float32))
    policy.predict(np.zeros((1, 4, 2), np.float32), episode_start=np.array([True]))
    policy.predict(np.zeros((1, 4, 2), np.float32), episode_start=np.array([False]))


BOX = gym.spaces.Box(-1, 1, (4,), np.float32)


@pytest.mark.parametrize(
    ("space", "sigma", "options", "sentence"),
    [
        (BOX, 0.0, {}, "sigma must be above 0, got 0"),
        (BOX, -1.0, {}, "sigma must be above 0, got -1"),
        (BOX, float("nan"), {}, "sigma must be above 0, got nan"),
        (gym.spaces.Discrete(3), 0.1, {}, "observations must be a Box to carry Gaussian noise"),
        (BOX, 0.1, {"stack": 3}, "stack must divide axis 0 of observations \\(4,\\), got 3"),
        (BOX, 0.1, {"stack": 0}, "stack must divide"),
        (BOX, 0.1, {"padding": "edge"}, "padding must be one of"),
        (BOX, 0.1, {"scale": [1, 2]}, "scale must fit a frame, \\(4,\\), got shape \\(2,\\)"),
        (BOX, 0.1, {"scale": [1, 2, 3, 0]}, "scale must be above 0 and finite"),
    ],
)
def test_noise_that_cannot_be_put_on_is_refused(
    space: Any, sigma: float, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(NoiseError, match=sentence):
        FrameNoise(space, sigma, np.random.default_rng(0), **options)


@pytest.mark.parametrize("above", [VecFrameStack, VecNormalize])
def test_noise_above_a_vector_stack_or_normaliser_is_refused(above: Any) -> None:
    inner = DummyVecEnv([Counter])
    layer: VecEnvWrapper = above(inner, 2) if above is VecFrameStack else above(inner)
    with pytest.raises(NoiseError, match=f"noise must lie below {above.__name__}"):
        VecNoisyFrames(layer, SIGMA)


def test_noise_above_a_gymnasium_stack_or_normaliser_is_refused() -> None:
    with pytest.raises(NoiseError, match="noise must lie below FrameStackObservation"):
        NoisyFrames(FrameStackObservation(Counter(), 2), SIGMA)
    with pytest.raises(NoiseError, match="noise must lie below NormalizeObservation"):
        NoisyFrames(NormalizeObservation(Counter()), SIGMA)


def test_a_stack_of_another_layout_is_refused() -> None:
    made = [lambda: gym.wrappers.FlattenObservation(FrameStackObservation(Counter(), 2))]
    with pytest.raises(NoiseError, match="frames must lie along the first axis"):
        VecNoisyFrames(DummyVecEnv(made), SIGMA)
