"""``rewardwrap record``: who plays, what is kept, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.cli import main
from rewardwrap.core.errors import ConfigError
from rewardwrap.data.player import Player
from rewardwrap.training import bundle
from rewardwrap.training.agent import Settings, build
from rewardwrap.training.evaluation import Protocol
from rewardwrap.training.keyboard import Keyboard

SHORT = ("--env-kwargs", "max_episode_steps:30")


def record(*words: str) -> int:
    return main(["record", *words])


def left(obs: Any) -> int:
    """A policy of one's own."""
    assert np.shape(obs) == (4,)
    return 0


def wild(obs: Any) -> int:
    return 7


def test_the_scripted_controller_plays_whole_episodes(tmp_path: Path) -> None:
    out = tmp_path / "demos"
    assert (
        record("CartPole-v1", "--policy", "scripted", "--episodes", "3", "--out", str(out), *SHORT)
        == 0
    )
    store = rw.EpisodeStore.load(out)
    assert list(store.lengths) == [30, 30, 30]
    assert store.returns().tolist() == [30, 30, 30]
    assert not store.terminated.any()
    assert store.truncated.sum() == 3
    assert store.observation_space.shape == (4,)  # type: ignore[union-attr]
    assert list(store.ids) == ["scripted-0", "scripted-1", "scripted-2"]


@pytest.mark.parametrize("policy", ["scripted", "random"])
def test_a_task_that_looks_its_actions_up_is_given_numbers(tmp_path: Path, policy: str) -> None:
    out = tmp_path / "demos"
    assert record("FrozenLake-8x8", "--policy", policy, "--episodes", "2", "--out", str(out)) == 0
    returns = rw.EpisodeStore.load(out).returns()
    assert len(returns) == 2
    assert policy == "random" or returns.tolist() == [1.0, 1.0]


def test_an_episode_depends_on_its_own_seed_alone(tmp_path: Path) -> None:
    for name, seed, count in (("a", "0", "2"), ("b", "1", "1")):
        words = ("--episodes", count, "--seed", seed, "--out", str(tmp_path / name))
        assert record("CartPole-v1", *words, *SHORT) == 0
    first, second = (rw.EpisodeStore.load(tmp_path / name) for name in "ab")
    np.testing.assert_array_equal(first.episode(1).obs, second.episode(0).obs)


def test_a_failed_pole_keeps_its_true_last_observation_and_its_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "demos"
    policy = f"{__name__}:left"
    assert (
        record("CartPole-v1", "--policy", policy, "--episodes", "2", "--out", str(out), "--json")
        == 0
    )
    found = json.loads(capsys.readouterr().out)
    assert found["terminated"] == 2
    store = rw.EpisodeStore.load(out)
    assert list(store.lengths) == found["lengths"] == found["returns"]
    # the last observation is the one that ended it, not the first of the next episode
    assert abs(store.episode(0).obs[-1][2]) > 0.2095


def test_a_random_player_is_the_same_by_seed(tmp_path: Path) -> None:
    for name in "ab":
        words = ("--policy", "random", "--episodes", "1", "--out", str(tmp_path / name))
        assert record("Pendulum-v1", *words, "--env-kwargs", "max_episode_steps:9") == 0
    first, second = (rw.EpisodeStore.load(tmp_path / name) for name in "ab")
    np.testing.assert_array_equal(first.action, second.action)
    assert first.action.shape == (9, 1)


def test_a_run_plays_where_it_was_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = {"policy": "MlpPolicy", "n_timesteps": 64, "n_steps": 32, "n_envs": 1, "batch_size": 32}
    settings = Settings(
        env="CartPole-v1", algo="ppo", reward=rw.EnvReward().to_config(), row=row, seed=0
    )
    agent = build(settings)
    run, out = bundle.write(agent, tmp_path / "run", protocol=Protocol()), tmp_path / "demos"
    agent.close()
    assert record("CartPole-v1", "--policy", str(run), "--episodes", "2", "--out", str(out)) == 0
    assert len(rw.EpisodeStore.load(out)) == 2
    assert record("Acrobot-v1", "--policy", str(run), "--out", str(out)) == 2
    assert "must play where it was trained, CartPole-v1" in capsys.readouterr().err


