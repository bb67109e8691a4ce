"""Factors of a return."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import rewardwrap_envs
from rewardwrap.llm.budget import Budget, Budgeted, Ledger
from rewardwrap.llm.client import ChatClient, ProviderError, Request
from rewardwrap.llm.factors import decoded, find_factors
from rewardwrap.llm.journal import Journal
from rewardwrap.llm.prompt import Scene, scene_of
from rewardwrap.llm.recorded import RecordedClient, recordings_for
from rewardwrap.llm.stages import Stages
from rewardwrap.llm.template import FactorDesigner
from rewardwrap.llm.trajectories import collect
from tests.llm.scripted import ScriptedClient

ENV = "HalfCheetah-v5"
ASK = Request(({"role": "user", "content": "-"},))


@pytest.fixture(scope="module")
def cheetah() -> Scene:
    return scene_of(ENV, rewardwrap_envs.find(ENV, []))


@pytest.fixture(scope="module")
def stages(cheetah: Scene) -> Stages:
    return Stages(cheetah, collect(cheetah.recipe, seed=0, episodes=1))


def find(
    scene: Scene, stages: Stages, client: ChatClient, folder: Path, candidates: int
) -> tuple[str, list[str]]:
    said: list[str] = []
    source = find_factors(
        scene,
        "run forwards",
        Budgeted(client, Ledger(Budget())),
        stages,
        Journal(folder / "run.jsonl"),
        ask=ASK,
        candidates=candidates,
        say=said.append,
    )
    return source, said


def test_proposals_are_checked_mended_and_merged(
    cheetah: Scene, stages: Stages, tmp_path: Path
) -> None:
    client = RecordedClient(recordings_for(ENV))
    source, said = find(cheetah, stages, client, tmp_path, 2)
    assert decoded(source).factors == ("speed", "effort", "pitch", "bounce", "drive")
    (line,) = said
    assert "factors-2, attempt 1" in line
    assert "knee_velocity" in line


def test_a_finished_search_for_factors_asks_nobody(
    cheetah: Scene, stages: Stages, tmp_path: Path
) -> None:
    first, _ = find(cheetah, stages, RecordedClient(recordings_for(ENV)), tmp_path, 2)
    again, _ = find(cheetah, stages, ScriptedClient([]), tmp_path, 2)
    assert again == first


def test_after_five_attempts_a_proposal_is_left_out(
    cheetah: Scene, stages: Stages, tmp_path: Path
) -> None:
    script = ScriptedClient(["I would rather not."] * 5)
    with pytest.raises(ProviderError, match="one of 1 proposals must be usable"):
        find(cheetah, stages, script, tmp_path, 1)
    assert len(script.requests) == 5
    assert "got prose" in script.requests[1].messages[-1]["content"]


def test_a_function_without_factors_is_sent_back(
    cheetah: Scene, stages: Stages, tmp_path: Path
) -> None:
    bare = "```python\ndef reward(obs, action, next_obs, info):\n    return obs[:, 0]\n```"
    with pytest.raises(ProviderError):
        find(cheetah, stages, ScriptedClient([bare] * 5), tmp_path, 1)


def test_the_designer_without_a_model_gives_factors_too(
    cheetah: Scene, stages: Stages, tmp_path: Path
) -> None:
    source, said = find(cheetah, stages, FactorDesigner(cheetah, "run forwards"), tmp_path, 1)
    assert not said
    assert "torso_x_velocity" in decoded(source).factors


def test_an_untaught_decoder_pays_nothing(cheetah: Scene, stages: Stages) -> None:
    import rewardwrap as rw

    source = (
        "def reward(obs, action, next_obs, info):\n    f = {'a': obs[:, 0]}\n    return f['a'], f\n"
    )
    paid = rw.relabel(decoded(source), stages.pool.episodes[0], env=ENV)
    assert not np.asarray(paid).any()
