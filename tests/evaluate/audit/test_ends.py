"""Phi at both ends: read for many together, or at once where it is learned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.core.task import NO_TASK
from rewardwrap.evaluate.audit.ends import Ends
from rewardwrap.evaluate.audit.potentials import Checked, Telescope
from rewardwrap.evaluate.audit.tape import Episode


class Counted:
    """``Phi(s) = scale * s``, noting how many rows each call had."""

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.scale = 1.0

    def __call__(self, obs: Any) -> Any:
        self.calls.append(len(obs))
        return self.scale * np.asarray(obs, float)[:, 0]


def following(phi: Any) -> Ends:
    potential = Checked("p", rw.Potential(phi, gamma=0.9), 1.0)
    ends = Ends(Telescope([potential], NO_TASK, 0.9, 2))
    ends.begin(np.array([[1.0], [2.0]]), [{}, {}])
    return ends


def episode(number: int, lane: int) -> Episode:
    return Episode(number, lane, 0, True, np.zeros((1, 2)), None, None, np.zeros(1))


def test_many_ends_are_read_in_one_call_and_handed_on_in_order() -> None:
    phi = Counted()
    ends = following(phi)
    made = [episode(i, lane) for i, lane in enumerate((0, 1, 0))]
    places = [(3.0, 4.0), (5.0, 6.0), (7.0, 8.0)]
    for one, (last, first) in zip(made, places, strict=True):
        ends.end(one.lane, (np.array([last]), np.array([first])), ({}, {}), one)
    assert [one.phi for one in made] == [None] * 3
    ends.read()
    assert [one.phi.tolist() for one in made] == [[[1], [3]], [[2], [5]], [[4], [7]]]  # type: ignore[union-attr]
    assert ends.start.tolist() == [[8.0, 6.0]]
    # the first calls ask more, to learn what the function means; the last one is the read itself
    assert phi.calls[-1] == 6


def test_an_observation_that_is_filled_again_is_read_as_it_was() -> None:
    ends, buffer, one = following(Counted()), np.array([3.0]), episode(0, 0)
    ends.end(0, (buffer, np.array([4.0])), ({}, {}), one)
    buffer[:] = 99.0
    ends.read()
    assert one.phi is not None
    assert one.phi[1] == 3.0


def test_what_is_not_compared_still_says_where_the_next_begins() -> None:
    ends = following(Counted())
    ends.end(1, (np.array([3.0]), np.array([4.0])), ({}, {}), None)
    ends.read()
    assert ends.start.tolist() == [[1.0, 4.0]]


def test_a_phi_that_changes_while_the_learner_learns_is_no_bug() -> None:
    from stable_baselines3 import PPO

    phi = Counted()

    class Learn(rw.LogTerms):
        """Changes Phi where SB3 learns: between rollouts."""

        def _on_rollout_start(self) -> None:
            super()._on_rollout_start()
            phi.scale *= 1.5

    reward = rw.EnvReward() + rw.Potential(phi).named("p")
    venv = rw.make("CartPole-v1", reward, n_envs=2, seed=0, gamma=0.99)
    audit = rw.evaluate.Audit()
    model = PPO("MlpPolicy", venv, n_steps=32, batch_size=64, n_epochs=1, seed=0, gamma=0.99)
    with pytest.warns(rw.RewardwrapWarning, match="should not be negative"):
        model.learn(512, callback=[Learn(), audit])
    made = audit.record()
    inside = made.columns["step"] // 64 == (made.columns["step"] - 2 * made.columns["length"]) // 64
    assert inside.sum() > 3
    assert np.abs(made.residual[inside]).max() < 1e-9


def test_noise_above_the_reward_does_not_reach_the_potentials(tmp_path: Path) -> None:
    from rewardwrap.cli import main
    from rewardwrap.evaluate.audit.runs import read_run

    reward = "[env, {potential: {phi: {pole_angle: 1.0, bias: 1.0}}}]"
    assert main(
        ["train", "--env", "CartPole-v1", "--reward", reward, "--noise", "0.5", "-n", "512",
         "--audit", "--verbose", "0", "-f", str(tmp_path), "--eval-episodes", "1",
         "--eval-freq", "256", "-params", "n_envs:2", "n_steps:64", "batch_size:64"]
    ) == 0  # fmt: skip
    record = read_run(tmp_path / "ppo" / "CartPole-v1_1").record
    assert record.episodes > 5
    assert np.abs(record.residual).max() < 1e-9
