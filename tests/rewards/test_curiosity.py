"""What all bonuses of networks have in common, and the known answers of each."""

from __future__ import annotations

import copy
import math

import gymnasium as gym
import numpy as np
import pytest
from stable_baselines3 import DQN, PPO

import rewardwrap as rw
from rewardwrap.rewards.e3b import elliptical
from rewardwrap.rewards.ngu import episodic, kernel
from rewardwrap.rewards.re3 import distance_to, entropy_term
from rewardwrap.rewards.weights import Weights, layers

SMALL = {"hidden": 8, "every": 64}
BONUSES = {
    "rnd": rw.RND(**SMALL),
    "icm": rw.ICM(**SMALL),
    "disagreement": rw.Disagreement(**SMALL),
    "simhash": rw.SimHash(every=64),
    "re3": rw.RE3(**SMALL),
    "ngu": rw.NGU(memory=8, **SMALL),
    "e3b": rw.E3B(**SMALL),
}
TRAINED = ("rnd", "icm", "disagreement", "ngu", "e3b")


class Any1(gym.Env):
    """Draws whatever its spaces hold; episodes of five steps end in a terminal state."""

    def __init__(self, obs: gym.Space, action: gym.Space) -> None:
        self.observation_space, self.action_space, self.steps = obs, action, 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.observation_space.seed(seed)
        self.steps = 0
        return self.observation_space.sample(), {}

    def step(self, action):
        self.steps += 1
        return self.observation_space.sample(), 0.0, self.steps == 5, False, {}


BOX = gym.spaces.Box(-1, 1, (3,), np.float32)
SPACES = {
    "box": (BOX, gym.spaces.Box(-2, 2, (2,), np.float32)),
    "digit": (gym.spaces.Discrete(7), gym.spaces.Discrete(4)),
    "digits": (gym.spaces.MultiDiscrete([3, 2]), gym.spaces.MultiDiscrete([2, 5])),
    "bits": (gym.spaces.MultiBinary(4), gym.spaces.MultiBinary(3)),
    "dict": (gym.spaces.Dict({"a": BOX, "b": gym.spaces.Discrete(3)}), gym.spaces.Discrete(2)),
    "image": (gym.spaces.Box(0, 255, (36, 36, 1), np.uint8), gym.spaces.Discrete(3)),
    "small_image": (gym.spaces.Box(0, 255, (7, 7, 3), np.uint8), gym.spaces.Discrete(3)),
}


def rows(obs: np.ndarray, next_obs: np.ndarray, action: np.ndarray, **flags) -> rw.Transitions:
    none = np.zeros(len(obs), bool)
    return rw.Transitions(obs, action, next_obs, none * 1.0, none, none, ~none, **flags)


def walk(reward: rw.Reward, steps: int, seed: int = 0, lanes: int = 4) -> np.ndarray:
    """What lanes at random places, apart from one that stands still, are paid."""
    rng, carry, paid = np.random.default_rng(seed), reward.init(lanes), []
    for _ in range(steps):
        obs, action = rng.normal(size=(lanes, 3)), rng.normal(size=(lanes, 2))
        carry, value = reward.step(carry, rows(obs, obs + 0.1 * action[:, :1], action))
        paid.append(value)
    return np.array(paid)


@pytest.mark.parametrize("spaces", SPACES)
@pytest.mark.parametrize("tag", BONUSES)
def test_every_space_in_several_lanes(tag, spaces):
    venv = gym.vector.SyncVectorEnv([lambda: Any1(*SPACES[spaces])] * 3)
    bonus = BONUSES[tag].fresh()
    env = rw.wrap(venv, rw.EnvReward() + 0.1 * bonus.clip(0, 1).named("novelty"))
    env.reset(seed=0)
    env.action_space.seed(0)
    for _ in range(30):
        _, paid, *_ = env.step(env.action_space.sample())
        assert np.isfinite(paid).all()
        assert (paid >= 0).all()
    assert bonus.mind.updates == 1


