from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.evaluate.distance.coverage import Simulator, gather
from rewardwrap.evaluate.distance.heatmap import distance_matrix, heatmap, written
from rewardwrap.evaluate.distance.rewards import reward_distance
from rewardwrap.evaluate.distance.tabular import tabular_distance
from rewardwrap.evaluate.payment import DistanceError
from rewardwrap.testing.toys import Chain, DictChain, TupleChain

CLOSE = {"row": 1 / 14, "column": 1 / 14}
UPRIGHT = rw.Field("pole_cos")
SHAPED = UPRIGHT + rw.Potential({"pole_sin": 2.0, "pole_angular_velocity": 0.3, "bias": 4.0})
FEW = {"samples": 64, "means": 32}


def _rows(obs: Any, action: Any, next_obs: Any) -> list[dict[str, Any]]:
    """Coverage of unconnected transitions: one episode each."""
    return [
        {"obs": [s, y], "action": [a], "reward": [0.0], "terminated": [False], "truncated": [True]}
        for s, a, y in zip(obs, action, next_obs, strict=True)
    ]


def _looked_up(table: Any) -> Any:
    return lambda obs, action, next_obs: table[obs, action, next_obs]


def _toy() -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(4)
    T = rng.dirichlet(np.ones(5), (5, 3))
    a = rng.normal(size=T.shape)
    return T, a, a + 1.2 * rng.normal(size=T.shape)


def _sampled_epic(count: int, seed: int) -> Any:
    _, a, b = _toy()
    rng = np.random.default_rng(seed)
    rows = rng.integers(5, size=count), rng.integers(3, size=count), rng.integers(5, size=count)
    return reward_distance(
        _looked_up(a), _looked_up(b), coverage=_rows(*rows), gamma=0.9, samples=count,
        means=count, seed=seed,
    )  # fmt: skip


def test_sampled_epic_comes_close_to_the_exact_one_as_samples_grow() -> None:
    T, a, b = _toy()
    exact = tabular_distance(a, b, T, gamma=0.9)
    errors = {
        count: [_sampled_epic(count, seed).value - exact for seed in range(6)]
        for count in (64, 512)
    }
    assert np.std(errors[64]) < 0.1
    assert np.std(errors[512]) < 0.025
    assert abs(np.mean(errors[512])) < 0.015


def test_the_interval_holds_the_exact_value() -> None:
    T, a, b = _toy()
    exact = tabular_distance(a, b, T, gamma=0.9)
    held = [
        low <= exact <= high for low, high in (_sampled_epic(256, s).interval for s in range(8))
    ]
    assert sum(held) >= 5


def test_point_mass_line_has_its_closed_form() -> None:
    # positions, velocities and goals N(0, 1), action U(-1, 1); by hand
    # rho = (4/45 + gamma (p E|d| - E|d|1)) / sqrt((4/45 + 2 (1 - 2/pi)) (4/45 + gamma^2 p (1 - p)))
    rng = np.random.default_rng(0)
    count = 512
    obs, next_obs = rng.normal(size=(2, count, 3))
    action = rng.uniform(-1, 1, count)

    def dense(obs: Any, action: Any, next_obs: Any) -> Any:
        return -np.abs(next_obs[:, 0] - next_obs[:, 2]) - action**2

    def sparse(obs: Any, action: Any, next_obs: Any) -> Any:
        return (np.abs(obs[:, 0] - obs[:, 2]) < 0.05) - action**2

    found = reward_distance(
        dense, sparse, coverage=_rows(obs, action, next_obs), gamma=0.99, samples=count
    )
    assert found.value == pytest.approx(0.5524, abs=0.04)
    assert found.interval[0] < 0.5524 < found.interval[1]
    assert found.noise_floor < 1e-12


@pytest.mark.parametrize("metric", ["epic", "dard"])
def test_shaping_cancels_to_the_last_digits_whatever_the_sample(metric: str) -> None:
    found = reward_distance(UPRIGHT, 3 * SHAPED, metric, env="Pendulum-v1", samples=32, means=4)
    digits = 2e-15 if metric == "epic" else 1e-13  # dard: differences of three rewards, then means
    assert found.value < digits
    assert found.noise_floor < digits
    assert found.interval[1] < digits


