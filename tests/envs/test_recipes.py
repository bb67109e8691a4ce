"""Every shipped recipe against the environment that is installed."""

import copy
import math
from functools import cache

import gymnasium
import mujoco
import numpy as np
import pytest

from rewardwrap_envs import random_return, recipe, recipes

# the game of the extra [mario] has tests of its own, in tests/foreign
RECIPES = {name: known for name, known in recipes().items() if known.suite != "nes"}
SIMULATED = [name for name, known in RECIPES.items() if known.suite != "atari"]
CHEAP = [name for name in SIMULATED if "fast" in RECIPES[name].tags]


def play(known, *, steps, seed=0):
    """Yield the environment, observation, info and whether it is a reset, under random actions."""
    env = known.build()
    env.action_space.seed(seed)
    obs, info = env.reset(seed=seed)
    yield env, obs, info, True
    for _ in range(steps):
        obs, _, terminated, truncated, info = env.step(env.action_space.sample())
        yield env, obs, info, False
        if terminated or truncated:
            obs, info = env.reset()
            yield env, obs, info, True


@cache
def long_play(name):
    """What 600 random steps showed: observation, info and whether it is a reset."""
    return [
        (copy.copy(obs), info, is_reset)
        for _, obs, info, is_reset in play(RECIPES[name], steps=600)
    ]


def joint(model, name):
    found = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_JOINT, name)
    assert found >= 0, f"no joint {name}"
    return found


def simulated(env, check):
    """Read what a recipe's `check` points at out of the simulator.

    ``qpos.<joint>[.k]``, ``qvel.<joint>[.k]``, ``qfrc_constraint.<joint>``, ``xpos.<body>.k``,
    ``state.k``, ``digit``, ``attribute.<name>[.k]``; ``sin.`` and ``cos.`` before one of them;
    ``difference.qpos.<joint>[.k]`` to the initial pose, ``difference.xpos.<body>.<body>.k``.
    """
    world = env.unwrapped
    word, _, rest = check.partition(".")
    if word in ("sin", "cos"):
        return getattr(math, word)(simulated(env, rest))
    if word == "difference":
        word, *names = rest.split(".")
        if word == "xpos":
            return simulated(env, f"xpos.{names[0]}.{names[2]}") - simulated(
                env, f"xpos.{names[1]}.{names[2]}"
            )
        here = simulated(env, rest)
        start = world.model.jnt_qposadr[joint(world.model, names[0])]
        return here - world.init_qpos[start + (int(names[1]) if names[1:] else 0)]
    name, *index = rest.split(".")
    offset = int(index[0]) if index else 0
    if word == "state":
        return world.state[int(name)]
    if word == "attribute":
        return np.ravel(getattr(world, name))[offset]
    if word == "xpos":
        return world.data.body(name).xpos[offset]
    address = world.model.jnt_qposadr if word == "qpos" else world.model.jnt_dofadr
    return getattr(world.data, word)[address[joint(world.model, name)] + offset]


@pytest.mark.parametrize("name", RECIPES)
def test_the_recipe_builds_what_it_describes(name):
    known = RECIPES[name]
    for split in ("train", "eval"):
        env = known.build(split=split)
        known.check(env)
        env.close()
    assert known.name == name
    assert known.path is not None
    assert known.path.parent.name == "recipes"
    assert known.returns.random is not None


@pytest.mark.parametrize("name", SIMULATED)
def test_every_field_equals_the_number_in_the_simulator(name):
    known = RECIPES[name]
    checked = [field for field in known.fields.values() if field.check not in (None, "digit")]
    for env, obs, info, _ in play(known, steps=60):
        for field in checked:
            expected = simulated(env, field.check)
            if field.low is not None:
                expected = max(field.low, expected)
            if field.high is not None:
                expected = min(field.high, expected)
            value = known.read(field.name, obs, info)
            assert value == pytest.approx(expected, rel=1e-5, abs=1e-6), field.name


