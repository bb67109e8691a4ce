"""Logged episodes: what a log must hold, and what is paid for a log that is cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.adapters.offline import relabel_terms, transitions
from rewardwrap.testing import Chain, DictChain, TupleChain
from rewardwrap.testing.examples import HERE

GAMMA = 0.9
HEIGHT = rw.Potential(lambda obs: obs[:, 0], gamma=GAMMA)


def episode(steps: int = 3, **columns: Any) -> dict[str, Any]:
    """Heights 1, 2, 3 ...; terminated at the end."""
    ends = np.arange(steps) == steps - 1
    made = {
        "obs": np.arange(1.0, steps + 2)[:, None],
        "action": np.zeros(steps, int),
        "reward": np.ones(steps),
        "terminated": ends,
        "truncated": np.zeros(steps, bool),
    }
    return made | columns


def shaping(last: float) -> list[float]:
    return [2 * GAMMA - 1, 3 * GAMMA - 2, last * GAMMA - 3]


@pytest.mark.parametrize("name", ["obs", "action", "reward", "terminated", "truncated"])
def test_a_missing_column_is_named(name: str) -> None:
    log = episode()
    del log[name]
    with pytest.raises(rw.ConfigError, match=f"episode must have .*Add {name}\\."):
        rw.relabel("env", log)


@pytest.mark.parametrize("name", ["obs", "action", "terminated", "truncated"])
@pytest.mark.parametrize("rows", [2, 5])
def test_a_column_of_another_length_is_named(name: str, rows: int) -> None:
    need = 4 if name == "obs" else 3
    with pytest.raises(
        rw.ConfigError, match=f"{name} must have {need} rows for 3 steps, got {rows}"
    ):
        rw.relabel("env", episode(**{name: np.zeros(rows)}))


def test_one_wrong_leaf_of_a_nested_observation_is_refused() -> None:
    obs = {"place": np.zeros((4, 2)), "clock": np.zeros((3, 1))}
    with pytest.raises(rw.ConfigError, match="obs must have 4 rows"):
        rw.relabel("env", episode(obs=obs))


@pytest.mark.parametrize("rows", [3, 4])
def test_info_may_hold_the_steps_alone_or_reset_too(rows: int) -> None:
    speed = np.arange(10.0, 10.0 + rows)
    paid = rw.relabel(rw.Native("speed"), episode(info={"speed": speed}))
    np.testing.assert_array_equal(paid, speed[-3:])


def test_a_potential_in_info_must_have_the_info_of_reset() -> None:
    phi = rw.Potential(f"{HERE}:closeness", gamma=1.0)
    position = np.array([1.0, 2.0, 4.0, 8.0])
    paid = rw.relabel(phi, episode(info={"position": position}))
    np.testing.assert_allclose(paid, [0.5, 1.0, -2.0])
    with pytest.raises(rw.RewardValueError, match='info must hold "position"'):
        rw.relabel(phi, episode(info={"position": position[1:]}))


def test_info_of_another_length_is_refused() -> None:
    with pytest.raises(rw.ConfigError, match=r'info\["speed"\] must have 3 or 4 rows, got 2'):
        rw.relabel("env", episode(info={"speed": np.zeros(2)}))


def test_a_log_without_info_says_so() -> None:
    with pytest.raises(rw.RewardValueError, match="reward_speed.*got nothing"):
        rw.relabel(rw.Native("speed"), episode())


@pytest.mark.parametrize(
    ("end", "last"), [((1, 0), 0.0), ((0, 1), 4.0), ((1, 1), 0.0), ((0, 0), 4.0)]
)
def test_only_a_terminal_state_has_no_potential(end: tuple[int, int], last: float) -> None:
    columns = {
        name: np.arange(3) == (2 if flag else -1)
        for name, flag in zip(("terminated", "truncated"), end, strict=True)
    }
    np.testing.assert_allclose(rw.relabel(HEIGHT, episode(**columns)), shaping(last))


def test_one_episode_is_an_array_and_a_list_is_a_list() -> None:
    one = rw.relabel(HEIGHT, episode())
    many = rw.relabel(HEIGHT, [episode(), episode(2)])
    assert one.shape == (3,)
    assert one.dtype == np.float64
    assert [len(paid) for paid in many] == [3, 2]
    np.testing.assert_array_equal(many[0], one)
    assert rw.relabel(HEIGHT, []) == []


def test_plain_lists_are_episodes_too() -> None:
    log = {key: np.asarray(column).tolist() for key, column in episode().items()}
    np.testing.assert_array_equal(rw.relabel(HEIGHT, log), rw.relabel(HEIGHT, episode()))


def test_the_terms_sum_to_what_is_paid() -> None:
    reward = 2 * rw.EnvReward() + 0.5 * HEIGHT.named("height") - rw.Constant(0.1)
    terms = relabel_terms(reward, episode())
    assert list(terms) == ["env", "env_rescaled", "height", "constant", "shaped"]
    added = terms["env_rescaled"] + terms["height"] + terms["constant"]
    np.testing.assert_allclose(added, terms["shaped"])
    np.testing.assert_allclose(terms["height"], 0.5 * np.array(shaping(0.0)))
    np.testing.assert_array_equal(terms["env"], 1.0)


@pytest.mark.parametrize("make", [Chain, DictChain, TupleChain], ids=lambda m: m.__name__)
def test_what_an_env_paid_is_what_its_log_pays(make: Callable[[], Any], record: Any) -> None:
    reward = ["env", {"potential": {"phi": f"{HERE}:brightness", "gamma": GAMMA}}]
    moves = np.random.default_rng(0).integers(0, 3, 30)
    episodes = record(make(), moves, seed=0)
    env, online = rw.wrap(make(), reward), []
    env.reset(seed=0)
    for action in moves:
        _, paid, terminated, truncated, _ = env.step(action)
        online.append(paid)
        if terminated or truncated:
            env.reset()
    np.testing.assert_allclose(np.concatenate(rw.relabel(reward, episodes)), online, rtol=1e-12)


def test_a_term_that_is_not_finite_names_the_step() -> None:
    broken = rw.function(lambda obs: np.where(obs[:, 0] < 2, 0.0, np.inf)).named("broken")
    with pytest.raises(
        rw.RewardValueError, match='term "broken" must be finite, got inf at step 1'
    ):
        rw.relabel(rw.EnvReward() + broken, episode())


@pytest.mark.parametrize("reward", ["env", ["env", {"constant": 1.0}], {"env": {}, "weight": 2.0}])
def test_a_logged_reward_that_is_not_finite_is_refused(reward: Any) -> None:
    log = episode(reward=np.array([1.0, np.nan, 1.0]))
    with pytest.raises(rw.RewardValueError, match="must be finite, got nan.*step 1"):
        rw.relabel(reward, log)


def test_a_reward_that_ignores_a_broken_log_is_refused_too() -> None:
    with pytest.raises(rw.RewardValueError, match='"env" must be finite, got nan.*step 1'):
        rw.relabel({"constant": 1.0}, episode(reward=np.array([1.0, np.nan, 1.0])))


def test_a_reward_of_another_shape_is_refused() -> None:
    with pytest.raises(rw.RewardValueError, match=r"one number per lane .* got \(5, 3\)"):
        rw.relabel(rw.function(lambda obs: obs.repeat(3, axis=-1)), episode())


def test_named_fields_come_from_a_recipe() -> None:
    obs = np.array([[0, 0, 0.1, 0], [0, 0, 0.2, 0], [0, 0, -0.3, 0], [0, 0, 0.4, 0]])
    phi = {"potential": {"phi": {"pole_angle": 2.0, "bias": 1.0}, "gamma": 1.0}}
    paid = rw.relabel(phi, episode(obs=obs), env="CartPole-v1")
    np.testing.assert_allclose(paid, [0.2, -1.0, -0.4])
    with pytest.raises(rw.UnknownName, match="pole_angle.*no recipe|no recipe.*pole_angle"):
        rw.relabel(phi, episode(obs=obs))
    with pytest.raises(rw.UnknownName, match="Hopper-v5"):
        rw.relabel(phi, episode(obs=obs), env="Hopper-v5")
    with pytest.raises(LookupError, match="CartPole"):
        rw.relabel(phi, episode(obs=obs), env="CartPol-v1")


def test_the_discount_may_be_given_once() -> None:
    phi = rw.Potential(lambda obs: obs[:, 0])
    np.testing.assert_array_equal(
        rw.relabel(phi, episode(), gamma=GAMMA), rw.relabel(HEIGHT, episode())
    )
    with pytest.raises(rw.ConfigError, match="gamma must be set"):
        rw.relabel(phi, episode())
    with pytest.raises(rw.GammaMismatch, match=r"0\.5, 0\.9"):
        rw.relabel(HEIGHT, episode(), gamma=0.5)


def test_relabelling_teaches_only_when_asked() -> None:
    reward = rw.EnvReward().normalize()
    rw.relabel(reward, [episode(), episode()])
    assert not any(array.any() for array in reward.state_dict().values())
    rw.relabel(reward, [episode(), episode()], training=True)
    assert any(array.any() for array in reward.state_dict().values())


def test_the_log_is_left_as_it_was() -> None:
    log = episode(info={"speed": np.arange(4.0)})
    kept = episode(info={"speed": np.arange(4.0)})
    rw.relabel(rw.EnvReward().normalize() + HEIGHT + rw.Native("speed"), log, training=True)
    assert log.keys() == kept.keys()
    for name in ("obs", "action", "reward", "terminated", "truncated"):
        np.testing.assert_array_equal(log[name], kept[name])


def test_a_row_that_ends_twice_is_an_end_and_no_limit() -> None:
    ends = np.array([False, False, True])
    rows = transitions(episode(truncated=ends))
    assert rows.terminated.tolist() == ends.tolist()
    assert not rows.truncated.any()
    np.testing.assert_allclose(rw.relabel(HEIGHT, episode(truncated=ends)), shaping(last=0.0))


def test_a_store_and_its_episodes_are_paid_as_their_columns_are() -> None:
    logs = [episode(3), episode(5)]
    store = rw.EpisodeStore.from_episodes(logs)
    whole, single = rw.relabel(HEIGHT, logs), rw.relabel(HEIGHT, next(iter(store)))
    for found, expected in zip(rw.relabel(HEIGHT, store), whole, strict=True):
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(single, whole[0])
    lengths = rw.relabel(lambda episodes: [len(e) for e in episodes], list(store))
    assert [paid[-1] for paid in lengths] == [3, 5]


@pytest.mark.parametrize("wrong", ["demos/", 3, [np.zeros(3)]])
def test_what_is_no_episode_is_refused_in_a_sentence(wrong: Any) -> None:
    with pytest.raises(rw.ConfigError, match=r"episode.* must be .*, got .*\. (Load|Give)"):
        rw.relabel(HEIGHT, wrong)
