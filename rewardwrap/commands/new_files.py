"""What ``rewardwrap new`` writes: for each sort the file, its test and its evidence."""

from __future__ import annotations

TAIL = """

def main() -> None:
    rows = [run(seed) for seed in range(SEEDS)]
    print(CLAIM, *rows, *verdict(rows), sep="\\n")


if __name__ == "__main__":
    main()
"""

REWARD = '''
"""<CLASS>: say in one line what it pays for."""

import numpy as np

import rewardwrap as rw


@rw.register("<NAME>")
class <CLASS>(rw.Reward):
    """``r = -weight * |a|^2``: write your formula here.

    Args:
        weight: What a unit costs, from 0.

    Source: title, year, arXiv id, equation; and where this differs.
    """

    weight: float = 0.1
    reads_obs = False
    shaping = False
    pays_at_end = False

    def __call__(self, batch: rw.Transitions) -> np.ndarray:
        action = np.asarray(batch.action, np.float64).reshape(batch.lanes, -1)
        return -self.weight * (action**2).sum(axis=-1)
'''
REWARD_TEST = '''
"""<CLASS> keeps the contract of every reward, and its own mathematics."""

import numpy as np
import rewardwrap as rw
from rewardwrap.testing import check_reward

from <NAME> import <CLASS>


def test_the_contract() -> None:
    check_reward(<CLASS>())


def test_what_it_pays() -> None:
    episode = {
        "obs": np.zeros((4, 2)),
        "action": np.array([[1.0, 0.0], [1.0, 2.0], [0.0, 0.0]]),
        "reward": np.zeros(3),
        "terminated": np.array([False, False, True]),
        "truncated": np.zeros(3, bool),
    }
    (paid,) = rw.relabel(<CLASS>(weight=2.0), [episode])
    np.testing.assert_allclose(paid, [-2.0, -10.0, 0.0])
'''
REWARD_EVIDENCE = (
    '''
"""What <CLASS> is claimed to do, measured in miniature."""

import numpy as np
import rewardwrap as rw

from <NAME> import <CLASS>

CLAIM = "<CLASS> pays a still agent more than a restless one."
SOURCE = "yours"
BUDGET = 0.1  # CPU minutes
USE = "rewardwrap train Pendulum-v1 --reward {sum: [env, <NAME>]} --trust <NAME>"
SEEDS = 5


def run(seed: int) -> dict[str, float]:
    """One measurement; replace it by trainings on a small task."""
    rng, found = np.random.default_rng(seed), {}
    for name, size in (("still", 0.1), ("restless", 1.0)):
        venv = rw.make("Pendulum-v1", <CLASS>(), seed=seed)
        venv.reset()
        found[name] = float(sum(venv.step(size * rng.uniform(-2, 2, (1, 1)))[1][0] for _ in range(50)))
        venv.close()
    return found


def verdict(rows: list[dict[str, float]]) -> tuple[str, str]:
    """``"shown"``, ``"not shown"`` or ``"contradicted"``, and a sentence with the figures."""
    gaps = np.array([row["still"] - row["restless"] for row in rows])
    word = "shown" if gaps.min() > 0 else "contradicted" if gaps.max() < 0 else "not shown"
    return word, f"still minus restless: {gaps.mean():.3g}, from {gaps.min():.3g} to {gaps.max():.3g}."
'''
    + TAIL
)

