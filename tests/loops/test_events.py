from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from stable_baselines3 import PPO

import rewardwrap as rw
import rewardwrap_envs.key_door as key_door
from rewardwrap.annotate.captions import Captions
from rewardwrap.core.errors import ConfigError, RewardwrapWarning, StackError
from rewardwrap.loops.events import PATIENCE, TABLE, EventLoop

ENV = "rewardwrap/KeyDoor-v0"
SMALL = {"size": 4}


def good(text):
    return float(text in (key_door.KEY, key_door.DOOR))


def better(a, b):
    return 0.5 + 0.5 * (good(b) - good(a))


def learner(loop, *, seed=0, lanes=4):
    reward = rw.EnvReward() + 0.4 * loop.reward.named("events")
    venv = rw.make(ENV, reward, n_envs=lanes, seed=seed, env_kwargs=SMALL)
    return PPO("MlpPolicy", venv, n_steps=64, batch_size=64, n_epochs=1, seed=seed, device="cpu")


def test_what_was_told_is_asked_once_and_paid_from_the_next_rollout_on(tmp_path):
    asked = []
    ask = lambda text: asked.append(text) or good(text)  # noqa: E731
    loop = EventLoop(tmp_path / "oni", key="message", annotator=ask, workers=0)
    learner(loop).learn(512, callback=loop)
    assert len(asked) == len(set(asked)) == loop.reward.known
    assert loop.table.labels() == {text: good(text) for text in asked}
    assert [line["event"] for line in loop.folder.journal()] == ["start", "end"]
    assert loop.reward.worth(key_door.KEY) == float(key_door.KEY in asked)


@pytest.mark.parametrize("pays", ["hash", "classifier", "ranking"])
def test_two_trainings_with_an_annotator_that_answers_at_once_are_one(tmp_path, pays):
    found = []
    for run in range(2):
        answer = better if pays == "ranking" else good
        loop = EventLoop(tmp_path / str(run), key="message", annotator=answer, pays=pays, workers=0)
        model = learner(loop).learn(512, callback=loop)
        found.append((model.policy.state_dict(), loop.reward.state_dict()))
    for one, other in zip(*found, strict=True):
        for name, value in one.items():
            np.testing.assert_array_equal(np.asarray(value), np.asarray(other[name]))


def test_steps_do_not_wait_for_an_annotator_that_takes_its_time(tmp_path):
    go = threading.Event()
    loop = EventLoop(
        tmp_path / "oni", key="message", annotator=lambda text: go.wait(60) and good(text)
    )
    learner(loop).learn(256, callback=loop)  # would never end if anything waited
    assert loop.reward.known == 0
    go.set()


def test_a_loop_that_was_killed_asks_nothing_again(tmp_path):
    first = EventLoop(tmp_path / "oni", key="message", annotator=good, workers=0)
    learner(first).learn(256, callback=first)
    # no end is reached: the table alone is left, open
    asked = []
    ask = lambda text: asked.append(text) or good(text)  # noqa: E731
    again = EventLoop(tmp_path / "oni", key="message", annotator=ask, workers=0)
    assert again.reward.known == first.reward.known > 0
    # with another number of lanes too
    learner(again, lanes=2).learn(256, callback=again)
    assert not set(asked) & set(first.table.labels())


def test_an_annotator_that_dies_costs_no_step_and_no_label(tmp_path):
    def dead(text):
        raise ConnectionError("nobody listens")

    Captions(_folder(tmp_path) / TABLE).add(key_door.KEY, 1.0)
    loop = EventLoop(tmp_path / "oni", key="message", annotator=dead)
    model = learner(loop)
    with pytest.warns(RewardwrapWarning, match="must answer, got ConnectionError: nobody listens"):
        model.learn(2048, callback=loop)
    assert model.num_timesteps == 2048
    assert loop.failed >= PATIENCE
    assert loop.reward.worth(key_door.KEY) == 1.0
    assert loop.folder.count("failed") >= 1


def _folder(tmp_path):
    EventLoop(tmp_path / "oni", key="message", annotator=good)
    return tmp_path / "oni"


def test_answers_that_are_no_label_count_as_nothing(tmp_path):
    answers = iter([None, "yes", 7, float("nan"), *[1.0] * 100])
    loop = EventLoop(
        tmp_path / "oni", key="message", annotator=lambda text: next(answers), workers=0
    )
    learner(loop).learn(512, callback=loop)
    assert loop.unreadable == 4
    assert sorted(loop.table.labels().values())[:4] == [0.0] * 4


def test_a_flood_is_bounded_and_named(tmp_path):
    told = iter(range(10**6))
    key = lambda obs: [f"number {next(told)}" for _ in obs]  # noqa: E731
    loop = EventLoop(tmp_path / "oni", key=key, annotator=lambda t: time.sleep(0.001) or 0, most=20)
    with pytest.warns(RewardwrapWarning, match="sentences should come again"):
        learner(loop).learn(1280, callback=loop)
    assert loop.asked.waiting <= 20


def test_evaluation_asks_nothing(tmp_path):
    loop = EventLoop(tmp_path / "oni", key="message", annotator=good, workers=0)
    venv = rw.make(ENV, loop.reward, n_envs=1, env_kwargs=SMALL)
    venv.training = False
    venv.reset()
    for _ in range(20):
        venv.step([key_door.OPEN])
    assert loop.reward.told() == []


def test_a_file_that_names_an_annotator_is_trained_with_it(tmp_path):
    from rewardwrap.training.teachers import teachers

    reward = rw.from_config({"events": {"key": "message", "annotator": f"{__name__}:good"}})
    (callback,) = teachers(rw.EnvReward() + reward, 0, tmp_path)
    assert isinstance(callback, EventLoop)
    assert callback.reward is reward
    assert (tmp_path / "events_0" / TABLE).is_file()


def test_bad_input_is_a_sentence(tmp_path):
    with pytest.raises(ConfigError, match="annotator must be a function of a sentence, got 3"):
        EventLoop(tmp_path / "a", key="message", annotator=3)
    with pytest.raises(ConfigError, match="workers must be at least 0"):
        EventLoop(tmp_path / "b", key="message", annotator=good, workers=-1)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "diary").write_text("mine")
    with pytest.raises(ConfigError, match="folder must be new or that of a loop"):
        EventLoop(tmp_path / "taken", key="message", annotator=good)
    loop = EventLoop(tmp_path / "c", key="message", annotator=good)
    with pytest.raises(
        StackError, match=r"EventLoop must find its own reward .* rw.make\(env_id, loop.reward\)"
    ):
        PPO("MlpPolicy", rw.make(ENV, rw.EnvReward(), n_envs=1), n_steps=8, batch_size=8).learn(
            8, callback=loop
        )
