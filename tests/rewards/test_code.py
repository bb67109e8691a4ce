"""Reward code behind the wall pays what the function pays here, and says what is wrong."""

from __future__ import annotations

import copy
import gc
import json
import pickle
import sys
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv

import rewardwrap as rw
from rewardwrap.adapters.offline import relabel_terms
from rewardwrap.core.info import ColumnInfo
from rewardwrap.core.transitions import Transitions
from rewardwrap.testing import DictChain, check_reward

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="strong isolation is Linux's"
)
TEXT = """
import numpy as np

def near(x):
    return np.exp(-np.square(x))

def reward(obs, action, next_obs, info):
    upright = near(next_obs[:, 0])
    effort = -0.1 * np.square(action).sum(axis=-1)
    return upright + effort, {"upright": upright, "effort": effort}
"""
BY_ROW = """
def reward(obs, action, next_obs, info):
    upright = math.exp(-next_obs[0] ** 2)
    effort = -0.1 * sum(a ** 2 for a in action)
    return upright + effort, {"upright": upright, "effort": effort}
"""


def batch_of(rows: int = 6, **columns) -> Transitions:
    rng = np.random.default_rng(1)
    nobody = np.zeros(rows, bool)
    return Transitions(
        **{
            "obs": rng.normal(size=(rows, 4)),
            "action": rng.normal(size=(rows, 2)),
            "next_obs": rng.normal(size=(rows, 4)),
            "reward": np.zeros(rows),
            "terminated": nobody,
            "truncated": nobody,
            "first": nobody,
            **columns,
        }
    )


def by_hand(batch: Transitions) -> np.ndarray:
    return np.exp(-(batch.next_obs[:, 0] ** 2)) - 0.1 * (batch.action**2).sum(axis=-1)


def body(*lines: str) -> str:
    inner = "\n".join(f"    {line}" for line in lines)
    return f"def reward(obs, action, next_obs, info):\n{inner}\n"


def refused(source: str, batch: Transitions | None = None, **settings) -> rw.SandboxError:
    with pytest.raises(rw.SandboxError) as caught:
        rw.CodeReward(source, **settings)(batch or batch_of())
    return caught.value


def test_batched_code_pays_what_the_function_pays_here():
    reward, batch = rw.CodeReward(TEXT), batch_of()
    np.testing.assert_allclose(reward(batch), by_hand(batch), rtol=1e-12)
    assert reward.components == ("upright", "effort") == tuple(batch.terms)
    np.testing.assert_allclose(sum(batch.terms.values()), by_hand(batch), rtol=1e-12)


def test_code_for_one_row_is_recognised_and_looped_over_in_the_worker():
    reward, batch = rw.CodeReward(BY_ROW), batch_of()
    np.testing.assert_allclose(reward(batch), by_hand(batch), rtol=1e-12)
    reward.probe(batch)
    assert reward.by_row
    batched = rw.CodeReward(TEXT)
    assert list(batched.probe(batch)) == ["total", "upright", "effort"]
    assert not batched.by_row


@pytest.mark.parametrize("source", [TEXT, BY_ROW])
def test_one_lane_first_and_many_later_pay_the_same(source):
    reward = rw.CodeReward(source)
    for rows in (1, 2, 6, 1):
        batch = batch_of(rows)
        np.testing.assert_allclose(reward(batch), by_hand(batch), rtol=1e-12)


def test_a_plain_total_needs_no_components():
    reward = rw.CodeReward(body("return next_obs[:, 0]"))
    assert reward.components == ()
    np.testing.assert_array_equal(reward(batch_of()), batch_of().next_obs[:, 0])


def test_components_are_terms_like_any_other():
    env = rw.wrap(gym.make("CartPole-v1"), rw.EnvReward() + 0.5 * rw.CodeReward(
        body("lean = -np.abs(next_obs.pole_angle)", "slow = -0.1 * np.abs(next_obs['cart_velocity'])",
             "return lean + slow, {'lean': lean, 'slow': slow}")))  # fmt: skip
    env.reset(seed=0)
    obs, paid, *_, info = env.step(1)
    terms = info["reward_terms"]
    assert list(terms) == ["env", "code", "lean", "slow", "shaped"]
    assert terms["lean"] == pytest.approx(-0.5 * abs(float(obs[2])))
    assert terms["slow"] == pytest.approx(-0.05 * abs(float(obs[1])))
    assert paid == pytest.approx(1.0 + terms["lean"] + terms["slow"])


SCALED = {
    "a number": lambda code: -0.5 * code,
    "a number times a name": lambda code: 2.0 * (0.25 * code).named("all"),
    "a sum": lambda code: 0.5 * (code + rw.Constant(1.0).named("one")),
    "a number times a shifted sum": lambda code: 3.0 * (code + rw.Constant(1.0).named("one") + 2.0),
    "twice": lambda code: 2.0 * (0.5 * code + 1.0),
}


