"""A training ends early by the true return or the clock, and a stage goes on from where another ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap import cli
from rewardwrap.training.stopping import Stopping

SMALL = {"n_steps": 16, "n_envs": 2, "batch_size": 32}


def train(out: Path, **more: Any) -> rw.Run:
    given = {"steps": 128, "hyperparameters": SMALL, "eval_freq": 32, "eval_episodes": 2, **more}
    return rw.train("CartPole-v1", out=out, **given)


@pytest.mark.parametrize(
    ("rule", "returns", "over"),
    [
        (Stopping(at=10), [3.0, 12.0], "the true return 12 reached 10"),
        (Stopping(at=10), [12.0, 3.0], None),
        (Stopping(patience=2), [5.0, 4.0, 5.0], "2 evaluations in a row were no better than 5"),
        (Stopping(patience=2), [5.0, 4.0, 5.1], None),
        (Stopping(patience=2), [5.0, 4.0], None),
        (Stopping(), [5.0] * 9, None),
    ],
)
def test_a_rule_asks_the_true_returns(rule: Stopping, returns: Any, over: str | None) -> None:
    assert rule.satisfied(returns) == over


@pytest.mark.parametrize(
    "given", [{"at": "x"}, {"patience": 0}, {"patience": 1.5}, {"minutes": 0}, {"minutes": -1}]
)
def test_a_rule_without_meaning_is_refused(given: Any) -> None:
    with pytest.raises(rw.ConfigError, match="Leave it out for none"):
        Stopping(**given)


def test_a_training_stops_on_the_true_return_and_not_on_the_shaped_one(tmp_path: Path) -> None:
    run = train(tmp_path, reward=0.0 * rw.EnvReward(), stop_at=1.0)
    assert run.steps.tolist() == [32]
    assert run.stopped == "the true return " + f"{run.true_returns[0]:.4g} reached 1"
    assert run.finished
    assert run.model.num_timesteps == 32
    assert "stopped early" in repr(run)
    assert train(tmp_path, reward=rw.EnvReward() + rw.Constant(1e6), stop_at=1e5).stopped is None


def test_the_clock_ends_a_training_with_an_evaluation_of_its_own(tmp_path: Path) -> None:
    run = train(tmp_path, minutes=1e-9)
    assert run.stopped == "1e-09 minutes were over"
    assert run.steps.tolist() == [run.model.num_timesteps] == [2]


def test_who_resumes_says_the_rule_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = train(tmp_path, stop_at=1.0)
    words = ["train", "--resume", str(run.folder)]
    assert cli.main([*words, "-n", "64", "--patience", "9"]) == 0
    assert run.steps.tolist() == [32, 64]
    assert run.stopped is None
    assert cli.main([*words, "-n", "128", "--stop-at", "1"]) == 0
    assert "Stopped early: the true return" in capsys.readouterr().out


def test_a_stage_keeps_policy_and_normaliser_and_pays_another_reward(tmp_path: Path) -> None:
    normal = {**SMALL, "normalize": True}
    first = train(tmp_path, hyperparameters=normal, steps=64)
    still = {**normal, "learning_rate": 0.0}
    second = train(
        tmp_path, hyperparameters=still, reward="{constant: {value: 2.0}}", start=first, steps=32
    )
    for name, value in first.model.policy.state_dict().items():
        assert value.equal(second.model.policy.state_dict()[name])
    moments = [run.model.get_vec_normalize_env().obs_rms for run in (first, second)]
    assert moments[1].count == moments[0].count + 32 + 2  # the first observations
    assert second.steps.tolist() == [32]
    assert second.shaped_returns.tolist() != second.true_returns.tolist()


def test_a_stage_keeps_the_buffer_and_pays_it_anew(tmp_path: Path) -> None:
    off = {
        "buffer_size": 500,
        "learning_starts": 16,
        "batch_size": 16,
        "train_freq": 4,
        "gradient_steps": 1,
    }
    given: dict[str, Any] = {"algo": "dqn", "hyperparameters": off, "steps": 64, "eval_freq": 64}
    first = train(tmp_path, **given)
    second = train(tmp_path, **given, reward=rw.Constant(3.0), start=first.folder)
    buffer = second.model.replay_buffer
    assert buffer.size() == 128
    assert np.all(buffer.rewards[:128] == 3.0)
    with pytest.warns(rw.RewardwrapWarning, match="Its steps keep what the reward before paid"):
        third = train(tmp_path, **given, reward=rw.EnvReward() + 1.0, start=first.folder)
    assert set(third.model.replay_buffer.rewards[:128, 0]) == {1.0, 2.0}


def test_a_stage_of_another_algorithm_is_refused_before_a_folder_is_made(tmp_path: Path) -> None:
    first = train(tmp_path, steps=32)
    with pytest.raises(rw.ConfigError, match="got ppo before a2c. Go on with ppo"):
        rw.train("CartPole-v1", "a2c", steps=32, start=first, out=tmp_path)
    assert not (tmp_path / "a2c").exists()
