"""``--video`` and ``--render``: an agent is seen, or a sentence says why not."""

from __future__ import annotations

from pathlib import Path

import pytest

import rewardwrap as rw
from rewardwrap import cli

SMALL = {"n_steps": 16, "n_envs": 2, "batch_size": 32}


def test_an_agent_is_seen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pygame")
    pytest.importorskip("imageio_ffmpeg")
    run = rw.train(
        "CartPole-v1", steps=32, out=tmp_path, hyperparameters=SMALL, eval_freq=32,
        eval_episodes=1, env_kwargs={"max_episode_steps": 20},
    )  # fmt: skip
    words = ["eval", str(run.folder)]
    file = tmp_path / "mine.mp4"
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    assert cli.main([*words, "--video", str(file), "--render"]) == 0
    said = capsys.readouterr().out
    assert f"Film: {file}, true return {run.episodes[0, 0]:.4g} in" in said
    assert f"to a true return of {run.episodes[0, 0]:.4g}." in said
    assert file.read_bytes()[4:8] == b"ftyp"

    monkeypatch.setenv("SDL_VIDEODRIVER", "nothing")
    assert cli.main([*words, "--render"]) == 2
    assert "must have a screen to draw on" in capsys.readouterr().err
    assert cli.main([*words, "--video", "agent.avi"]) == 2
    assert "must be an .mp4 file" in capsys.readouterr().err
