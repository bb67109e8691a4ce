"""Answers in torch's words, as Eureka's prompts bring them, pay what torch computes."""

from __future__ import annotations

import ast
import sys

import gymnasium as gym
import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.llm.client import Completion, Usage
from rewardwrap.llm.extraction import code_in
from rewardwrap.sandbox.reading import read

torch = pytest.importorskip("torch")
linux = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="strong isolation is Linux's"
)
CARTPOLE = '''\
import torch
from typing import Dict, Tuple
from torch import Tensor

@torch.jit.script
def compute_reward(
    pole_angle: torch.Tensor, cart_position: torch.Tensor,
    cart_velocity: torch.Tensor, actions: Tensor,
) -> Tuple[torch.Tensor, Dict[str, torch.Tensor]]:
    """Reward for balancing the pole."""
    device = pole_angle.device
    # Temperature parameters for the transformed components
    angle_temperature: float = 0.2
    velocity_temperature = torch.tensor(2.0, device=device)

    angle_reward = torch.exp(-torch.square(pole_angle) / angle_temperature)
    centre = torch.stack([cart_position, torch.zeros_like(cart_position)], dim=-1)
    distance = torch.norm(centre, p=2, dim=-1)
    distance_penalty = -torch.clamp(distance, max=1.0)
    slow = torch.where(torch.abs(cart_velocity) < 0.5, torch.ones_like(distance), 0.0 * distance)
    velocity_reward = torch.exp(-cart_velocity.abs() / velocity_temperature) * slow
    print("mean distance", distance.mean().item())

    total_reward = angle_reward * (1.0 + velocity_reward) + 0.5 * distance_penalty

    reward_components: Dict[str, torch.Tensor] = {
        "angle_reward": angle_reward,
        "distance_penalty": distance_penalty,
        "velocity_reward": velocity_reward,
    }
    return total_reward, reward_components
'''
ANSWER = f"The pole has to stay upright, so ...\n\n```python\n{CARTPOLE}```\nThis reward balances both.\n"


def compiled(source: str, name: str = "compute_reward"):
    names: dict = {}
    exec(source.replace("@torch.jit.script\n", ""), names)
    return names[name]


@linux
def test_an_answer_to_eurekas_prompt_pays_what_torch_computes():
    source = code_in(Completion(ANSWER, Usage(1, 1)))
    code = rw.CodeReward(source)
    assert code.recorded == ("angle_reward", "distance_penalty", "velocity_reward", "remainder")
    assert "torch" not in code.text
    assert "print" not in code.text
    env = rw.wrap(gym.make("CartPole-v1"), code)
    env.reset(seed=3)
    for step in range(12):
        obs, paid, *_, info = env.step(step % 2)
        place, speed, angle, _ = torch.tensor(obs[None], dtype=torch.float64).unbind(-1)
        total, parts = compiled(CARTPOLE)(angle, place, speed, torch.zeros(1))
        assert paid == pytest.approx(float(total), rel=1e-6)
        for name, part in parts.items():
            assert info["reward_terms"][name] == pytest.approx(float(part), rel=1e-6)
    env.close()


CALLS = [
    "torch.norm(x, dim=-1)",
    "torch.linalg.norm(x, ord=1, dim=1)",
    "x.norm(p=2, dim=-1, keepdim=True)[:, 0]",
    "torch.sum(x ** 2, dim=-1)",
    "torch.sum(x, -1, True)[:, 0]",
    "x.mean(dim=-1)",
    "x.sum(-1)",
    "torch.std(x, dim=-1)",
    "x.var(dim=-1, unbiased=False)",
    "torch.clamp(x[:, 0], min=0.0)",
    "x[:, 1].clamp(-0.5, 0.5)",
    "torch.clip(x[:, 0], max=0.1)",
    "torch.max(x[:, 0], x[:, 1])",
    "torch.max(x, dim=-1).values",
    "x.min(dim=1)[0]",
    "torch.amax(x, dim=-1)",
    "torch.sigmoid(3.0 * x[:, 0])",
    "torch.nn.functional.relu(x[:, 0])",
    "torch.tanh(x).abs().sum(dim=-1)",
    "(x[:, 0] > 0).float()",
    "torch.atan2(x[:, 0], x[:, 1])",
    "torch.acos(torch.clamp(x[:, 0], -1.0, 1.0))",
    "torch.pow(x[:, 0], 2)",
    "x[:, 0].pow(2)",
    "x.size(0) * x[:, 0]",
    "torch.where(x[:, 0] > 0, torch.exp(x[:, 1]), torch.zeros_like(x[:, 1]))",
    "torch.cat([x, x], dim=-1).sum(dim=1)",
    "torch.exp(-x[:, 0].detach().clone())",
    "x[:, 0].unsqueeze(-1).squeeze(-1)",
    "torch.prod(x, dim=-1)",
    "torch.any(x > 0, dim=-1).to(torch.float32)",
    "torch.logical_and(x[:, 0] > 0, x[:, 1] > 0).double()",
    "torch.ones(x.shape[0], device=x.device)",
    "torch.zeros(x.shape[0], 2).sum(dim=-1) + x.to(x.device)[:, 0]",
]


