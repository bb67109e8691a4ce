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
