"""Rules, teachers and majorities behind one protocol."""

from __future__ import annotations

import numpy as np
import pytest

from rewardwrap.annotate.annotator import Query, Synchronous, Ticket, together
from rewardwrap.annotate.panel import Panel, vote
from rewardwrap.annotate.rule import Rule, Taught
from rewardwrap.annotate.teachers import Teacher
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import FloatArray
from rewardwrap.data import DataError, EpisodeStore, Fragments, sample_fragments

NAN = np.nan


class Says(Synchronous):
    """Gives the same answers to whatever it is asked."""

    def __init__(self, *said: float) -> None:
        super().__init__("parrot")
        self.said = np.array(said)

    def answer(self, query: Query) -> FloatArray:
        return self.said


def query(store: EpisodeStore, n: int = 3) -> Query:
    clips = sample_fragments(store, 2 * n, 10, seed=0)
    return Query(clips.select(slice(0, n)), clips.select(slice(n, None)))


def test_answers_wait_until_they_are_polled_and_carry_the_ticket(swings: EpisodeStore) -> None:
    rule = Rule(lambda clips: clips.returns(), name="return")
    assert rule.poll() is None
    asked = query(swings)
    assert rule.submit(asked) == Ticket(0, 3)
    assert rule.submit(asked) == Ticket(3, 3)
    found = rule.poll()
    assert found is not None
    assert found.group.tolist() == [0, 1, 2, 3, 4, 5]
    assert set(found.annotator) == {"return"}
    assert rule.poll() is None


def test_a_rule_prefers_the_higher_score_beyond_its_margin(swings: EpisodeStore) -> None:
    asked = query(swings, 2)
    scores = iter([np.array([0.0, 5.0]), np.array([NAN, 1.0])])
    rule = Rule(lambda clips: next(scores), margin=1.0)
    # b is scored first: NaN - 0 skips, 1 - 5 is clearly a
    scores = iter([np.array([NAN, 1.0]), np.array([0.0, 5.0])])
    said = rule.answer(asked)
    assert np.isnan(said[0])
    assert said[1] == 0.0
    scores = iter([np.array([1.0, 9.0]), np.array([0.5, 5.0])])
    assert rule.answer(asked).tolist() == [0.5, 1.0]


def test_a_rule_labels_clips_with_its_scores(swings: EpisodeStore) -> None:
    clips = query(swings).a
    labels = Rule(lambda c: c.returns()).label(clips)
    assert labels.target == "fragment"
    assert labels.value == pytest.approx(clips.returns())


def test_a_rule_must_score_every_clip(swings: EpisodeStore) -> None:
    with pytest.raises(DataError, match=r"must give 3 scores, one for each clip, got shape \(2,\)"):
        Rule(lambda clips: np.zeros(2)).answer(query(swings))
    with pytest.raises(ConfigError, match="margin must be at least 0, got -1"):
        Rule(lambda clips: np.zeros(2), margin=-1)


def test_a_teacher_behind_the_protocol_is_right(swings: EpisodeStore) -> None:
    asked = query(swings, 20)
    teacher = Taught(Teacher(), seed=0, name="oracle")
    teacher.submit(asked)
    found = teacher.poll()
    assert found is not None
    assert found.preferred.tolist() == (asked.b.returns() > asked.a.returns()).tolist()


def test_most_votes_win_a_draw_is_a_tie_and_skipped_votes_do_not_count() -> None:
    votes = np.array([[1, 1, NAN, 0, NAN, 0.5], [1, 0, NAN, 0, 1, 0.5], [0, NAN, NAN, 0.5, NAN, 0]])
    assert vote(votes)[[0, 1, 3, 4, 5]].tolist() == [1.0, 0.5, 0.0, 1.0, 0.5]
    assert np.isnan(vote(votes)[2])
    assert np.isnan(vote(votes, least=2)[4])


def test_a_majority_asks_all_of_its_annotators(swings: EpisodeStore) -> None:
    many = Panel([Says(1, 0, 0), Says(1, 1, 0), Says(0, 1, NAN)])
    assert many.answer(query(swings)).tolist() == [1.0, 1.0, 0.0]
    with pytest.raises(ConfigError, match="members must be one or more"):
        Panel([])


def test_a_query_must_be_even_and_answers_of_one_store(swings: EpisodeStore) -> None:
    clips = query(swings).a
    with pytest.raises(DataError, match="as many clips a as clips b, of one store, got 3 and 2"):
        Query(clips, clips.select([0, 1]))
    other = swings.select(slice(0, 4))
    rule = Rule(lambda c: c.returns())
    rule.submit(query(swings))
    rule.submit(query(other))
    with pytest.raises(DataError, match="must lie in one store to be joined"):
        rule.poll()


def test_joining_keeps_every_column(swings: EpisodeStore) -> None:
    rule = Rule(lambda c: c.returns(), name="x")
    rule.submit(query(swings))
    one = rule.poll()
    assert one is not None
    twice = together([one, one.swap()])
    assert twice.preferred.tolist() == [*one.preferred, *(1 - one.preferred)]
    assert isinstance(twice.a, Fragments)
    assert twice.a.episode.tolist() == [*one.a.episode, *one.b.episode]
