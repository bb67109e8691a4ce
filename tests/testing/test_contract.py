"""The contract passes every registered reward, and names the rule that a broken one breaks."""

from __future__ import annotations

from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.core.registry import registered
from rewardwrap.testing import Chain, check_reward, examples, random_episodes
from rewardwrap.testing.examples import TASK

EXAMPLES = examples()
"""Made once, which takes a quarter of a second; `check_reward` copies what it is given."""
OWN = [tag for tag, cls in registered().items() if cls.__module__.startswith("rewardwrap.")]


@pytest.mark.parametrize("tag", OWN)
def test_every_registered_reward_keeps_the_contract(tag):
    made = EXAMPLES.get(tag, ())
    assert made, (
        f"every registered reward must have an example, got none for {tag}. "
        "Add one to EXAMPLES in rewardwrap/testing/examples.py."
    )
    for reward in made:
        assert check_reward(reward, task=TASK) == ()


def test_a_composition_of_everything_keeps_the_contract():
    rewards = [r for made in EXAMPLES.values() for r in made[:1] if not r.lookahead]
    parts = [r.base if isinstance(r, rw.Named) else r for r in rewards]
    named = [r for part in parts for r in part.walk() if isinstance(r, rw.Named)]
    parts = [p for p in parts if not any(n in p.walk() for n in named)]
    whole = sum((0.5 * p.named(f"term_{i}") for i, p in enumerate(parts)), start=rw.EnvReward())
    assert check_reward(whole, task=TASK) == ()


def test_the_papers_form_of_delta_is_checked_on_logs():
    assert check_reward(rw.Delta(rw.EnvReward(), align="next")) == ()


def test_a_lambda_is_checked_but_for_what_needs_a_name():
    skipped = check_reward(rw.Potential(lambda obs: obs[:, 0] ** 2, gamma=0.9))
    assert len(skipped) == 2
    assert all("Potential.phi has no name to write down" in sentence for sentence in skipped)


def test_your_own_episodes_take_the_place_of_random_ones():
    env = gym.wrappers.TimeLimit(Chain(), 3)
    episodes = []
    for _ in range(3):
        obs, info = env.reset()
        steps = [env.step(1) for _ in range(3)]
        episodes.append(
            {
                "obs": np.array([obs, *(s[0] for s in steps)]),
                "action": np.ones(3, int),
                "reward": [s[1] for s in steps],
                "terminated": [s[2] for s in steps],
                "truncated": [s[3] for s in steps],
                "info": {"place": np.array([i["place"] for i in (info, *(s[4] for s in steps))])},
            }
        )
    seen = rw.function(lambda info: info["place"][:, 1])
    assert len(check_reward(seen, episodes=episodes)) == 2


def test_random_episodes_fit_the_task_and_end_in_every_way(rng):
    made = random_episodes(rng, task=rw.Task(radix=(8, 8)), width=4)
    assert made[0]["obs"].dtype.kind == "i"
    assert max(e["obs"].max() for e in made) < 64
    ends = {(bool(e["terminated"][-1]), bool(e["truncated"][-1])) for e in made}
    assert ends == {(True, False), (False, True), (True, True), (False, False)}


class Memory:
    """Something a frozen reward can write to."""

    def __init__(self) -> None:
        self.value = np.zeros(1)


class Broken(rw.Reward):
    def __call__(self, batch: Any) -> Any:
        return batch.reward.copy()


class Learner(Broken):
    learns: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "memory", Memory())

    def state_arrays(self):
        return {"value": self.memory.value}

    def load_state_arrays(self, arrays):
        self.memory.value = np.array(arrays["value"])


@rw.register("broken_single")
class SinglePrecision(Broken):
    def __call__(self, batch):
        return batch.reward.astype(np.float32)


@rw.register("broken_shape")
class OneNumber(Broken):
    def __call__(self, batch):
        return 1.0


@rw.register("broken_nan")
class Logarithm(Broken):
    def __call__(self, batch):
        return np.where(batch.reward > 0, batch.reward, np.nan)


@rw.register("broken_batch")
class WritesIntoTheBatch(Broken):
    def __call__(self, batch):
        batch.reward[:] *= 2
        return batch.reward.copy()


@rw.register("broken_buffer")
class ReturnsOneBuffer(Learner):
    def step(self, carry, batch):
        if len(self.memory.value) != batch.lanes:
            self.memory.value = np.zeros(batch.lanes)
        self.memory.value[:] = batch.reward
        return carry, self.memory.value


@rw.register("broken_lanes")
class MinusTheMean(Broken):
    def __call__(self, batch):
        return batch.reward - batch.reward.mean()


@rw.register("broken_first")
class NeverForgets(Broken):
    def init(self, lanes):
        return np.zeros(lanes)

    def step(self, carry, batch):
        return carry + batch.reward, carry + batch.reward


