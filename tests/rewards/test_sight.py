"""Steps seen in pictures: a fixed random convolution, and a frozen network of the user's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch

import rewardwrap as rw
from rewardwrap.cli import main
from rewardwrap.core.errors import ConfigError
from rewardwrap.data import DataError
from rewardwrap.nets.step_recipe import fit_steps
from rewardwrap_envs.key_door import KeyDoor
from rewardwrap_policies.scripted import key_door
from tests.rewards.test_steps import store


def shown(seeds: range) -> tuple[rw.EpisodeStore, list[Any]]:
    """Pictures of doors that are opened, and how much of it was done after each step."""
    env, plain, made, done = KeyDoor(size=6, pixels=True), KeyDoor(size=6), [], []
    for seed in seeds:
        obs, numbers = env.reset(seed=seed)[0], plain.reset(seed=seed)[0]
        frames, actions, share = [obs], [], []
        while True:
            action = key_door(obs)
            # whoever looks does what whoever is told does
            assert action == key_door(numbers, size=6)
            obs, _, over, _, _ = env.step(np.int64(action))
            numbers = plain.step(np.int64(action))[0]
            frames.append(obs)
            actions.append(action)
            share.append((numbers[2] + numbers[3]) / 2)
            if over:
                break
        ends = np.arange(len(actions)) == len(actions) - 1
        rows = {"action": np.array(actions), "reward": ends.astype(float), "terminated": ends}
        made.append({"obs": np.stack(frames), **rows, "truncated": np.zeros(len(ends), bool)})
        done.append(np.array(share))
    spaces = {name: getattr(env, name) for name in ("observation_space", "action_space")}
    return rw.EpisodeStore.from_episodes(made, **spaces), done


@pytest.fixture(scope="module")
def doors() -> tuple[rw.EpisodeStore, list[Any]]:
    return shown(range(6))


class Cells(torch.nn.Module):
    """What a backbone might know: one number a cell of the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = torch.nn.Conv2d(1, 1, 6, stride=6, bias=False)
        torch.nn.init.constant_(self.pool.weight, 1 / 36)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.pool(image).flatten(1)


@pytest.mark.parametrize("features", ["random", Cells()], ids=["random", "own"])
def test_pictures_of_others_show_how_much_is_done(
    features: Any, doors: tuple[rw.EpisodeStore, list[Any]], tmp_path: Path
) -> None:
    model = fit_steps(doors[0], features=features).save(tmp_path / "model")
    later, done = shown(range(50, 56))
    reward = rw.Steps(str(model), raw=True)
    found = [rw.relabel(reward, episode.columns()) for episode in later]
    assert np.corrcoef(np.concatenate(found), np.concatenate(done))[0, 1] > 0.7
    assert all(x[-1] > 0.6 for x in found)
    # the same picture with its channel in front, as a replay buffer has it
    batch = later.transitions()
    turned = replace(
        batch, obs=np.moveaxis(batch.obs, -1, 1), next_obs=np.moveaxis(batch.next_obs, -1, 1)
    )
    phi: Any = reward._net()
    assert phi(turned) == pytest.approx(phi(batch), abs=1e-9)


def test_a_sealed_network_says_what_the_module_said(
    doors: tuple[rw.EpisodeStore, list[Any]],
) -> None:
    module = Cells().train()
    made: Any = fit_steps(doors[0], features=module).model
    batch = doors[0].transitions()
    want = module(torch.from_numpy(np.moveaxis(batch.next_obs, -1, 1) / np.float32(255)))
    assert made.sight(batch) == pytest.approx(want.detach().double().numpy(), abs=1e-6)
    assert module.training
    # later changes of the module change nothing
    before = made(batch)
    torch.nn.init.zeros_(module.pool.weight)
    np.testing.assert_array_equal(made(batch), before)
    # numbers may be given to a network too
    linear = torch.nn.Linear(16, 5)
    vectors = fit_steps(store(*range(4)), features=linear).model
    assert vectors.sight.width == 5  # type: ignore[union-attr]


def test_another_body_shows_it_and_this_one_is_paid(
    doors: tuple[rw.EpisodeStore, list[Any]], tmp_path: Path
) -> None:
    """The demonstrator moved by two continuous numbers; the agent has six buttons."""
    shape = (doors[0].steps, 2)
    arm = replace(
        doors[0], action=np.zeros(shape, np.float32), action_space=gym.spaces.Box(-1, 1, (2,))
    )
    reward = rw.Steps(str(fit_steps(arm, features="random").save(tmp_path / "m")), gamma=0.97)
    venv = rw.make(lambda: KeyDoor(size=6, pixels=True), rw.EnvReward() + reward, n_envs=2, seed=0)
    venv.reset()
    assert np.abs(venv.step([0, 1])[1]).min() > 0
    # and is paid what the same frames are paid anywhere
    own, other = doors[0].transitions(), arm.transitions()
    phi: Any = reward._net()
    np.testing.assert_array_equal(phi(own), phi(other))


def test_bad_input_is_one_sentence(
    doors: tuple[rw.EpisodeStore, list[Any]], tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="seen as features, got images .* --features random"):
        fit_steps(doors[0])
    with pytest.raises(ConfigError, match='features must be .* got "random" for numbers'):
        fit_steps(store(0, 1, 2), features="random")
    with pytest.raises(ConfigError, match='features must be .* got "resnet" for images'):
        fit_steps(doors[0], features="resnet")
    with pytest.raises(ConfigError, match="fields or features must be given, got both"):
        fit_steps(doors[0], features="random", fields=("is_success",))
    with pytest.raises(ConfigError, match="torch.nn.Module that takes the one image, got function"):
        fit_steps(doors[0], features=shown)
    with pytest.raises(
        ConfigError, match=r"network that takes \(4, 1, 36, 36\) and gives .* Runtime"
    ):
        fit_steps(doors[0], features=torch.nn.Linear(7, 2))


def test_it_is_recorded_and_fitted_from_a_shell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--episodes", "3", "--env-kwargs", "pixels:True", "size:6", "--out", f"{tmp_path}/d")
    assert main(["record", "rewardwrap/KeyDoor-v0", *words]) == 0
    fit = ("fit", "demonstrations", f"{tmp_path}/d", "--method", "steps", "--out", f"{tmp_path}/m")
    assert main([*fit]) == 2
    assert "--features random reads images" in capsys.readouterr().err
    assert main([*fit, "--features", "tests.rewards.test_sight:Cells"]) == 0
    assert rw.Steps(f"{tmp_path}/m", gamma=0.9).document["net"]["sight"]["kind"] == "network"
