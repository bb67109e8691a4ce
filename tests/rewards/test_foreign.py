"""A network of one's own, sealed like a fitted model: the same answers, or one sentence."""

from __future__ import annotations

from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch
from torch import nn

import rewardwrap as rw
from rewardwrap.cli import main
from rewardwrap.core.errors import ConfigError
from tests.nets.conftest import pendulum


class Own(nn.Module):
    """Two inputs, a chain, a trailing axis that is squeezed away."""

    def __init__(self, scale: float = 1.0, activation: type[nn.Module] = nn.ReLU) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Sequential(nn.Linear(4, 16), activation(), nn.Dropout(0.5), nn.Linear(16, 8),
                                  activation())  # fmt: skip
        self.head = nn.Linear(8, 1)
        self.scale = scale

    def forward(self, obs: torch.Tensor, action: torch.Tensor) -> torch.Tensor:
        return self.scale * self.head(self.body(torch.cat([obs, action], dim=1))).squeeze(-1)


@pytest.mark.parametrize("activation", [nn.ReLU, nn.SiLU, nn.Tanh])
def test_it_pays_what_the_module_says_and_is_saved_whole(
    tmp_path: Path, activation: type[nn.Module]
) -> None:
    module = Own(activation=activation)
    reward = rw.Learned.from_torch(module, inputs=("obs", "action"), env="Pendulum-v1")
    batch = pendulum(1, steps=40).transitions()
    module.eval()
    with torch.no_grad():
        said = module(torch.as_tensor(batch.obs), torch.as_tensor(batch.action)).numpy()
    np.testing.assert_allclose(reward(batch), said, atol=1e-5)
    rw.save(0.5 * reward, tmp_path / "saved")
    np.testing.assert_allclose(rw.load(tmp_path / "saved")(batch), 0.5 * said, atol=1e-5)
    with torch.no_grad():
        module.head.bias += 1.0
    np.testing.assert_allclose(reward(batch), said, atol=1e-5)


def test_a_folder_is_a_model_like_any_other(tmp_path: Path) -> None:
    made = rw.Learned.from_torch(Own(), env=gym.make("Pendulum-v1"), out=tmp_path / "m")
    assert rw.Learned(str(tmp_path / "m")).version == made.version
    assert main(["models", "add", str(tmp_path / "m"), "--registry", str(tmp_path / "r")]) == 0
    pendulum(24, steps=20).save(tmp_path / "data")
    assert main(["validate", str(tmp_path / "m"), str(tmp_path / "data"), "--json"]) == 0
    env = rw.wrap(gym.make("Pendulum-v1"), rw.Learned(str(tmp_path / "m")))
    env.reset(seed=0)
    assert np.isfinite(env.step(env.action_space.sample())[1])


def test_digits_are_one_hot_and_a_bound_is_kept() -> None:
    module = nn.Sequential(nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 1), nn.Tanh())
    reward = rw.Learned.from_torch(module, inputs=("obs", "action"), env="CartPole-v1")
    assert reward.document["net"]["bound"] == 1.0


@pytest.mark.parametrize(
    ("module", "sentence"),
    [
        (Own(scale=2.0), "must pay what its layers alone pay, got a difference of"),
        (nn.Linear(3, 1), "must lead from the 4 numbers of the inputs to one reward, got 3 inputs"),
        (nn.Sequential(nn.Linear(4, 2)), "got 4 inputs and 2 outputs"),
        (nn.Sequential(nn.Linear(4, 4), nn.GELU(), nn.Linear(4, 1)), "got a layer GELU"),
        (nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 1)), "without an activation between"),
        (nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 1)),
         "got activations ReLU, Tanh"),
        (lambda obs: obs, "must be a torch.nn.Module, got function"),
    ],
)  # fmt: skip
def test_what_is_no_chain_is_refused(module: object, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        rw.Learned.from_torch(module, env="Pendulum-v1")


def test_a_function_that_is_a_module_says_where_it_goes(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the torch module Own. Seal it with"):
        rw.function(Own())
    (tmp_path / "mine").write_text("kept")
    with pytest.raises(ConfigError, match="out must be new or a model"):
        rw.Learned.from_torch(Own(), env="Pendulum-v1", out=tmp_path)


def test_an_unknown_environment_is_one_sentence() -> None:
    with pytest.raises(ConfigError, match="env must be the id of an environment, got 'Nope-v0'"):
        rw.Learned.from_torch(Own(), env="Nope-v0")