@pytest.mark.parametrize("how", SCALED)
@pytest.mark.parametrize("host", ["one lane", "lanes", "log"])
def test_components_are_recorded_as_what_they_contribute(how, host):
    code = rw.CodeReward(body("a, b = obs[:, 0], action * 0.25", "return a + b, {'a': a, 'b': b}"))
    reward = SCALED[how](code)
    constant = {"a sum": 0.5, "a number times a shifted sum": 9.0, "twice": 2.0}.get(how, 0.0)
    if host == "log":
        steps = np.arange(5.0)
        found = relabel_terms(
            reward,
            {"obs": np.arange(6.0)[:, None], "action": steps, "reward": steps,
             "terminated": steps > 9, "truncated": steps == 4},
        )  # fmt: skip
        paid, terms = found["shaped"], found
    elif host == "lanes":
        venv = rw.wrap(DummyVecEnv([lambda: gym.make("CartPole-v1")] * 3), reward)
        venv.reset()
        paid = venv.step(np.array([0, 1, 1]))[1]
        terms = dict(zip(venv.term_names, venv.reward_terms.T, strict=True))
    else:
        env = rw.wrap(gym.make("CartPole-v1"), reward)
        env.reset(seed=0)
        _, paid, *_, info = env.step(1)
        terms = info["reward_terms"]
    np.testing.assert_allclose(terms["a"] + terms["b"] + constant, paid, rtol=1e-5)
    code.close()


@pytest.mark.parametrize("kind", [DummyVecEnv, SubprocVecEnv])
def test_one_worker_in_the_trainer_serves_every_lane(kind):
    reward = rw.CodeReward(body("return next_obs.cart_position - obs.cart_position"))
    venv = rw.wrap(kind([lambda: gym.make("CartPole-v1")] * 3), reward)
    try:
        before = venv.reset()
        obs, paid, _, _ = venv.step(np.array([0, 1, 0]))
        np.testing.assert_allclose(paid, obs[:, 0] - before[:, 0], atol=1e-6)
        worker = reward.worker
        venv.step(np.array([0, 1, 0]))
        assert reward.worker == worker is not None
    finally:
        venv.close()


def test_relabel_pays_a_long_log_in_pieces():
    rng = np.random.default_rng(0)
    steps = 9000
    episode = {
        "obs": rng.normal(size=(steps + 1, 4)),
        "action": rng.normal(size=(steps, 2)),
        "reward": np.zeros(steps),
        "terminated": np.arange(steps) == steps - 1,
        "truncated": np.zeros(steps, bool),
    }
    paid = rw.relabel(rw.CodeReward(TEXT), episode)
    hand = np.exp(-(episode["obs"][1:, 0] ** 2)) - 0.1 * (episode["action"] ** 2).sum(axis=-1)
    np.testing.assert_allclose(paid, hand, rtol=1e-12)


def test_info_and_nested_observations_reach_the_code():
    reward = rw.CodeReward(body("return info['speed'] + next_obs['a'][:, 0] - obs['b'][1]"))
    rng = np.random.default_rng(0)
    nested = [
        {"a": rng.normal(size=(3, 2)), "b": (rng.normal(size=3), rng.normal(size=3))} for _ in "12"
    ]
    batch = batch_of(
        3,
        obs=nested[0],
        next_obs=nested[1],
        info=ColumnInfo({"speed": np.arange(3), "name": ["x"] * 3}),
    )
    hand = np.arange(3) + nested[1]["a"][:, 0] - nested[0]["b"][1]
    np.testing.assert_allclose(reward(batch), hand)
    assert DictChain().observation_space is not None


def test_arrays_keep_their_dtype_and_another_shape_is_taken_up():
    reward = rw.CodeReward(body("return np.mean(next_obs, axis=-1) * 1.0"))
    for dtype in (np.uint8, np.float32, np.int64):
        obs = np.arange(12).reshape(4, 3).astype(dtype)
        np.testing.assert_allclose(reward(batch_of(4, obs=obs, next_obs=obs)), obs.mean(axis=-1))
    wide = np.ones((2, 64, 64, 3), np.uint8)
    images = rw.CodeReward(body("return np.mean(next_obs, axis=(1, 2, 3))"))
    np.testing.assert_allclose(images(batch_of(2, obs=wide, next_obs=wide)), 1.0)


def test_it_keeps_the_contract_of_every_reward():
    check_reward(rw.CodeReward(TEXT))


