"""Code that needs no process: the worker confirms what the translation pays, and then goes."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.calculus.graph import Outside
from rewardwrap.calculus.program import Program
from rewardwrap.llm.client import Completion, Usage
from rewardwrap.llm.extraction import code_in
from rewardwrap.rewards.ways import CHECKED
from rewardwrap.sandbox import reading
from rewardwrap.sandbox.channel import Column, plain
from rewardwrap.sandbox.columns import QUOTED
from rewardwrap_envs import catalog
from tests.rewards.test_code import BY_ROW, TEXT, batch_of
from tests.sandbox.corpus import attacks

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="strong isolation is Linux's"
)
NEEDS_PYTHON = """
def reward(obs, action, next_obs, info):
    return np.sort(next_obs, axis=1)[:, 0]
"""


@pytest.mark.parametrize("text", [TEXT, BY_ROW])
def test_the_worker_confirms_the_translation_and_goes(text: str) -> None:
    reward, forced = rw.CodeReward(text), rw.CodeReward(text, confine="process")
    assert reward.where == ""
    for _ in range(CHECKED):
        assert reward.worker is None or reward.where == "calculus"
        reward(batch_of())
    assert (reward.where, reward.worker) == ("calculus", None)
    one, other = batch_of(50), batch_of(50)
    np.testing.assert_allclose(reward(one), forced(other), rtol=1e-12)
    for name in ("upright", "effort"):
        np.testing.assert_allclose(one.terms[name], other.terms[name], rtol=1e-12)
    assert (forced.where, reward.worker) == ("process", None)
    forced.close()


def test_other_code_says_why_it_needs_a_process() -> None:
    reward = rw.CodeReward(NEEDS_PYTHON)
    reward(batch_of())
    assert reward.where == "process"
    assert "np.sort" in reward.why
    reward.close()


@pytest.mark.parametrize("env_id", ["CartPole-v1", "HalfCheetah-v5"])
def test_one_lane_is_paid_by_its_text_as_by_the_process(env_id: str) -> None:
    text = """
def reward(obs, action, next_obs, info):
    drift = np.abs(next_obs[:, 1] - obs[:, 1])
    calm = np.exp(-np.square(next_obs[:, 2])) * (next_obs[:, 0] > -9)
    return calm - drift, {"drift": -drift, "calm": calm}
"""
    seen = []
    for confine in ("auto", "process"):
        env = rw.wrap(gym.make(env_id), rw.CodeReward(text, confine=confine))
        env.reset(seed=3)
        env.action_space.seed(3)
        rows = []
        for _ in range(3 * CHECKED):
            *_, terminated, _truncated, info = env.step(env.action_space.sample())
            rows.append([*info["reward_terms"].values()])
            if terminated:
                env.reset()
        env.close()
        seen.append(rows)
    np.testing.assert_allclose(*seen, rtol=1e-6, atol=1e-9)


def test_a_batch_of_another_look_is_translated_anew() -> None:
    reward = rw.CodeReward("def reward(obs, action, next_obs, info):\n    return next_obs[:, 0]\n")
    for rows in (4, 4, 4, 4, 4, 4, 4, 4, 9):
        reward(batch_of(rows))
    narrow = batch_of(5, next_obs=np.ones((5, 2), np.float32), obs=np.ones((5, 2), np.float32))
    np.testing.assert_array_equal(reward(narrow), 1.0)
    assert reward.where == "calculus"
    reward.close()


def test_numbers_without_bound_are_refused_as_before() -> None:
    source = "def reward(obs, action, next_obs, info):\n    return 1.0 / next_obs[:, 0]\n"
    reward = rw.CodeReward(source)
    for _ in range(CHECKED + 1):
        reward(batch_of())
    assert reward.where == "calculus"
    zero = batch_of(3, next_obs=np.zeros((3, 4)))
    with pytest.raises(rw.SandboxError, match="must be finite and at most"):
        reward(zero)


def test_a_file_may_not_say_that_it_needs_no_process() -> None:
    assert "confine" in rw.CodeReward.of_caller
    with pytest.raises(rw.ConfigError, match=r'confine must be "auto" or "process"'):
        rw.CodeReward(TEXT, confine="never")


RECORDED = sorted((Path(rw.__file__).parent / "llm" / "recordings").rglob("*.md"))


def test_most_recorded_answers_are_in_the_calculus() -> None:
    envs = {
        "mountaincar-v0": "MountainCar-v0",
        "acrobot-v1": "Acrobot-v1",
        "halfcheetah-v5": "HalfCheetah-v5",
    }
    sources, outside = 0, []
    for path in RECORDED:
        recipe = catalog.recipe(envs[path.parent.name])
        try:
            source = code_in(Completion(path.read_text(encoding="utf-8"), Usage(0, 0)))
            tree = ast.parse(source)
        except (rw.RewardwrapError, SyntaxError):
            continue  # recorded because it is no code
        if reading.read(source).refusal is not None:
            continue
        width = {"mountaincar-v0": 2, "acrobot-v1": 6}.get(path.parent.name, 17)
        fields = {
            n: f.index for n, f in recipe.fields.items() if f.index is not None and f.info is None
        }
        columns = [Column(p, (), "<f8", (width,)) for p in ("obs", "next_obs")]
        action = (6,) if "halfcheetah" in path.parent.name else ()
        columns.insert(1, Column("action", (), "<f4" if action else "<i8", action))
        columns += [
            Column("info", (k,), "<f8", ()) for k in set(QUOTED.findall(source)) - set(fields)
        ]
        sources += 1
        try:
            Program(plain(tree), columns, fields, reading.components_of(tree) or ())
        except Outside as error:
            outside.append(f"{path.name}: {error}")
    assert sources >= 20
    assert len(outside) <= 0.3 * sources, outside


def test_no_attack_is_translated_and_none_breaks_the_translator() -> None:
    columns = [Column(place, (), "<f8", (3,)) for place in ("obs", "action", "next_obs")]
    refused = 0
    for attack in attacks():
        if attack.table == "text":
            continue  # for the parser alone
        try:
            tree = plain(ast.parse(attack.source(Path("nowhere"), 1)))
        except (SyntaxError, ValueError):
            continue
        try:
            program = Program(tree, columns, {}, ())
        except Outside:
            refused += 1
            continue
        # what is left computes numbers and nothing else
        assert "harmless" in attack.verdicts or "output" in attack.verdicts, attack.name
        assert program.pay([np.ones((2, 3))] * 3, 2).shape == (1, 2)
    assert refused >= 150
