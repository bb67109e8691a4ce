"""What every host must know of a reward is said by its class, and one gate asks for it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import partial

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.vector import SyncVectorEnv
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecEnv, VecNormalize

import rewardwrap as rw
from rewardwrap.adapters.sb3 import RewardVecEnv
from rewardwrap.testing import Chain


@rw.register("tests_host_own_potential")
class OwnPotential(rw.Potential):
    """A potential under a tag that nobody else knows."""


@rw.register("tests_host_reads_a_field")
class ReadsAField(rw.Reward):
    def __call__(self, batch):
        return batch.task.read("cart_position", batch.next_obs, batch.info)


def position(obs):
    return obs[:, 0]


READERS = {
    "a subclass of Potential": OwnPotential(position, gamma=0.99),
    "a function of next_obs": rw.function(lambda next_obs: next_obs[:, 0].astype(float)),
    "a reward that reads a field": ReadsAField(),
    "a field": rw.Field("cart_position"),
    "an error of a field": rw.Track("cart_position"),
    "a potential of a field": rw.Potential("cart_position", gamma=0.99),
}


@pytest.mark.parametrize("reward", READERS.values(), ids=READERS)
def test_who_reads_observations_is_refused_above_a_normaliser(reward):
    below = VecNormalize(DummyVecEnv([lambda: gym.make("CartPole-v1")]))
    with pytest.raises(rw.StackError, match="environment's observations"):
        rw.wrap(below, rw.EnvReward() + reward)


def test_who_reads_none_is_welcome_above_a_normaliser():
    below = VecNormalize(DummyVecEnv([lambda: gym.make("CartPole-v1")]), norm_reward=False)
    effort = rw.function(lambda action: -np.asarray(action, float))
    venv = rw.wrap(below, rw.EnvReward() + effort)
    venv.reset()
    assert venv.step(np.array([1]))[1] == 0.0


def chain(reward, lanes=2, **options):
    return rw.wrap(DummyVecEnv([Chain] * lanes), reward, **options)


def played(host, steps=5):
    """The host after some steps of walking right."""
    host.reset()
    if isinstance(host, gym.Env):
        for _ in range(steps):
            if any(host.step(1)[2:4]):
                host.reset()
    else:
        for _ in range(steps):
            host.step(np.ones(host.num_envs, int))
    return host


PAYS = rw.EnvReward() + 0.5 * rw.Potential(lambda obs: obs[:, 0], gamma=0.9).named("place")
HOSTS = {
    "single": lambda reward: rw.wrap(Chain(), reward),
    "gymnasium vector": lambda reward: rw.wrap(SyncVectorEnv([Chain] * 2), reward),
    "24 lanes": lambda reward: chain(reward, 24),
    "25 lanes": lambda reward: chain(reward, 25),
}


@pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS)
def test_every_host_shows_the_same_things(host):
    env = played(host(PAYS), steps=3)
    lanes = getattr(env, "num_envs", 1)
    assert env.term_names == ("env", "place", "shaped")
    assert (env.training, env.discount, env.task.gamma) == (True, 0.9, 0.9)
    assert env.source == rw.wrap(Chain(), PAYS).source
    assert env.reward_version == rw.wrap(Chain(), PAYS).reward_version
    terms = env.reward_terms
    assert terms.shape == env.episode_terms.shape == (lanes, 3)
    step = env.last_step
    phi = 0.5 * (0.9 * step.next_obs[:, 0] * ~step.terminated - step.obs[:, 0])
    np.testing.assert_allclose(terms[:, 1], phi, atol=1e-6)
    np.testing.assert_allclose(step.terms["place"], phi, atol=1e-6)
    np.testing.assert_allclose(terms[:, 0], step.reward)
    np.testing.assert_allclose(PAYS(step) if PAYS.memoryless else terms[:, 2], terms[:, 2])


@pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS)
def test_what_a_host_shows_is_a_copy(host):
    env = played(host(PAYS), steps=1)
    shown, sums, step = env.reward_terms, env.episode_terms, env.last_step
    kept = shown.copy(), sums.copy(), step.reward.copy(), step.obs.copy()
    env.step(1 if isinstance(env, gym.Env) else np.ones(env.num_envs, int))
    for now, then in zip((shown, sums, step.reward, step.obs), kept, strict=True):
        np.testing.assert_array_equal(now, then)


@pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS)
def test_there_is_no_last_step_before_the_first(host):
    env = host(PAYS)
    env.reset()
    with pytest.raises(rw.StackError, match="last_step must follow a step"):
        _ = env.last_step


@pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS)
def test_another_weight_changes_what_is_paid_and_written(host):
    env = host(rw.EnvReward() + rw.Constant(-1.0).named("time"))
    before = env.reward_version
    assert env.set_weight("time", 3.0) == env.reward.to_config()
    assert env.reward_version != before
    played(env, steps=1)
    np.testing.assert_allclose(env.reward_terms[:, 1], -3.0)


def test_a_term_inside_a_term_gets_another_weight():
    inner = (rw.Constant(1.0).named("a") + 2.0 * rw.Constant(1.0).named("b")).named("both")
    env = played(chain(rw.EnvReward() + inner.clip(-9, 9)), steps=1)
    env.set_weight("b", 5.0)
    env.step([1, 1])
    both, a, b = (env.reward_terms[0, env.term_names.index(n)] for n in ("both", "a", "b"))
    assert (both, a, b) == (6.0, 1.0, 5.0)


def test_a_term_inside_what_learns_gets_no_other_weight():
    env = chain(rw.EnvReward() + rw.Constant(1.0).named("a").normalize().named("n"))
    with pytest.raises(rw.ConfigError, match="outside what learns"):
        env.set_weight("a", 5.0)


def test_an_unnamed_addend_has_the_weight_that_its_recorded_name_says():
    env = chain(rw.EnvReward() + rw.Constant(1.0))
    assert env.term_names[1] == "constant"
    env.set_weight("constant", 2.0)
    assert played(env, steps=1).reward_terms[0, 1] == 2.0


@pytest.mark.parametrize("lanes", [2, 25])
def test_methods_and_attributes_are_found_as_on_lanes_that_are_wrapped_themselves(lanes):
    reward = rw.EnvReward() + rw.Constant(-1.0).named("time")
    outside = chain(reward, lanes)
    inside = DummyVecEnv([lambda: rw.wrap(Chain(), reward)] * lanes)
    for venv in (outside, inside):
        venv.reset()
        venv.step(np.ones(lanes, int))
    for name in ("term_names", "reward_version", "source", "training", "discount"):
        assert outside.get_attr(name) == inside.get_attr(name)
    for name in ("reward_terms", "episode_terms"):
        for one, other in zip(outside.get_attr(name), inside.get_attr(name), strict=True):
            np.testing.assert_allclose(one, other)
    for one, other in zip(outside.get_attr("last_step"), inside.get_attr("last_step"), strict=True):
        np.testing.assert_allclose(one.next_obs, other.next_obs)
    written = [venv.env_method("set_weight", "time", 2.0) for venv in (outside, inside)]
    assert written[0] == written[1]
    with pytest.raises(rw.ConfigError, match="for all lanes, got 1"):
        outside.env_method("set_weight", "time", 2.0, indices=[0])


# --- one discount -----------------------------------------------------------------------------


class TwoStates(gym.Env):
    """Staying pays 0.5, going pays 1 and ends."""

    observation_space = gym.spaces.Box(0.0, 1.0, (1,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.ones(1, np.float32), {}

    def step(self, action):
        return np.full(1, 1.0 - action, np.float32), 1.0 if action else 0.5, bool(action), False, {}


@pytest.mark.parametrize(("gamma", "best"), [(0.0, "go"), (0.9, "stay")])
def test_under_another_discount_than_the_learners_the_best_action_flips(gamma, best):
    # a learner with discount 0 takes what pays more now, and without shaping that is to go
    env = rw.wrap(TwoStates(), rw.EnvReward() + rw.Potential(lambda obs: obs[:, 0]), gamma=gamma)
    paid = {}
    for action, name in enumerate(("stay", "go")):
        env.reset()
        paid[name] = env.step(action)[1]
    assert max(paid, key=paid.__getitem__) == best


PLACE = rw.Potential(lambda obs: obs[:, 0]).named("place")
OTHERS = {
    "in the potential": lambda: chain(rw.EnvReward() + replace(PLACE.base, gamma=0.9).named("p")),
    "in wrap": lambda: chain(rw.EnvReward() + PLACE, gamma=0.9),
    "in the task": lambda: RewardVecEnv(
        DummyVecEnv([Chain]), rw.EnvReward() + PLACE, task=rw.Task(gamma=0.9)
    ),
    "in lanes": lambda: DummyVecEnv([lambda: rw.wrap(Chain(), rw.EnvReward() + PLACE, gamma=0.9)]),
}


@pytest.mark.parametrize("made", OTHERS.values(), ids=OTHERS)
def test_a_discount_that_is_not_the_learners_is_refused_wherever_it_stands(made):
    model = PPO("MlpPolicy", made(), gamma=0.5, n_steps=8, batch_size=8)
    with pytest.raises(rw.GammaMismatch, match=r"learner \(0.5\), got 0.9"):
        model.learn(8, callback=rw.LogTerms())
    with pytest.raises(rw.GammaMismatch, match=r"learner \(0.5\), got 0.9"):
        rw.check(made(), model)


@pytest.mark.parametrize("lanes", [1, 25])
def test_a_discount_that_comes_in_later_is_refused(lanes):
    env = chain(PLACE, lanes, gamma=0.5)
    env.require_discount(0.5)
    other = replace(PLACE.base, gamma=0.9).named("place")
    with pytest.raises(rw.GammaMismatch, match=r"got 0.5, 0.9"):
        env.set_reward(other)
    env.set_reward(2.0 * PLACE)
    assert env.discount == 0.5


def test_the_learners_discount_is_kept_where_nothing_shapes_yet():
    env = chain(rw.Constant(1.0).named("place"), gamma=0.9)
    env.require_discount(0.5)
    assert env.discount is None
    shaping = replace(PLACE.base, gamma=0.9).named("place")
    with pytest.raises(rw.GammaMismatch, match=r"got 0.5, 0.9"):
        env.set_reward(shaping)


# --- one host in a stack ----------------------------------------------------------------------

TWICE = {
    "venv twice": lambda r: rw.wrap(chain(r), r),
    "lanes and venv": lambda r: rw.wrap(DummyVecEnv([lambda: rw.wrap(Chain(), r)]), r),
    "env twice": lambda r: rw.wrap(gym.wrappers.TimeLimit(rw.wrap(Chain(), r), 5), r),
    "vector twice": lambda r: rw.wrap(rw.wrap(SyncVectorEnv([Chain]), r), r),
    "lanes and vector": lambda r: rw.wrap(SyncVectorEnv([lambda: rw.wrap(Chain(), r)]), r),
    "rw.make": lambda r: rw.wrap(rw.make("CartPole-v1", r), r),
}


@pytest.mark.parametrize("stack", TWICE.values(), ids=TWICE)
def test_a_reward_is_not_put_on_twice(stack):
    with pytest.raises(rw.StackError, match="must pay one reward, got .*Reward.* below already"):
        stack(rw.EnvReward() + rw.Constant(-0.5).named("time"))


# --- what comes back --------------------------------------------------------------------------


def test_a_spec_holds_the_reward_of_now():
    env = rw.wrap(gym.make("CartPole-v1"), rw.EnvReward() + rw.Constant(-1.0).named("time"))
    assert env.spec.additional_wrappers[-1].kwargs["reward"] == env.reward.to_config()
    env.set_weight("time", 3.0)
    again = gym.make(gym.envs.registration.EnvSpec.from_json(env.spec.to_json()))
    assert again.reward.to_config() == env.reward.to_config()


@pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS)
def test_a_reward_may_be_given_as_a_file(host, tmp_path):
    file = tmp_path / "reward.yml"
    file.write_text("- env\n- constant: -1.0\n  name: time\n")
    for given in (file, str(file)):
        assert host(given).term_names == ("env", "time", "shaped")
    env = host(["env", {"constant": -2.0, "name": "time"}])
    env.set_reward(file)
    assert env.reward.to_config() == rw.read_reward(file).to_config()


def test_a_file_that_is_not_there_is_said_to_be_missing():
    with pytest.raises(rw.ConfigError, match="reward file must exist, got no.yml"):
        rw.make("CartPole-v1", "no.yml")


# --- numbers ----------------------------------------------------------------------------------


class Pays(Chain):
    """A chain that pays one thing."""

    def __init__(self, reward):
        super().__init__()
        self.pays = reward

    def step(self, action):
        obs, _, *ends, info = super().step(action)
        return obs, self.pays, *ends, info


NUMBERS = {
    "float32": np.float32(1), "int64": np.int64(1), "bool": True, "bool_": np.bool_(True),
    "0-d": np.array(1.0), "Decimal": Decimal(1), "torch": torch.tensor(1.0), "int": 1,
}  # fmt: skip


@pytest.mark.parametrize("reward", NUMBERS.values(), ids=NUMBERS)
def test_every_kind_of_number_is_cast_on_every_host(reward):
    made = partial(Pays, reward)
    for env in (
        rw.wrap(made(), "env"),
        rw.wrap(SyncVectorEnv([made]), "env"),
        rw.wrap(DummyVecEnv([made]), "env"),
        rw.wrap(DummyVecEnv([made] * 25), "env"),
    ):
        rw.check(env)
        played(env, steps=1)
        np.testing.assert_array_equal(env.reward_terms, 1.0)


@pytest.mark.parametrize("lanes", [2, 25])
@pytest.mark.parametrize("size", [1e39, -1e39])
def test_a_number_that_the_learner_cannot_hold_is_refused_by_name(lanes, size):
    reward = rw.EnvReward() + rw.function(lambda obs: np.full(len(obs), size)).named("big")
    env = chain(reward, lanes)
    env.reset()
    with pytest.raises(rw.RewardValueError, match=r'term "big" must be at most 3.4e\+38'):
        env.step(np.ones(lanes, int))


# --- what is said points at the user ----------------------------------------------------------


def below_zero(obs):
    return obs[:, 0] - 99.0


@pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS)
def test_a_warning_points_at_the_users_line(host):
    env = host(rw.EnvReward() + rw.Potential(below_zero, gamma=0.9))
    with pytest.warns(rw.RewardwrapWarning, match="Phi should not be negative") as caught:
        played(env)
    assert {warning.filename for warning in caught} == {__file__}


def test_a_warning_points_at_the_line_that_learns():
    env = chain(rw.EnvReward() + rw.Potential(below_zero, gamma=0.99))
    model = PPO("MlpPolicy", env, n_steps=8, batch_size=8)
    with pytest.warns(rw.RewardwrapWarning, match="Phi should not be negative") as caught:
        model.learn(16, callback=rw.LogTerms())
    assert {warning.filename for warning in caught} == {__file__}


# --- foreign hosts ----------------------------------------------------------------------------


class Silent(VecEnv):
    """One lane that tells nothing of itself."""

    def __init__(self):
        self.env = Chain()
        super().__init__(1, self.env.observation_space, self.env.action_space)

    def reset(self):
        self.reset_infos = [{}]
        return self.env.reset()[0][None]

    def step_async(self, actions):
        self.actions = actions

    def step_wait(self):
        obs, reward, terminated, truncated, info = self.env.step(int(self.actions[0]))
        return obs[None], np.array([reward]), np.array([terminated or truncated]), [info]

    def close(self):
        pass

    def get_attr(self, attr_name, indices=None):
        if attr_name == "render_mode":
            return [None]
        raise NotImplementedError

    def set_attr(self, *args, **options):
        raise NotImplementedError

    env_method = env_is_wrapped = set_attr


def test_a_venv_that_tells_nothing_has_no_recipe():
    env = rw.wrap(Silent(), "env")
    env.reset()
    assert (env.step([1])[1][0] > 0, env.task.name) == (True, "")


def test_a_spec_that_is_not_gymnasiums_is_no_recipe():
    env = Chain()
    env.spec = object()
    assert rw.wrap(env, "env").task.name == ""


@pytest.mark.parametrize("host", ["subproc", "async"])
def test_a_spec_that_cannot_be_pickled_leaves_its_worker_alive(host):
    gym.register(
        "tests-host/Lambda-v0", lambda: Chain(), max_episode_steps=4, disable_env_checker=True
    )
    made = [lambda: gym.make("tests-host/Lambda-v0")]
    try:
        if host == "subproc":
            env = rw.wrap(SubprocVecEnv(made, start_method="fork"), "env")
        else:
            env = rw.wrap(gym.vector.AsyncVectorEnv(made, context="fork"), "env")
        env.reset()
        assert env.step(np.ones(1, int))[1][0] > 0
        assert env.task.name == "tests-host/Lambda-v0"
        env.close()
    finally:
        del gym.registry["tests-host/Lambda-v0"]
