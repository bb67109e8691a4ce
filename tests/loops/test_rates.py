from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rewardwrap as rw


def log(rewards: Any) -> dict[str, Any]:
    nothing = np.zeros(len(rewards))
    ends = {"terminated": nothing, "truncated": nothing}
    return {"obs": np.zeros(len(rewards) + 1), "action": nothing, "reward": rewards, **ends}


HIGH = rw.EnvReward() > 0.5
CONSTANT = rw.Constant(1.0)


def seen(rates: rw.Rates, rewards: Any) -> dict[str, float]:
    """One rollout of these rewards, and what is logged after it."""
    rw.relabel(rates, log(rewards), training=True)
    return rates.adapt()


def test_a_multiplier_grows_by_what_the_rate_is_off_and_pays_the_worked_number() -> None:
    rates = rw.Rates(rw.EnvReward(), at_most={"high": (HIGH, 0.15)}, eta=2.0, damping=0)
    told = seen(rates, [1.0, 0.0, 1.0, 0.0])
    assert told["rates/high/value"] == 0.5
    assert told["rates/high/limit"] == 0.15
    assert told["rates/high/multiplier"] == pytest.approx(2 * 0.35)
    assert told["rates/task_weight"] == pytest.approx(1 / 1.7)
    paid = rw.relabel(rates, log([1.0, 0.25]))
    np.testing.assert_allclose(paid, [(1 - 0.7) / 1.7, 0.25 / 1.7])


def test_at_least_turns_the_sign() -> None:
    rates = rw.Rates(rw.EnvReward(), at_least={"high": (HIGH, 0.75)}, eta=2.0, damping=0)
    assert seen(rates, [1.0, 0.0])["rates/high/multiplier"] == pytest.approx(0.5)
    np.testing.assert_allclose(rw.relabel(rates, log([1.0, 0.0])), [(1 + 0.5) / 1.5, 0.0])


@given(
    rollouts=st.lists(st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=5), max_size=5),
    limit=st.floats(0, 1),
    eta=st.floats(0.01, 5),
)
def test_multipliers_keep_their_bounds_and_the_weights_sum_to_one(
    rollouts: Any, limit: float, eta: float
) -> None:
    rates = rw.Rates(
        rw.EnvReward(),
        at_most={"high": (HIGH, limit)},
        at_least={"low": (1 - HIGH, limit / 2)},
        eta=eta,
        most=1.5,
        patience=100,
    )
    before = {"high": 0.0, "low": 0.0}
    for rewards in rollouts:
        told = seen(rates, rewards)
        for name, sign in (("high", 1), ("low", -1)):
            now, limit_ = told[f"rates/{name}/multiplier"], told[f"rates/{name}/limit"]
            excess = sign * (told[f"rates/{name}/value"] - limit_)
            assert now == pytest.approx(min(max(before[name] + eta * excess, 0.0), 1.5), abs=1e-9)
            before[name] = now
        assert sum(map(abs, rates._weights)) == pytest.approx(1.0)


def test_the_damping_weighs_the_rate_as_it_is_now() -> None:
    rates = rw.Rates(rw.EnvReward(), at_most={"high": (HIGH, 0.25)}, eta=1.0, damping=4.0)
    told = seen(rates, [1.0, 0.0])
    assert told["rates/high/multiplier"] == 0.25
    assert told["rates/task_weight"] == pytest.approx(1 / (1 + 0.25 + 4 * 0.25))
    told = seen(rates, [0.0, 0.0])
    assert told["rates/high/multiplier"] == 0.0
    assert told["rates/task_weight"] == 1.0


def test_while_every_rate_holds_the_task_is_paid_as_it_is() -> None:
    rates = rw.Rates(rw.EnvReward(), at_most={"high": (HIGH, 0.9)})
    for _ in range(3):
        assert seen(rates, [1.0, 0.0])["rates/high/multiplier"] == 0.0
    values = np.random.default_rng(0).normal(size=50)
    np.testing.assert_array_equal(rw.relabel(rates, log(values)), values)


def test_the_rate_of_what_always_happens_is_one() -> None:
    rates = rw.Rates(rw.EnvReward(), at_most={"always": (CONSTANT, 0.5)})
    assert seen(rates, [3.0, -2.0])["rates/always/value"] == 1.0