@pytest.mark.parametrize("tag", BONUSES)
def test_what_it_knows_is_saved_and_frozen_in_evaluation(tag, tmp_path):
    bonus = BONUSES[tag].fresh()
    walk(bonus, 40)
    before = {name: np.array(array) for name, array in bonus.state_dict().items()}
    carry = bonus.init(4)
    rng = np.random.default_rng(1)
    step = rows(rng.normal(size=(4, 3)), rng.normal(size=(4, 3)), np.ones((4, 2)), training=False)
    _, frozen = bonus.step(carry, step)
    assert all((before[name] == array).all() for name, array in bonus.state_dict().items())
    rw.save(bonus, tmp_path)
    _, loaded = rw.load(tmp_path).step(carry, step)
    assert loaded.tolist() == frozen.tolist()
    cut = next(name for name in ("0.weights", "0.fixed") if before[name].size)
    for name, sentence in ((cut, "weights must be"), ("0.scale", "scale must be")):
        with pytest.raises(rw.ConfigError, match=sentence):
            bonus.fresh().load_state_dict(before | {name: before[name][:, :-1]})


@pytest.mark.parametrize("tag", BONUSES)
def test_another_number_of_lanes_goes_on_with_what_was_learned(tag, tmp_path):
    bonus = BONUSES[tag].fresh()
    walk(bonus, 40, lanes=4)
    rw.save(bonus, tmp_path)
    again = rw.load(tmp_path)
    kept, here = ({k: np.array(v) for k, v in b.state_dict().items()} for b in (bonus, again))
    assert all((kept[name] == here[name]).all() for name in kept)
    assert np.isfinite(walk(again, 40, lanes=2)).all()
    assert again.mind.updates > bonus.mind.updates


@pytest.mark.parametrize("tag", TRAINED)
def test_a_bonus_is_paid_by_what_was_known_before_it_is_learned_from(tag):
    bonus = BONUSES[tag].fresh()
    walk(bonus, 15)
    known = copy.deepcopy(bonus)
    paid = walk(bonus, 1, seed=7)
    assert (bonus.mind.updates, known.mind.updates) == (1, 0)
    # one step before the update pays the same where no update follows
    object.__setattr__(known, "every", 10**6)
    assert walk(known, 1, seed=7).tolist() == paid.tolist()
    assert walk(known, 1, seed=8).tolist() != walk(bonus, 1, seed=8).tolist()


@pytest.mark.parametrize("tag", ["rnd", "ngu"])
def test_a_target_never_changes(tag):
    bonus = BONUSES[tag].fresh()
    walk(bonus, 1)
    fixed, learned = bonus.mind.fixed.flat.copy(), bonus.mind.learned.flat.copy()
    walk(bonus, 80)
    assert bonus.mind.updates >= 5
    assert (bonus.mind.fixed.flat == fixed).all()
    assert (bonus.mind.learned.flat != learned).any()


def standing(bonus: rw.Reward, at: np.ndarray, steps: int) -> np.ndarray:
    carry, paid = bonus.init(len(at)), []
    for _ in range(steps):
        carry, value = bonus.step(carry, rows(at, at, np.zeros((len(at), 2))))
        paid.append(value.mean())
    return np.array(paid)


def test_what_is_repeated_stops_to_be_new_to_rnd_and_what_was_never_seen_stays():
    bonus = rw.RND(every=64, normalise=False)
    here = np.random.default_rng(0).normal(size=(8, 4))
    paid = standing(bonus, here, 200)
    assert paid[-1] < 0.2 * paid[0]
    frozen = rows(here + 4.0, here + 4.0, np.zeros((8, 2)), training=False)
    assert bonus(frozen).mean() > 5 * paid[-1]


def test_one_table_of_weights_serves_all_lanes():
    bonus = rw.RND(every=64, normalise=False)
    here = np.random.default_rng(0).normal(size=(8, 4))
    paid = standing(bonus, here, 100)
    alone = bonus(rows(here[:1], here[:1], np.zeros((1, 2)), training=False))
    assert alone[0] < paid[0]


# --- known answers -------------------------------------------------------------------------------


def test_re3_pays_log_three_at_a_distance_of_two():
    assert round(entropy_term(2.0), 6) == 1.098612
    memory = np.array([[0.0, 0.0], [0.0, 2.0], [3.0, 0.0]])
    assert distance_to(np.zeros((1, 2)), memory, 2).tolist() == [2.0]
    assert distance_to(np.zeros((1, 2)), memory[:1], 3).tolist() == [0.0]
    assert distance_to(np.zeros((1, 2)), memory[:0], 3).tolist() == [0.0]


