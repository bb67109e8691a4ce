"""The same actions pay the same, whatever the host: for every registered reward and kind of space."""

from __future__ import annotations

import copy
from functools import cache, partial

import gymnasium as gym
import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.core.registry import registered
from rewardwrap.testing import (
    BoxActionChain,
    Chain,
    DictChain,
    DigitChain,
    ImageChain,
    ReusingChain,
    TupleChain,
    examples,
)
from rewardwrap.testing.examples import HERE, INFO, TASK

CHEAP = ["sync_next_step", "sync_same_step", "sync_disabled", "dummy", "logged"]
PROCESSES = ["async_next_step", "async_same_step", "subproc_fork", "subproc_server"]
EVERYTHING = [
    "env",
    {"potential": {"phi": f"{HERE}:brightness"}, "name": "bright"},
    {"potential": {"phi": f"{HERE}:closeness", "on_truncation": "terminal"}, "name": "close"},
    {"field": {"position": 1.0, "progress": -0.5}, "weight": 0.5, "clip": [0.2, 0.9], "name": "at"},
    {"function": f"{HERE}:outcome", "weight": 0.1},
    {"minimum": {"terms": [{"native": "progress"}, {"function": f"{HERE}:effort"}]}, "weight": -2},
]


def online(reward: rw.Reward) -> bool:
    """Whether every host pays it alone; groups have hosts of their own."""
    return not reward.lookahead and not any(isinstance(n, rw.Grouped) for n in reward.walk())


EXAMPLES = examples()
"""Made once, which takes a quarter of a second; only copies of them learn."""
TAGS = [tag for tag, rewards in EXAMPLES.items() if any(map(online, rewards))]


@cache
def warmed(tag: str, number: int) -> rw.Reward:
    """An example that has learned something, so that knowledge takes part."""
    reward = copy.deepcopy(EXAMPLES[tag][number])
    if any(node.learns for node in reward.walk()):
        env = rw.adapters.single.RewardWrapper(Chain(), reward, task=TASK)
        env.reset(seed=0)
        for action in (1, 2, 0, 1):
            env.step(action)
    return reward


@cache
def learner(tag: str, number: int) -> rw.Reward:
    """A copy of an example for the single host, which learns on it."""
    return copy.deepcopy([*filter(online, EXAMPLES[tag])][number])


@pytest.fixture(scope="module")
def alone(play):
    """What the single host pays: played once for all the hosts that are held to it."""
    known = {}

    def paid(key, make, reward, actions, **options):
        if key not in known:
            known[key] = play("single", make, reward, actions, **options)
        return known[key]

    return paid


@pytest.mark.parametrize("host", CHEAP)
@pytest.mark.parametrize("tag", TAGS)
def test_every_registered_reward_pays_the_same_on_every_host(
    tag, host, alone, play, tape, tolerance
):
    actions = tape(Chain())
    for number, reward in enumerate(EXAMPLES[tag]):
        if online(reward):
            options = {"task": TASK, "training": False}
            own = copy.deepcopy(warmed(tag, number))
            want = alone(("frozen", tag, number), Chain, own, actions, **options)
            got = play(host, Chain, copy.deepcopy(warmed(tag, number)), actions, **options)
            got.agrees_with(want, tolerance(host))


@pytest.mark.parametrize("host", CHEAP)
@pytest.mark.parametrize("tag", TAGS)
def test_every_learned_reward_learns_the_same_in_one_lane(tag, host, alone, play, tape, tolerance):
    actions = tape(Chain(), lanes=1)
    for number, reward in enumerate(filter(online, EXAMPLES[tag])):
        # logged episodes draw noise of their own: they are no longer one lane
        draws = host != "logged" and any(node.stochastic for node in reward.walk())
        if draws or any(node.learns for node in reward.walk()):
            one, other = learner(tag, number), copy.deepcopy(reward)
            want = alone(("learns", tag, number), Chain, one, actions, task=TASK, training=True)
            got = play(host, Chain, other, actions, task=TASK, training=True)
            # a running statistic carries SB3's float32 rewards on
            got.agrees_with(want, 50 * tolerance(host))
            assert one.state_dict().keys() == other.state_dict().keys()


def test_the_tape_ends_episodes_in_all_three_ways(record, tape):
    actions = tape(Chain())
    episodes = [e for i in range(3) for e in record(Chain(), actions[:, i], seed=0)]
    ends = {(bool(e["terminated"][-1]), bool(e["truncated"][-1])) for e in episodes}
    assert {(True, False), (False, True), (True, True)} <= ends
    assert min(len(e["reward"]) for e in episodes) < 3


