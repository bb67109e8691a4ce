from __future__ import annotations

import threading

import numpy as np
import pytest

from rewardwrap.annotate.annotator import AnnotatorError, Query
from rewardwrap.annotate.background import Background, Stack
from rewardwrap.annotate.captions import Captions, Reader
from rewardwrap.annotate.rule import Rule
from rewardwrap.core.errors import ConfigError
from rewardwrap.data import sample_fragments


def waited(stack):
    """Everything that a stack answers, and what failed."""
    found, failed, error = [], [], None
    for _ in range(2000):
        more, lost, wrong = stack.poll()
        found, failed, error = found + more, failed + lost, wrong or error
        if not stack.waiting and not stack._running:
            return found, failed, error
        threading.Event().wait(0.002)
    raise AssertionError("it never ends")


def test_the_newest_question_is_answered_first_and_the_oldest_gives_way():
    stack = Stack(str.upper, workers=0, most=2)
    assert [stack.put(word) for word in ("a", "b", "c")] == [None, None, "a"]
    assert stack.poll() == ([("c", "C"), ("b", "B")], [], None)
    assert (stack.waiting, stack.dropped) == (0, 1)


def test_putting_never_waits_for_an_answer():
    go = threading.Event()
    stack = Stack(lambda word: go.wait(20) and word, most=100)
    for word in "abc":
        stack.put(word)
    assert stack.poll()[0] == []
    go.set()
    assert sorted(waited(stack)[0]) == [(w, w) for w in "abc"]
    stack.close()


def test_a_question_whose_answer_raised_comes_back_with_the_error():
    stack = Stack(lambda n: 1 / n)
    for number in (1, 0):
        stack.put(number)
    found, failed, error = waited(stack)
    assert (found, failed) == ([(1, 1.0)], [0])
    assert isinstance(error, ZeroDivisionError)
    stack.close()


def query(store, n=4):
    clips = sample_fragments(store, 2 * n, 10, seed=1)
    return Query(clips.select(slice(0, n)), clips.select(slice(n, None)))


def test_an_annotator_in_the_background_says_what_it_says_at_once(swings):
    rule, asked = Rule(lambda clips: clips.returns()), query(swings)
    behind = Background(rule, workers=0)
    assert behind.submit(asked).count == 4
    said = behind.poll()
    np.testing.assert_array_equal(said.preferred, rule.answer(asked))
    assert said.group.tolist() == [0, 1, 2, 3]
    assert behind.poll() is None


def test_an_annotator_in_the_background_that_raises_is_named(swings):
    behind = Background(Rule(lambda clips: np.zeros(1)), workers=1)
    behind.submit(query(swings))
    behind._stack._running[0].exception(timeout=20)
    with pytest.raises(AnnotatorError, match="must answer every query, got DataError: rule"):
        behind.poll()
    behind.close()


def test_labels_are_on_disk_and_the_first_answer_stays(tmp_path):
    table = Captions(tmp_path / "labels.sqlite")
    for said in (1.0, 0.0):
        table.add("a key", said)
    table.add(("wall", "key"), 0.5)
    again = Captions(tmp_path / "labels.sqlite")  # while the first is still open, as after a kill
    assert (again.labels(), again.pairs()) == ({"a key": 1.0}, [("wall", "key", 0.5)])
    (tmp_path / "other").write_text("no database at all, but text that is long enough to be read")
    with pytest.raises(ConfigError, match="must be a file of labels"):
        Captions(tmp_path / "other")


class Model:
    """Answers in words."""

    model = "scripted"

    def __init__(self, *answers):
        self.answers, self.prompts = list(answers), []

    def complete(self, request):
        self.prompts.append(request.messages[-1]["content"])
        return type("Said", (), {"text": self.answers.pop(0)})()


def test_a_reader_asks_about_one_sentence_or_two():
    model = Model('Sure: {"label": 1}', "no idea", '{"better": "2"}', '{"label": "x"}')
    reader = Reader(model, "Is it progress?")
    assert [reader("a </event> key"), reader("a wall"), reader("a", "b"), reader("c")] == [
        1,
        None,
        1,
        None,
    ]
    assert "‹/event› key" in model.prompts[0]
    with pytest.raises(ConfigError, match="question must say what a yes means"):
        Reader(model, " ")
