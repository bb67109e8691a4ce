from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch

from rewardwrap.compare import checkpoints
from rewardwrap.compare.plan import PlanError, plan_from
from rewardwrap.compare.run import execute, run_one
from rewardwrap.compare.spec import Spec, run_id, settings_of
from rewardwrap.compare.store import Store
from rewardwrap.core.config import from_config
from rewardwrap.core.reward import Reward
from rewardwrap.rewards.disk import load
from rewardwrap.rewards.schedule import Schedule
from rewardwrap.training.agent import build

PPO = {"n_envs": 2, "n_steps": 64, "batch_size": 64, "n_epochs": 2, "normalize": True}
DQN = {"learning_starts": 50, "buffer_size": 400, "batch_size": 16, "train_freq": 4, "gradient_steps": 1,
       "target_update_interval": 50, "normalize": "dict(norm_obs=True)"}  # fmt: skip


def _spec(algo: str = "ppo", row: dict[str, Any] = PPO, **changes: Any) -> Spec:
    data = {
        "env": "CartPole-v1",
        "algo": algo,
        "steps": 1000,
        "seeds": 1,
        "strategies": {"lean": {"normalize": {"base": ["env", {"function": "dying_reward:lean"}]}}},
        "evaluation": {"every": 250, "episodes": 2},
        "checkpoint": {"every": 400},
        "hyperparameters": row,
    }
    return plan_from({**data, **changes}).specs()[0]


def test_a_training_goes_on_with_other_draws_than_it_began_with() -> None:
    plain = {**PPO, "normalize": False}
    agent = build(settings_of(_spec(row=plain, strategies={"env": "env"})))
    drawn = {}
    for step in (0, 64, 128, 64):
        agent.model.num_timesteps = step
        checkpoints.restart(agent.model, 0)
        seen = (*agent.model._last_obs.ravel().tolist(), float(torch.rand(1)))
        assert drawn.setdefault(step, seen) == seen
    agent.close()
    assert len(set(drawn.values())) == 3


DYING = """
import numpy as np
watched, calls_left = None, 60

def lean(obs):
    global calls_left
    if watched is not None and any(watched.glob("[0-9]*")):
        calls_left -= len(obs)
        if calls_left < 0:
            raise InterruptedError("power cut")
    return -0.1 * np.abs(obs[:, 2])
"""


@pytest.fixture
def dying(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A module whose reward function dies a little after the first checkpoint it watches for."""
    (tmp_path / "dying_reward.py").write_text(DYING)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("dying_reward")
    del sys.modules["dying_reward"]


def _break_off(spec: Spec, folder: Path, dying: Any) -> None:
    dying.watched = folder
    with pytest.raises(InterruptedError):
        run_one(spec, checkpoints=folder)
    dying.watched = None


@pytest.mark.parametrize(("algo", "row"), [("ppo", PPO), ("dqn", DQN)])
def test_a_run_that_goes_on_has_the_curve_of_an_undisturbed_one(
    tmp_path: Path, dying: Any, algo: str, row: dict[str, Any]
) -> None:
    spec = _spec(algo, row)
    whole = run_one(spec, folder=tmp_path / "a")
    _break_off(spec, tmp_path / "points", dying)
    assert [path.name for path in (tmp_path / "points").iterdir()] == [
        "512" if algo == "ppo" else "400"
    ]
    rest = run_one(spec, folder=tmp_path / "b", checkpoints=tmp_path / "points")
    assert (whole["continued"], whole["same_curve"]) == ([], True)
    assert len(rest["continued"]) == 1
    assert rest["same_curve"]
    for name in ("steps", "true_return", "shaped_return", "length", "terms", "episodes"):
        assert rest[name] == whole[name], name
    for name in ("env_steps",):
        assert rest[name] == whole[name]
    one, two = ((tmp_path / f / "evaluation.parquet").read_bytes() for f in "ab")
    assert one == two


LEAN = {"function": "dying_reward:lean"}
FADING: dict[str, Any] = {
    "schedule": {"reward": {"constant": 1.0}, "start": 1, "end": 0, "over": 800}
}
CURIOUS: dict[str, Any] = {
    "affine": {"base": {"rnd": {"hidden": 8, "features": 4, "every": 128}}, "scale": 0.1}
}
COUNTED: dict[str, Any] = {"safe": {"base": {"counts": {}}}}


def test_a_weight_that_fades_and_what_bonuses_know_go_on_too(tmp_path: Path, dying: Any) -> None:
    reward = {"sum": {"terms": [{"env": {}}, LEAN, FADING, CURIOUS, COUNTED]}}
    spec = _spec(strategies={"lean": reward}, steps=800)
    whole = run_one(spec)
    _break_off(spec, tmp_path / "points", dying)
    rest = run_one(spec, folder=tmp_path / "b", checkpoints=tmp_path / "points")
    assert len(rest["continued"]) == 1
    assert not rest["same_curve"], "what learns may hold rows that no file has"
    assert rest["true_return"] == whole["true_return"]  # none are held at a multiple of 128
    kept = load(tmp_path / "b" / "bundle", trust=("dying_reward",))
    (fading,) = [node for node in kept.walk() if isinstance(node, Schedule)]
    assert fading.weight == 0.0
    assert fading.steps == rest["env_steps"]  # type: ignore[attr-defined]


def test_a_finished_run_keeps_no_checkpoint(tmp_path: Path, dying: Any) -> None:
    spec, store = _spec(), Store(tmp_path / "runs")
    _break_off(spec, store.checkpoints(run_id(spec)), dying)
    execute(spec, store)
    assert store.summary(run_id(spec))["continued"] == [512]
    assert [path.name for path in store.root.iterdir()] == [run_id(spec)]


def test_a_checkpoint_that_broke_is_passed_over(tmp_path: Path, dying: Any) -> None:
    spec = _spec()
    _break_off(spec, tmp_path / "points", dying)
    points = tmp_path / "points"
    (points / "512" / "bundle" / "policy.zip").write_bytes(b"cut")
    assert checkpoints.read(points, settings_of(spec)) is None
    assert run_one(spec, checkpoints=points)["continued"] == []


class Curious(Reward):
    """Learns something that a checkpoint may not hold."""

    learns: ClassVar[bool] = True


def test_what_cannot_be_repeated_is_known(dying: Any) -> None:
    agent = build(_settings(_spec()))
    assert checkpoints.repeats(agent.model, from_config("env"))
    assert checkpoints.repeats(agent.model, from_config({"normalize": {"base": "env"}}))
    assert not checkpoints.repeats(agent.model, Curious())
    agent.close()


def _settings(spec: Spec) -> Any:
    return settings_of(spec)


def test_the_interval_is_part_of_what_is_trained_only_where_it_is_reached(dying: Any) -> None:
    assert _spec()["checkpoint"] == 400
    assert _spec(checkpoint={"every": 1000})["checkpoint"] is None
    assert run_id(_spec()) != run_id(_spec(checkpoint={"every": 300}))
    assert run_id(_spec(checkpoint={"every": 2000})) == run_id(_spec(checkpoint={"every": 3000}))


@pytest.mark.parametrize(
    ("value", "sentence"),
    [({"evry": 3}, 'got "evry"'), ({"every": 0}, '"every" must be above 0'), (5, "a mapping")],
)
def test_what_is_no_interval_is_refused(dying: Any, value: Any, sentence: str) -> None:
    with pytest.raises(PlanError, match=sentence):
        _spec(checkpoint=value)