@pytest.mark.parametrize("name", SIMULATED)
def test_every_observation_field_can_be_checked(name):
    for field in RECIPES[name].fields.values():
        assert field.info is not None or field.check is not None, field.name


@pytest.mark.parametrize("name", SIMULATED)
def test_every_field_stays_in_its_range_and_every_info_field_is_there(name):
    known = RECIPES[name]
    for obs, info, is_reset in long_play(name)[:300]:
        for field in known.fields.values():
            if is_reset and not field.reset:
                assert field.info not in info
                continue
            value = known.read(field.name, obs, info)
            assert value.shape == ()
            assert field.low is None or value >= field.low - 1e-6, (field.name, value)
            assert field.high is None or value <= field.high + 1e-6, (field.name, value)


CONSTANT = {
    # random tokens hardly ever make the wanted query
    "rewardwrap/QueryBuild-v0": {"right", "runs", "is_success"},
    # a random walk hardly ever carries the key to the door
    "rewardwrap/KeyDoor-v0": {"is_open", "is_success"},
    # a random walk hardly ever scores
    "rewardwrap/PushBall-v0": {"is_success"},
    # Never reached or never changed by random actions.
    "InvertedDoublePendulum-v5": {"cart_constraint_force", "reward_survive"},
    "InvertedPendulum-v5": {"reward_survive"},
    "Hopper-v5": {"reward_survive"},
    "Walker2d-v5": {"reward_survive"},
    "Ant-v5": {"reward_survive"},
    "Humanoid-v5": {"reward_survive"},
    "Pusher-v5": {"goal_x", "goal_y", "goal_z", "object_z"},
    "FrozenLake8x8-v1": set(),
}


@pytest.mark.parametrize("name", SIMULATED)
def test_every_field_varies(name):
    known = RECIPES[name]
    seen = {field: set() for field in known.fields}
    for obs, info, _ in long_play(name):
        for field in known.fields.values():
            if field.info is None or field.info in info:
                seen[field.name].add(float(known.read(field.name, obs, info)))
    constant = {field for field, values in seen.items() if len(values) == 1}
    assert constant <= CONSTANT.get(name, set())


@pytest.mark.parametrize(
    ("name", "digits"),
    [
        ("FrozenLake-8x8", lambda env, obs: divmod(obs, 8)),
        ("FrozenLake8x8-v1", lambda env, obs: divmod(obs, 8)),
        ("CliffWalking-v1", lambda env, obs: np.unravel_index(obs, (4, 12))),
        ("Taxi-v4", lambda env, obs: env.unwrapped.decode(obs)),
    ],
)
def test_the_digits_of_a_discrete_observation_are_the_environments_own(name, digits):
    known = RECIPES[name]
    for env, obs, info, _ in play(known, steps=200):
        values = [float(known.read(field, obs, info)) for field in known.fields]
        assert values == [float(digit) for digit in digits(env, int(obs))]


def test_the_constraint_force_is_felt_at_the_end_of_the_track():
    known = recipe("InvertedDoublePendulum-v5")
    world = known.build().unwrapped
    world.reset(seed=0)
    world.set_state(np.array([1.02, 0.0, 0.0]), np.zeros(3))
    force = float(known.read("cart_constraint_force", world._get_obs()))
    assert force == pytest.approx(max(-10.0, world.data.qfrc_constraint[0]))
    assert force < 0.0


def test_fields_read_whole_batches():
    hopper, taxi = recipe("Hopper-v5"), recipe("Taxi-v4")
    obs = np.arange(22.0).reshape(2, 11)
    assert hopper.read("torso_angle", obs).tolist() == [1.0, 12.0]
    info = {"x_position": np.array([3.0, 4.0])}
    assert hopper.read("x_position", obs, info).tolist() == [3.0, 4.0]
    assert taxi.read("passenger", np.array([0, 4, 499])).tolist() == [0.0, 1.0, 4.0]


