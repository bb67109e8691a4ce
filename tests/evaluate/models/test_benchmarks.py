"""The published protocols on candidates that were played in Pendulum."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap import evaluate as ev
from rewardwrap.evaluate.models.items import play, true_return
from rewardwrap.evaluate.models.renderings import rounded
from rewardwrap.scores import Return
from rewardwrap.statistics import ScoresError
from rewardwrap_policies import controller

STEPS = 40


def nothing(episodes: Any) -> list[float]:
    return [0.0] * len(episodes)


def _items(count: int, wrong: int) -> list[ev.Item]:
    env = gym.make("Pendulum-v1")
    found = ev.best_of_items(
        env, controller("Pendulum-v1"),
        items=count, wrong=wrong, steps=STEPS, margin=10.0, rng=np.random.default_rng(0),
    )  # fmt: skip
    env.close()
    return found


@pytest.fixture(scope="module")
def four() -> list[ev.Item]:
    return _items(12, 3)


def test_candidates_start_alike_and_differ_by_the_margin(four: list[ev.Item]) -> None:
    for item in four:
        starts = [episode.obs[0] for episode in (*item.right, *item.wrong)]
        assert all((start == starts[0]).all() for start in starts)
        worst = max(true_return(episode) for episode in item.wrong)
        assert true_return(item.right[0]) - worst >= 10.0


def test_the_true_reward_is_perfect_and_a_constant_one_guesses(four: list[ev.Item]) -> None:
    perfect = ev.best_of_benchmark(ev.reward_scorer("env"), four)
    assert (perfect.accuracy, perfect.reciprocal_rank) == (1.0, 1.0)
    assert perfect.random_accuracy == 0.25
    blind = ev.best_of_benchmark(nothing, four)
    assert blind.accuracy == pytest.approx(0.25)


def test_one_against_nine_is_harder_than_one_against_three() -> None:
    nine = _items(8, 9)

    def lazy(episodes: Any) -> list[float]:
        return [-float(np.square(episode.action).sum()) for episode in episodes]

    hard = ev.best_of_benchmark(lazy, nine)
    assert hard.candidates == 10
    assert hard.random_accuracy == pytest.approx(0.1)
    assert hard.random_reciprocal_rank == pytest.approx(0.2929, abs=1e-4)
    easy = [ev.Item(item.prompt, item.right, item.wrong[:3]) for item in nine]
    assert hard.accuracy <= ev.best_of_benchmark(lazy, easy).accuracy


def test_a_composed_reward_is_a_scorer(four: list[ev.Item]) -> None:
    upright = ev.reward_scorer(rw.Function(lambda next_obs: next_obs[:, 0]))
    assert ev.best_of_benchmark(upright, four).accuracy > 0.9


def test_a_reward_that_knows_left_from_right_is_caught_in_the_mirror(four: list[ev.Item]) -> None:
    ways = {"mirrored": ev.mirrored_pendulum, "rounded": rounded(2)}
    fair = ev.rendering_benchmark(
        lambda episodes: [e.obs[1:, 0].sum() for e in episodes], four, ways
    )
    assert fair.consistency == 1.0
    assert fair.spread == 0.0
    assert set(fair.accuracy) == {"as played", "mirrored", "rounded"}
    lopsided = ev.rendering_benchmark(
        lambda episodes: [e.obs[1:, 1].sum() for e in episodes], four, ways
    )
    assert lopsided.consistency < 1.0


def test_the_mirror_keeps_every_reward(four: list[ev.Item]) -> None:
    env = gym.make("Pendulum-v1")
    episode = four[0].right[0]
    mirrored = ev.mirrored_pendulum(episode)
    env.reset(seed=0)
    inner: Any = env.unwrapped
    for t in range(5):
        cos, sin, velocity = (float(x) for x in mirrored.obs[t])
        inner.state = np.array([np.arctan2(sin, cos), velocity])
        _, reward, *_ = env.step(mirrored.action[t])
        assert reward == pytest.approx(episode.reward[t], abs=1e-4)
    env.close()


def test_ties_come_with_twins_and_close_returns() -> None:
    env = gym.make("Pendulum-v1")
    tied, single = ev.ties_items(
        env, controller("Pendulum-v1"), items=3, right=3, wrong=2,
        steps=STEPS, spread=15.0, margin=20.0, rng=np.random.default_rng(0),
    )  # fmt: skip
    env.close()
    for item, twin in zip(tied, single, strict=True):
        assert (len(item.right), len(item.wrong), len(twin.right), len(twin.wrong)) == (3, 2, 1, 2)
        assert np.ptp([true_return(e) for e in item.right]) <= 15.0
    assert ev.ties_benchmark(Return(), tied, single).score == pytest.approx(1.0, abs=0.011)
    assert ev.ties_benchmark(nothing, tied, single).score < 0


def test_verdicts_are_held_against_outcomes_that_were_checked() -> None:
    env = gym.make("MountainCar-v0")
    episodes, reached = ev.verified_items(
        env, controller("MountainCar-v0"), lambda e: bool(e.terminated[-1]),
        each=4, steps=200, rng=np.random.default_rng(0),
    )  # fmt: skip
    env.close()
    assert reached.sum() == 4
    high = np.array([e.obs[:, 0].max() >= 0.5 for e in episodes])
    assert ev.verified_accuracy(high, reached).accuracy == 1.0
    always = ev.verified_accuracy(np.ones(8, dtype=bool), reached)
    assert (always.balanced, always.successes, always.failures) == (0.5, 1.0, 0.0)


def test_items_that_cannot_be_found_are_refused() -> None:
    env = gym.make("Pendulum-v1")
    with pytest.raises(ScoresError, match="must be found in 50 start states, got 0 of 1"):
        ev.best_of_items(
            env, controller("Pendulum-v1"),
            items=1, wrong=1, steps=2, margin=1e6, rng=np.random.default_rng(0),
        )  # fmt: skip
    env.close()


def test_bad_input_is_refused(four: list[ev.Item]) -> None:
    with pytest.raises(ScoresError, match="got no items"):
        ev.best_of_benchmark(true_return, [])
    mixed = [four[0], ev.Item(0, four[0].right, four[0].wrong[:1])]
    with pytest.raises(ScoresError, match="equally many wrong"):
        ev.best_of_benchmark(true_return, mixed)
    with pytest.raises(ScoresError, match="at least one other way"):
        ev.rendering_benchmark(true_return, four, {})
    with pytest.raises(ScoresError, match="must hold both outcomes"):
        ev.verified_accuracy(np.ones(2, dtype=bool), np.ones(2, dtype=bool))
    with pytest.raises(ScoresError, match="must be bool"):
        ev.verified_accuracy([0.2, 0.7], np.array([True, False]))
    env = gym.make("Pendulum-v1")
    with pytest.raises(ScoresError, match="spread must lie in \\(0, margin\\)"):
        ev.ties_items(
            env, controller("Pendulum-v1"), items=1, right=2, wrong=1,
            steps=2, spread=5.0, margin=1.0, rng=np.random.default_rng(0),
        )  # fmt: skip
    env.close()


def test_an_episode_is_what_relabel_reads() -> None:
    env = gym.make("CartPole-v1")
    rng = np.random.default_rng(0)
    episode = play(env, lambda obs: 0, prompt=3, steps=500, rng=rng)
    env.close()
    assert episode.terminated[-1]
    assert rw.relabel("env", episode.columns()).sum() == true_return(episode)