@pytest.mark.parametrize("metric", ["epic", "dard", "starc-val", "npec"])
@pytest.mark.parametrize("env", [Chain, DictChain, TupleChain])
def test_an_end_is_a_state_of_its_own_where_phi_is_0(metric: str, env: Any) -> None:
    def height(obs: Any) -> Any:
        place = obs["place"] if isinstance(obs, dict) else obs[0] if isinstance(obs, tuple) else obs
        return 1.0 + place[:, 0]

    base = rw.function(lambda action: action * 1.0)
    found = reward_distance(
        base,
        base + rw.Potential(height),
        metric,
        env=env(),
        gamma=0.9,
        means=8,
        samples=64 if metric in ("epic", "dard") else 400,
    )
    # starc-val and npec fit with a basis that holds this potential
    assert found.value < (1e-12 if metric in ("epic", "dard") else 2e-3)


@pytest.mark.parametrize("metric", ["epic", "dard", "starc-val", "starc-minimal", "npec", "erc"])
@pytest.mark.parametrize("env", ["FrozenLake-8x8", "CliffWalking-v1"])
def test_on_written_dynamics_a_potential_is_exactly_no_change(metric: str, env: str) -> None:
    shaped = rw.EnvReward() + rw.Potential(CLOSE).named("close")
    found = reward_distance(rw.EnvReward(), shaped, metric, env=env)
    assert found.exact
    assert found.value < 1e-6
    assert found.interval == (found.value, found.value)


@pytest.mark.parametrize("metric", ["epic", "dard", "starc-val", "starc-minimal", "npec"])
def test_a_bonus_for_progress_alone_is_another_task(metric: str) -> None:
    cheat = rw.EnvReward() + rw.Potential(CLOSE, gamma=1.0).clip(low=0.0)
    with pytest.warns(rw.RewardwrapWarning, match="a potential has gamma 1"):
        assert reward_distance(rw.EnvReward(), cheat, metric, env="FrozenLake-8x8").value > 0.1


def test_arrays_give_what_the_tabular_function_gives() -> None:
    T, a, b = _toy()
    found = reward_distance(a, b, "dard", T=T, gamma=0.9)
    assert float(found) == found.value == tabular_distance(a, b, T, gamma=0.9, metric="dard")
    assert found.exact
    assert found.noise_floor < 1e-12


def test_a_fitted_value_prints_the_noise_it_makes() -> None:
    found = reward_distance(UPRIGHT, SHAPED, "starc-val", env="Pendulum-v1", samples=2000)
    assert found.value < 0.1
    assert 0.0 < found.noise_floor < 0.2
    far = reward_distance(UPRIGHT, -1 * SHAPED, "starc-val", env="Pendulum-v1", samples=2000)
    assert far.value > 0.95


def test_starc_on_samples_knows_the_environments_own_reward() -> None:
    found = reward_distance(
        rw.EnvReward(), 2 * rw.EnvReward() + rw.Constant(1.0), "starc-val", env="Pendulum-v1",
        samples=400,
    )  # fmt: skip
    assert found.value < 1e-3


def test_returns_are_compared_for_rewards_with_memory() -> None:
    record = rw.Progress(rw.EnvReward())
    found = reward_distance(rw.EnvReward(), record, "erc", env=Chain(), samples=40)
    assert found.samples == 40
    assert 0.0 < found.value < 1.0


def test_own_reward_can_be_given_as_a_function() -> None:
    def pay(obs: Any, action: Any, next_obs: Any) -> Any:
        angle = np.arctan2(obs[:, 1], obs[:, 0])
        return -(angle**2 + 0.1 * obs[:, 2] ** 2 + 0.001 * action[:, 0] ** 2)

    own = rw.EnvReward()
    found = reward_distance(
        own, own + rw.Potential("pole_cos"), env="Pendulum-v1", env_reward=pay, **FEW
    )
    assert found.value < 1e-13