def test_re3_remembers_the_last_steps_alone_and_no_reward():
    bonus = rw.RE3(capacity=8, every=4, features=4)
    walk(bonus, 10)
    assert bonus.state_arrays()["memory"].shape == (8, 4)


def test_ngus_kernel_by_hand():
    alike = kernel(np.array([[0.0, 0.1]]), 1e-3)
    assert alike.round(6).tolist() == [[1.0, 0.010753]]
    assert episodic(alike).round(6).tolist() == [0.993678]
    # no state to compare with, and one that was there a hundred times
    assert episodic(kernel(np.full((1, 2), np.inf), 1e-3)).tolist() == [1 / 0.001]
    assert episodic(np.ones((1, 100))).tolist() == [0.0]


def test_ngus_memory_begins_with_the_first_state_of_an_episode():
    bonus = rw.NGU(normalise=False, every=10**6, memory=4)
    here = np.zeros((1, 3))
    carry, first = bonus.step(bonus.init(1), rows(here, here, np.zeros((1, 2))))
    assert first[0] == pytest.approx(1 / (1 + 0.001))
    assert carry[0][1].tolist() == [2]


def test_e3b_counts_one_direction_as_one_over_n_and_inverts_the_matrix():
    inverse, e1 = np.eye(2)[None], np.array([[1.0, 0.0]])
    paid = []
    for _ in range(3):
        inverse, bonus = elliptical(inverse, e1)
        paid.append(bonus[0])
    assert paid == [pytest.approx(1.0), pytest.approx(1 / 2), pytest.approx(1 / 3)]
    assert elliptical(inverse, np.array([[0.0, 1.0]]))[1].tolist() == [1.0]
    phi = np.random.default_rng(0).normal(size=(9, 1, 4))
    inverse = np.eye(4)[None] / 0.1
    for row in phi:
        inverse, _ = elliptical(inverse, row)
    whole = 0.1 * np.eye(4) + phi[:, 0].T @ phi[:, 0]
    np.testing.assert_allclose(inverse[0], np.linalg.inv(whole), atol=1e-12)


def test_simhash_counts_codes_and_a_code_means_the_same_for_ever():
    bonus = rw.SimHash(bits=16, every=64)
    walk(bonus, 30)
    assert bonus.mind.updates == 1
    here = np.full((1, 3), 0.3)
    paid = standing(bonus, here, 16)
    known = round(paid[0] ** -2) - 1
    assert paid.tolist() == [pytest.approx((known + n) ** -0.5) for n in range(1, 17)]


def test_models_of_disagreement_agree_on_the_mean_of_noise_where_there_are_data():
    rng = np.random.default_rng(0)
    bonus = rw.Disagreement(every=64, normalise=False)
    carry, paid = bonus.init(8), []
    for _ in range(300):
        here = np.zeros((8, 2))
        noise = rng.normal(size=(8, 2))
        carry, value = bonus.step(carry, rows(here, noise, np.zeros((8, 1))))
        paid.append(value.mean())
    assert np.mean(paid[-50:]) < 0.1 * np.mean(paid[:8])


def test_the_two_of_a_step_of_adam_are_those_of_torch():
    import torch

    shapes = layers("net", (3, 4, 2))
    weights = Weights(shapes, np.random.default_rng(0))
    x = torch.tensor(np.random.default_rng(1).normal(size=(5, 3)))
    theirs = torch.nn.Sequential(
        torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2)
    ).double()
    with torch.no_grad():
        for layer, (weight, bias) in zip(
            theirs[::2], [*weights.nets["net"].inner, weights.nets["net"].last], strict=True
        ):
            layer.weight.copy_(torch.tensor(weight.T.copy()))
            layer.bias.copy_(torch.tensor(bias))
    adam = torch.optim.Adam(theirs.parameters(), lr=0.01)
    for _ in range(5):
        adam.zero_grad()
        loss = (theirs(x) ** 2).mean()
        loss.backward()
        adam.step()
        assert weights.descend(lambda nets: (nets["net"](x) ** 2).mean(), 0.01) == pytest.approx(
            float(loss.detach()), rel=1e-9
        )
    with torch.no_grad():
        np.testing.assert_allclose(weights.nets["net"](x.numpy()), theirs(x).numpy(), atol=1e-9)


