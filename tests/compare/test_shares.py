"""One champion, whoever played: this process, two processes, a Ray cluster of this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rewardwrap.cli import main
from rewardwrap.commands.evolve_files import SAVED
from rewardwrap.compare.executors.shares import shared_map
from rewardwrap.core.errors import ConfigError

EVOLVE = ["evolve", "rewardwrap/Runner-v0", "--population", "6", "--length", "40", "-n", "400"]


def champion(out: Path, *words: str) -> Any:
    assert main([*EVOLVE, "--seed", "3", "--out", str(out), *words]) == 0
    return json.loads((out / SAVED).read_text())["moves"]


def test_one_seed_finds_one_champion_with_one_process_and_with_two(tmp_path: Path) -> None:
    alone = champion(tmp_path / "1", "--jobs", "1")
    assert champion(tmp_path / "2", "--jobs", "2") == alone


def test_one_seed_finds_the_same_champion_on_a_ray_cluster_which_then_ends(tmp_path: Path) -> None:
    ray = pytest.importorskip("ray")
    alone = champion(tmp_path / "1")
    assert not ray.is_initialized()
    assert champion(tmp_path / "ray", "--executor", "ray", "--jobs", "2") == alone
    assert not ray.is_initialized()


def test_items_come_back_in_their_order() -> None:
    for jobs in (1, 2):
        with shared_map("local", jobs) as mapped:
            assert list(mapped(abs, [-3, 2, -1])) == [3, 2, 1]


def test_an_address_without_ray_is_refused(tmp_path: Path, capsys: Any) -> None:
    with pytest.raises(ConfigError, match="--address must go with --executor ray"):
        shared_map("local", 1, "10.0.0.1:6379").__enter__()
    words = ["--address", "10.0.0.1:6379", "--out", str(tmp_path / "no")]
    assert main([*EVOLVE, *words]) == 2
    assert "--address must go with --executor ray, got 10.0.0.1:6379." in capsys.readouterr().err