def test_equal_seeds_give_equal_distances_and_others_do_not() -> None:
    a, b = UPRIGHT, rw.Field("pole_sin")
    one, again, other = (
        reward_distance(a, b, env="Pendulum-v1", seed=seed, **FEW) for seed in (3, 3, 4)
    )
    assert one == again
    assert one.value != other.value


def test_stored_episodes_are_coverage_too() -> None:
    env = gym.make("Pendulum-v1")
    episodes = gather(env, seed=0, episodes=3).episodes
    env.close()
    found = reward_distance(
        lambda obs, action, next_obs: obs[:, 0], lambda obs, action, next_obs: 2 * obs[:, 0],
        coverage=episodes, **FEW,
    )  # fmt: skip
    assert found.value < 1e-12
    assert found.samples == 64


@pytest.mark.parametrize("env_id", ["Hopper-v5", "Pendulum-v1", "CartPole-v1"])
def test_a_simulator_goes_back_to_where_it_was(env_id: str) -> None:
    env = gym.make(env_id)
    env.reset(seed=0)
    env.action_space.seed(0)
    simulator = Simulator(env)
    env.step(env.action_space.sample())
    state, action = simulator.save(), env.action_space.sample()
    straight = env.step(action)
    for _ in range(3):
        env.step(env.action_space.sample())
    obs, reward, terminated = simulator.step(state, action)
    np.testing.assert_allclose(obs, straight[0], atol=1e-9)
    assert (reward, terminated) == (pytest.approx(float(straight[1])), straight[2])
    env.close()


def test_a_matrix_holds_every_pair_and_draws_itself() -> None:
    matrix = distance_matrix(
        {"up": UPRIGHT, "shaped": SHAPED, "down": -1 * UPRIGHT}, "Pendulum-v1", **FEW
    )
    values = matrix.values
    np.testing.assert_array_equal(values, values.T)
    assert values[0, 1] < 1e-12
    assert values[0, 2] == pytest.approx(1.0)
    texts = [text.get_text() for text in heatmap(matrix).axes[0].texts]
    assert texts.count("–") == 3
    assert written(values[0, 2]) in texts


def test_npec_is_written_in_both_directions() -> None:
    matrix = distance_matrix(
        {"none": rw.Constant(0.0), "env": rw.EnvReward()}, "FrozenLake-8x8", "npec"
    )
    np.testing.assert_array_equal(matrix.values, [[0.0, 1.0], [0.0, 0.0]])


@pytest.mark.parametrize(
    ("reward", "sentence"),
    [
        (rw.Delta(UPRIGHT), "got Delta, which carries state from step to step"),
        (rw.Normalize(UPRIGHT, gamma=0.9), "got Normalize, which carries state"),
        (rw.EnvReward(), "needs the environment's own reward there"),
        (rw.function(lambda obs: np.full(len(obs), np.nan)), "must be finite on the coverage"),
    ],
)
def test_rewards_that_are_no_function_of_a_transition_are_refused(
    reward: Any, sentence: str
) -> None:
    with pytest.raises(DistanceError, match=sentence):
        reward_distance(UPRIGHT, reward, env="Pendulum-v1", **FEW)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "must have env, coverage or T"),
        ({"env": "Pendulum-v1", "metric": "starc-minimal"}, "must have the dynamics T"),
        ({"env": "Pendulum-v1", "gamma": 1.0}, r"gamma must lie in \[0, 1\)"),
        ({"env": "Pendulum-v1", "samples": 1}, "samples must be at least 2"),
        ({"env": "Pendulum-v1", "state_dist": [1.0]}, "must come with exact dynamics"),
        ({"env": "Pendulum-v1", "policy": 3}, "policy must be a function"),
        ({"coverage": []}, "at least one step"),
        ({"T": np.ones((2, 2, 2)) / 2, "env": "Pendulum-v1", "gamma": 0.9}, "without env"),
        ({"env": "Pendulm-v1"}, 'Did you mean "Pendulum-v1"'),
    ],
)
def test_bad_input_is_refused_with_a_sentence(options: dict[str, Any], sentence: str) -> None:
    constant = rw.function(lambda obs: np.ones(len(obs)))
    with pytest.raises(rw.RewardwrapError, match=sentence):
        reward_distance(constant, constant, **options)


