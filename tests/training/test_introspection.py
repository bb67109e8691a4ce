"""Forecasts of the end come from the policy's own pass, and sets of continuations are worth what they say."""

from __future__ import annotations

import json
import re
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch
from stable_baselines3 import DQN, PPO

import rewardwrap as rw
import rewardwrap_envs  # noqa: F401 - registers the miniature
from rewardwrap.cli import main
from rewardwrap.training.introspection import Branch, expected_top

ENV = "rewardwrap/SearchQA-v0"


@pytest.fixture(scope="module")
def env() -> gym.Env:
    return gym.make(ENV, unanswerable=0.2)


@pytest.fixture(scope="module")
def head(env: gym.Env) -> rw.ForecastHead:
    model = PPO("MlpPolicy", env, n_steps=64, batch_size=64, seed=0)
    return rw.ForecastHead(model).learn(env, episodes=150, epochs=150)


def _passes(head: rw.ForecastHead) -> list[int]:
    """Grows by one at each pass through the policy's body."""
    seen: list[int] = []
    head.policy.mlp_extractor.policy_net.register_forward_hook(lambda *_: seen.append(1))
    return seen


def _branch(head: rw.ForecastHead, draws: np.random.Generator) -> Branch:
    value, length = (draws.dirichlet(np.ones(n)) for n in head.shape)
    return Branch(None, None, value=value, length=length)  # type: ignore[arg-type]


def test_the_joint_is_a_distribution_and_its_mean_that_of_its_marginal(
    head: rw.ForecastHead, env: gym.Env
) -> None:
    obs = [env.reset(seed=k)[0] for k in range(5)]
    joint, (values, steps) = head.joint(obs), head.bins
    assert joint.shape == (5, 8, 8)
    np.testing.assert_allclose(joint.sum(axis=(1, 2)), 1.0)
    whole = np.einsum("bvs,v->b", joint, values)
    single = [expected_top(one.sum(axis=1)[None], values) for one in joint]
    np.testing.assert_allclose(whole, single)
    assert (np.diff(values) > 0).all()
    assert (np.diff(steps) > 0).all()


def test_the_worked_grid() -> None:
    """Fail .3, success .7; lengths 1.5, 4, 10, 24: two are worth .91 and are waited for 8.195 steps."""
    grid = np.array([[0.10, 0.10, 0.05, 0.05], [0.40, 0.20, 0.05, 0.05]])
    value, length = grid.sum(axis=1), grid.sum(axis=0)
    assert expected_top(np.stack([value] * 2), np.array([0.0, 1.0])) == pytest.approx(0.91)
    centres = np.array([1.5, 4.0, 10.0, 24.0])
    assert length @ centres == pytest.approx(5.35)
    assert expected_top(np.stack([length] * 2), centres) == pytest.approx(8.195)


def test_a_free_set_is_worth_its_best_member_at_least_and_steps_lower_it(
    head: rw.ForecastHead, env: gym.Env
) -> None:
    draws = np.random.default_rng(0)
    free = rw.Searcher(env, head, compute=0.0)
    for count in (1, 2, 5):
        found = [_branch(head, draws) for _ in range(count)]
        each = [free.utility([one]) for one in found]
        assert free.utility(found) >= max(each) - 1e-12
        assert rw.Searcher(env, head, compute=0.1).utility(found) < free.utility(found)
        assert rw.Searcher(env, head, compute=0, latency=0.1).utility(found) < free.utility(found)
    ended = Branch(None, None, value=found[0].value, expected=0.5)  # type: ignore[arg-type]
    waiting = rw.Searcher(env, head, compute=0.1, latency=0.1)
    assert waiting.utility([ended]) == pytest.approx(free.utility([ended]))
    assert waiting.utility([ended, found[1]]) == pytest.approx(waiting.utility([found[1], ended]))


def test_one_pass_a_step_and_a_policy_that_stays(head: rw.ForecastHead, env: gym.Env) -> None:
    before = [p.clone() for p in head.policy.parameters()]
    counted = _passes(head)
    (played,) = head.rollouts(env, [7])
    assert len(counted) == played.steps
    counted.clear()
    head.passes = 0
    _, steps = rw.Searcher(env, head, compute=0.01).run(7)
    assert len(counted) == head.passes <= steps
    assert all(map(torch.equal, before, head.policy.parameters()))
    obs, _ = env.reset(seed=0)
    law = head.policy.get_distribution(head.policy.obs_to_tensor(obs)[0]).distribution
    own = head.policy._get_action_dist_from_latent(head.latent([obs])).distribution
    assert torch.equal(law.probs, own.probs)


def test_one_branch_is_plain_play(head: rw.ForecastHead, env: gym.Env) -> None:
    torch.manual_seed(3)
    (plain,) = head.rollouts(env, [11])
    torch.manual_seed(3)
    answer, steps = rw.Searcher(env, head, compute=0.0, branches=1).run(11)
    assert (answer.steps, answer.paid, steps) == (plain.steps, plain.paid, plain.steps)


def test_dear_steps_end_the_search_after_one_answer_and_cheap_ones_do_not(
    head: rw.ForecastHead, env: gym.Env
) -> None:
    torch.manual_seed(0)
    taken = {
        price: sum(rw.Searcher(env, head, compute=price).run(seed)[1] for seed in range(10))
        for price in (10.0, 0.001)
    }
    assert taken[10.0] < taken[0.001]
    _, steps = rw.Searcher(env, head, compute=0.001, latency=0.001, branches=3).run(0)
    assert steps > 0


def test_what_cannot_be_is_refused(head: rw.ForecastHead, env: gym.Env) -> None:
    with pytest.raises(rw.ConfigError, match="Use PPO or A2C"):
        rw.ForecastHead(DQN("MlpPolicy", env, buffer_size=10))
    with pytest.raises(rw.ConfigError, match="bins must be at least 2"):
        rw.ForecastHead(head.model, values=1)
    with pytest.raises(rw.ConfigError, match="episodes must be at least 1"):
        rw.ForecastHead(head.model).learn(env, episodes=0)
    with pytest.raises(rw.ConfigError, match="prices must be at least 0"):
        rw.Searcher(env, head, compute=-1.0)
    with pytest.raises(rw.ConfigError, match="must be fitted"):
        rw.Searcher(env, rw.ForecastHead(head.model))
    held = gym.make(ENV)
    held.unwrapped.handle = iter(x for x in ())  # type: ignore[attr-defined]
    with pytest.raises(rw.StackError, match=re.escape("copy.deepcopy")):
        rw.Searcher(held, head).run(0)


def test_the_command_prints_the_search_beside_its_controls(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = ["-params", "n_envs:4", "n_steps:64", "batch_size:64", "normalize:True"]
    seldom = ["--eval-freq", "256", "--eval-episodes", "1"]
    train = [
        "train",
        "--env",
        ENV,
        "-n",
        "256",
        "-f",
        str(tmp_path),
        "--verbose",
        "0",
        *seldom,
        *row,
    ]
    assert main(train) == 0
    (run,) = (tmp_path / "ppo").iterdir()
    capsys.readouterr()
    assert main(["eval", str(run), "--introspect", "0.05", "--episodes", "4", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {"one run", "search"} < set(told.get("answer", told))
    assert main(["eval", str(run), "--introspect", "-1", "--episodes", "4"]) == 2
    assert "prices must be at least 0" in capsys.readouterr().err
