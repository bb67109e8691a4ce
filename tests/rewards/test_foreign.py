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
from rewardwrap.rewards.graph import _operator
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


class Batchwise(nn.Module):
    """Looks at the other rows."""

    def forward(self, obs: torch.Tensor, action: torch.Tensor) -> torch.Tensor:
        return obs[:, 0] - obs[:, 0].mean()


class Branching(nn.Module):
    """Decides by what it sees, which no list of calls says."""

    def forward(self, obs: torch.Tensor, action: torch.Tensor) -> torch.Tensor:
        return obs[:, 0] if float(obs.sum()) > 0 else action[:, 0]


class Gated(nn.Module):
    """Everything that a chain is not: two branches, a buffer, a norm, a product with an input."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.see, self.act, self.norm = nn.Linear(3, 8), nn.Linear(1, 8), nn.LayerNorm(8)
        self.head = nn.Linear(8, 1)
        self.register_buffer("gain", torch.arange(8.0))

    def forward(self, obs: torch.Tensor, action: torch.Tensor) -> torch.Tensor:
        hidden = nn.functional.gelu(self.norm(self.see(obs) * self.gain + self.act(action)))
        parts = hidden.view(obs.shape[0], 2, 4).sum(1).repeat(1, 2)
        return self.head(parts)[:, 0] * torch.exp(-(obs[:, 2] ** 2))


@pytest.mark.parametrize(
    "module", [Gated(), Own(scale=2.0), nn.Sequential(nn.Linear(4, 4), nn.GELU(), nn.Linear(4, 1))]
)
def test_any_module_is_sealed_as_its_graph(tmp_path: Path, module: nn.Module) -> None:
    made = rw.Learned.from_torch(module, env="Pendulum-v1", out=tmp_path / "m")
    assert made.document["net"]["kind"] == "graph"
    assert {path.name for path in (tmp_path / "m").iterdir()} == {
        "model.json",
        "weights.safetensors",
        "metrics.json",
    }
    reward, batch = rw.Learned(str(tmp_path / "m")), pendulum(1, steps=40).transitions()
    columns = torch.as_tensor(batch.obs), torch.as_tensor(batch.action)
    whole = isinstance(module, nn.Sequential)
    with torch.no_grad():
        said = (
            (module.eval()(torch.cat(columns, 1)) if whole else module.eval()(*columns))
            .numpy()
            .reshape(-1)
        )
    np.testing.assert_allclose(reward(batch), said, atol=1e-5)
    rw.save(reward, tmp_path / "saved")
    np.testing.assert_allclose(rw.load(tmp_path / "saved")(batch), said, atol=1e-5)
    store = pendulum(24, steps=20)
    store.save(tmp_path / "data")
    assert main(["validate", str(tmp_path / "m"), str(tmp_path / "data"), "--json"]) == 0


def test_a_graph_can_name_nothing_but_operators_of_torch() -> None:
    for name in (
        "os.system",
        "aten.add",
        "aten.__class__.mro",
        "_operator.attrgetter",
        "builtins.eval",
    ):
        with pytest.raises(ConfigError, match="must be made of torch's own operators"):
            _operator(name)


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
        (nn.Linear(3, 1), r"must take obs \(3 numbers\), action \(1 numbers\) or all side by side, got"),
        (nn.Sequential(nn.Linear(4, 2)), r"must pay one number a row, got shape \(256, 2\)"),
        (Batchwise(), "must pay the same when it is sealed, got a difference"),
        (Branching(), "must be exported by torch.export"),
        (lambda obs: obs, "must be a torch.nn.Module, got function"),
    ],
)  # fmt: skip
def test_what_cannot_be_sealed_is_refused(module: object, sentence: str) -> None:
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
