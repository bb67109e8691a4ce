"""Minari datasets from disk, both formats."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from rewardwrap.data import DataError
from rewardwrap.data.readers import read


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    return tmp_path


def play(seed: int) -> dict[str, Any]:
    """An episode of CartPole under a short clock."""
    env = gym.make("CartPole-v1", max_episode_steps=12)
    obs, _ = env.reset(seed=seed)
    seen, rows, ended = [obs], [], False
    while not ended:
        action = seed if len(rows) % 3 else 1 - seed
        obs, reward, terminated, truncated, _ = env.step(action)
        ended = terminated or truncated
        seen.append(obs)
        rows.append((action, reward, terminated, truncated))
    action, reward, terminated, truncated = map(np.array, zip(*rows, strict=True))
    return {
        "observations": np.stack(seen),
        "actions": action,
        "rewards": reward,
        "terminations": terminated,
        "truncations": truncated,
        "infos": {"clock": list(range(len(seen))), "state": np.zeros((len(seen), 4))},
    }


def create(name: str, episodes: list[dict[str, Any]], data_format: str, space: Any) -> None:
    """Write a dataset; Minari's own collector would need jax."""
    import minari
    from minari.data_collector import EpisodeBuffer

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        minari.create_dataset_from_buffers(
            dataset_id=name,
            buffer=[EpisodeBuffer(id=i, **episode) for i, episode in enumerate(episodes)],
            observation_space=space,
            action_space=gym.spaces.Discrete(2),
            data_format=data_format,
            algorithm_name="test",
        )


@pytest.mark.parametrize("data_format", ["hdf5", "arrow"])
def test_both_formats_give_back_what_was_played(home: Path, data_format: str) -> None:
    played = [play(seed) for seed in range(2)]
    create("cartpole/test-v0", played, data_format, gym.make("CartPole-v1").observation_space)
    store = read("cartpole/test-v0").store
    assert len(store) == 2
    for episode, expected in zip(store, played, strict=True):
        np.testing.assert_array_equal(episode.obs, expected["observations"])
        np.testing.assert_array_equal(episode.action, expected["actions"])
        np.testing.assert_array_equal(episode.reward, expected["rewards"])
        np.testing.assert_array_equal(episode.terminated, expected["terminations"])
        np.testing.assert_array_equal(episode.truncated, expected["truncations"])
        np.testing.assert_array_equal(episode.info["clock"], 1 + np.arange(len(episode)))
    assert set(store.info) == {"clock"}
    assert store.action_space == gym.spaces.Discrete(2)
    assert set(store.source) == {"cartpole/test-v0"}
    folder = home / "cartpole" / "test-v0"
    assert read(folder).store.fingerprint() == store.fingerprint()
    assert read(folder / "data").store.fingerprint() == store.fingerprint()
    if data_format == "hdf5":
        file = folder / "data" / "main_data.hdf5"
        assert read(file).store.fingerprint() == store.fingerprint()
        file.write_bytes(file.read_bytes()[:3000])
        with pytest.raises(DataError, match="must be a whole Minari dataset"):
            read("cartpole/test-v0")


def test_an_unknown_id_says_where_datasets_lie_and_downloads_nothing(home: Path) -> None:
    with pytest.raises(DataError, match=f"Minari dataset in {home}, got D4RL/pen/human-v2"):
        read("D4RL/pen/human-v2")


@pytest.mark.parametrize("data_format", ["hdf5", "arrow"])
def test_nested_observations_keep_their_structure(home: Path, data_format: str) -> None:
    inner = {"a": gym.spaces.Box(-9, 9, (4,), np.float32), "b": gym.spaces.Discrete(3)}
    episode = play(0)
    arm = episode["observations"]
    episode["observations"] = {"a": arm, "b": np.arange(len(arm)) % 3}
    create("nested/test-v0", [episode], data_format, gym.spaces.Dict(inner))
    store = read("nested/test-v0").store
    np.testing.assert_array_equal(store.obs["a"], arm)
    assert store.obs["b"].tolist() == [i % 3 for i in range(len(arm))]
    assert store.observation_space == gym.spaces.Dict(inner)
