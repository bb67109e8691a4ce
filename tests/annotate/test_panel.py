"""Panels: one member is that member, credits are conserved, order does not matter."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from rewardwrap.annotate.annotator import Query, Synchronous
from rewardwrap.annotate.panel import STRUCTURES, Listener, Panel, Society, sides, vote
from rewardwrap.core.errors import ConfigError, UnknownName
from rewardwrap.data import EpisodeStore, Fragments

NAN = float("nan")


class Says(Synchronous):
    """Always the same."""

    def __init__(self, *said: float) -> None:
        super().__init__("says")
        self.said = np.array(said)

    def answer(self, query: Query) -> np.ndarray:
        return self.said[: len(query)]


def query(count: int) -> Query:
    store = EpisodeStore.from_episodes(
        [
            {
                "obs": [[0.0], [1.0]],
                "action": [0],
                "reward": [1.0],
                "terminated": [1],
                "truncated": [0],
            }
        ]
        * 2
    )
    clips = Fragments(store, np.zeros(count, int), np.zeros(count, int), np.ones(count, int))
    return Query(clips, clips)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_one_member_is_that_member(structure: str) -> None:
    said = [1.0, 0.0, 0.5, NAN]
    found = Panel([Says(*said)], structure=structure).answer(query(4))
    assert np.array_equal(found, said, equal_nan=True)


def test_votes_err_as_the_binomial_law_says() -> None:
    draws = np.random.default_rng(0)
    for members in (1, 3, 9):
        wrong = draws.random((members, 40_000)) < 0.3
        error = (Society(members).verdict(np.where(wrong, 0.0, 1.0)) == 0.0).mean()
        law = sum(
            comb(members, k) * 0.3**k * 0.7 ** (members - k)
            for k in range(members // 2 + 1, members + 1)
        )
        assert error == pytest.approx(law, abs=0.008)


def test_order_does_not_matter_and_weights_move_a_vote() -> None:
    said = np.random.default_rng(1).choice([0.0, 0.5, 1.0, NAN], size=(5, 200))
    assert np.array_equal(vote(said), vote(said[::-1]), equal_nan=True)
    assert vote(np.array([[1.0], [0.0], [0.0]]), weight=np.array([3.0, 1.0, 1.0])).tolist() == [1.0]
    assert vote(np.array([[1.0], [0.0]]), weight=np.array([0.1 + 0.2, 0.3])).tolist() == [0.5]


def test_a_market_conserves_credits_and_gives_them_to_who_is_right() -> None:
    draws, market = np.random.default_rng(2), Society(4, "market", stake=0.2)
    truth = draws.choice([0.0, 0.5, 1.0, NAN], size=300, p=[0.4, 0.1, 0.4, 0.1])
    said = np.where(draws.random((4, 300)) < [[0.1], [0.3], [0.5], [0.6]], 1.0 - truth, truth)
    said[3, ::7] = NAN
    before = market.verdict(said)
    market.settle(said, truth)
    assert market.credits.sum() == pytest.approx(4.0, abs=1e-9)
    assert (market.credits >= 0.0).all()
    assert market.credits.argmax() == 0
    assert market.credits[0] > 3.0
    assert (sides(market.verdict(said)) == sides(said[0])).mean() > (
        sides(before) == sides(said[0])
    ).mean()
    # nobody was right: each takes its own back
    kept = market.credits.copy()
    market.settle(np.zeros((4, 1)), np.ones(1))
    assert np.array_equal(market.credits, kept)


def test_a_truth_settles_each_question_after_its_verdict() -> None:
    asked: list[int] = []

    def truth(asking: Query) -> list[float]:
        asked.append(len(asking))
        return [1.0, 1.0, 1.0]

    panel = Panel([Says(1, 1, 1), Says(0, 0, 0)], structure="market", stake=0.5, truth=truth)
    # the first is a draw of equal credits, the second is not
    assert panel.answer(query(3)).tolist() == [0.5, 1.0, 1.0]
    assert asked == [3]
    assert panel.credits.tolist() == pytest.approx([1.875, 0.125])


def test_members_that_listen_yield_to_the_others() -> None:
    members = [Listener(Says(*said), place=k) for k, said in enumerate(([0, NAN], [1, 1], [1, 0]))]
    assert Panel(members, structure="monarchy").answer(query(2)).tolist() == [0.0, 0.5]
    assert Panel(members, structure="monarchy", rounds=1).answer(query(2)).tolist() == [1.0, 0.5]


def test_what_a_panel_cannot_be_is_said() -> None:
    one = [Says(1.0)]
    for wrong, said in (
        ({"leader": 1}, "leader must be one of 1 members"),
        ({"stake": 0.0}, "stake must lie in"),
        ({"least": 2}, "least must be from 1"),
        ({"rounds": -1}, "rounds must be at least 0"),
    ):
        with pytest.raises(ConfigError, match=said):
            Panel(one, **wrong)
    with pytest.raises(UnknownName):
        Panel(one, structure="anarchy")
    with pytest.raises(ConfigError, match="only a market must be settled"):
        Panel(one).settle([1.0])
