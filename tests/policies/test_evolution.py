"""Evolution and Reptile: identities of fitness, elites that never fall, weights that stay where e is 0."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from stable_baselines3 import A2C, DQN

import rewardwrap_envs  # noqa: F401 - registers Runner
from rewardwrap_envs.runner import COIN, JUMP, LENGTH, PIT, RUN, WAIT, Runner, tiles_of
from rewardwrap_policies import PresetError, algorithm
from rewardwrap_policies.evolution import Moves, genetic
from rewardwrap_policies.genetic import Genetic
from rewardwrap_policies.neuro_evolution import NeuroEvolution
from rewardwrap_policies.reptile import reptile


def make() -> Any:
    return gymnasium.make("rewardwrap/Runner-v0", level=1)


def soon(info: dict[str, Any]) -> bool:
    """At most 40 moves."""
    return info["time"] >= 260


def test_the_fitness_is_the_sum_of_the_rewards_and_the_one_worked_by_hand() -> None:
    world = Runner(level=2)
    world.coins, world.best, world.time = 3, 1000 / 16, 250
    assert world.fitness == pytest.approx(129.5)
    draws = np.random.default_rng(0)
    for level in range(5):
        env = Runner(level=level)
        env.reset(seed=0)
        total, over = 0.0, False
        while not over:
            _, reward, terminated, truncated, info = env.step(draws.choice([RUN, RUN, JUMP, WAIT]))
            total, over = total + reward, terminated or truncated
        assert total == pytest.approx(info["fitness"])
    assert not any(
        (tiles_of(k)[:-1] == PIT)[1:] @ (tiles_of(k)[:-1] == PIT)[:-1] for k in range(20)
    )


def test_pits_kill_coins_count_and_waiting_ends_the_run() -> None:
    env = Runner(level=1)
    env.reset(seed=0)
    for _ in range(29):
        assert not env.step(WAIT)[3]
    assert env.step(WAIT)[3]
    env.reset(seed=0)
    while env.tiles[env.at + 1] != COIN:
        env.step(JUMP if env.tiles[env.at + 1] == PIT else RUN)
    assert env.step(JUMP)[4]["coins"] == 1.0
    while env.tiles[env.at + 1] != PIT:
        env.step(RUN)
    *_, terminated, _, info = env.step(RUN)
    assert terminated
    assert info["life"] == 0.0
    assert env.at < LENGTH


def test_the_best_list_never_gets_worse_and_plays_what_it_says() -> None:
    found = genetic(make, budget=3000, feasible=soon, seed=0)
    assert found.feasible
    curve = [fitness for _, fitness in found.history]
    assert curve == sorted(curve)
    again = genetic(make, budget=3000, feasible=soon, seed=0)
    assert again.history == found.history
    env, state, total, over = make(), None, 0.0, False
    obs, _ = env.reset(seed=0)
    while not over:
        action, state = found.predict(obs[None], state, np.array([state is None]))
        obs, reward, terminated, truncated, info = env.step(int(action[0]))
        total, over = total + reward, terminated or truncated
        if state[0][0] == len(found.moves):
            break
    assert total == pytest.approx(found.fitness)
    assert soon(info)
    further = genetic(make, budget=1000, feasible=soon, start=Moves.read(found.document()))
    assert further.fitness >= found.fitness
    # the stop left no trace
    straight = genetic(make, budget=further.history[-1][0], feasible=soon, seed=0)
    assert further.history == straight.history
    assert np.array_equal(further.population, straight.population)


def test_who_keeps_the_limits_stands_above_who_does_not() -> None:
    # no run can keep this one: the best of them is still said, and that it does not
    lost = genetic(make, budget=500, feasible=lambda info: info["coins"] > 99, seed=0)
    assert not lost.feasible
    for wrong in ({"population": 1}, {"length": 0}):
        with pytest.raises(PresetError, match="two lists of one move"):
            genetic(make, budget=10, **wrong)
    with pytest.raises(PresetError, match="must have Discrete actions"):
        genetic(lambda: gymnasium.make("Pendulum-v1"), budget=10)


def test_neuro_evolution_is_an_algorithm_whose_elites_never_fall() -> None:
    assert algorithm("ne") is NeuroEvolution
    options: dict[str, Any] = {
        "population": 6,
        "elite": 2,
        "policy_kwargs": {"net_arch": [4]},
        "seed": 3,
    }
    agent = NeuroEvolution("MlpPolicy", make(), **options)
    best = []
    for _ in range(4):
        agent.learn(50, reset_num_timesteps=False)
        best.append(float(agent.elite_returns[0]))
    assert best == sorted(best)
    np.testing.assert_allclose(agent.policy.parameters_to_vector(), agent.weights.numpy())
    twin = NeuroEvolution("MlpPolicy", make(), **options).learn(50)
    other = NeuroEvolution("MlpPolicy", make(), **options).learn(50)
    assert torch.equal(twin.weights, other.weights)
    with pytest.raises(PresetError, match="at least 1"):
        NeuroEvolution("MlpPolicy", make(), elite=0)


@pytest.mark.parametrize("cls", [A2C, DQN])
def test_reptile_moves_by_its_share(cls: Any) -> None:
    options = {"n_steps": 8} if cls is A2C else {"learning_starts": 4, "buffer_size": 64}
    levels = [gymnasium.make("rewardwrap/Runner-v0", level=k) for k in range(2)]

    def weights(model: Any) -> torch.Tensor:
        return torch.cat([p.detach().ravel().clone() for p in model.policy.parameters()])

    model = cls("MlpPolicy", levels[0], seed=0, **options)
    before = weights(model)
    assert sorted(reptile(model, levels, rounds=2, inner=16, epsilon=(0.0, 0.0))) == [0, 1]
    assert torch.equal(weights(model), before)
    reptile(model, levels, rounds=1, inner=32, epsilon=(1.0, 1.0))
    assert not torch.equal(weights(model), before)
    with pytest.raises(PresetError, match="equal spaces"):
        reptile(model, ["CartPole-v1"], rounds=1, inner=8)
    for wrong, said in (({"epsilon": (2.0, 0.0)}, r"lie in \[0, 1\]"), ({"rounds": 0}, "at least")):
        with pytest.raises(PresetError, match=said):
            reptile(model, levels, **{"rounds": 1, "inner": 8, **wrong})


def test_the_genetic_algorithm_is_an_algorithm_like_the_others(tmp_path: Any) -> None:
    from stable_baselines3.common.vec_env import DummyVecEnv

    assert algorithm("ga") is Genetic
    options: dict[str, Any] = {"population": 6, "length": 60, "seed": 3}
    one = Genetic("MovesPolicy", make(), **options).learn(1200)
    two = Genetic("MovesPolicy", DummyVecEnv([make] * 3), **options).learn(1200)
    twin = Genetic("MovesPolicy", make(), **options).learn(1200)
    assert torch.equal(one.policy.moves, twin.policy.moves)
    for agent in (one, two):
        env, state, total, over = make(), None, 0.0, False
        obs, _ = env.reset(seed=0)
        while not over:
            action, state = agent.predict(obs[None], state, np.array([state is None]))
            obs, reward, terminated, truncated, _ = env.step(int(action[0]))
            total, over = total + reward, terminated or truncated
        # the policy is the best list, and the best never gets lost
        assert total == pytest.approx(agent.best_return, abs=1e-5)
    one.save(tmp_path / "ga")
    again = Genetic.load(tmp_path / "ga", env=make())
    assert torch.equal(again.policy.moves, one.policy.moves)
    again.learn(200, reset_num_timesteps=False)
    assert again.best_return >= one.best_return
    with pytest.raises(PresetError, match="two lists of one move"):
        Genetic("MovesPolicy", make(), population=1)


def test_a_rate_that_falls_does_so_once_over_all_rounds() -> None:
    levels = [gymnasium.make("rewardwrap/Runner-v0", level=k) for k in range(2)]
    seen: list[float] = []

    def rate(left: float) -> float:
        seen.append(left)
        return 1e-3 * left

    model = A2C("MlpPolicy", levels[0], n_steps=8, learning_rate=rate, seed=0)
    seen.clear()
    reptile(model, levels, rounds=4, inner=16)
    assert seen == sorted(seen, reverse=True)
    assert seen[0] == pytest.approx(1 - 0.25 / 2)
    assert seen[-1] == pytest.approx(0.0)
    assert len(set(seen)) == 8
