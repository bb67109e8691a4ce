"""The audit on played episodes: planted exploits are found, honest episodes are not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.evaluate.audit.ensembles import Disagrees
from rewardwrap.evaluate.audit.live import bounds
from rewardwrap.evaluate.audit.play import play, random_behaviour, scripted_behaviour
from rewardwrap.evaluate.audit.record import Record
from rewardwrap.evaluate.audit.watch import Watch
from rewardwrap_policies.scripted import CONTROLLERS

GAMMA = 0.99


@rw.register("test_audit_one_sided")
class OneSided(rw.Reward):
    """Progress is paid, going back is free."""

    def __call__(self, batch: rw.Transitions) -> Any:
        after, before = (
            np.asarray(o) // 8 + np.asarray(o) % 8 for o in (batch.next_obs, batch.obs)
        )
        return np.maximum(0.0, (after - before) / 14.0)


@rw.register("test_audit_committee")
class Committee(rw.Reward):
    """Members that disagree by the distance from the start."""

    def __call__(self, batch: rw.Transitions) -> Any:
        return np.full(batch.lanes, 0.01)

    def disagreement(self, batch: rw.Transitions) -> Any:
        return np.abs(batch.next_obs[:, 0])


def audited(
    env: str,
    reward: rw.Reward,
    behaviour: Callable[[Any], Any] | None = None,
    *,
    episodes: int = 10,
    lanes: int = 1,
    learner: float = GAMMA,
) -> Record:
    venv = rw.make(env, reward, n_envs=lanes, seed=0, gamma=None if learner != GAMMA else GAMMA)
    watch = Watch(
        venv.term_names, lanes, gamma=learner, reward=venv.reward, task=venv.task,
        bounds=bounds(venv.observation_space),
    )  # fmt: skip
    play(
        venv, behaviour or random_behaviour(venv, np.random.default_rng(0)), watch, episodes, seed=0
    )
    venv.close()
    return watch.record()


def signals(record: Record) -> set[str]:
    return {finding.signal for finding in record.findings}


def shuttle(obs: Any) -> Any:
    return np.where(np.asarray(obs) % 8 == 0, 2, 0)


def test_a_planted_loop_is_found_in_the_first_ten_episodes_with_its_evidence() -> None:
    record = audited("FrozenLake-8x8", rw.EnvReward() + OneSided().named("progress"), shuttle)
    (loop,) = [f for f in record.findings if f.signal == "loop"]
    assert loop.term == "progress"
    assert loop.episodes == list(range(10))
    assert loop.clip is not None
    assert loop.clip.terms.shape[1] == 3
    assert "came back" in loop.evidence[0]
    assert loop.where.startswith("seen in 10 episodes, first in episode 0 (step 100)")


def test_the_same_walk_under_a_potential_is_not_flagged() -> None:
    phi = {"row": 1 / 14, "column": 1 / 14}
    for bias in (0.0, -1.0):
        reward = rw.EnvReward() + rw.Potential({**phi, "bias": bias}).named("potential")
        record = audited("FrozenLake-8x8", reward, shuttle, episodes=30)
        assert not len(record.findings), bias
        assert np.abs(record.residual).max() < 1e-12


def test_a_planted_bonus_for_staying_is_found_in_the_first_ten_episodes() -> None:
    reward = rw.EnvReward() + rw.Constant(2.0).named("alive")
    record = audited("MountainCar-v0", reward, lambda obs: np.ones(len(obs), int))
    (stay,) = [f for f in record.findings if f.signal == "survival"]
    assert stay.term == "alive"
    assert stay.episodes[0] == 0
    assert "200.0" not in stay.what


@pytest.mark.filterwarnings("ignore::rewardwrap.RewardwrapWarning")  # Phi < 0 where a pole falls
@pytest.mark.parametrize("env", ["MountainCar-v0", "CartPole-v1", "Pendulum-v1", "Acrobot-v1"])
def test_honest_controllers_are_not_flagged(env: str) -> None:
    below_zero = rw.Potential(lambda obs: -5 - np.abs(obs[:, 0])).named("potential")
    for reward in (rw.EnvReward(), rw.EnvReward() + below_zero):
        record = audited(env, reward, scripted_behaviour(CONTROLLERS[env], 2), lanes=2, episodes=4)
        assert not len(record.findings)


def test_a_potential_under_another_discount_than_the_learners_is_a_bug() -> None:
    reward = rw.EnvReward() + rw.Potential({"row": 1.0}, gamma=0.9).named("potential")
    walk = scripted_behaviour(CONTROLLERS["FrozenLake-8x8"], 1)
    record = audited("FrozenLake-8x8", reward, walk, learner=0.95)
    (found,) = record.findings
    assert (found.signal, found.term, found.bug) == ("telescope", "potential", True)


def test_a_clipped_potential_is_a_bug_that_says_why() -> None:
    clipped = rw.Potential({"row": 1.0}).clip(low=0.0)
    walk = scripted_behaviour(CONTROLLERS["FrozenLake-8x8"], 1)
    record = audited("FrozenLake-8x8", rw.EnvReward() + clipped.named("potential"), walk)
    (found,) = [f for f in record.findings if f.signal == "telescope"]
    assert "is bounded after shaping" in " ".join(found.evidence)


def test_a_potential_inside_a_product_is_said_not_to_be_checked() -> None:
    inside = rw.Potential({"row": 1.0}) * rw.Constant(2.0)
    record = audited("FrozenLake-8x8", rw.EnvReward() + inside.named("both"))
    assert record.notes == [
        'The potential inside "both" was not checked: it is not an addend of its own, '
        "and what surrounds it may break the telescope."
    ]


def test_a_term_that_is_not_finite_is_named() -> None:
    watch = Watch(("env", "log", "shaped"), 1, gamma=GAMMA)
    watch.begin(np.zeros((1, 1)))
    for value in (1.0, np.nan, 1.0):
        watch.step([[1.0, value, 1.0]], np.zeros((1, 1)))
    watch.end(0, 3, terminated=True, last=np.zeros(1), first=np.zeros(1))
    (found,) = watch.record().findings
    assert (found.signal, found.term, found.bug) == ("finite", "log", True)
    assert found.evidence == ("First at step 1 of episode 0.",)


def test_an_episode_paid_unlike_the_others_is_an_outlier() -> None:
    rng = np.random.default_rng(0)
    watch = Watch(("env", "bonus", "shaped"), 1, gamma=GAMMA)
    watch.begin(None)
    for episode in range(40):
        bonus = 1000.0 if episode == 36 else float(rng.normal())
        true = float(rng.normal(5.0))
        watch.step([[true, bonus, true + bonus]], None)
        watch.end(0, episode + 1, terminated=True)
    (found,) = [f for f in watch.record().findings if f.signal == "outlier"]
    assert found.episodes == [36]
    assert watch.record().notes[0].startswith("Observations could not be had")


def test_disagreement_of_a_committee_is_recorded() -> None:
    reward = rw.EnvReward() + Committee().named("model")
    assert isinstance(Committee(), Disagrees)
    record = audited("MountainCar-v0", reward, lambda obs: np.ones(len(obs), int), episodes=2)
    assert np.isfinite(record.columns["disagreement"]).all()


def test_disagreement_that_rises_with_the_pay_is_found() -> None:
    watch = Watch(("env", "model", "disagreement", "shaped"), 1, gamma=GAMMA)
    watch.begin(None)
    for episode in range(60):
        for _ in range(40):
            watch.step([[0.0, 0.1 * episode, 0.01 * episode, 0.1 * episode]], None)
        watch.end(0, 40 * (episode + 1), terminated=True)
    assert "disagreement" in signals(watch.record())


def test_sums_and_discounted_sums_are_those_of_the_adapter() -> None:
    reward = rw.EnvReward() + 0.5 * rw.Constant(1.0).named("alive")
    record = audited("CartPole-v1", reward, lanes=2, episodes=8)
    lengths = record.columns["length"]
    assert record.true.tolist() == lengths.tolist()
    assert record.shaped == pytest.approx(1.5 * lengths)
    expected = (1 - GAMMA**lengths) / (1 - GAMMA)
    assert record.discounted[:, 0] == pytest.approx(expected)


def test_long_trainings_keep_a_bounded_sample(rng: np.random.Generator) -> None:
    watch = Watch(("env", "shaped"), 8, gamma=GAMMA, rng=rng)
    watch.begin(np.zeros((8, 2)))
    step = 0
    for _ in range(40):
        for _ in range(300):
            watch.step(np.ones((8, 2)), np.zeros((8, 2)))
        step += 2400
        for lane in range(8):
            watch.end(lane, step, terminated=True, last=np.zeros(2), first=np.zeros(2))
    record = watch.record()
    assert record.episodes == 320
    assert 15_000 < len(record.steps) <= 40_000
    assert record.places[:, 0].max() <= step
    assert (record.columns["length"] == 300).all()
