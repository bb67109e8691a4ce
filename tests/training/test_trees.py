"""Episodes that part: leaves, what they share, and where none can grow."""

from __future__ import annotations

from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces

import rewardwrap as rw
from rewardwrap.annotate.trees import shared_steps, trees_of
from rewardwrap.cli import main
from rewardwrap.core.errors import ConfigError
from rewardwrap.data import DataError


class Forgetful(gym.Env):
    """What it shows does not follow from its seed."""

    observation_space = spaces.Box(0, 1, (1,), np.float64)
    action_space = spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.zeros(1), {}

    def step(self, action):
        return np.random.default_rng().random(1), 0.0, False, False, {}


def always(obs):
    return np.zeros(1, np.float32)


def test_leaves_share_what_they_did_before_they_parted():
    tree = rw.grow_tree("Pendulum-v1", depth=3, branching=2, steps=4, starts=2, seed=3)
    assert len(tree) == 2 * 2**3
    assert set(tree.lengths) == {12}
    assert np.bincount(trees_of(tree)).tolist() == [8, 8]
    assert [shared_steps(tree, 0, leaf) for leaf in range(8)] == [12, 8, 4, 4, 0, 0, 0, 0]


def test_a_leaf_that_ends_early_stands_once():
    """CartPole falls after some ten steps of a random policy."""
    tree = rw.grow_tree("CartPole-v1", depth=4, branching=2, steps=10, starts=3)
    assert len(tree) < 3 * 2**4
    whole = {(t, e.obs.tobytes()) for t, e in zip(trees_of(tree), tree, strict=True)}
    assert len(whole) == len(tree)
    assert tree.terminated[tree.first_step + tree.lengths - 1].any()


def test_a_chain_shares_its_start_alone():
    chain = rw.grow_tree("Pendulum-v1", depth=1, branching=4, steps=5, starts=1)
    assert [shared_steps(chain, 0, leaf) for leaf in (1, 2, 3)] == [0, 0, 0]


@pytest.mark.parametrize(
    ("env", "asked", "error", "sentence"),
    [
        (f"{__name__}:Forgetful", {"steps": 2}, DataError, "must grow in an environment that can"),
        ("Pendulum-v1", {"steps": 60}, DataError, "must fit into an episode, got a time limit"),
        ("Pendulum-v1", {"branching": 1}, ConfigError, "must part into at least 2 ways"),
        ("Pendulum-v1", {"policy": f"{__name__}:always"}, DataError, "policy that acts by chance"),
    ],
)
def test_where_no_tree_grows_is_one_sentence(env, asked, error, sentence):
    if env.endswith("Forgetful"):
        gym.register("Forgetful-v0", Forgetful, max_episode_steps=50)
        env = "Forgetful-v0"
    with pytest.raises(error, match=sentence):
        rw.grow_tree(env, **{"depth": 4, "starts": 1, **asked})


def test_two_commands_lead_to_a_model_whose_trees_stay_on_one_side(tmp_path: Path, capsys):
    data, model = str(tmp_path / "tree"), str(tmp_path / "model")
    words = ("--policy", "random", "--tree", "2x2", "--steps", "5", "--episodes", "6")
    assert main(["record", "Pendulum-v1", *words, "--out", data]) == 0
    words = ("--topology", "tree", "--pairs", "20", "--epochs", "1", "--members", "1", "--quiet")
    assert main(["fit", "preferences", data, *words, "--out", model]) == 0
    episodes = rw.fit("preferences", data, topology="tree", pairs=20, epochs=1, members=1).metrics[
        "episodes"
    ]
    start = {name.rpartition("-")[0] for name in episodes["train"]}
    assert not start & {name.rpartition("-")[0] for name in episodes["heldout"]}
    assert main(["record", "Pendulum-v1", "--tree", "four", "--out", str(tmp_path / "x")]) == 2
    assert "--tree must be partings x ways, got 'four'" in capsys.readouterr().err