def test_the_scale_of_the_task_does_not_change_what_the_multipliers_do() -> None:
    one, other = (rw.Rates(s * rw.EnvReward(), at_most={"high": (HIGH, 0.1)}) for s in (1.0, 50.0))
    assert seen(one, [1.0, 1.0]) == seen(other, [1.0, 1.0])


def test_the_bootstrap_pays_for_the_rates_alone_until_they_all_hold() -> None:
    bounds = {"high": (HIGH, 0.25), "always": (CONSTANT, 1.0)}
    rates = rw.Rates(5.0 * rw.EnvReward(), at_most=bounds, eta=1.0, damping=0, bootstrap=True)
    np.testing.assert_array_equal(rw.relabel(rates, log([1.0, 0.0])), 0.0)
    assert seen(rates, [1.0, 0.0])["rates/task_weight"] == 0.0
    np.testing.assert_array_equal(rw.relabel(rates, log([1.0, 0.25])), [-1.0, 0.0])
    assert seen(rates, [0.0, 0.0])["rates/task_weight"] == 1.0
    assert seen(rates, [1.0, 1.0])["rates/task_weight"] == pytest.approx(1 / 1.75)


def test_evaluation_counts_nothing_and_changes_nothing() -> None:
    rates = rw.Rates(rw.EnvReward(), at_most={"high": (HIGH, 0.1)})
    seen(rates, [1.0])
    before = rates.state_dict()
    rw.relabel(rates, log([1.0, 1.0]))
    assert rates.counted == 0
    assert all(np.array_equal(before[key], value) for key, value in rates.state_dict().items())


def test_what_it_learned_is_saved_and_fresh_forgets_it(tmp_path: Any) -> None:
    rates = rw.Rates(rw.EnvReward(), at_most={"high": (HIGH, 0.1)}, bootstrap=True)
    seen(rates, [1.0])
    seen(rates, [0.0])
    rw.relabel(rates, log([1.0, 0.0]), training=True)
    back = rw.load(rw.save(rates, tmp_path))
    assert isinstance(back, rw.Rates)
    assert back.multipliers == rates.multipliers
    assert back.counted == 2
    assert back.adapt() == rates.adapt()
    fresh = rates.fresh()
    assert isinstance(fresh, rw.Rates)
    assert fresh.multipliers == {"high": 0.0}
    assert fresh.to_config() == rates.to_config()
    with pytest.raises(rw.ConfigError, match=r"must be 1 numbers in \[0, 100\], got \[-1.0\]"):
        back.load_state_arrays({**back.state_arrays(), "multipliers": np.array([-1.0])})


def test_it_is_written_as_people_write_it() -> None:
    text = """{"rates": {"task": "env", "at_most":
        {"torque": {"of": {"indicator": {"base": "env", "relation": ">", "limit": 1}}, "limit": 0.15}}}}"""
    rates = rw.from_config(json.loads(text))
    assert isinstance(rates, rw.Rates)
    assert rates.to_config()["rates"]["at_most"] == {
        "torque": {
            "of": {"indicator": {"base": {"env": {}}, "relation": ">", "limit": 1}},
            "limit": 0.15,
        }
    }


def test_a_rate_that_cannot_hold_is_said_once_with_its_number() -> None:
    rates = rw.Rates(rw.EnvReward(), at_most={"torque": (HIGH, 0.1)}, eta=9.0, most=2.0, patience=3)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for _ in range(8):
            seen(rates, [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0])
    assert [str(w.message).partition(",")[0] for w in said] == [
        "rate torque stays at 0.30 with its multiplier at the maximum (2)"
    ]


