from __future__ import annotations

import csv
import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rewardwrap.training import bundle
from rewardwrap.training.agent import Agent, Settings, build
from rewardwrap.training.evaluation import Protocol
from rewardwrap.training.folder import FolderError, RunFolder
from rewardwrap.training.session import Course, Session

AGAINST = {
    "sum": {
        "terms": [
            {"env": {}},
            {"named": {"name": "cost", "base": {"constant": -2.0}}},
        ]
    }
}
"""Pays -1 a step: the longer the (true) episode, the lower the shaped return."""


def _agent(folder: RunFolder | None = None) -> Agent:
    row = {
        "n_timesteps": 1200,
        "n_steps": 32,
        "batch_size": 64,
        "n_envs": 2,
        "learning_rate": 0.003,
    }
    settings = Settings(env="CartPole-v1", algo="ppo", reward=AGAINST, row=row, seed=0)
    return build(settings, tensorboard_log=None if folder is None else str(folder.path))


def _course(**changes: Any) -> Course:
    given: dict[str, Any] = {"steps": 1200, "eval_freq": 200, "save_freq": 500}
    return Course(**{**given, "protocol": Protocol(episodes=3), **changes})


def _episodes(folder: RunFolder) -> dict[str, np.ndarray[Any, Any]]:
    head, *lines = (folder.path / "monitor.csv").read_text().splitlines()
    assert json.loads(head.removeprefix("#"))["env_id"] == "CartPole-v1"
    rows = list(csv.DictReader(lines))
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


@pytest.mark.parametrize(("chooses", "column"), [("true", "results"), ("shaped", "shaped")])
def test_the_best_agent_is_chosen_by_the_return_that_was_asked_for(
    tmp_path: Path, chooses: str, column: str
) -> None:
    folder = RunFolder.new(tmp_path, "ppo", "CartPole-v1")
    seen: list[tuple[int, bool]] = []
    session = Session(
        _agent(),
        folder,
        _course(chooses=chooses),
        on_point=lambda step, found, is_best: seen.append((step, is_best)),
    )
    assert session.run()
    found = folder.evaluations()
    assert found["timesteps"].tolist() == [200, 400, 600, 800, 1000, 1200]
    means = found[column].mean(axis=1)
    best = int(found["timesteps"][means.argmax()])
    assert [step for step, is_best in seen if is_best][-1] == best
    assert folder.bundle("best").name == str(best)
    scores = bundle.document(folder.bundle("best"))["scores"]
    assert np.mean(scores[chooses]) == means.max()
    np.testing.assert_allclose(found["shaped"], -found["results"])
    assert folder.bundle("last").name == "1216"
    assert len(list((folder.path / "last").iterdir())) == 1


def test_the_tree_holds_episodes_and_tensorboard_terms(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = RunFolder.new(tmp_path, "ppo", "CartPole-v1")
    Session(_agent(folder), folder, _course()).run()
    episodes = _episodes(folder)
    np.testing.assert_allclose(episodes["shaped"], episodes["r"] + episodes["term_cost"])
    np.testing.assert_allclose(episodes["r"], episodes["l"])
    assert (np.diff(episodes["step"]) >= 0).all()
    events = EventAccumulator(str(folder.path / "PPO_1"))
    events.Reload()
    tags = set(events.Tags()["scalars"])
    assert {
        "rollout/ep_true_rew_mean",
        "rollout/ep_shaped_rew_mean",
        "reward/cost/step_mean",
    } <= tags
    for tag in ("reward/cost/step_mean", "rollout/ep_true_rew_mean"):
        value = events.Scalars(tag)[-1].value
        assert value == -2.0 if tag.endswith("step_mean") else value > 0


def test_an_interrupted_training_ends_with_a_whole_bundle_and_goes_on(tmp_path: Path) -> None:
    folder = RunFolder.new(tmp_path, "ppo", "CartPole-v1")

    def interrupt(step: int, found: Any, is_best: bool) -> None:
        if step == 400:
            os.kill(os.getpid(), signal.SIGINT)

    session = Session(_agent(), folder, _course(), on_point=interrupt)
    assert not session.run()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert folder.bundle("last").name == "400"
    agent = bundle.read(folder.bundle("last"), with_replay=True)
    folder.cut(400)
    assert Session(agent, folder, _course()).run()
    assert folder.evaluations()["timesteps"].tolist() == [200, 400, 600, 800, 1000, 1200]
    assert agent.model.num_timesteps == 1232  # 400, then whole rollouts of 64


def test_what_was_recorded_after_the_checkpoint_is_forgotten(tmp_path: Path) -> None:
    folder = RunFolder.new(tmp_path, "ppo", "CartPole-v1")
    Session(_agent(), folder, _course()).run()
    with (folder.path / "monitor.csv").open("a") as file:
        file.write("12.0,1")
    folder.cut(600)
    assert folder.evaluations()["timesteps"].tolist() == [200, 400, 600]
    assert _episodes(folder)["step"].max() <= 600


def test_folders_are_numbered_and_the_newest_is_found(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="--resume must find a training"):
        RunFolder.newest(tmp_path, "ppo", "ALE/Pong-v5")
    for number in (1, 2, 3):
        made = RunFolder.new(tmp_path, "ppo", "ALE/Pong-v5")
        assert made.path == tmp_path / "ppo" / f"ALE-Pong-v5_{number}"
    assert RunFolder.newest(tmp_path, "ppo", "ALE/Pong-v5").path == made.path
    with pytest.raises(FolderError, match=r"without args\.yml"):
        made.bundle()
    with pytest.raises(FolderError, match=r"without args\.yml"):
        made.args()
    made.write_start("ALE/Pong-v5", row={}, args={}, command="")
    with pytest.raises(FolderError, match=r"got none in best/"):
        made.bundle()


def test_a_bundle_never_takes_a_name_that_is_in_use(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for name in ("9", "10", "10_2"):
        (tmp_path / "last" / name).mkdir(parents=True)
    assert folder.place("last", 10).name == "10_3"
    assert folder.bundle("last").name == "10_2"
    folder.keep_only(folder.bundle("last"))
    assert [path.name for path in (tmp_path / "last").iterdir()] == ["10_2"]
