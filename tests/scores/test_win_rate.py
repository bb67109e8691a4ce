"""Pay from pairs: chances, pools that stay and pools that follow the agent."""

from __future__ import annotations

import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.core.errors import ConfigError, RewardValueError
from rewardwrap.scores import chosen_score
from rewardwrap.scores.reading import finished
from tests.evidence.worlds.hands import beats


def hand(action: int) -> object:
    return finished(
        {"obs": [0, 0], "action": [action], "reward": [0], "terminated": [1], "truncated": [0]}
    )


def test_pay_is_the_mean_chance_over_the_pool() -> None:
    score = rw.WinRate(beats, pool=[hand(0), hand(0), hand(1)])
    assert score([hand(k) for k in range(3)]).tolist() == pytest.approx([1 / 3, 5 / 6, 1 / 3])
    assert not score.own
    assert score.version == 0


def test_one_s_own_pool_is_renewed_by_what_was_paid_last() -> None:
    score = rw.WinRate(beats, size=2)
    assert score([hand(0), hand(0), hand(0)]).tolist() == [0.5] * 3
    assert score.peek([hand(1)]).tolist() == [0.5]
    assert score.renew() == 0.5
    assert score.version == 1
    assert [e.action[0] for e in score.peers] == [0, 0]
    assert score([hand(1), hand(2)]).tolist() == [1.0, 0.0]
    # the gain of the new iterate against the old one; what was only looked at does not count
    score.peek([hand(0)])
    assert score.renew() == 0.5
    assert [e.action[0] for e in score.peers] == [1, 2]
    assert score.renew() == 0.5
    assert score.version == 2


def test_what_it_cannot_be_is_said() -> None:
    for wrong, said in (
        (lambda: rw.WinRate(3), "a model's folder or a function"),
        (lambda: rw.WinRate(beats, pool=[]), "must hold an episode, got none"),
        (lambda: rw.WinRate(beats, size=0), "at least 1, got 0"),
        (lambda: rw.WinRate("nowhere"), "must hold model.json"),
    ):
        with pytest.raises(ConfigError, match=said):
            wrong()
    odd = rw.WinRate(lambda a, b: np.full((len(a), len(b)), 2.0), pool=[hand(0)])
    with pytest.raises(RewardValueError, match=r"chance in \[0, 1\]"):
        odd([hand(0)])


def test_it_is_named_in_a_file() -> None:
    made = chosen_score({"win_rate": {"pair": "tests.evidence.worlds.hands:beats", "size": 8}})
    assert made.size == 8
    assert made.own