def test_arrays_without_dynamics_or_discount_are_refused() -> None:
    T, a, b = _toy()
    with pytest.raises(rw.ConfigError, match="arrays must come with T"):
        reward_distance(a, b, gamma=0.9)
    with pytest.raises(rw.ConfigError, match="gamma must be given with arrays"):
        reward_distance(a, b, T=T)


def test_too_few_transitions_for_a_fit_are_refused() -> None:
    first = rw.function(lambda obs: obs[:, 0])
    with pytest.raises(DistanceError, match="starc-val must have at least"):
        reward_distance(first, first, "starc-val", env=Chain(), samples=50)


def test_dard_needs_a_simulator() -> None:
    episode = _rows(*np.zeros((3, 4)))
    with pytest.raises(DistanceError, match="simulator that goes on from any state"):
        reward_distance(_looked_up(0), _looked_up(0), "dard", coverage=episode)


def test_two_fixed_discounts_are_refused_unless_one_is_given() -> None:
    a, b = (UPRIGHT + rw.Potential("pole_angular_velocity", gamma=g) for g in (0.9, 0.95))
    with pytest.raises(rw.GammaMismatch, match=r"got 0\.9, 0\.95"):
        reward_distance(a, b, env="Pendulum-v1", **FEW)
    with pytest.warns(rw.RewardwrapWarning, match="does not cancel"):
        found = reward_distance(a, b, env="Pendulum-v1", gamma=0.9, **FEW)
    assert found.value > 1e-3
    assert "gamma 0.95" in found.warnings[0]


def test_a_reward_that_asks_for_nothing_is_halfway_to_any_other() -> None:
    with pytest.warns(rw.RewardwrapWarning, match=r"0\.5 by convention"):
        assert reward_distance(rw.Constant(1.0), UPRIGHT, env="Pendulum-v1", **FEW).value == 0.5
    both = reward_distance(rw.Constant(1.0), rw.Potential("pole_cos"), env="Pendulum-v1", **FEW)
    assert both.value == 0.0


def test_files_and_configurations_are_rewards(tmp_path: Path) -> None:
    file = tmp_path / "up.yml"
    file.write_text("field: pole_cos\n")
    forms = [file, str(file), {"field": "pole_cos"}, UPRIGHT]
    for a, b in itertools.pairwise(forms):
        assert reward_distance(a, b, env="Pendulum-v1", **FEW).value < 1e-12


def test_shaping_for_the_noise_floor_is_asked_for_once_and_the_rewards_never_again() -> None:
    asked: list[int] = []

    def counted(obs: Any) -> Any:
        asked.append(len(obs))
        return obs[:, 0]

    env = gym.make("Pendulum-v1")
    episodes = gather(env, seed=0, episodes=3).episodes
    env.close()
    reward_distance(counted, lambda next_obs: next_obs[:, 1], coverage=episodes, **FEW)
    # 64 rows before and after, 32 others: each with 32 draws; the rows themselves twice
    assert sum(rows for rows in asked if rows >= 64) == (64 + 64 + 32) * 32 + 2 * 64
    # and a few rows, which show in which style the function works
    assert sum(rows for rows in asked if rows < 64) < 2 * 64


def test_the_command_draws_without_being_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from rewardwrap.cli import main

    monkeypatch.chdir(tmp_path)
    (tmp_path / "close.yml").write_text("- env\n- potential: {phi: {row: 0.07, column: 0.07}}\n")
    assert main(["distance", "FrozenLake-8x8", "env", "close.yml"]) == 0
    assert "Drawn: distances/distances.png" in capsys.readouterr().out
    assert (tmp_path / "distances" / "distances.png").is_file()
