"""Missing cells inside a model: a step with gaps pays what was fitted, wherever it comes from."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.logger import KVWriter, Logger
from stable_baselines3.common.vec_env import DummyVecEnv

import rewardwrap as rw
from rewardwrap.core.errors import RewardValueError
from rewardwrap.core.info import ColumnInfo
from rewardwrap.core.transitions import take
from rewardwrap.data import DataError, EpisodeStore
from rewardwrap.data.fill import filled
from rewardwrap.nets.folder import load_model
from rewardwrap.nets.reward_recipe import fit_regression
from rewardwrap.rewards.inputs import Inputs
from rewardwrap.statistics.ranking import r2
from tests.nets.test_gate import pendulum


def holed(store: EpisodeStore, seed: int, share: float = 0.1) -> EpisodeStore:
    draws = np.random.default_rng(seed)
    obs, action = store.obs.copy(), store.action.copy()
    for column in (obs, action):
        column[draws.random(column.shape) < share] = np.nan
    return replace(store, obs=obs, action=action)


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("gaps")
    raw = holed(pendulum(60, seed=4), seed=0)
    store = filled(raw, [])
    fitted = fit_regression(store, epochs=30, seed=0)
    fitted.save(folder / "model")
    fit_regression(pendulum(6, seed=4), epochs=1).save(folder / "plain")
    return {"folder": folder, "raw": raw, "store": store, "metrics": fitted.metrics}


def test_ten_percent_missing_everywhere_and_held_out_r2_is_98(there: dict[str, Any]) -> None:
    assert there["metrics"]["heldout"]["r2"] >= 0.99


def test_a_raw_step_pays_what_the_filled_log_was_fitted_on(there: dict[str, Any]) -> None:
    raw, store = there["raw"].transitions(), there["store"].transitions()
    gaps = np.isnan(raw.obs).any(axis=1)
    assert 0.2 < gaps.mean() < 0.4
    reward = rw.Learned(there["folder"] / "model")
    paid = reward(raw)
    assert np.isfinite(paid).all()
    lost = (np.isnan(raw.obs) & np.isnan(raw.next_obs)).any(axis=1) | np.isnan(raw.action[:, 0])
    assert lost.mean() < 0.2
    np.testing.assert_allclose(paid[~lost], reward(store)[~lost], rtol=1e-5, atol=1e-5)
    assert r2(paid, raw.reward) >= 0.98
    one_by_one = [reward(take(raw, slice(i, i + 1)))[0] for i in range(50)]
    np.testing.assert_allclose(one_by_one, paid[:50], rtol=1e-4, atol=1e-4)
    assert load_model(there["folder"] / "model").net.inputs.fills


def test_a_number_comes_from_the_other_end_of_the_step_or_else_from_the_model() -> None:
    plain = [
        {"column": c, "keys": [], "sort": "real", "shape": [2], "sizes": [], "start": [],
         "fill": [None, 7.0]} for c in ("obs", "next_obs")
    ]  # fmt: skip
    inputs = Inputs.from_plain(plain)
    assert inputs.to_plain() == [{**p, "keys": (), "shape": (2,), "sizes": (), "start": (),
                                  "fill": (None, 7.0)} for p in plain]  # fmt: skip
    nan = np.nan
    rows = take(pendulum(1, seed=0).transitions(), slice(0, 4))
    rows.info = ColumnInfo({"obs_1_missing": np.array([0, 0, 0, 1]), "speed": np.zeros(4)})
    rows.obs = np.array([[1, 2], [1, nan], [1, nan], [1, 2]])
    rows.next_obs = np.array([[3, 4], [3, 4], [3, nan], [3, nan]])
    out = np.empty((4, inputs.width))
    inputs.write(rows, out)
    assert out.tolist() == [
        [1, 2, 0, 3, 4, 0], [1, 4, 1, 3, 4, 0], [1, 7, 1, 3, 7, 1], [1, 2, 1, 3, 7, 1],
    ]  # fmt: skip
    assert inputs.scaled().tolist() == [True, True, False] * 2


@pytest.fixture(scope="module")
def gaps() -> EpisodeStore:
    """Pendulum with 10 % of its cells filled, on disk as `ingest --fill` leaves it."""
    return filled(holed(pendulum(24, steps=40, seed=5), seed=1), [])


@pytest.mark.parametrize(
    "tag", ["bradley_terry", "dpo", "prdp", "rankings", "surf", "treg", "gpm", "gdro"]
)
def test_every_model_of_answers_carries_the_fill(gaps: EpisodeStore, tag: str) -> None:
    fitted = rw.fit(
        "preferences", gaps, objective=tag, pairs=40, length=8, epochs=1, hidden=(4,), members=1
    )
    assert fitted.net.inputs.fills
    raw = holed(pendulum(1, steps=40, seed=6), seed=2).transitions()
    frozen: Any = fitted.net.freeze()
    paid = frozen.steps(raw) if tag == "gpm" else frozen(raw)
    assert np.isfinite(paid).all()


def test_a_policy_is_paid_for_the_actions_that_are_known(
    gaps: EpisodeStore, tmp_path: Path
) -> None:
    fitted = rw.fit(
        "preferences", gaps, objective="dpo", pairs=60, length=8, epochs=3, hidden=(8,), members=2
    )
    fitted.save(tmp_path / "m")
    net = load_model(tmp_path / "m").net
    batch = gaps.transitions()
    with torch.no_grad():
        own = net.reward(net.prepare(net.encode(batch))).numpy()
    reward = rw.Learned(tmp_path / "m")
    np.testing.assert_allclose(reward.members(batch), own, rtol=1e-3, atol=2e-4)
    lost = batch.info["action_0_missing"] > 0
    assert 0.05 < lost.mean() < 0.2
    unpaid = net.shift.numpy()  # log pi - log pi_ref of no number is 0
    np.testing.assert_allclose(own[:, lost], np.tile(unpaid[:, None], lost.sum()), atol=1e-5)
    whole = pendulum(1, steps=40, seed=6).transitions()
    policy = net.policy("Pendulum-v1", member=1)
    x = net.prepare(net.encode(whole)).x[:, : net.width]
    acted = net.outputs(x)[1, :, :1] * net.sd[net.width] + net.mean[net.width]
    mean = policy.get_distribution(
        torch.as_tensor(np.asarray(whole.obs, np.float32))
    ).distribution.mean
    torch.testing.assert_close(mean, acted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("method", ["density", "pwil", "ot"])
def test_demonstrations_with_gaps_pay_a_step_with_gaps(
    gaps: EpisodeStore, tmp_path: Path, method: str
) -> None:
    from rewardwrap.nets.demonstration_recipe import fit_density, fit_matched

    made = fit_density(gaps) if method == "density" else fit_matched(gaps, method=method)
    raw = holed(pendulum(1, steps=40, seed=6), seed=2)
    x = made.model.encode(raw.transitions())
    assert np.isfinite(x).all()
    assert not x[:, made.model.inputs.flags()].any()
    made.save(tmp_path / "m")
    if method == "density":
        batch = gaps.transitions()
        paid = rw.Learned(tmp_path / "m")
        np.testing.assert_allclose(paid(batch), made.model(batch))
        assert np.isfinite(paid(raw.transitions())).all()


def test_what_reads_whole_frames_refuses_filled_ones(gaps: EpisodeStore) -> None:
    from rewardwrap.nets.progress_recipe import fit_progress
    from rewardwrap.nets.step_recipe import fit_steps

    ends = np.asarray(gaps.truncated)
    done = replace(gaps, terminated=ends, truncated=~ends & False).select([0])
    for what, recipe in (("steps", fit_steps), ("progress", fit_progress)):
        with pytest.raises(DataError, match=f"{what} must be found in frames .*obs_0_missing"):
            recipe(done)


def test_dynamics_are_those_of_the_steps_that_were_recorded(
    gaps: EpisodeStore, tmp_path: Path
) -> None:
    fitted = rw.fit("dynamics", gaps, epochs=2, members=1, hidden=(8,), out=tmp_path / "dyn")
    flags = [name for name in gaps.info if name.endswith("_missing")]
    assert len(flags) == 7
    gap = np.any([gaps.info[name] > 0 for name in flags], axis=0)
    assert fitted.metrics["left_out"] == {"unknown_or_filled": int(gap.sum())}
    starts = np.asarray(gaps.transitions().obs)[~gap]
    obs, _ = rw.ModelEnv(tmp_path / "dyn", reward=rw.Constant(1.0)).reset(seed=0)
    assert np.abs(starts - obs).max(axis=1).min() < 1e-6
    every = replace(gaps, info={**gaps.info, "obs_0_missing": np.ones(gaps.steps)})
    with pytest.raises(DataError, match="of steps whose numbers were all recorded, got 0"):
        rw.fit("dynamics", every)


class Holes(gym.ObservationWrapper[Any, Any, Any]):
    """A sensor that fails at every second step."""

    def __init__(self) -> None:
        super().__init__(gym.make("Pendulum-v1"))
        self.count = 0

    def observation(self, observation: Any) -> Any:
        self.count += 1
        return np.where([False, self.count % 2 == 0, False], np.nan, observation)


@pytest.mark.parametrize("n_envs", [1, 3])
def test_a_live_agent_with_gaps_is_paid_and_a_plain_model_says_what_it_lacks(
    there: dict[str, Any], n_envs: int
) -> None:
    for name in ("model", "plain"):
        env: Any = rw.make(Holes, rw.Learned(there["folder"] / name), n_envs=n_envs)
        env.reset()
        action = np.zeros((n_envs, 1), np.float32)
        if name == "plain":
            with pytest.raises(
                RewardValueError, match="obs must be finite, got nan in number 1 .*--fill"
            ):
                [env.step(action) for _ in range(2)]
        else:
            for _ in range(4):
                assert np.isfinite(env.step(action)[1]).all()


@pytest.mark.parametrize("inner", [False, True])
def test_what_was_filled_is_logged(there: dict[str, Any], inner: bool) -> None:
    rows: list[dict[str, Any]] = []

    class Kept(KVWriter):
        def write(self, values: dict[str, Any], *_: Any) -> None:
            rows.append(dict(values))

        def close(self) -> None:
            pass

    reward = rw.Learned(there["folder"] / "model")
    env: Any = rw.make(Holes, reward, n_envs=2, gamma=0.99) if not inner else \
        DummyVecEnv([lambda: rw.wrap(Holes(), reward, gamma=0.99)] * 2)  # fmt: skip
    agent = PPO("MlpPolicy", env, n_steps=8, batch_size=16, n_epochs=1, device="cpu")
    agent.policy.forward = lambda obs, *a: (  # type: ignore[method-assign]
        torch.zeros(2, 1), torch.zeros(2, 1), torch.zeros(2)
    )  # fmt: skip
    agent.policy.predict_values = lambda obs: torch.zeros(2, 1)  # type: ignore[method-assign]
    agent.train = lambda: None  # type: ignore[method-assign]
    agent.set_logger(Logger(None, [Kept()]))
    agent.learn(32, callback=rw.LogTerms())
    # in each of two lanes, the sensor is lost at one end of each of eight steps
    reads = json.loads((there["folder"] / "model" / "model.json").read_text())["inputs"]
    ends = sum(part["column"] in ("obs", "next_obs") for part in reads)
    assert [row["learned/filled"] for row in rows] == [2 * 8 * ends / 2] * 2


def test_a_model_without_gaps_is_written_as_before(there: dict[str, Any]) -> None:
    plain = json.loads(Path(there["folder"] / "plain" / "model.json").read_text())
    assert all("fill" not in part for part in plain["inputs"])