def test_what_is_finished_is_kept_when_somebody_stops_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Player.play

    def stopped(self: Player, episodes: int, *, seed: int = 0) -> Any:
        yield from whole(self, 2, seed=seed)
        raise KeyboardInterrupt

    monkeypatch.setattr(Player, "play", stopped)
    out = tmp_path / "demos"
    assert record("CartPole-v1", "--episodes", "5", "--out", str(out), *SHORT) == 130
    assert len(rw.EpisodeStore.load(out)) == 2


def test_a_minari_dataset_is_read_back_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))
    out, back = tmp_path / "demos", tmp_path / "back"
    words = ("CartPole-v1", "--episodes", "2", "--out", str(out), *SHORT)
    assert record(*words, "--minari", "cartpole/scripted-v0") == 0
    assert main(["ingest", "cartpole/scripted-v0", "--out", str(back)]) == 0
    one, two = rw.EpisodeStore.load(out), rw.EpisodeStore.load(back)
    np.testing.assert_array_equal(one.obs, two.obs)
    np.testing.assert_array_equal(one.truncated, two.truncated)
    assert record(*words, "--minari", "cartpole/scripted-v0") == 2


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("CartPole-v1", "--policy", "nobody"), 'policy must be "scripted", "random"'),
        (("Hopper-v5", "--policy", "scripted"), 'No scripted controller for "Hopper-v5"'),
        (
            ("CartPole-v1", "--policy", f"{__name__}:wild"),
            "wild must return an action of Discrete(2), got 7",
        ),
        (("CartPole-v1", "--policy", "nowhere:f"), 'must be an importable "module:function"'),
        (("CartPole-v1", "--minari", "no name"), "must be named like group/name-v0"),
        ((), "must know the environment"),
    ],
)
def test_bad_input_is_one_sentence(
    tmp_path: Path, words: tuple[str, ...], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert record(*words, "--out", str(tmp_path / "demos")) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "demos").exists()


class Keys(gym.Env[Any, Any]):
    """Two steps long; holding nothing is action 0."""

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array"], "render_fps": 1000}  # type: ignore[misc]
    observation_space = gym.spaces.Box(0, 9, (1,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def __init__(self, render_mode: str | None = None) -> None:
        self.render_mode = render_mode

    def get_keys_to_action(self) -> dict[Any, int]:
        return {("a",): 1}

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.place = np.array([seed or 0], np.float32)
        return self.place, {}

    def step(self, action: Any) -> Any:
        self.place = self.place + 1
        return self.place, 1.0, bool(self.place[0] >= 2), False, {}

    def render(self) -> Any:
        return np.zeros((8, 8, 3), np.uint8)


def test_somebody_plays_in_a_window(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    gym.register("Keys-v0", Keys)
    try:
        words = ("--policy", "keyboard", "--episodes", "2", "--out", str(tmp_path / "demos"))
        assert record("Keys-v0", *words) == 0
    finally:
        del gym.registry["Keys-v0"]
    assert record("CartPole-v1", "--episodes", "1", "--out", str(tmp_path / "demos")) == 2
    assert "--out must not hold what a person played" in capsys.readouterr().err
    store = rw.EpisodeStore.load(tmp_path / "demos")
    assert store.obs.ravel().tolist() == [0, 1, 2, 1, 2]
    assert store.action.tolist() == [0, 0, 0]
    assert store.terminated.sum() == 2


def test_the_keyboard_needs_a_screen_and_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError, match="keyboard must have a screen, got none"):
        Keyboard("CartPole-v1")
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    with pytest.raises(ConfigError, match="CartPole-v1 without get_keys_to_action"):
        Keyboard("CartPole-v1")
