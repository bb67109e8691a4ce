"""Rewards as a table of targets."""

from __future__ import annotations

import json

import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.core.errors import ConfigError, UnknownName
from rewardwrap.llm.client import Completion, Request, Usage
from rewardwrap.llm.parameters import (
    Term,
    correction_request,
    first_table_request,
    from_json,
    read_correction,
    read_table,
    reward_of,
    to_json,
)
from rewardwrap.llm.prompt import Scene

TABLE = {
    "up": {"of": "pole_cos", "target": 1.0, "weight": 2.0},
    "slow": {"of": "pole_angular_velocity", "scale": 8.0, "norm": "smooth_abs", "weight": 0.1},
    "effort": {"of": "action", "weight": 0.01},
}
ASK = Request(({"role": "user", "content": "-"},))


def answer(data: object, text: str = "```json\n{}\n```", reason: str = "stop") -> Completion:
    return Completion(text.replace("{}", json.dumps(data)), Usage(1, 1), reason)


def test_the_table_becomes_the_sum_it_says(pendulum: Scene) -> None:
    reward = reward_of(read_table(answer(TABLE), pendulum))
    log = {
        "obs": np.array([[1.0, 0.0, 0.0], [0.5, 0.5, 6.0]]),
        "action": np.array([[2.0]]),
        "reward": [0.0],
        "terminated": [False],
        "truncated": [False],
    }
    by_hand = -2.0 * 0.5**2 - 0.1 * (np.sqrt((6.0 / 8.0) ** 2 + 1.0) - 1.0) - 0.01 * 4.0
    assert rw.relabel(reward, log, env="Pendulum-v1") == pytest.approx([by_hand])


def test_json_round_trips(pendulum: Scene) -> None:
    table = read_table(answer(TABLE), pendulum)
    assert from_json(to_json(table), pendulum) == table


def test_no_terms_weight_means_no_reward(pendulum: Scene) -> None:
    table = {"up": Term("pole_cos", target=1.0, weight=0.0)}
    log = {
        "obs": np.zeros((3, 3)),
        "action": np.zeros((2, 1)),
        "reward": [0.0] * 2,
        "terminated": [False] * 2,
        "truncated": [False] * 2,
    }
    assert not rw.relabel(reward_of(table), log, env="Pendulum-v1").any()


def test_a_correction_changes_the_term_it_names_and_no_other(pendulum: Scene) -> None:
    table = read_table(answer(TABLE), pendulum)
    new = read_correction(answer({"slow": {"of": "pole_angular_velocity"}}), table, pendulum)
    assert new["slow"] == Term("pole_angular_velocity")
    assert {k: v for k, v in new.items() if k != "slow"} == {
        k: v for k, v in table.items() if k != "slow"
    }
    assert set(read_correction(answer({"slow": None}), table, pendulum)) == {"up", "effort"}
    with pytest.raises(ConfigError, match="must change one term, got 2"):
        read_correction(answer({"up": None, "slow": None}), table, pendulum)
    with pytest.raises(UnknownName, match='No term "fast"'):
        read_correction(answer({"fast": None}), table, pendulum)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"of": "pole_height"}, 'No field .term up. "pole_height"'),
        ({"of": "pole_cos", "target": 3.0}, "target must lie in the range of pole_cos"),
        ({"of": "pole_cos", "scale": 0}, "scale must be above 0"),
        ({"of": "pole_cos", "weight": 99}, "weight must lie in"),
        ({"of": "pole_cos", "weight": "big"}, "weight must be a finite number"),
        ({"of": "pole_cos", "weight": float("nan")}, "weight must be a finite number"),
        ({"of": "pole_cos", "norm": "cube"}, 'No norm .term up. "cube"'),
        ({"of": "pole_cos", "wieght": 1.0}, 'No key of term up "wieght"'),
        ({"target": 1.0}, "must say what it is of"),
    ],
)
def test_a_bad_row_is_refused_by_name(pendulum: Scene, row: object, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_table(answer({"up": row}), pendulum)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (answer({}, "I would rather not."), "must hold a JSON table"),
        (answer([1, 2]), "must map names to terms"),
        (answer({}), "must have 1 to 8 terms"),
        (answer({"Up!": {"of": "pole_cos"}}), "short snake_case name"),
        (answer({"up": {"of": "pole_cos"}}, reason="length"), "cut off"),
    ],
)
def test_an_answer_that_is_no_table_is_said(pendulum: Scene, made: Completion, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_table(made, pendulum)


def test_the_requests_show_fields_table_and_words(pendulum: Scene) -> None:
    first = first_table_request(pendulum, "stand up", ask=ASK)
    assert "pole_angular_velocity" in first.messages[1]["content"]
    table = read_table(answer(TABLE), pendulum)
    later = correction_request(first, table, "less effort", ask=ASK)
    assert "less effort" in later.messages[-1]["content"]
    assert '"effort"' in later.messages[-1]["content"]