# --- with a learner ------------------------------------------------------------------------------


def test_the_six_lines_of_the_design():
    bonus = rw.RND(every=64)
    reward = rw.EnvReward() + 0.1 * bonus.clip(0, 1).named("novelty")
    venv = rw.make("MountainCar-v0", reward, n_envs=8)
    model = PPO("MlpPolicy", venv, n_steps=16, batch_size=64, n_epochs=1)
    model.learn(256, callback=rw.LogTerms())
    assert bonus.mind.updates == 4
    assert venv.term_names == ("env", "novelty", "shaped")
    novelty = venv.reward_terms[:, 1]
    assert ((novelty >= 0) & (novelty <= 0.1)).all()


def test_replay_buffers_pay_what_it_knows_now():
    bonus = rw.RND(every=32)
    venv = rw.make("MountainCar-v0", 0.1 * bonus)
    model = DQN(
        "MlpPolicy", venv, learning_starts=10, buffer_size=100,
        replay_buffer_class=rw.RelabelReplayBuffer, replay_buffer_kwargs={"reward": 0.1 * bonus},
        policy_kwargs={"net_arch": [8]},
    )  # fmt: skip
    model.learn(70)
    model.replay_buffer.relabel()
    before = model.replay_buffer.rewards[:70].copy()
    object.__setattr__(bonus, "every", 1)
    for _ in range(20):
        venv.step(np.array([0]))
    model.replay_buffer.relabel()
    assert (model.replay_buffer.rewards[:70] != before).all()


@pytest.mark.parametrize("tag", ["ngu", "e3b"])
def test_an_episodic_bonus_is_no_matter_of_one_stored_step(tag):
    with pytest.raises(rw.ConfigError, match="carries state from step to step"):
        rw.RelabelReplayBuffer(10, BOX, gym.spaces.Discrete(2), reward=BONUSES[tag].fresh())


# --- bad input -----------------------------------------------------------------------------------


def test_what_is_no_number_is_a_sentence():
    env = Any1(gym.spaces.Text(4), gym.spaces.Discrete(2))
    wrapped = rw.wrap(env, rw.RND())
    wrapped.reset(seed=0)
    with pytest.raises(rw.ConfigError, match=r"space must be Box.* got Text"):
        wrapped.step(0)
    log = {
        "obs": np.array(["a", "b"]),
        "action": [0],
        "reward": [0],
        "terminated": [1],
        "truncated": [0],
    }
    with pytest.raises(rw.ConfigError, match="obs must be numbers for a bonus that learns"):
        rw.relabel(rw.RND(), log)


def test_another_environment_is_a_sentence():
    bonus = rw.RND(every=4)
    walk(bonus, 4)
    with pytest.raises(
        rw.ConfigError, match=r"next_obs must be what the model was trained for, shape \(3,\)"
    ):
        bonus(rows(np.zeros((1, 2)), np.zeros((1, 2)), np.zeros((1, 2))))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: rw.RND(every=0), "RND: every must be a whole number of at least 1, got 0"),
        (lambda: rw.RND(rate=0), "RND: rate must be above 0, got 0"),
        (lambda: rw.ICM(beta=2), r"ICM: beta must lie in \[0, 1\], got 2"),
        (
            lambda: rw.Disagreement(models=1),
            "Disagreement: models must be a whole number of at least 2",
        ),
        (lambda: rw.RE3(k=0), "RE3: k must be a whole number of at least 1, got 0"),
        (lambda: rw.NGU(limit=0.5), "NGU: limit must be at least 1, got 0.5"),
        (lambda: rw.E3B(ridge=0), "E3B: ridge must be above 0, got 0"),
        (lambda: rw.SimHash(bits=0), "SimHash: bits must be a whole number of at least 1, got 0"),
        (lambda: rw.RND(gamma=math.nan), r"RND: gamma must lie in \[0, 1\], got nan"),
        (lambda: rw.RND().mind, "RND must have seen a step, got none"),
    ],
)
def test_bad_settings_are_a_sentence(make, sentence):
    with pytest.raises(rw.ConfigError, match=sentence):
        make()