@pytest.mark.parametrize("name", CHEAP)
def test_the_random_return_is_the_one_the_recipe_states(name):
    known = RECIPES[name]
    episodes = int(known.returns.source.split("episodes=")[1].split(",")[0])
    episodes, close = (episodes, 1e-4) if episodes <= 100 else (100, None)
    measured = random_return(known, episodes=episodes, seed=0)
    tolerance = pytest.approx(known.returns.random, rel=close, abs=0.03 if close is None else None)
    assert measured == tolerance


def optimum(known, steps):
    """Finite-horizon dynamic programming on the table of a toy-text environment."""
    world = gymnasium.make(known.id, **known.make).unwrapped
    value = np.zeros(world.observation_space.n)
    for _ in range(steps):
        value = np.array(
            [
                max(
                    sum(
                        p * (reward + (0.0 if over else value[after]))
                        for p, after, reward, over in ways
                    )
                    for ways in world.P[state].values()
                )
                for state in range(len(value))
            ]
        )
    return float(value @ world.initial_state_distrib)


@pytest.mark.parametrize(
    ("name", "steps"),
    [("FrozenLake-8x8", 100), ("FrozenLake8x8-v1", 200), ("CliffWalking-v1", 30), ("Taxi-v4", 40)],
)
def test_the_reference_return_is_the_optimum(name, steps):
    assert optimum(RECIPES[name], steps) == pytest.approx(RECIPES[name].returns.reference, abs=1e-5)


@pytest.mark.parametrize(
    ("name", "start", "goal"),
    [
        ("FrozenLake-8x8", 0.0, 1.0),
        ("rewardwrap/StepChain-v0", 0.0, 1.0),
        ("rewardwrap/NoisyTV-v0", 0.0, 1.0),
    ],
)
def test_the_potential_is_zero_at_the_start_and_one_at_the_goal(name, start, goal):
    known = RECIPES[name]
    weights = dict(known.potential)
    bias = weights.pop("bias", 0.0)
    obs, info = known.build().reset(seed=0)

    def potential(obs):
        return bias + sum(w * float(known.read(field, obs, info)) for field, w in weights.items())

    last = 63 if known.radix else np.ones_like(obs)
    assert (potential(obs), potential(last)) == (pytest.approx(start), pytest.approx(goal))


def test_success_follows_the_rule_of_the_recipe():
    assert recipe("FrozenLake-8x8").succeeded(1.0, {}) is True
    assert recipe("FrozenLake-8x8").succeeded(0.0, {}) is False
    assert recipe("rewardwrap/NoisyTV-v0").succeeded(0.0, {"is_success": True}) is True
    assert recipe("Hopper-v5").succeeded(0.0, {}) is None


@pytest.mark.parametrize("name", [name for name, known in RECIPES.items() if known.mirror])
def test_in_a_mirror_the_same_happens_for_the_same_reward(name):
    """From mirrored states, under mirrored actions, the installed environment shows mirrored observations."""
    known = RECIPES[name]
    one, other = known.build(), known.build()
    signs = np.ones(known.width)
    signs[[known.fields[field].index for field in known.mirror]] = -1
    # the masses of the simulated pole are not quite even
    near = 2e-2 if known.suite == "mujoco" else 1e-4
    space = one.action_space
    space.seed(0)
    seen, _ = one.reset(seed=0)
    other.reset(seed=0)
    _turn(other.unwrapped)
    for _ in range(15):
        action = space.sample()
        turned = 2 * space.start + space.n - 1 - action if hasattr(space, "n") else -action
        seen, paid, ended, *_ = one.step(action)
        told, reward, over, *_ = other.step(turned)
        np.testing.assert_allclose(told, seen * signs, atol=near, rtol=near)
        assert (reward, over) == (pytest.approx(paid, abs=near), ended)
        if ended:
            break
    one.close()
    other.close()


def _turn(world):
    """Every position and velocity of a world that stands in a line, to the other side."""
    if hasattr(world, "set_state"):
        world.set_state(-world.data.qpos, -world.data.qvel)
    else:
        world.state = -np.asarray(world.state)