def test_it_comes_back_from_json_pickle_and_disk_without_bytecode(tmp_path):
    reward, batch = rw.CodeReward(TEXT, deadline=2.0), batch_of()
    reward(batch)
    config = json.loads(json.dumps(reward.to_config()))
    assert config["code"]["sha256"] == reward.sha256
    assert config["code"]["source"] == TEXT
    rw.save(reward, tmp_path)
    for back in (
        rw.from_config(config),
        pickle.loads(pickle.dumps(reward)),
        copy.deepcopy(reward),
        rw.load(tmp_path, isolation={"deadline": 2.0}),
    ):
        assert back.worker is None
        np.testing.assert_allclose(back(batch), by_hand(batch), rtol=1e-12)
        assert back.worker == reward.worker
        back.close()
        assert reward.worker is not None


def test_a_source_that_was_changed_since_it_was_saved_is_refused():
    config = rw.CodeReward(TEXT).to_config()
    config["code"]["source"] += "\n# more"
    with pytest.raises(rw.ConfigError, match="must be the one with sha256"):
        rw.from_config(config)


def test_no_process_outlives_the_reward():
    reward = rw.CodeReward(TEXT)
    reward(batch_of())
    worker = Path(f"/proc/{reward.worker}")
    assert worker.exists()
    del reward
    gc.collect()
    assert not worker.exists()


def test_a_file_is_read_and_must_be_approved_where_that_is_asked_for(tmp_path):
    from rewardwrap.sandbox.intake import approve

    file = tmp_path / "reward.py"
    file.write_text(TEXT)
    assert rw.CodeReward(file).file == str(file)
    with pytest.raises(
        rw.SandboxError, match=r"must be approved.*rewardwrap review .* --approve"
    ) as caught:
        rw.CodeReward(file, approval="required")
    assert caught.value.reason == "gate"
    approve(file, TEXT)
    assert rw.CodeReward(str(file), approval="required").source == TEXT
    file.write_text(TEXT + "# changed\n")
    with pytest.raises(
        rw.SandboxError, match="must be approved before it runs, got an approval of"
    ):
        rw.CodeReward(file, approval="required")
    with pytest.raises(rw.SandboxError, match="got text without a file"):
        rw.CodeReward(TEXT, approval="required")


@pytest.mark.parametrize(
    ("source", "reason", "words"),
    [
        (body("return next_obs[:, 99]"), "crash", r"index 99 is out of bounds.* in line 2"),
        (
            body("return np.log(next_obs[:, 0] * 0.0 - 1.0)"),
            "output",
            "must be finite.*got nan in row 0",
        ),
        (body("return next_obs"), "output", r"must have shape \(6,\), got \(6, 4\)"),
        (
            body("x = obs", "x[0] = 1.0", "return x[:, 0]"),
            "crash",
            "read-only.* in line 3.*copy first",
        ),
        (
            body(
                "a, c = next_obs[:, 0] * 1.0, obs[:, 0]",
                "t = a + c",
                "b = a",
                "b *= 2.0",
                "return t, {'a': a, 'c': c}",
            ),
            "output",
            "must add up to the reward",
        ),
        (
            body("return next_obs[:, 0] - np.mean(next_obs[:, 0])"),
            "output",
            "no statistics of the batch",
        ),
        (
            body("return np.zeros(len(obs)), {'a': 'text'}"),
            "output",
            "component 'a' must be numbers",
        ),
    ],
)
def test_honest_mistakes_are_told_with_the_line(source, reason, words):
    with pytest.raises(rw.SandboxError, match=words) as caught:
        rw.CodeReward(source)(batch_of())
    assert caught.value.reason == reason


def test_state_between_calls_is_found_by_asking_twice():
    source = "n = [0.0]\n" + body("n[0] += 1.0", "return np.full(len(obs), n[0])")
    error = refused(source, gate="off")
    assert error.reason == "output"
    assert "keep nothing between calls" in str(error)


def test_a_field_that_the_environment_does_not_have_is_refused_with_the_near_miss():
    with pytest.raises(rw.SandboxError, match=r'line 2: No field of .*"pole_angel".*pole_angle'):
        rw.wrap(gym.make("CartPole-v1"), rw.CodeReward(body("return -next_obs.pole_angel")))


def test_limits_that_bite_are_named():
    assert "deadline=0.3" in str(refused(body("while True: pass"), gate="off", deadline=0.3))
    many = refused(body("return np.ones(10 ** 9)[:len(obs)]"), gate="off", memory_mb=64)
    assert (many.reason, "memory_mb" in str(many)) == ("memory", True)