@rw.register("broken_future")
class Prophet(Broken):
    def over_time(self, batch):
        return batch.reward + batch.reward.sum()


@rw.register("broken_config")
class HiddenSetting(Broken):
    def __call__(self, batch):
        return batch.reward + self.__dict__.get("bonus", 0.0)


@rw.register("broken_evaluation")
class LearnsInEvaluation(Learner):
    def __call__(self, batch):
        self.memory.value = self.memory.value + batch.lanes
        return batch.reward.copy()


@rw.register("broken_secret")
class LearnsInSecret(Learner):
    learns: ClassVar[bool] = False

    def __call__(self, batch):
        if batch.training:
            self.memory.value = self.memory.value + batch.lanes
        return batch.reward.copy()


@rw.register("broken_state")
class KeepsKnowledgeToItself(Learner):
    def state_arrays(self):
        return {}

    def __call__(self, batch):
        if batch.training:
            self.memory.value = self.memory.value + batch.lanes
        return batch.reward + self.memory.value


@rw.register("broken_lane")
class AnotherFormulaForOneLane(Broken):
    def write(self, code):
        return "(reward + 1.0)"


@rw.register("broken_poison")
class LearnsNaN(Learner):
    def __call__(self, batch):
        if batch.training:
            self.memory.value = self.memory.value + batch.reward.sum()
        return batch.reward.copy()


@rw.register("broken_object")
class SavesObjects(Learner):
    def state_arrays(self):
        return {"value": np.array([None])}

    def load_state_arrays(self, arrays):
        pass


class Modest(Broken):
    """Says of itself that it does nothing of what others must know."""

    reads_obs: ClassVar[bool] = False
    shaping: ClassVar[bool] = False
    pays_at_end: ClassVar[bool] = False


@rw.register("broken_draws")
class DrawsInSecret(Modest):
    def __post_init__(self) -> None:
        object.__setattr__(self, "rng", np.random.default_rng(0))

    def __call__(self, batch):
        return self.rng.random(batch.lanes)


@rw.register("broken_obs")
class ReadsInSecret(Modest):
    def __call__(self, batch):
        return batch.next_obs[:, 0].astype(np.float64)


@rw.register("broken_discount")
class DiscountsInSecret(Modest):
    def __call__(self, batch):
        return batch.reward * batch.task.gamma


@rw.register("broken_clock")
class MindsTheClockInSecret(Modest):
    def __call__(self, batch):
        return batch.reward + batch.truncated


@pytest.mark.parametrize(
    ("cls", "rule"),
    [
        (SinglePrecision, "finite float64 array"),
        (OneNumber, "finite float64 array"),
        (Logarithm, "finite float64 array"),
        (WritesIntoTheBatch, "got another reward"),
        (ReturnsOneBuffer, "a returned array that changed later"),
        (MinusTheMean, "alone or beside others"),
        (NeverForgets, "pay two joined episodes what it pays them apart"),
        (Prophet, "whatever comes more than 0 steps later"),
        (LearnsInEvaluation, "learn only while batch.training"),
        (LearnsInSecret, "Set learns = True"),
        (DrawsInSecret, "Set stochastic = True"),
        (ReadsInSecret, "Set reads_obs = True"),
        (DiscountsInSecret, "Set shaping = True"),
        (MindsTheClockInSecret, "Set pays_at_end = True"),
        (KeepsKnowledgeToItself, "come back from"),
        (AnotherFormulaForOneLane, "pay on a single lane what it pays in step"),
        (LearnsNaN, "never learn from NaN"),
        (SavesObjects, "got objects in 0.value"),
    ],
)
def test_a_broken_reward_is_told_the_rule_that_it_breaks(cls, rule):
    with pytest.raises(AssertionError, match=rule) as caught:
        check_reward(cls())
    sentence = str(caught.value)
    assert sentence.startswith(f"{cls.__name__} must ")
    assert sentence.endswith(".")


def test_a_setting_outside_the_fields_does_not_come_back():
    reward = HiddenSetting()
    object.__setattr__(reward, "bonus", 1.0)
    with pytest.raises(AssertionError, match="come back from its configuration"):
        check_reward(reward)


def test_a_class_without_a_tag_is_asked_to_register():
    with pytest.raises(rw.ConfigError, match="must be registered"):
        check_reward(Broken())


def test_a_reward_that_needs_a_field_is_refused_without_its_task():
    with pytest.raises(rw.UnknownName, match="torso_z"):
        check_reward(rw.Potential("torso_z", gamma=0.9))


def test_checking_leaves_the_reward_as_it_was():
    reward = rw.Normalize(rw.EnvReward(), gamma=0.9)
    before = reward.state_dict()
    check_reward(reward)
    after = reward.state_dict()
    assert all(np.array_equal(before[name], after[name]) for name in before)