@pytest.mark.parametrize(
    ("bounds", "rule"),
    [
        ({}, "at least one rate, got none"),
        ({"at_most": {"v": (rw.EnvReward(), 0.1)}}, "rate v must be of an event"),
        ({"at_most": {"v": (HIGH, 1.5)}}, r"limit in \[0, 1\], got 1.5"),
        ({"at_most": {"v": HIGH}}, "an event and its share"),
        ({"at_most": [(HIGH, 0.1)]}, "at_most must be {name"),
        (
            {"at_most": {"a": (HIGH, 0.1)}, "at_least": {"b": (rw.EnvReward() > 0.5, 0.2)}},
            "a at most 0.1 and b at least 0.2 of one event",
        ),
        ({"at_most": {"a": (HIGH, 0.5)}, "at_least": {"a": (HIGH, 0.2)}}, "names of rates must"),
        ({"at_most": {"a": (HIGH, 0.5)}, "eta": 0}, "eta must"),
        ({"at_most": {"a": (HIGH, 0.5)}, "bootstrap": 1}, "bootstrap must be true or false"),
    ],
)
def test_what_cannot_be_meant_is_refused(bounds: Any, rule: str) -> None:
    with pytest.raises(rw.ConfigError, match=rule):
        rw.Rates(rw.EnvReward(), **bounds)


def test_a_function_that_is_no_event_is_found_out_on_the_first_step() -> None:
    half = rw.function(lambda reward: 0.5 + 0.0 * reward)
    rates = rw.Rates(rw.EnvReward(), at_most={"half": (half, 0.1)})
    with pytest.raises(rw.RewardValueError, match="rate half must be of an event, .* got 0.5"):
        rw.relabel(rates, log([1.0] * 8))


def left(action: Any) -> Any:
    """Whether the cart is pushed to the left."""
    return (action == 0) * 1.0


@pytest.mark.parametrize("lanes", [1, 3])
def test_training_moves_one_set_of_multipliers_and_logs_it(lanes: int) -> None:
    from stable_baselines3 import PPO

    rates = rw.Rates(rw.EnvReward(), at_most={"left": (rw.function(left), 0.1)})
    venv = rw.make("CartPole-v1", rates, n_envs=lanes, seed=0, gamma=0.99)
    model = PPO("MlpPolicy", venv, n_steps=32, batch_size=32, n_epochs=1, seed=0)
    model.learn(64 * lanes, callback=rates.update(), log_interval=100)
    told = model.logger.name_to_value
    assert 0 < told["rates/left/value"] < 1
    assert told["rates/left/limit"] == 0.1
    assert told["rates/left/multiplier"] == rates.multipliers["left"] > 0


def test_off_policy_learners_move_them_after_so_many_steps() -> None:
    from stable_baselines3 import DQN

    rates = rw.Rates(rw.EnvReward(), at_most={"left": (rw.function(left), 0.0)}, eta=1.0)
    venv = rw.make("CartPole-v1", rates, seed=0, gamma=0.99)
    model = DQN("MlpPolicy", venv, learning_starts=1000, seed=0, train_freq=4)
    model.learn(50, callback=rates.update(every=20))
    assert rates.counted < 20
    assert rates.multipliers["left"] > 0


def test_a_callback_that_no_step_reaches_is_refused() -> None:
    from stable_baselines3 import PPO

    rates, other = (rw.Rates(rw.EnvReward(), at_most={"a": (HIGH, 0.1)}) for _ in range(2))
    model = PPO("MlpPolicy", rw.make("CartPole-v1", rates, gamma=0.99), n_steps=16, batch_size=16)
    with pytest.raises(rw.StackError, match="got none in a whole rollout"):
        model.learn(16, callback=other.update())


@pytest.mark.slow
def test_the_command_installs_the_callback_itself(tmp_path: Any, capsys: Any) -> None:
    from rewardwrap.cli import main

    file = tmp_path / "rates.yml"
    file.write_text(
        "rates:\n  task: env\n  at_most:\n    fast:\n      of: {indicator: {base: {field: cart_velocity}, "
        "relation: '>', limit: 0}}\n      limit: 0.05\n"
    )
    out = ["--out", str(tmp_path / "logs"), "--eval-episodes", "1", "--device", "cpu"]
    small = ["-params", "n_steps:16", "n_envs:2", "batch_size:16", "n_epochs:1"]
    code = main(["train", "CartPole-v1", "--reward", str(file), "-n", "64", *out, *small])
    assert code == 0, capsys.readouterr().err
    saved = next((tmp_path / "logs").rglob("last*/**/reward.json")).parent
    reward = rw.load(saved)
    assert isinstance(reward, rw.Rates)
    assert reward.multipliers["fast"] > 0
