"""``rewardwrap eval RUN --mixture``: each episode is one iterate's."""

from __future__ import annotations

import json
from pathlib import Path

import gymnasium as gym
import pytest
from safetensors.torch import load_file, save_file

from rewardwrap.cli import main
from rewardwrap.loops.nash import NashLoop
from rewardwrap.training.teachers import MIXTURE

SCORE = "{win_rate: {pair: 'tests.evidence.worlds.hands:beats', size: 4}}"


def test_each_episode_is_played_by_one_iterate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert NashLoop.__init__.__kwdefaults__ is not None
    monkeypatch.setitem(NashLoop.__init__.__kwdefaults__, "every", 512)
    train = ["train", "CartPole-v1", "--algo", "a2c", "--score", SCORE, "-n", "1536", "--json"]
    small = [
        "--eval-freq",
        "1536",
        "--eval-episodes",
        "12",
        "--verbose",
        "0",
        "--out",
        str(tmp_path),
    ]
    assert main([*train, *small, "--trust", "tests.evidence.worlds.hands"]) == 0
    place = Path(json.loads(capsys.readouterr().out)["run"])
    files = sorted((place / MIXTURE).iterdir())
    files = [file for file in files if file.suffix == ".safetensors"]
    assert len(files) >= 2
    # always left, or always right
    for side, file in enumerate(files):
        weights = {k: v * 0 for k, v in load_file(file).items()}
        weights["action_net.bias"][side % 2] = 9.0
        save_file(weights, file)
    words = ["eval", str(place), "--mixture", "--json", "--trust", "tests.evidence.worlds.hands"]
    assert main(words) == 0
    lengths = json.loads(capsys.readouterr().out)["length"]
    seed = json.loads(next((place / "best").rglob("bundle.json")).read_text())["evaluation"]["seed"]
    ways = [tuple(alone(seed + i, side) for side in range(2)) for i in range(12)]
    assert all(length in way for length, way in zip(lengths, ways, strict=True))
    played = {way.index(n) for n, way in zip(lengths, ways, strict=True) if way[0] != way[1]}
    assert played == {0, 1}


def alone(seed: int, action: int) -> int:
    env = gym.make("CartPole-v1")
    env.reset(seed=seed)
    steps, over = 0, False
    while not over:
        over, steps = env.step(action)[2], steps + 1
    return steps