@pytest.mark.parametrize("host", CHEAP)
@pytest.mark.parametrize(
    "make",
    [DictChain, TupleChain, ImageChain, DigitChain, BoxActionChain],
    ids=lambda m: m.__name__,
)
def test_every_layout_of_observations_and_actions(make, host, alone, play, tape, tolerance):
    if make is TupleChain and host == "dummy":
        pytest.skip("SB3 takes no Tuple observations")
    want = alone(make, make, EVERYTHING, tape(make()), task=TASK)
    got = play(host, make, EVERYTHING, tape(make()), task=TASK)
    got.agrees_with(want, tolerance(host))


@pytest.mark.parametrize("make", [Chain, DictChain], ids=lambda m: m.__name__)
@pytest.mark.parametrize("host", PROCESSES)
def test_lanes_in_other_processes(host, make, play, tape, tolerance):
    actions = tape(make(), steps=15, lanes=2)
    want = play("single", make, EVERYTHING, actions, task=TASK)
    play(host, make, EVERYTHING, actions, task=TASK).agrees_with(want, tolerance(host))


@pytest.mark.parametrize("lanes", [1, 12])
@pytest.mark.parametrize("host", ["sync_same_step", "dummy"])
def test_one_lane_and_more_than_the_scalar_path_takes(host, lanes, play, tape, tolerance):
    actions = tape(Chain(), steps=20, lanes=lanes)
    want = play("single", Chain, EVERYTHING, actions, task=TASK)
    play(host, Chain, EVERYTHING, actions, task=TASK).agrees_with(want, tolerance(host))


@pytest.mark.parametrize("fresh_at_reset", [False, True])
@pytest.mark.parametrize("host", ["single", "sync_next_step", "sync_disabled", "logged"])
def test_an_environment_that_reuses_its_buffer(host, fresh_at_reset, play, tape):
    make = partial(ReusingChain, fresh_at_reset=fresh_at_reset)
    if host == "logged":
        pytest.skip("who logs must copy") if not fresh_at_reset else pytest.skip("as before")
    reward = [*EVERYTHING, {"function": f"{HERE}:outcome", "name": "seen"}]
    want = play("single", Chain, reward, tape(Chain()), task=TASK)
    play(host, make, reward, tape(Chain()), task=TASK).agrees_with(want, 1e-9)


def test_a_vector_environment_that_hands_out_one_buffer(play, tape):
    want = play("single", Chain, EVERYTHING, tape(Chain()), task=TASK)
    play("sync_one_buffer", Chain, EVERYTHING, tape(Chain()), task=TASK).agrees_with(want, 1e-9)


REAL = {
    "CartPole-v1": ({}, ["env", {"potential": {"phi": {"pole_angle": -1.0, "bias": 0.5}}}]),
    "Hopper-v5": (
        {},
        [
            "env",
            {"potential": {"phi": "torso_z"}, "name": "height"},
            {"potential": {"phi": {"x_position": 1.0, "bias": 5.0}}, "name": "way"},
            {"native": "ctrl", "weight": 0.5, "name": "effort"},
        ],
    ),
    "HalfCheetah-v5": (
        {},
        ["env", {"potential": "x_position", "name": "way"}, {"native": "forward", "name": "speed"}],
    ),
    "FrozenLake-v1": (
        {"map_name": "8x8", "is_slippery": False},
        ["env", {"potential": {"phi": {"row": 0.07, "column": 0.07}}, "name": "closer"}],
    ),
}


@pytest.mark.filterwarnings("ignore::rewardwrap.RewardwrapWarning")
@pytest.mark.parametrize("host", [*CHEAP, "async_next_step"])
@pytest.mark.parametrize("env_id", REAL)
def test_real_environments_with_the_fields_of_their_recipes(
    env_id, host, alone, play, tape, tolerance
):
    kwargs, reward = REAL[env_id]
    make = partial(gym.make, env_id, max_episode_steps=12, **kwargs)
    actions = tape(make(), steps=30, lanes=2)
    recipe = "FrozenLake-8x8" if env_id == "FrozenLake-v1" else env_id
    options = {"gamma": 0.99} | ({"env": recipe} if host == "logged" else {})
    want = alone(env_id, make, reward, actions, gamma=0.99)
    got = play(host, make, reward, actions, **options)
    got.agrees_with(want, 10 * tolerance(host))
    assert np.isfinite(got.reward).all()
    assert want.sums


def test_every_example_fits_the_toy_environment_and_every_tag_has_one():
    own = {tag for tag, cls in registered().items() if cls.__module__.startswith("rewardwrap.")}
    missing = sorted(own - set(EXAMPLES))
    assert not missing, (
        f"every registered reward must have an example, got none for {', '.join(missing)}. "
        "Add one to EXAMPLES in rewardwrap/testing/examples.py."
    )
    assert set(INFO) == set(Chain().report(0.0))
