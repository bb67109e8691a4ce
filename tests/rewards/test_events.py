from __future__ import annotations

import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.core.info import ColumnInfo
from rewardwrap.core.transitions import Transitions
from rewardwrap.rewards.phrases import WIDTH, opinion, phrase


def batch(texts, first=None, *, training=False):
    n = len(texts)
    no = np.zeros(n, bool)
    start = no if first is None else np.array(first, bool)
    info = ColumnInfo({"message": np.array(texts, object)})
    return Transitions(
        np.zeros((n, 1)), np.zeros(n), np.zeros((n, 1)), np.zeros(n), no, no, start, info,
        training=training,
    )  # fmt: skip


def paid(reward, *steps, training=False):
    """One lane, step by step."""
    carry, found = reward.init(1), []
    for i, text in enumerate(steps):
        carry, value = reward.step(carry, batch([text], [i == 0], training=training))
        found.append(float(value[0]))
    return found


def test_the_fourth_telling_of_a_label_of_one_pays_a_quarter_and_four_tenths_of_it_a_tenth():
    events = rw.Events("message")
    events.learn({"a key": 1.0, "a wall": 0.25})
    assert paid(events, *["a key"] * 4) == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4])
    assert paid(0.4 * events, *["a key"] * 4)[-1] == pytest.approx(0.1)
    assert paid(events, "a wall", "", "a bat", "a key") == [0.25, 0.0, 0.0, 1.0]
    always = rw.Events("message", count=0)
    always.learn({"a key": 1.0})
    assert paid(always, "a key", "a key") == [1.0, 1.0]


def test_a_new_episode_counts_from_one_and_lanes_count_apart():
    events = rw.Events("message")
    events.learn({"a": 1.0})
    carry = events.init(2)
    carry, first = events.step(carry, batch(["a", ""], [True, True]))
    carry, then = events.step(carry, batch(["a", "a"], [False, False]))
    _, anew = events.step(carry, batch(["a", "a"], [True, False]))
    assert (first.tolist(), then.tolist(), anew.tolist()) == ([1, 0], [0.5, 1], [1, 0.5])


def test_a_classifier_knows_sentences_that_nobody_labelled():
    events = rw.Events("message", pays="classifier")
    assert paid(events, "you find a red key") == [0.0]
    events.learn({"you find a blue key": 1.0, "you find a green key": 1.0, "you hit a wall": 0.0})
    assert paid(events, "you find a red key", "you hit a tree") == [1.0, 0.0]


def test_a_ranking_pays_deviations_from_the_mean_above_its_threshold():
    events = rw.Events("message", pays="ranking", threshold=0.5)
    better = [("wall", "key", 1.0), ("wall", "door", 1.0), ("key", "door", 1.0)]
    events.learn({}, better)
    wall, key, door = (events.worth(text) for text in ("wall", "key", "door"))
    assert wall == 0.0
    assert door > max(key, 0.5)


def test_an_opinion_of_differences_is_bradleys_and_terrys():
    rows = np.eye(3)[[1, 1, 1, 1]] - np.eye(3)[[0, 0, 0, 0]]
    weights = opinion(rows, [1, 1, 1, 0])
    # log odds of 3 to 1, but for the ridge
    assert weights[1] - weights[0] == pytest.approx(np.log(3), abs=0.05)
    assert phrase("a b").shape == (WIDTH,)
    assert np.linalg.norm(phrase("a b c")) == pytest.approx(1.0)


def test_training_tells_what_it_met_and_evaluation_does_not():
    events = rw.Events("message")
    paid(events, "a", "", "b", training=True)
    assert events.told() == ["a", "b"]
    assert events.told() == []
    paid(events, "a")
    assert events.told() == []


def test_what_it_knows_is_saved():
    one = rw.Events("message", pays="classifier")
    one.learn({"a key": 1.0, "a wall": 0.0})
    other = rw.Events("message", pays="classifier")
    other.load_state_dict(one.state_dict())
    assert paid(other, "a key", "a wall") == paid(one, "a key", "a wall") == [1.0, 0.0]


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: rw.Events(3), "key must be a key of info or a function, got 3"),
        (lambda: rw.Events("m", pays="net"), 'pays must be "hash" or "classifier" or "ranking"'),
        (lambda: rw.Events("m", count=-1), "count must be at least 0"),
        (lambda: rw.Events("message").step(np.full(1, None, object), batch([3])),
         "key must give one text a lane, got 3"),
        (lambda: rw.Events(lambda obs: ["a", "b"]).step(np.full(1, None, object), batch(["a"])),
         "got 2 sentences for 1 lanes"),
        (lambda: rw.Events("words").step(np.full(1, None, object), batch(["a"])),
         'info must hold "words"'),
    ],
)  # fmt: skip
def test_bad_input_is_a_sentence(call, sentence):
    with pytest.raises(rw.RewardwrapError, match=sentence):
        call()
