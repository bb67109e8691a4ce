"""The callbacks that a reward needs to learn while an agent trains."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rewardwrap.core.reward import Reward
from rewardwrap.design.redesigned import Redesigned
from rewardwrap.loops.rates import Rates
from rewardwrap.loops.self_designed import SelfDesigned
from rewardwrap.rewards.decoded import Decoded
from rewardwrap.rewards.events import Events
from rewardwrap.scores.grouped import Grouped
from rewardwrap.scores.win_rate import WinRate

if TYPE_CHECKING:
    from stable_baselines3.common.callbacks import BaseCallback

MIXTURE = "mixture"
"""Folder of a run, with its iterates where it plays against itself."""


def teachers(reward: Reward, seed: int, folder: Path | None = None) -> list[BaseCallback]:
    """One where it holds a `Decoded`; one for each `Rates`, `Redesigned` and `SelfDesigned`, each `WinRate`
    against oneself and each `Events` with an annotator; else none.

    Args:
        reward: What the learner is paid.
        seed: Of weights and draws.
        folder: Of the run, where labels of events are kept; None keeps none.
    """
    from rewardwrap.loops.events import EventLoop
    from rewardwrap.training.return_decomposition import ReturnDecomposition

    nodes = list(reward.walk())
    updated = (Rates, Redesigned, SelfDesigned)
    found: list[BaseCallback] = [node.update() for node in nodes if isinstance(node, updated)]
    if any(isinstance(node, Decoded) for node in nodes):
        found.append(ReturnDecomposition(seed=seed))
    asking = [n for n in nodes if isinstance(n, Events) and n.annotator is not None]
    rivals = [n.score for n in nodes if isinstance(n, Grouped) and isinstance(n.score, WinRate)]
    if any(score.own for score in rivals):
        from rewardwrap.loops.nash import NashLoop

        place = None if folder is None else folder / MIXTURE
        found += [NashLoop(score, folder=place) for score in rivals if score.own]
    for i, node in enumerate(asking):
        place = None if folder is None else folder / f"events_{i}"
        found.append(EventLoop(place, key=node, annotator=str(node.annotator), seed=seed))
    return found
