"""The next stage of a curriculum: an agent that was trained before, paid another reward.

Kept are the policy with its optimiser, the observation normaliser and the replay buffer. The reward is
new and knows nothing; the steps, and with them every schedule, count from 0.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rewardwrap.core.errors import ConfigError, StackError, warn
from rewardwrap.training import bundle
from rewardwrap.training.folder import LAST, bundle_in

if TYPE_CHECKING:
    from rewardwrap.core.reward import Reward
    from rewardwrap.training.agent import Agent, Settings


def next_stage(
    place: Path,
    settings: Settings,
    *,
    reward: Reward | None = None,
    verbose: int = 0,
    tensorboard_log: str | None = None,
) -> Agent:
    """The agent of a run's last bundle, in the environment and with the reward of new settings.

    Args:
        place: A run's folder, or a bundle.
        settings: Of the stage that begins.
        reward: What pays, where something outside changes it; None: the settings'.
        verbose: As in SB3.
        tensorboard_log: As in SB3.

    Raises:
        BundleError: Its policy does not fit the new settings.
    """
    from rewardwrap.core.config import from_config

    agent = bundle.read(
        require_stage(place, settings),
        settings=settings,
        reward=from_config(settings.reward) if reward is None else reward,
        with_replay=True,
        verbose=verbose,
        tensorboard_log=tensorboard_log,
    )
    model = agent.model
    model.num_timesteps, model._episode_num = 0, 0
    model.set_random_seed(settings.seed)
    buffer = getattr(model, "replay_buffer", None)
    if buffer is not None and buffer.size():
        model.learning_starts = 0  # type: ignore[attr-defined]  # its policy acts from the first step
        _pay_anew(agent)
    return agent


def require_stage(place: Path, settings: Settings) -> Path:
    """The bundle that goes on, before anything is written for the stage that begins.

    Raises:
        FolderError: There is none.
        ConfigError: It was trained by another algorithm.
    """
    folder = bundle_in(place, LAST)
    before = bundle.algorithm(folder)
    if before != settings.algo:
        raise ConfigError(
            f"the stage before must be of the same algorithm, got {before} before {settings.algo}. "
            f"Go on with {before}, or begin anew."
        )
    return folder


def _pay_anew(agent: Agent) -> None:
    """Let the stored steps be worth what the new reward pays, where a buffer holds what it reads."""
    from rewardwrap.loops.relabelling import relabel

    try:
        relabel(agent.model.replay_buffer, agent.reward, task=agent.adapter.task)  # type: ignore[attr-defined]
    except (ConfigError, StackError) as error:
        warn(
            "a replay buffer that is kept must be paid by the new reward, got one that stored steps do not "
            f"suffice for ({error}) Its steps keep what the reward before paid, until they are overwritten."
        )
