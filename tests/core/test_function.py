"""User functions mean what they say: the same pay on every host, or one sentence with name and line."""

from __future__ import annotations

import functools
import math

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from stable_baselines3.common.vec_env import DummyVecEnv

import rewardwrap as rw
from rewardwrap.testing import Chain, DictChain, DigitChain, TupleChain

STEPS = 12
HOSTS = ("single", "vector", "sb3 1", "sb3 3", "sb3 4", "sb3 5", "sb3 25", "relabel")


class Cart(gym.Wrapper):
    """CartPole whose info says where the pole is, and sometimes that it is high."""

    def reset(self, **options):
        obs, _ = self.env.reset(**options)
        return obs, {"angle": float(obs[2])}

    def step(self, action):
        obs, reward, terminated, truncated, _ = self.env.step(action)
        info = {"angle": float(obs[2])} | ({"high": 1.0} if obs[0] > 0 else {})
        return obs, reward, terminated, truncated, info


def cart() -> gym.Env:
    return Cart(gym.make("CartPole-v1"))


def paid_and_seen(host: str, reward, make=cart) -> tuple[np.ndarray, list]:
    """What a host pays, ``(steps, lanes)``, and for each row (obs, action, next_obs, info)."""
    lanes = {"single": 1, "relabel": 1, "vector": 3}.get(host) or int(host.split()[1])
    rows, paid = [], []
    if host in ("single", "relabel"):
        env = make() if host == "relabel" else rw.wrap(make(), reward, gamma=1.0)
        obs, info = env.reset(seed=0)
        infos, reward_of = [info], []
        for t in range(STEPS // 2):
            after, value, terminated, truncated, info = env.step(t % 2)
            rows.append([(obs, t % 2, after, info)])
            paid.append([value])
            reward_of.append((terminated, truncated))
            infos.append(info)
            obs = after
        if host == "relabel":
            steps = [row[0] for row in rows]
            log = {
                "obs": np.array([steps[0][0], *(s[2] for s in steps)]),
                "action": np.array([s[1] for s in steps]),
                "reward": np.ravel(paid),
                "terminated": [e[0] for e in reward_of],
                "truncated": [e[1] for e in reward_of],
                "info": {"angle": [i["angle"] for i in infos]},
            }
            paid = rw.relabel(reward, log, gamma=1.0)[:, None]
        return np.array(paid), rows
    if host == "vector":
        env = rw.wrap(
            SyncVectorEnv([make] * lanes, autoreset_mode=AutoresetMode.SAME_STEP), reward, gamma=1.0
        )
        obs, _ = env.reset(seed=0)
    else:
        env = rw.wrap(DummyVecEnv([make] * lanes), reward, gamma=1.0)
        env.seed(0)
        obs = env.reset()
    for t in range(STEPS // 2):
        actions = np.full(lanes, t % 2)
        result = env.step(actions)
        after, value = result[0], result[1]
        rows.append([(obs[i], t % 2, after[i], None) for i in range(lanes)])
        paid.append(value)
        obs = after
    return np.array(paid), rows


class Callable:
    def __call__(self, obs):
        return -abs(obs[2])

    def method(self, obs):
        return -abs(obs[2])


def scaled(obs, scale):
    return -scale * abs(obs[2])


def keyword_only(*, obs):
    return -np.abs(obs[:, 2])


def with_branch(obs):
    if obs[2] > 0:
        return -obs[2]
    return obs[2]


net = torch.nn.Linear(4, 1).double()


ANGLE = {
    "row": lambda obs: -abs(obs[2]),
    "batch": lambda obs: -np.abs(obs[:, 2]),
    "both": lambda obs: -np.abs(obs[..., 2]),
    "column of one": lambda obs: -np.abs(obs[:, 2:3]),
    "python float": lambda obs: -abs(float(obs[2])),
    "float32": lambda obs: -np.abs(obs[:, 2]).astype(np.float32),
    "branch": with_branch,
    "math": lambda obs: -math.fabs(obs[2]),
    "named o": lambda o: -abs(o[2]),
    "named s": lambda s: -abs(s[2]),
    "named state": lambda state: -abs(state[2]),
    "with action": lambda state, act: -abs(state[2]) + 0 * act,
    "s a r": lambda s, actions, r, next_state: -np.abs(s[:, 2]) + 0 * (actions + r),
    "partial": functools.partial(scaled, scale=1.0),
    "method": Callable().method,
    "object": Callable(),
    "keyword only": keyword_only,
    "default": lambda obs, scale=1.0: -scale * abs(obs[2]),
    "tensor": lambda obs: -torch.as_tensor(np.array(obs))[..., 2].abs(),
    "gradient": lambda obs: -torch.tensor(obs[:, 2], requires_grad=True).abs(),
    "whole batch": lambda batch: -np.abs(batch.obs[:, 2]),
    "norm": lambda obs: -np.linalg.norm(obs[2:3]),
}


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("name", ANGLE)
def test_a_function_is_paid_for_what_it_says_on_every_host(host, name):
    paid, rows = paid_and_seen(host, rw.function(ANGLE[name]))
    want = [[-abs(float(row[0][2])) for row in lanes] for lanes in rows]
    np.testing.assert_allclose(paid, want, rtol=1e-6)


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize(
    "f",
    [
        lambda info: info["angle"],
        lambda info: info.get("angle", 0.0),
        lambda info: info.get("angle"),
        lambda next_obs: next_obs[2],
        lambda new_obs: new_obs[:, 2],
    ],
)
def test_info_and_successors_read_like_a_dict_and_an_array(host, f):
    paid, rows = paid_and_seen(host, rw.function(f))
    want = [[float(row[2][2]) for row in lanes] for lanes in rows]
    np.testing.assert_allclose(paid, want, rtol=1e-6)


@pytest.mark.parametrize("host", [h for h in HOSTS if h != "relabel"])
@pytest.mark.parametrize(
    ("f", "each"),
    [
        (lambda info: info.get("high", 0.0), None),
        (lambda info: 1.0 if "high" in info else 0.0, "row"),
    ],
)
def test_a_key_that_only_some_lanes_report_has_its_default_elsewhere(host, f, each):
    paid, rows = paid_and_seen(host, rw.function(f, each=each))
    want = [[float(row[2][0] > 0) for row in lanes] for lanes in rows]
    np.testing.assert_array_equal(paid, want)


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize(
    "phi",
    [
        lambda obs: obs[2],
        lambda obs: obs[:, 2],
        lambda obs, info: info["angle"],
        lambda s: float(s[2]),
        lambda info: info["angle"],
        functools.partial(lambda scale, obs: scale * obs[2], 1.0),
    ],
)
def test_a_potential_takes_both_styles(host, phi):
    paid, rows = paid_and_seen(host, rw.Potential(phi))
    want = [[float(row[2][2]) - float(row[0][2]) for row in lanes] for lanes in rows]
    np.testing.assert_allclose(paid, want, atol=1e-6)


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("phi", [lambda obs, action: obs[2] * action, lambda o, a: o[:, 2] * a])
def test_advice_takes_both_styles(host, phi):
    paid, rows = paid_and_seen(host, rw.Advice(phi))
    looked = np.array([[float(row[0][2]) * row[1] for row in lanes] for lanes in rows])
    before = np.concatenate([np.zeros_like(looked[:1]), looked[:-1]])
    np.testing.assert_allclose(paid, looked - before, atol=1e-6)


def mixing(obs):
    return obs[:, 2] - obs[:, 2].mean()


def writing(next_obs):
    next_obs[0] = 7.0
    return 0.0


def writing_later(next_obs):
    value = next_obs[2]
    if value != 0:
        next_obs *= 2
    return value


def through_a_tensor(obs):
    tensor = torch.as_tensor(obs)
    tensor += 1.0
    return tensor[..., 0]


def noisy(obs):
    return np.random.default_rng().random(len(obs))


REFUSED = {
    "math of a column": (
        lambda obs: math.sin(obs[:, 0]),
        r"from a batch of 5\. Write np\.sin for math",
    ),
    "if of a column": (
        lambda obs: 1.0 if obs[:, 0] > 0 else 0.0,
        r"from a batch of 5\. Write np\.where",
    ),
    "no such number": (
        lambda o: o[8],
        r"8 is out of bounds .*size 4 .* one row\. The first is obs",
    ),
    "a name for a place": (
        lambda obs: obs["angle"],
        r"by place, obs\[0\], or a named one with rw.Field",
    ),
    "none": (lambda obs: None, "got None. Return a value."),
    "text": (lambda obs: "good", "got text. It must return numbers"),
    "pair": (lambda obs: (obs[:, 0], {}), "got a pair of a value and a dict. Return the value"),
    "complex": (lambda obs: 1j * obs[:, 0], "got complex numbers"),
    "all features": (lambda obs: obs, r"got \(5, 4\) from a batch of 5 and \(4,\) from one row"),
    "mean of all": (lambda obs: obs[:, 0].mean(), r"got \(\) from a batch of 5"),
    "mixing lanes": (mixing, "must pay a lane the same, alone or beside others"),
    "writing": (writing, r"must leave its arguments alone, got a write into them in .*py:\d+"),
    "writing later": (writing_later, "must leave its arguments alone"),
    "through a tensor": (through_a_tensor, "must leave its arguments alone"),
    "noise": (noisy, "must pay the same for the same step.*stochastic = True"),
    "a bug": (lambda obs: obs.nothing, "AttributeError: .*nothing"),
    "division": (lambda obs: 1 / 0, r"ZeroDivisionError.* Correct it there"),
    "module": (torch.nn.Linear(4, 1).forward, "TypeError"),
    "unknown key": (lambda info: info["nope"], "nope"),
    "x is the batch": (lambda x: x[2], "TypeError.*given the whole batch: call it obs"),
}


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_meant_is_one_sentence_with_the_function_in_it(host, name):
    f, said = REFUSED[name]
    with pytest.raises(rw.RewardValueError, match=said) as caught:
        paid_and_seen(host, rw.function(f))
    if name not in ("module", "unknown key"):
        assert "test_function.py:" in str(caught.value)
    assert "\n" not in str(caught.value).partition(": ")[0]


def test_a_module_is_told_its_road():
    # sealed, its weights travel with the reward; inside a function it is given tensors
    with pytest.raises(
        rw.ConfigError, match=r"torch module Linear\. Seal it with rw\.Learned\.from"
    ):
        rw.function(torch.nn.Linear(4, 1))
    paid_and_seen("sb3 3", rw.function(lambda obs: net(torch.as_tensor(obs, dtype=torch.float64))))


@pytest.mark.parametrize(
    "f",
    [
        lambda obs, speed: 0.0,
        lambda *args: 0.0,
        lambda: 0.0,
        lambda obs, *rest: 0.0,
    ],
)
def test_parameters_that_are_no_columns_are_refused_at_once(f):
    with pytest.raises(rw.ConfigError, match=r"function <lambda> \(test_function.py:\d+\) must"):
        rw.function(f)


@pytest.mark.parametrize("phi", [lambda: 0.0, lambda a, b, c: 0.0, lambda obs, action: 0.0])
def test_a_potential_of_something_else_than_states_is_refused_when_wrapped(phi):
    with pytest.raises(rw.ConfigError, match="Potential: phi <lambda> .* must take columns"):
        rw.wrap(cart(), rw.Potential(phi, gamma=0.9))


def test_the_style_can_be_said_outright():
    both = rw.function(lambda obs: obs.sum(axis=-1) / len(obs))
    with pytest.raises(rw.RewardValueError, match='each="row"'):
        paid_and_seen("sb3 3", both)
    paid, rows = paid_and_seen("sb3 3", rw.function(both.function, each="row"))
    np.testing.assert_allclose(
        paid, [[row[0].mean() for row in lanes] for lanes in rows], rtol=1e-5
    )
    with pytest.raises(rw.RewardValueError, match="from a batch"):
        paid_and_seen("sb3 3", rw.function(lambda obs: obs[2], each="batch"))
    with pytest.raises(rw.ConfigError, match='each must be "row", "batch" or None'):
        rw.function(lambda obs: obs[2], each="lane")


@pytest.mark.parametrize("host", ["single", "sb3 3"])
def test_a_function_never_changes_what_the_agent_sees(host):
    with pytest.raises(rw.RewardValueError, match="leave its arguments alone"):
        paid_and_seen(host, rw.function(lambda batch: batch.next_obs.fill(0.0)))


@pytest.mark.parametrize("lanes", [1, 2, 3, 8])
@pytest.mark.parametrize(
    ("make", "f", "want"),
    [
        (DictChain, lambda obs: obs["place"][0], 0.0),
        (DictChain, lambda obs: obs["place"][:, 0], 0.0),
        (TupleChain, lambda obs: obs[0][0], 0.0),
        (TupleChain, lambda obs: obs[1], 0.0),
        (DigitChain, lambda obs: float(obs % 8), 0.0),
        (DigitChain, lambda obs: obs % 8, 0.0),
        (DigitChain, lambda obs: np.arange(64)[obs] % 8, 0.0),
        (Chain, lambda obs: obs[1], 0.0),
    ],
)
def test_nested_and_discrete_observations_work_in_both_styles(lanes, make, f, want):
    env = rw.wrap(SyncVectorEnv([make] * lanes), rw.function(f))
    env.reset(seed=0)
    assert env.step(np.zeros(lanes, int))[1].tolist() == [want] * lanes
    env = rw.wrap(make(), rw.function(f))
    env.reset(seed=0)
    assert env.step(0)[1] == want


def test_rounding_in_float32_is_not_taken_for_mixing():
    weights = np.random.default_rng(0).normal(size=(4, 256)).astype(np.float32) * 100
    second = np.random.default_rng(1).normal(size=256).astype(np.float32)
    paid_and_seen("sb3 25", rw.function(lambda obs: np.tanh(obs @ weights) @ second))
    paid_and_seen("single", rw.function(lambda obs: np.tanh(obs @ weights) @ second))


def test_a_function_that_turns_bad_later_is_a_sentence_too():
    env = rw.wrap(cart(), rw.function(lambda obs: float(obs[0]) if obs[2] < 0.1 else None))
    env.reset(seed=0)

    def falling() -> None:
        for _ in range(20):
            env.step(0)

    with pytest.raises(rw.RewardValueError, match="test_function.py"):
        falling()


@pytest.mark.parametrize("lanes", [0, 3])
@pytest.mark.parametrize("style", ["row", "batch"])
def test_a_function_that_writes_later_is_refused_when_it_does(lanes, style):
    calls = []

    def phi(obs):
        calls.append(1)
        if len(calls) > 200:
            obs[0] = 1.0
        return 1 + (obs[2] if style == "row" else obs[:, 2])

    reward = rw.Potential(phi, gamma=1.0)
    env = rw.wrap(DummyVecEnv([cart] * lanes), reward) if lanes else rw.wrap(cart(), reward)

    def playing() -> None:
        env.reset()
        for t in range(300):
            done = env.step(np.full(lanes, t % 2) if lanes else t % 2)[2]
            if not lanes and done:
                env.reset()

    with pytest.raises(rw.RewardValueError, match="leave its arguments alone"):
        playing()
    assert len(calls) > 200
