"""`rw.compare` is the command, and lambdas travel to its workers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matplotlib.axes
import pytest

import rewardwrap as rw
import rewardwrap.compare.plan  # sets rw.compare to the package, which must stay callable
from rewardwrap.compare import campaign
from rewardwrap.compare.executors import executor_named
from rewardwrap.compare.front import asked
from rewardwrap.compare.request import Request
from rewardwrap.compare.store import Store

SMALL = {"n_steps": 16, "n_envs": 2, "batch_size": 32}


ASKED: dict[str, Any] = {
    "seeds": 1, "steps": 64, "jobs": 1, "hyperparameters": SMALL, "eval_freq": 32,
}  # fmt: skip
UNSAID = ("threshold", "primary", "limit", "eval_episodes", "env_kwargs")


def compare(out: Path, strategies: Any, **more: Any) -> Any:
    return rw.compare("CartPole-v1", strategies, out=out, **{**ASKED, **more})


def request(strategies: Any, **more: Any) -> Request:
    unsaid = {**dict.fromkeys(UNSAID), "algo": "ppo", "out": None, "catalog": ()}
    return asked("CartPole-v1", strategies, **{**unsaid, **ASKED, **more})


@pytest.mark.usefixtures("undrawn")
def test_lambdas_travel_and_are_marked_in_the_store(tmp_path: Path) -> None:
    by = 0.5
    strategies = {"env": "env", "mine": rw.EnvReward() + rw.function(lambda obs: -by * abs(obs[2]))}
    found = compare(tmp_path, strategies)
    assert not found.failures
    assert found.folder == tmp_path
    assert found.to_dict() == json.loads((tmp_path / "comparison.json").read_text())
    spec = json.loads(next(tmp_path.glob("runs/mine-*/spec.json")).read_text())
    assert "unnamed:lambda_" in json.dumps(spec["reward"])
    assert "not written down" in found.remarks[0]
    assert not list(tmp_path.glob("**/*.pkl"))

    mine = rw.EnvReward() + rw.function(lambda obs: -by * abs(obs[2]))
    again = request({"env": "env", "mine": mine})
    with again.luggage.at_hand():
        assert campaign.missing(again.specs, Store(tmp_path / "runs")) == []

    assert len(repr(found).splitlines()) <= 12
    assert "mine" in found._repr_html_()
    assert isinstance(found.plot(), matplotlib.axes.Axes)


@pytest.mark.parametrize(
    ("strategies", "more", "sentence"),
    [
        (["env"], {}, "strategies must be a mapping"),
        ({}, {}, "at least one strategy"),
        ({"env": rw.EnvReward}, {}, "got the class EnvReward"),
        ({"env": "env"}, {"jobs": 0}, "jobs must be a whole number from 1"),
        ({"env": "env"}, {"seeds": 0}, "seeds must be how many"),
        ({"env": "env"}, {"seeds": [1, 1]}, "seeds must be how many"),
        ({"env": "env"}, {"algo": "pop"}, "pop"),
    ],
)
def test_bad_input_is_a_sentence(
    tmp_path: Path, strategies: Any, more: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(rw.RewardwrapError, match=sentence):
        compare(tmp_path / "out", strategies, **more)
    assert not (tmp_path / "out").exists()


def test_functions_stay_on_this_machine(tmp_path: Path) -> None:
    with pytest.raises(rw.ConfigError, match="another machine can import"):
        executor_named("ray", Store(tmp_path), luggage={"content": "..."})


def test_seeds_are_a_count_or_a_list() -> None:
    def seeds(given: Any) -> tuple[int, ...]:
        return request({"env": "env"}, seeds=given).plans[0].seeds

    assert seeds(2) == (0, 1)
    assert seeds([0, 3, 7]) == (0, 3, 7) == seeds((0, 3, 7))


@pytest.mark.usefixtures("undrawn")
def test_several_environments_on_one_scale_whose_trainings_stop_early(tmp_path: Path) -> None:
    found = rw.compare(
        ["CartPole-v1", "Acrobot-v1"], {"env": "env", "none": lambda reward: 0.0 * reward},
        **{**ASKED, "eval_episodes": 1}, stop_at=1.0, env_kwargs={"max_episode_steps": 20},
        out=tmp_path,
    )  # fmt: skip
    assert found.to_dict() == json.loads((tmp_path / "suite.json").read_text())
    assert [each.env for each in found] == ["CartPole-v1", "Acrobot-v1"]
    assert (found["Acrobot-v1"].folder / "comparison.json").is_file()
    assert len(repr(found).splitlines()) <= 12
    assert isinstance(found.plot(), matplotlib.axes.Axes)
    with pytest.raises(rw.UnknownName, match="Acrobot-v1"):
        found["Acrobot-v0"]

    for run in found["CartPole-v1"].runs:
        assert run.steps.tolist() == [0, 32, 64]
        assert run.env_steps == 32
        assert run.true_return[1] == run.true_return[2]
    assert "1 of 1 runs of env, 1 of 1 runs of none did" in found["CartPole-v1"].remarks[-1]
    assert "and 0 of 1 runs of env" in found["Acrobot-v1"].remarks[-1]
    spec = json.loads(next(tmp_path.glob("runs/env-*/spec.json")).read_text())
    assert spec["stop"] == {"at": 1.0}
    assert "device" not in spec


def test_tuning_trackers_and_device_are_asked_for_as_by_the_command() -> None:
    made = request({"env": "env"}, tune=3, track="mlflow", device="cpu")
    assert (made.tune, made.trackers, made.specs[0]["device"]) == (3, ("mlflow",), "cpu")


def test_what_is_not_there_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    refused: list[tuple[dict[str, Any], str]] = [
        ({"device": "gpu"}, "torch knows"),
        ({"track": "mlfow"}, 'Did you mean "mlflow"'),
        ({"tune": -1}, "tune must be a whole number"),
        ({"patience": 0}, "patience must be a whole"),
    ]
    for said, sentence in refused:
        with pytest.raises(rw.RewardwrapError, match=sentence):
            compare(tmp_path / "out", {"env": "env"}, **said)
    assert not (tmp_path / "out" / "runs").exists()