@pytest.mark.parametrize("call", CALLS)
def test_every_call_has_its_exact_counterpart(call):
    source = (
        f"import torch\ndef reward(obs, action, next_obs, info):\n    x = obs\n    return {call}\n"
    )
    reading = read(source)
    assert reading.refusal is None
    x = np.random.default_rng(0).normal(size=(5, 3))
    names: dict = {"np": np}
    exec(reading.text, names)
    hand = compiled(source, "reward")(torch.tensor(x), None, None, None)
    np.testing.assert_allclose(names["reward"](x, None, None, None), hand.numpy(), rtol=1e-9)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("torch.norm(obs)", "Write np.linalg.norm(x, axis=-1)"),
        ("torch.max(obs, dim=-1)", "Write np.max(x, axis=-1)"),
        ("torch.nn.functional.normalize(obs)[:, 0]", "Write x / np.maximum(np.linalg.norm"),
        ("torch.softmax(obs, dim=-1)[:, 0]", "Write np.exp(x) / np.exp(x).sum"),
        ("torch.rand(3)", "random numbers make a reward different each time"),
        ("torch.load('x')", "torch.load must be written in numpy"),
        ("torch.clamp()", "must be given an array first"),
        ("torch.sum(obs, dim=-1, out=obs)", "without out="),
        ("obs[:, 0].clamp_(0.0, 1.0)", "without changing the array"),
        ("torch.sum(*obs)", "without a star"),
    ],
)
def test_what_has_none_is_refused_with_the_line_to_write(call, words):
    reading = read(
        f"import torch\n\ndef reward(obs, action, next_obs, info):\n    # far\n    return {call}\n"
    )
    assert words in str(reading.refusal)
    assert reading.line == 5


def test_lines_stay_where_they_were():
    reading = read(CARTPOLE)
    wanted = CARTPOLE.split("\n").index("    distance_penalty = -torch.clamp(distance, max=1.0)")
    assert (
        reading.text.split("\n")[wanted].strip()
        == "distance_penalty = -np.clip(distance, None, 1.0)"
    )


def test_numpy_under_hints_of_torch_stays_numpy():
    source = (
        "import torch\nimport numpy as np\ndef reward(obs: torch.Tensor, action, next_obs, info):\n"
        "    return np.abs(obs).std(axis=-1)\n"
    )
    assert ".std(axis=-1)" in read(source).text


def test_prints_are_swallowed_and_numpy_is_left_as_it_is():
    source = (
        "def reward(obs, action, next_obs, info):\n    if len(obs) > 1:\n        print(obs)\n"
        "    return obs[:, 0]\n"
    )
    reading = read(source)
    assert reading.refusal is None
    assert "print" not in reading.text
    assert len(ast.parse(reading.text).body) == 1
    assert read(source.replace("print(obs)", "pass")).text is None


@pytest.mark.parametrize(
    ("arguments", "words"), [("self, action", "self must be left out"), ("*given", "got a star")]
)
def test_arguments_that_are_no_fields_are_refused(arguments, words):
    assert words in str(read(f"def compute_reward({arguments}):\n    return 0.0\n").refusal)


@linux
def test_an_argument_that_is_no_field_is_told_with_the_near_miss():
    with pytest.raises(rw.SandboxError, match=r"pole_angel.*pole_angle"):
        rw.wrap(
            gym.make("CartPole-v1"), rw.CodeReward(CARTPOLE.replace("pole_angle", "pole_angel"))
        )
