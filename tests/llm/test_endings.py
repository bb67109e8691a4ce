"""The analyser names where failures end: planted holes, a cliff, a fall, the clock."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.llm.endings import Ending, endings, summary
from rewardwrap.training.folder import bundle_in
from rewardwrap_envs import recipe

HOLES = [(2, 3), (3, 5), (4, 3), (5, 1), (5, 2), (5, 6), (6, 1), (6, 4), (6, 6), (7, 3)]


def walk(hole: tuple[int, int], rng: np.random.Generator) -> tuple[list[list[float]], Ending]:
    """A way on an 8x8 lake that ends in a hole after a step down."""
    seen = [
        [float(rng.integers(8)), float(rng.integers(8))] for _ in range(int(rng.integers(4, 20)))
    ]
    place = {"row": float(hole[0]), "column": float(hole[1])}
    return seen, Ending(True, True, place, 1, 0.4)


@pytest.mark.parametrize("hole", HOLES)
def test_a_planted_hole_is_named(hole: tuple[int, int]) -> None:
    rng = np.random.default_rng(sum(hole))
    steps, found = [], []
    for i in range(20):
        # three of twenty end elsewhere, by the clock
        seen, end = walk(hole if i < 17 else (0, 0), rng)
        steps += seen
        found.append(end if i < 17 else Ending(True, False, {"row": 0.0, "column": 3.0}, 2, 0.0))
    assert summary(found, np.array(steps)) == (
        f"17 of 20 episodes fail and end by termination at row {hole[0]}, column {hole[1]}, after action 1; "
        "the reward paid +0.4 on that step."
    )


def test_a_fall_is_named_by_what_is_narrow_at_the_end() -> None:
    rng = np.random.default_rng(0)
    seen = np.stack([rng.uniform(0.7, 1.3, 500), rng.uniform(-2, 2, 500)], axis=1)
    ends = [
        Ending(
            True,
            True,
            {"torso_z": rng.normal(0.69, 0.005), "speed": rng.uniform(-2, 2)},
            None,
            -1.0,
        )
        for _ in range(10)
    ]
    assert summary(ends, seen) == (
        "10 of 10 episodes fail and end by termination at torso_z 0.689; the reward paid -1 on that step."
    )


def test_nothing_is_said_where_nothing_fails() -> None:
    assert summary([Ending(False, True, {"row": 7.0}, 1, 1.0)], np.zeros((3, 1))) == ""


def test_the_episodes_of_a_trained_agent_are_played(tmp_path: Path) -> None:
    # paid for falling: the pole goes over at once
    run = rw.train(
        "CartPole-v1", reward=rw.Constant(-1.0), steps=256, seed=0, out=tmp_path,
        eval_episodes=1, eval_freq=128,
        hyperparameters={"n_envs": 2, "n_steps": 64, "batch_size": 64, "n_epochs": 1},
    )  # fmt: skip
    found, seen = endings(bundle_in(run.folder, "last"), recipe("CartPole-v1"), episodes=5)
    assert len(found) == 5
    assert seen.shape[1] == 4
    assert all(each.failed and each.terminated and each.paid == -1.0 for each in found)
    assert "5 of 5 episodes fail and end by termination" in summary(found, seen)
