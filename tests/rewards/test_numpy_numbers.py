"""Settings that come out of numpy must work as Python's own do, in the scalar path's text too."""

from __future__ import annotations

import numpy as np
import pytest

import rewardwrap as rw

f, n = np.float64, np.int64


@pytest.mark.parametrize(
    ("made", "plain"),
    [
        (rw.Delta(rw.EnvReward(), gamma=f(0.5)), rw.Delta(rw.EnvReward(), gamma=0.5)),
        (rw.Delay(rw.EnvReward(), n(2)), rw.Delay(rw.EnvReward(), 2)),
        (
            rw.Normalize(rw.EnvReward(), gamma=f(0.5), bound=f(1), warmup=n(3)),
            rw.Normalize(rw.EnvReward(), gamma=0.5, bound=1, warmup=3),
        ),
        (
            rw.Gate(rw.EnvReward(), hard=(rw.EnvReward() - 2.0,), hint=f(1)),
            rw.Gate(rw.EnvReward(), hard=(rw.EnvReward() - 2.0,), hint=1),
        ),
        (
            rw.Sticky(rw.EnvReward(), factor=f(0.1), steps=n(1)),
            rw.Sticky(rw.EnvReward(), factor=0.1, steps=1),
        ),
        (rw.Progress(rw.EnvReward(), start_at=f(1)), rw.Progress(rw.EnvReward(), start_at=1)),
        (
            rw.refine(rw.EnvReward(), eta=f(1), alpha=f(2)),
            rw.refine(rw.EnvReward(), eta=1, alpha=2),
        ),
    ],
)
def test_numpy_numbers_are_numbers(log, play, made, plain):
    episode = log([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(play(made, episode), play(plain, episode))
    assert made.to_config() == plain.to_config()
