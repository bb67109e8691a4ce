"""Groups as a gymnasium vector environment: the same starts and the same pay as on SB3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.core.episode import Episode
from rewardwrap_envs.ans import ANSWER, WASTE


def lengths(episodes: Sequence[Episode]) -> list[float]:
    """How long each was."""
    return [float(len(e)) for e in episodes]


ENDS = (1, 3, 2, 2)


def acts(t: int) -> Any:
    return np.array([ANSWER if t >= end else WASTE for end in ENDS])


@pytest.mark.parametrize("autoreset", ["next_step", "same_step", "disabled"])
def test_groups_are_paid_on_the_row_on_which_they_end_together(autoreset: str) -> None:
    venv = rw.make_grouped_vector(
        "rewardwrap/Ans-v0", lengths, group=2, n_envs=4, autoreset=autoreset
    )
    obs, _ = venv.reset(seed=3)
    other = rw.make_grouped("rewardwrap/Ans-v0", lengths, group=2, n_envs=4, seed=3)
    assert (obs == other.reset()).all()
    assert (obs[0] == obs[1]).all()
    rows = [venv.step(acts(t)) for t in (1, 2)]
    assert [row[2].tolist() for row in rows] == [[False] * 4, [False, False, True, True]]
    assert [row[1].tolist() for row in rows] == [[0.0] * 4, [0.0] * 4]
    if autoreset == "disabled":
        mask = np.array([False, False, True, True])
        venv.reset(options={"reset_mask": mask})
    *_, last = rows
    row = venv.step(acts(3))
    assert row[1][:2].tolist() == [-1.0, 1.0]
    assert row[2][:2].tolist() == [True, True]
    assert last[4]["episode_terms"]["score"][2:].tolist() == [0.0, 0.0]
    if autoreset == "same_step":
        assert row[4]["final_obs"][0].shape == (3,)


def test_a_limit_is_an_end_or_a_cut_that_is_not_paid() -> None:
    for limit, pay in (("end", [0.0, 0.0]), ("bootstrap", [0.0, 0.0])):
        venv = rw.make_grouped_vector(
            "rewardwrap/Ans-v0",
            lengths,
            group=2,
            n_envs=2,
            limit=limit,
            env_kwargs={"max_episode_steps": 2},
        )  # type: ignore[arg-type]
        venv.reset(seed=0)
        venv.step(np.array([WASTE, WASTE]))
        _, paid, terminated, truncated, _ = venv.step(np.array([WASTE, WASTE]))
        assert paid.tolist() == pay
        assert terminated.tolist() == [limit == "end"] * 2
        assert truncated.tolist() == [limit == "bootstrap"] * 2
        # the row that only resets
        _, paid, terminated, _, _ = venv.step(np.array([ANSWER, ANSWER]))
        assert not terminated.any()
        assert paid.tolist() == [0.0, 0.0]


def test_bad_input_is_one_sentence() -> None:
    with pytest.raises(
        rw.ConfigError, match="autoreset must be one of next_step, same_step, disabled"
    ):
        rw.make_grouped_vector("rewardwrap/Ans-v0", lengths, autoreset="never")
    with pytest.raises(rw.ConfigError, match="multiple of the group, 4, got 6"):
        rw.make_grouped_vector("rewardwrap/Ans-v0", lengths, n_envs=6)
    venv = rw.make_grouped_vector("rewardwrap/Ans-v0", lengths, autoreset="disabled")
    with pytest.raises(rw.ConfigError, match="seed must be one number"):
        venv.reset(seed=[1, 2, 3, 4])
    with pytest.raises(rw.ConfigError, match="reset_mask must name whole groups, got 1 of 4"):
        venv.reset(options={"reset_mask": np.array([True, False, False, False])})
