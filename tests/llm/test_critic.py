"""What is wrong with a reward that runs."""

from __future__ import annotations

import numpy as np
import pytest

from rewardwrap.llm.critic import examine, read_source

RNG = np.random.default_rng(0)
TRUE = RNG.normal(size=200)


def names(**terms: np.ndarray) -> list[tuple[str, bool]]:
    episode = {"env": TRUE, **terms, "shaped": np.sum(list(terms.values()), axis=0)}
    return [(objection.name, objection.fatal) for objection in examine([episode])]


def test_an_honest_reward_has_nothing_wrong_with_it() -> None:
    assert names(height=RNG.normal(size=200), effort=-0.1 * np.square(RNG.normal(size=200))) == []


def test_a_copy_of_the_true_reward_is_a_leak_under_any_scale() -> None:
    assert names(total=3.0 * TRUE - 1.0) == [("leak", True)]


@pytest.mark.parametrize("source", ["return info['reward_forward']", "x = next_obs.reward_ctrl"])
def test_reading_the_environments_own_terms_is_a_leak(source: str) -> None:
    (objection,) = read_source(source, ["reward_forward", "reward_ctrl"])
    assert objection.name == "leak"
    assert objection.fatal


def test_a_local_variable_called_success_is_no_leak_and_a_field_behind_it_is() -> None:
    own = "    success = next_obs.height > 1.0\n    return np.where(success, 1.0, 0.0)"
    assert read_source(own, ["reward_ctrl"]) == []
    for leak in ("success = info['is_success']", "success = info.success", "return success"):
        assert [o.name for o in read_source(leak, [])] == ["leak"]
    # a part of that name in the answer says nothing about where its numbers come from
    assert [o.name for o in read_source('return x, {"success": x}', [])] == ["leak"]


def test_a_comment_about_success_is_no_leak() -> None:
    assert read_source("# pays for success\nreturn next_obs.height", ["reward_ctrl"]) == []


def test_a_constant_term_is_said_and_a_constant_reward_is_refused() -> None:
    assert names(height=RNG.normal(size=200), zero=np.zeros(200)) == [("constant", False)]
    assert names(one=np.ones(200)) == [("constant", True)]


def test_a_term_that_pays_whatever_happens_is_flooding() -> None:
    alive = 5.0 + 0.1 * RNG.normal(size=200)
    assert names(alive=alive, height=0.1 * RNG.normal(size=200)) == [("flooding", True)]


def test_a_large_term_that_depends_on_the_agent_is_no_flooding() -> None:
    assert names(speed=5.0 * RNG.normal(size=200), height=0.01 * RNG.normal(size=200)) == []


def test_a_huge_scale_is_said_but_may_be_trained() -> None:
    assert names(speed=1e5 * RNG.normal(size=200)) == [("scale", False)]
