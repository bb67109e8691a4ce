"""Lanes of tensors are paid what lanes of numpy are paid, to float32."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper

import rewardwrap as rw
from rewardwrap.adapters.device_arrays import DeviceArray
from rewardwrap.adapters.tensor import TensorRewardWrapper
from rewardwrap_envs.tensor_pendulum import TensorPendulum

LANES, LIMIT, STEPS = 6, 5, 17


class OnHost(VectorWrapper):
    """The same lanes with arrays of numpy, as gymnasium's own vector environments have them."""

    def reset(self, **given: Any) -> Any:
        obs, info = self.env.reset(**given)
        return obs.numpy(), info

    def step(self, actions: Any) -> Any:
        obs, reward, terminated, truncated, info = self.env.step(torch.as_tensor(actions))
        ended = (terminated | truncated).numpy()
        last = np.array([None] * self.num_envs, object)
        for i in np.flatnonzero(ended):
            last[i] = info["final_obs"][i].numpy()
        report = {"final_obs": last, "_final_obs": ended, "final_info": {}} if ended.any() else {}
        return obs.numpy(), reward.numpy(), terminated.numpy(), truncated.numpy(), report


class Falling(TensorPendulum):
    """Every second lane that ends is told that the task ended, and one of three that both happened."""

    def step(self, actions: Any) -> Any:
        obs, reward, _, truncated, info = super().step(actions)
        lane = torch.arange(self.num_envs)
        terminated = truncated & (lane % 2 == 0)
        return obs, reward, terminated, truncated & (~terminated | (lane % 3 == 0)), info


def up(obs: Any) -> Any:
    return obs[:, 0] * 2.0 + 3.0


REWARDS = {
    "env": rw.EnvReward(),
    "weights": 0.5 * rw.EnvReward().named("half") + rw.Constant(-0.1).named("time"),
    "field": rw.EnvReward() + rw.Potential({"pole_cos": 1.0, "bias": 1.0}, gamma=0.9).named("up"),
    "terminal": rw.Potential("pole_cos", gamma=0.9, on_truncation="terminal"),
    "function": rw.EnvReward() + rw.Potential(up, gamma=0.9, each="batch").named("up"),
    "clip": rw.EnvReward().clip(-3, -1)
    + rw.Field("pole_sin").minimum(rw.Field("pole_cos")).named("low"),
    "delta": rw.EnvReward().delta().named("delta")
    + rw.Field("pole_sin").maximum(0.5 * rw.EnvReward()),
    "tanh": rw.Tanh(rw.EnvReward(), scale=2.0) + rw.Symlog(rw.EnvReward()).named("symlog"),
    "par": rw.PAR(rw.EnvReward(), references=[0.5, 1.0]),
    "indicator": (rw.Field("pole_cos") > 0.0) * 2.0,
    "bounds": ((rw.EnvReward() + 0.1) * 0.9).clip(-3, -1).named("bounded"),
    "product": rw.Field("pole_cos") * rw.Field("pole_sin"),
}