ENV = '''
"""<CLASS>: say in one line what is to be done."""

import gymnasium as gym
import numpy as np

LENGTH, LIMIT = 8, 50


class <CLASS>(gym.Env):
    """A corridor: actions 0 and 1 step left and right, the right end is the goal and pays 1."""

    metadata = {"render_modes": []}

    def __init__(self, render_mode: str | None = None) -> None:
        self.render_mode = render_mode
        self.observation_space = gym.spaces.Box(0.0, 1.0, (1,), np.float32)
        self.action_space = gym.spaces.Discrete(2)
        self._place = 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._place = int(self.np_random.integers(LENGTH // 2))
        return self._observed(), {"place": self._place}

    def step(self, action):
        self._place = int(np.clip(self._place + (1 if action == 1 else -1), 0, LENGTH))
        done = self._place == LENGTH
        return self._observed(), float(done), done, False, {"place": self._place}

    def _observed(self):
        return np.array([self._place / LENGTH], np.float32)


gym.register("<CLASS>-v0", entry_point=<CLASS>, max_episode_steps=LIMIT)
'''
ENV_TEST = '''
"""<CLASS> is an environment as gymnasium and rewardwrap want one."""

import warnings

import gymnasium as gym
import rewardwrap as rw
from gymnasium.utils.env_checker import check_env

import <NAME>


def test_gymnasium_takes_it() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gym.make("<CLASS>-v0").unwrapped, skip_render_check=True)


def test_a_reward_can_be_put_on_it() -> None:
    venv = rw.make("<NAME>:<CLASS>-v0", rw.EnvReward() + rw.function(lambda obs: obs[0]), n_envs=2)
    rw.check(venv)
    venv.close()


def test_the_goal_ends_it() -> None:
    env = <NAME>.<CLASS>()
    env.reset(seed=0)
    paid = [env.step(1)[1:3] for _ in range(<NAME>.LENGTH)]
    assert (1.0, True) in paid
'''
ENV_EVIDENCE = (
    '''
"""What <CLASS> is good for, measured: a task that a plan solves and chance does not."""

import gymnasium as gym

import <NAME>

CLAIM = "In <CLASS> who walks right reaches the goal sooner than who walks at random."
SOURCE = "yours"
BUDGET = 0.1  # CPU minutes
USE = "rewardwrap compare <NAME>:<CLASS>-v0 --reward env --threshold 1"
SEEDS = 5


def run(seed: int) -> dict[str, float]:
    """Mean steps of ten episodes; the limit counts where the goal was not reached."""
    found = {}
    for name in ("right", "random"):
        env = gym.make("<CLASS>-v0")
        env.action_space.seed(seed)
        steps = 0
        for episode in range(10):
            env.reset(seed=100 * seed + episode)
            over = False
            while not over:
                action = 1 if name == "right" else env.action_space.sample()
                _, _, ended, cut, _ = env.step(action)
                steps, over = steps + 1, ended or cut
        found[name] = steps / 10
    return found


def verdict(rows: list[dict[str, float]]) -> tuple[str, str]:
    """``"shown"``, ``"not shown"`` or ``"contradicted"``, and a sentence with the figures."""
    sooner = sum(row["right"] < row["random"] for row in rows)
    word = "shown" if sooner == len(rows) else "contradicted" if sooner == 0 else "not shown"
    return word, f"sooner in {sooner} of {len(rows)} seeds; the corridor is {<NAME>.LENGTH} steps long."
'''
    + TAIL
)

RECIPE = """
# A recipe says what an environment's observation means. Name every field, its place, unit and meaning.
name: <CLASS>
id: CartPole-v1
summary: Say in one line what is to be done.
suite: own
tags: [discrete_actions]
gamma: 0.99
threshold: 475.0
returns:
  random: 22.0
  reference: 500.0
  source: random is what evidence_<NAME>.py measures; reference is the longest episode
width: 4
potential: {upright: 1.0}
fields:
  cart_position: {index: 0, unit: m, description: cart along the track, low: -4.8, high: 4.8}
  upright: {index: 2, unit: rad, description: pole from upright, low: -0.419, high: 0.419}
"""
RECIPE_TEST = '''
"""The recipe is read, and its fields can be paid for."""

from pathlib import Path

import rewardwrap as rw
import rewardwrap_envs

HERE = str(Path(__file__).parent)


def test_the_recipe_is_read() -> None:
    recipe = rewardwrap_envs.recipe("<CLASS>", [HERE])
    assert set(recipe.fields) == {"cart_position", "upright"}


def test_a_potential_of_its_fields_is_paid() -> None:
    reward = rw.EnvReward() + rw.Potential({"upright": 1.0})
    venv = rw.make("<CLASS>", reward, catalog=[HERE], gamma=0.99)
    venv.reset()
    _, paid, _, _ = venv.step([0])
    assert paid[0] != 1.0
    venv.close()
'''
RECIPE_EVIDENCE = (
    '''
"""What random play is worth: the zero of the scale on which this environment is compared."""

from pathlib import Path

import rewardwrap_envs

CLAIM = "Random play is worth what the recipe says, within a fifth."
SOURCE = "yours"
BUDGET = 0.1  # CPU minutes
USE = "rewardwrap compare <CLASS> --catalog ."
SEEDS = 5
RECIPE = rewardwrap_envs.recipe("<CLASS>", [str(Path(__file__).parent)])


def run(seed: int) -> dict[str, float]:
    """Mean return of random play."""
    return {"random": float(rewardwrap_envs.random_return(RECIPE, episodes=60, seed=seed))}


def verdict(rows: list[dict[str, float]]) -> tuple[str, str]:
    """``"shown"``, ``"not shown"`` or ``"contradicted"``, and a sentence with the figures."""
    mean, said = sum(row["random"] for row in rows) / len(rows), RECIPE.returns.random
    word = "shown" if abs(mean - said) <= 0.2 * abs(said) else "contradicted"
    return word, f"random play is worth {mean:.1f}, the recipe says {said:.1f}."
'''
    + TAIL
)

FILES: dict[str, tuple[str, str, str]] = {
    "reward": (REWARD, REWARD_TEST, REWARD_EVIDENCE),
    "env": (ENV, ENV_TEST, ENV_EVIDENCE),
    "recipe": (RECIPE, RECIPE_TEST, RECIPE_EVIDENCE),
}
"""Sort -> the file, its test, its evidence; ``<NAME>`` and ``<CLASS>`` stand for what was said."""
