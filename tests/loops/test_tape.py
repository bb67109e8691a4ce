"""Steps on a tape and clips as questions: nothing is shifted, nothing crosses an episode's end."""

from __future__ import annotations

import numpy as np
import pytest
from stable_baselines3.common.vec_env import DummyVecEnv

import rewardwrap as rw
from rewardwrap.core import tree
from rewardwrap.core.errors import ConfigError, UnknownName
from rewardwrap.data import DataError, Preferences, sample_fragments
from rewardwrap.loops.answers import Answers, question
from rewardwrap.loops.schedule import shares
from rewardwrap.loops.tape import Tape
from rewardwrap.rewards.env import function
from rewardwrap.testing import Chain, DictChain

SLOW = function(lambda batch: np.zeros(batch.lanes))


def played(make, *, lanes=3, steps=40, keep=10_000):
    """A tape and a recorder that saw the same steps."""
    recorder = rw.Recorder(DummyVecEnv([make] * lanes))
    venv = rw.wrap(recorder, SLOW)
    tape = Tape(keep, (venv.observation_space, venv.action_space))
    draws = np.random.default_rng(0)
    venv.reset()
    for _ in range(steps):
        venv.step(draws.integers(3, size=lanes))
        tape.add(venv.last_step)
    return tape, recorder


def told(store):
    """Every episode as plain lists, in an order that does not depend on how it was recorded."""
    return sorted(
        (
            [np.asarray(leaf).tolist() for leaf in tree.leaves(e.obs)],
            e.action.tolist(),
            e.reward.tolist(),
            e.terminated.tolist(),
            e.truncated.tolist(),
        )
        for e in store
    )


@pytest.mark.parametrize("make", [Chain, DictChain])
def test_a_tape_holds_what_a_recorder_holds(make):
    tape, recorder = played(make)
    assert len(tape) == 120
    ours, theirs = told(tape.store()), told(recorder.store())
    assert ours == theirs


def test_an_old_tape_keeps_the_last_steps_and_true_successors():
    tape, recorder = played(Chain, keep=30)
    store, whole = tape.store(), recorder.store()
    assert store.steps == 30
    rows = {tuple(r) for r in np.c_[_before(whole), _after(whole)].tolist()}
    assert {tuple(r) for r in np.c_[_before(store), _after(store)].tolist()} <= rows


def _before(store):
    return store.transitions().obs


def _after(store):
    return store.transitions().next_obs


def test_an_episode_keeps_its_number_across_a_clear():
    venv = rw.wrap(DummyVecEnv([Chain]), SLOW)
    tape = Tape(100)
    venv.reset()
    venv.step([0])
    tape.add(venv.last_step)
    running = tape.store().ids[-1]
    tape.clear()
    venv.step([0])
    tape.add(venv.last_step)
    assert tape.store().ids.tolist() == [running]


def test_an_empty_tape_says_so():
    with pytest.raises(DataError, match="tape must hold a step"):
        Tape(10).store()


def asked(store, count=6, length=2, seed=0):
    clips = sample_fragments(store, 2 * count, length, seed=seed)
    sides = np.where(np.arange(count) % 3 == 0, "heldout", "train")
    return question(clips.select(slice(0, count)), clips.select(slice(count, None)), sides), clips


@pytest.mark.parametrize("make", [Chain, DictChain])
def test_a_question_holds_the_very_clips(make):
    tape, _ = played(make)
    query, clips = asked(tape.store())
    for side, first in ((query.a, 0), (query.b, 6)):
        (mine, _), (theirs, _) = (
            side.transitions(),
            clips.select(slice(first, first + 6)).transitions(),
        )
        for name in ("obs", "action", "next_obs", "reward", "terminated", "truncated"):
            for x, y in zip(
                tree.leaves(getattr(mine, name)), tree.leaves(getattr(theirs, name)), strict=True
            ):
                assert np.array_equal(x, y)


def test_answers_are_on_disk_and_come_back(tmp_path):
    tape, _ = played(Chain)
    first, second = (asked(tape.store(), seed=s)[0] for s in (0, 1))
    answers = Answers(tmp_path)
    assert (
        answers.add(Preferences(first.a, first.b, np.array([1, 0, np.nan, 0.5, 1, 0]))) is not None
    )
    assert answers.add(Preferences(second.a, second.b, np.full(6, np.nan))) is None
    answers.add(Preferences(second.a, second.b, np.ones(6)))
    again = Answers(tmp_path)
    assert len(answers) == len(again) == 11
    for side, count in (("train", 7), ("heldout", 4)):
        old, new = answers.of(side), again.of(side)
        assert len(old) == len(new) == count
        assert np.array_equal(old.preferred, new.preferred)
        assert np.array_equal(old.a.returns(), new.a.returns())
    # the pairs of the second round point at the second round's clips
    assert np.array_equal(
        np.sort(again.of("train").b.returns()[-4:]), np.sort(second.b.returns()[[1, 2, 4, 5]])
    )


def test_a_batch_that_broke_off_is_not_read(tmp_path):
    tape, _ = played(Chain)
    query, _ = asked(tape.store())
    Answers(tmp_path).add(Preferences(query.a, query.b, np.ones(6)))
    (tmp_path / ".0002").mkdir()
    (tmp_path / ".0002" / "clips").write_text("half")
    answers = Answers(tmp_path)
    assert len(answers) == 6
    answers.add(Preferences(query.a, query.b, np.zeros(6)))
    assert len(Answers(tmp_path)) == 12


def test_answers_about_another_environment_are_refused(tmp_path):
    query, _ = asked(played(Chain)[0].store())
    other, _ = asked(played(DictChain)[0].store())
    answers = Answers(tmp_path)
    answers.add(Preferences(query.a, query.b, np.ones(6)))
    with pytest.raises(ConfigError, match="must be about this environment, got observation_space"):
        answers.add(Preferences(other.a, other.b, np.ones(6)))


# --- the budget ---------------------------------------------------------------------------------


@pytest.mark.parametrize("schedule", ["constant", "hyperbolic", "inverse-quadratic"])
@pytest.mark.parametrize("rounds", [1, 2, 7])
def test_shares_add_up_and_never_grow(schedule, rounds):
    found = shares(101, rounds, schedule)
    assert sum(found) == 101
    assert found == sorted(found, reverse=True)


def test_the_first_round_may_be_larger():
    assert shares(100, 3, first=0.5) == [50, 25, 25]
    assert shares(100, 1, first=0.5) == [100]
    assert shares(0, 3, first=0.5) == [0, 0, 0]


def test_schedules_by_hand():
    # 1 : 2/3 : 1/2 and 1 : 4/5 : 1/2
    assert shares(13, 3, "hyperbolic") == [6, 4, 3]
    assert shares(23, 3, "inverse-quadratic") == [10, 8, 5]


def test_bad_schedules_are_refused():
    with pytest.raises(UnknownName, match='No query schedule "hyperbolc". Did you mean'):
        shares(10, 2, "hyperbolc")
    with pytest.raises(ConfigError, match="queries must be at least 0, rounds at least 1"):
        shares(-1, 2)