@pytest.mark.filterwarnings("ignore:Potential")
@pytest.mark.parametrize("kind", [TensorPendulum, Falling])
@pytest.mark.parametrize("name", REWARDS)
def test_tensors_are_paid_what_numpy_is_paid(name: str, kind: type[TensorPendulum]) -> None:
    reward = REWARDS[name]
    device = rw.wrap(kind(LANES, limit=LIMIT), reward)
    host = rw.wrap(OnHost(kind(LANES, limit=LIMIT)), reward)
    assert isinstance(device, TensorRewardWrapper)
    assert device.term_names == host.term_names
    for env in (device, host):
        env.reset(seed=4)
    ended = 0
    for action in np.random.default_rng(1).uniform(-2, 2, (STEPS, LANES, 1)).astype(np.float32):
        _, paid, terminated, truncated, info = device.step(torch.as_tensor(action))
        mask = terminated | truncated
        _, expected, *_ = host.step(action)
        np.testing.assert_allclose(paid.numpy(), expected, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(
            device.reward_terms.numpy(), host.reward_terms, rtol=1e-5, atol=1e-5
        )
        np.testing.assert_allclose(
            device.episode_terms.numpy(), host.episode_terms, rtol=1e-4, atol=1e-4
        )
        ended += int(mask.sum())
        np.testing.assert_array_equal(info["_episode_terms"].numpy(), mask.numpy())
        for column in ("obs", "next_obs", "terminated", "truncated", "first"):
            seen = getattr(device.last_step, column).native.numpy()
            np.testing.assert_array_equal(seen, getattr(host.last_step, column))
    assert ended > LANES
    device.require_finite()


TEXTS = ("env", "weights", "field", "terminal", "bounds")


@pytest.mark.parametrize("name", REWARDS)
def test_arithmetic_on_columns_is_stepped_by_its_text(name: str) -> None:
    env = rw.wrap(TensorPendulum(LANES, limit=LIMIT), REWARDS[name])
    env.reset(seed=0)
    assert (env._lanes._text is not None) == (name in TEXTS)


def test_a_text_that_pays_otherwise_than_the_tree_is_not_believed() -> None:
    class Wrong(rw.Field):
        def write(self, code: Any) -> str:
            return f"({super().write(code)} + 0.01)"

    env = rw.wrap(TensorPendulum(LANES), Wrong("pole_cos"))
    env.reset(seed=0)
    assert env._lanes._text is None


@pytest.mark.parametrize("name", ["field", "function"])
def test_another_reward_goes_on_where_the_old_one_was(name: str) -> None:
    reward = REWARDS[name]
    envs = [rw.wrap(TensorPendulum(LANES, limit=LIMIT), reward) for _ in range(2)]
    for env in envs:
        env.reset(seed=1)
    for t in range(LIMIT + 3):
        if t == 3:
            envs[0].set_reward(reward)
        paid = [env.step(torch.ones(LANES, 1))[1] for env in envs]
        torch.testing.assert_close(*paid)


def test_what_a_runner_keeps_of_a_step_stays_what_it_was() -> None:
    env = rw.wrap(TensorPendulum(LANES, limit=LIMIT), REWARDS["field"])
    env.reset(seed=0)
    *_, info = env.step(torch.zeros(LANES, 1))
    kept = {name: row.clone() for name, row in info["episode_terms"].items()}
    env.step(torch.zeros(LANES, 1))
    for name, row in info["episode_terms"].items():
        torch.testing.assert_close(row, kept[name])


def test_a_potential_telescopes_over_tensors() -> None:
    env = rw.wrap(TensorPendulum(4, limit=9), rw.Potential("pole_cos", gamma=1.0))
    first, _ = env.reset(seed=0)
    for _ in range(6):
        obs, *_ = env.step(torch.zeros(4, 1))
    lanes = env.episode_terms[:, -1]
    fresh = torch.tensor([0 * 9 // 4, 9 // 4, 2 * 9 // 4, 3 * 9 // 4]) + 6 < 9
    np.testing.assert_allclose(lanes[fresh], (obs[:, 0] - first[:, 0])[fresh], atol=1e-6)


def test_nothing_of_a_step_is_copied_to_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    env = rw.wrap(TensorPendulum(LANES, limit=LIMIT), REWARDS["field"])
    env.reset(seed=0)

    def refused(*_: Any, **__: Any) -> Any:
        raise AssertionError("the host waited for the device")

    for name in ("item", "numpy", "cpu", "tolist", "__bool__", "__float__", "__int__"):
        monkeypatch.setattr(torch.Tensor, name, refused)
    for _ in range(2 * LIMIT):
        env.step(torch.zeros(LANES, 1))
    monkeypatch.undo()
    env.require_finite()


def test_numbers_that_are_not_finite_are_found_when_somebody_asks() -> None:
    env = rw.wrap(
        TensorPendulum(LANES), rw.Field("pole_cos") * rw.Constant(1e38) * rw.Constant(1e38)
    )
    env.reset(seed=0)
    env.step(torch.zeros(LANES, 1))
    with pytest.raises(rw.RewardValueError, match="must be finite"):
        env.require_finite()


def test_what_only_the_host_can_do_is_refused() -> None:
    with pytest.raises(rw.StackError, match=r"must not learn on the host, got Normalize"):
        rw.wrap(TensorPendulum(LANES), rw.EnvReward().normalize())
    pendulum = TensorPendulum(LANES)
    pendulum.metadata = {"autoreset_mode": AutoresetMode.NEXT_STEP}
    with pytest.raises(rw.StackError, match="must start anew in the step"):
        rw.wrap(pendulum, "env")

    class Silent(TensorPendulum):
        def step(self, actions: Any) -> Any:
            *rest, _ = super().step(actions)
            return (*rest, {})

    env = rw.wrap(Silent(LANES), "env")
    env.reset()
    with pytest.raises(rw.StackError, match="must report final_obs"):
        env.step(torch.zeros(LANES, 1))
    with pytest.raises(rw.StackError, match="must be made of what torch can do there, got np.sort"):
        np.sort(DeviceArray(torch.zeros(3)))
    with pytest.raises(rw.StackError, match="a copy to the host"):
        np.asarray(DeviceArray(torch.zeros(3)))


def test_the_miniature_is_gymnasiums_pendulum() -> None:
    import gymnasium as gym

    mine, theirs = TensorPendulum(1), gym.make("Pendulum-v1").unwrapped
    mine.reset(seed=0)
    theirs.reset()
    theirs.state = np.array([float(mine._angle[0]), float(mine._speed[0])])
    for torque in (0.5, -2.0, 1.3, 2.0, 0.0):
        obs, reward, *_ = mine.step(torch.full((1, 1), torque))
        expected, paid, *_ = theirs.step(np.array([torque], np.float32))
        np.testing.assert_allclose(obs[0].numpy(), expected, atol=1e-5)
        assert float(reward[0]) == pytest.approx(float(paid), rel=1e-4, abs=1e-5)


@pytest.mark.parametrize(
    "formula",
    [
        lambda x, y: np.where(x > 0, x, -1.0) + np.maximum(x, 0.5) - np.minimum(0.2, y),
        lambda x, y: np.logaddexp(0.0, x) + np.logaddexp(x, y) + np.hypot(x, y),
        lambda x, y: np.clip(x, -0.5, 0.5).sum() + np.abs(y).mean() + x.max() - y.min(),
        lambda x, y: np.stack([x, y], axis=-1).sum(axis=-1) + np.concatenate([x, y])[:9],
        lambda x, y: np.linalg.norm(np.stack([x, y], axis=1), axis=1),
        lambda x, y: 2.0**x + x**2 - (-y) / 3 + (x < y) * 1.0 + ~(x > 0) * 0.5,
        lambda x, y: np.sign(x) * np.log1p(np.abs(x)) + np.zeros_like(x) + np.full_like(y, 2.0),
    ],
)  # fmt: skip
def test_numpys_functions_mean_on_a_device_what_they_mean(formula: Any) -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 9)).astype(np.float32)
    found = formula(DeviceArray(torch.as_tensor(x)), DeviceArray(torch.as_tensor(y))).native
    np.testing.assert_allclose(found.numpy(), formula(x, y), rtol=1e-5)


def test_it_is_a_vector_environment() -> None:
    assert isinstance(rw.wrap(TensorPendulum(2), "env"), VectorEnv)
