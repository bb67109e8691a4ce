from __future__ import annotations

import sys
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.wrappers import AtariPreprocessing, MaxAndSkipObservation

from rewardwrap.compare import videos
from rewardwrap.compare.plan import plan_from
from rewardwrap.compare.run import execute
from rewardwrap.compare.spec import Spec
from rewardwrap.compare.store import Store, write_json
from rewardwrap.core.errors import MissingExtra
from rewardwrap.training import films


def _finished(env: str, root: Path, **row: int) -> tuple[list[Spec], Store]:
    data = {
        "env": env,
        "algo": "ppo",
        "steps": 256,
        "seeds": 1,
        "strategies": {"env": "env", "unfinished": {"constant": 1.0}},
        "evaluation": {"every": 256, "episodes": 1},
        "env_kwargs": {"max_episode_steps": 15},
        "hyperparameters": {"n_envs": 2, "n_steps": 64, "batch_size": 64, "n_epochs": 1, **row},
    }
    specs, store = plan_from(data).specs(), Store(root / "runs")
    execute(specs[0], store)
    return specs, store


# of imageio-ffmpeg, which reads the film back: it closes no pipe of an ffmpeg that has ended already
@pytest.mark.filterwarnings("ignore:unclosed file <_io.Buffered(Reader|Writer):ResourceWarning")
def test_the_best_run_is_filmed_and_shown_with_what_it_scored(tmp_path: Path) -> None:
    imageio = pytest.importorskip("imageio.v2")
    specs, store = _finished("InvertedPendulum-v5", tmp_path)
    found = videos.film(specs, store, tmp_path)
    if "could not be filmed" in found[0].get("problem", ""):
        pytest.skip(found[0]["problem"])
    assert found[1] == {"strategy": "unfinished", "problem": "no run of it finished"}
    # every step but the last pays 1, on the same episode that was evaluated
    assert found[0]["true_return"] == store.summary(store.finished()[0])["true_return"][-1]
    frames = [
        np.asarray(frame)
        for frame in imageio.mimread(tmp_path / "videos" / "env.mp4", memtest=False)
    ]
    assert len(frames) == found[0]["steps"]
    assert frames[0].shape == (480, 480, 3)
    assert frames[0].std() > 10
    shown = videos.shown(tmp_path)
    assert shown[0]["src"].startswith("data:video/mp4;base64,")
    assert "true return" in shown[0]["caption"]
    assert shown[1] == {"strategy": "unfinished", "problem": "no run of it finished"}


def test_a_film_is_as_fast_as_the_game_whatever_is_skipped() -> None:
    cart = gym.make("CartPole-v1")
    assert films.pictures_a_second(cart) == 50.0
    assert films.pictures_a_second(MaxAndSkipObservation(cart, skip=5)) == 10.0
    pytest.importorskip("ale_py")
    assert films.pictures_a_second(gym.make("ALE/Freeway-v5")) == 15.0
    slow = gym.make("ALE/Freeway-v5", frameskip=1)
    assert films.pictures_a_second(slow) == 60.0
    assert films.pictures_a_second(AtariPreprocessing(slow, frame_skip=4)) == 15.0
    assert films.pictures_a_second(gym.make("ALE/Freeway-v5", frameskip=(2, 5))) == 20.0


def test_an_environment_without_pictures_costs_a_sentence(tmp_path: Path) -> None:
    specs, store = _finished("rewardwrap/StepChain-v0", tmp_path)
    found = videos.film(specs[:1], store, tmp_path)
    assert found[0]["problem"].startswith("it could not be filmed here: ")
    assert videos.shown(tmp_path)[0]["problem"] == found[0]["problem"]
    assert [path.name for path in (tmp_path / "videos").iterdir()] == ["videos.json"]


def test_a_large_film_stays_beside_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert videos.shown(tmp_path) == []
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "a.mp4").write_bytes(b"12345")
    played = {"seed": 0, "true_return": 1.0, "steps": 1000, "ended": False}
    written = [{"strategy": name, "file": f"{name}.mp4", **played} for name in ("a", "b")]
    write_json(tmp_path / "videos" / "videos.json", {"videos": written})
    monkeypatch.setattr(videos, "SMALL", 4)
    a, b = videos.shown(tmp_path)
    assert a["src"] == "videos/a.mp4"
    assert a["caption"].endswith("in 1000 steps, cut there.")
    assert b["problem"] == "b.mp4 is missing"


def test_without_ffmpeg_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(MissingExtra, match=r'--videos must have imageio.*"rewardwrap\[video\]"'):
        films.require("--videos")
