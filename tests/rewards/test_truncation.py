from __future__ import annotations

import pytest

import rewardwrap as rw
from rewardwrap.rewards.truncation import paying_at_limits, sentence_at_limits

ENV = rw.EnvReward()


@pytest.mark.parametrize(
    ("reward", "name"),
    [
        (ENV + 2 * rw.EpisodeSum(ENV).named("sum"), "EpisodeSum"),
        (rw.Delay(ENV, 4), "Delay"),
        (rw.Sparsify(rw.PAR(ENV, [1.0]), last=True), "Sparsify"),
        (rw.Sparsify(rw.PAR(rw.EpisodeSum(ENV), [1.0]), last=True), "Sparsify"),
        (rw.PAR(rw.EpisodeSum(ENV), [1.0]), "EpisodeSum"),
        (rw.Delta(ENV, on_truncation="end"), "Delta"),
        (rw.refine(ENV, eta=1.0, on_truncation="terminal"), "Delta"),
    ],
)
def test_what_pays_at_a_limit_is_named_with_both_ways_out(reward, name):
    assert type(paying_at_limits(reward)).__name__ == name
    said = sentence_at_limits(reward)
    assert said.startswith(f"{name} must not pay at a time limit")
    assert "the learner adds V(s_T)" in said
    assert 'limit="end"' in said
    assert 'on_truncation="bootstrap"' in said


@pytest.mark.parametrize(
    "reward",
    [
        ENV,
        rw.Delta(ENV),
        rw.refine(ENV, eta=1.0),
        rw.EpisodeSum(ENV, on_truncation="bootstrap"),
        rw.Sparsify(rw.EpisodeSum(ENV), last=True, on_truncation="bootstrap"),
        rw.Sparsify(ENV, 1.0),
        ENV + rw.Potential(lambda obs: obs[:, 0], gamma=0.9, on_truncation="terminal"),
    ],
)
def test_what_pays_nothing_twice_is_silent(reward):
    assert paying_at_limits(reward) is None
    assert sentence_at_limits(reward) is None
