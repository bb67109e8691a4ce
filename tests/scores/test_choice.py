"""A score from a tag, a function's name or plain data, and back."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

import rewardwrap as rw
from rewardwrap.core.episode import Episode
from rewardwrap.scores import Concise, Return, chosen_score


def shortest(episodes: Sequence[Episode]) -> list[int]:
    """A score of one's own."""
    return [-len(episode) for episode in episodes]


HERE = f"{__name__}:shortest"


@pytest.mark.parametrize(
    "written",
    [
        {"concise": {"steps": [2, 9], "alpha": 0.25, "scorer": {"return": {"gamma": 0.5}}}},
        {"concise": {"outcome": {"return": {}}, "anneal": [1.0, 0.0, 50]}},
        {"concise": {"outcome": {"sign": {"base": {"env": {}}}}}},
        {"concise": {"outcome": HERE, "steps": None, "scorer": HERE}},
        {"return": {"gamma": 0.5}},
        {"hybrid": {"rule": "is_success", "confidence": "checkable"}},
        {
            "calibrated": {
                "model": "said",
                "pattern": {"reasoning_pattern": {"patterns": ["looked"]}},
            }
        },
    ],
)
def test_what_is_written_down_is_read_back(written: dict[str, object]) -> None:
    grouped = rw.from_config({"grouped": {"score": written, "group": 2}})
    assert grouped.to_config() == {"grouped": {"score": written, "group": 2}}
    assert rw.from_config(grouped.to_config()).to_config() == grouped.to_config()


def test_a_tag_a_function_and_a_value_without_a_name_stand_for_themselves() -> None:
    assert isinstance(chosen_score("concise"), Concise)
    halved = chosen_score({"return": 0.5})
    assert isinstance(halved, Return)
    assert halved.gamma == 0.5
    assert chosen_score(HERE) is shortest
    assert chosen_score(shortest) is shortest
    assert rw.Grouped(HERE).to_config() == {"grouped": {"score": HERE}}


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ({"concise": {"alfa": 1}}, 'No field of concise "alfa". Did you mean "alpha"'),
        ("concize", 'No score "concize". Did you mean "concise"'),
        ({"exemplar": {}}, "exemplar must have store, got nothing"),
        ({"concise": {}, "return": {}}, "must have exactly one tag, got concise, return"),
        ("nowhere:score", 'importable "module:function", got "nowhere:score"'),
        (rw.EnvReward(), "must be a callable on finished episodes, got EnvReward"),
    ],
)
def test_bad_input_is_one_sentence(written: object, sentence: str) -> None:
    with pytest.raises(rw.RewardwrapError, match=sentence):
        rw.Grouped(written)  # type: ignore[arg-type]