def test_a_worker_that_dies_is_replaced_once_and_the_second_time_is_an_error():
    import os
    import signal

    reward, batch = rw.CodeReward(TEXT), batch_of()
    reward(batch)
    os.kill(reward.worker, signal.SIGKILL)
    with pytest.warns(rw.RewardwrapWarning, match="restarted once, since it was ended by SIGKILL"):
        np.testing.assert_allclose(reward(batch), by_hand(batch))
    os.kill(reward.worker, signal.SIGKILL)
    with pytest.raises(rw.SandboxError, match="must not crash its process") as caught:
        reward(batch)
    assert caught.value.reason == "crash"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"gate": "loose"}, "gate must be"),
        ({"deadline": 0}, "deadline must lie in"),
        ({"memory_mb": "much"}, "memory_mb must be a number"),
        ({"approval": "yes"}, "approval must be"),
        ({"tier": "vm"}, "tier must be"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(settings, words):
    with pytest.raises(rw.ConfigError, match=words):
        rw.CodeReward(TEXT, **settings)


@pytest.mark.parametrize("source", [Path("nowhere.py"), "nowhere.py", 3])
def test_a_source_that_is_none_is_refused(source):
    with pytest.raises(rw.ConfigError, match="must be"):
        rw.CodeReward(source)


def test_component_names_are_checked():
    for names in (["env"], ["a b"], ["a", "a"], [f"c{i}" for i in range(40)]):
        assert refused(TEXT, components=names).reason == "gate"


def test_a_sandbox_error_survives_a_queue():
    error = pickle.loads(pickle.dumps(rw.SandboxError("no.", reason="memory", line=3)))
    assert (error.reason, error.line, str(error)) == ("memory", 3, "no.")


CLOCKED = """
def reward(obs, action, next_obs, info):
    jerk = -np.abs(action[:, 0] - info["previous_action"][:, 0])
    late = -0.01 * info["step"]
    fell = -5.0 * info["terminated"]
    return jerk + late + fell, {"jerk": jerk, "late": late, "fell": fell}
"""


def test_code_reads_the_end_the_number_of_the_step_and_the_action_before() -> None:
    log = {
        "obs": np.zeros((4, 2)), "action": np.array([[1.0], [3.0], [2.5]]), "reward": np.zeros(3),
        "terminated": np.array([False, False, True]), "truncated": np.zeros(3, bool),
    }  # fmt: skip
    expected = [-0.01, -2.0 - 0.02, -0.5 - 0.03 - 5.0]
    code = rw.CodeReward(CLOCKED)
    assert not code.memoryless
    assert rw.relabel(code, [log, log])[1] == pytest.approx(expected)
    assert rw.CodeReward(
        "def reward(obs, action, next_obs, info):\n    return obs[:, 0]"
    ).memoryless


@pytest.mark.parametrize("confine", ["auto", "process"])
def test_every_host_pays_it_alike_over_episode_borders(confine: str) -> None:
    code = rw.CodeReward(CLOCKED, confine=confine)  # type: ignore[arg-type]
    paid: list[list[float]] = []
    for lanes in (1, 3):
        venv = rw.make(
            "Pendulum-v1", code, n_envs=lanes, seed=0, env_kwargs={"max_episode_steps": 7}
        )
        venv.reset()
        actions = np.random.default_rng(0).uniform(-2, 2, (20, 1, 1)).astype(np.float32)
        paid.append([float(venv.step(np.repeat(a, lanes, axis=0))[1][0]) for a in actions])
        venv.close()
    assert paid[0] == pytest.approx(paid[1])
    steps = np.arange(20) % 7 + 1
    before = np.where(steps == 1, actions[:, 0, 0], np.roll(actions[:, 0, 0], 1))
    assert paid[0] == pytest.approx(-np.abs(actions[:, 0, 0] - before) - 0.01 * steps, abs=1e-6)
    code.close()


def test_a_closed_environment_leaves_no_worker_and_another_one_goes_on() -> None:
    reward = rw.CodeReward(TEXT, confine="process")
    first, second = (rw.make("Pendulum-v1", reward, n_envs=lanes) for lanes in (1, 3))
    single = rw.wrap(gym.make("Pendulum-v1"), reward)
    for venv in (first, second):
        venv.reset()
        venv.step(np.zeros((venv.num_envs, 1), np.float32))
    assert reward.worker is not None
    first.close()
    assert reward.worker is None
    second.step(np.zeros((3, 1), np.float32))
    assert reward.worker is not None
    single.reset()
    single.step(np.zeros(1, np.float32))
    second.close()
    single.close()
    assert reward.worker is None


def test_code_that_is_slow_says_so_once() -> None:
    slow = """
def reward(obs, action, next_obs, info):
    total = obs[:, 0] * 0.0
    for i in range(1500):
        total = total + np.exp(-np.square(obs[:, 0] + i)) * 1e-6
    return total
"""
    zeros, never = np.zeros((4, 3)), np.zeros(4, bool)
    batch = Transitions(zeros, zeros, zeros, np.zeros(4), never, never, never)
    code = rw.CodeReward(slow, confine="process")
    for _ in range(199):
        code(batch)
    with pytest.warns(rw.RewardwrapWarning, match="4 rows within 2 ms, got"):
        code(batch)
    code(batch)
    code.close()
