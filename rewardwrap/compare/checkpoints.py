"""Long runs go on from where they broke off, and where the algorithm allows it with the same curve.

A checkpoint is a border that every run crosses, broken off or not: at the first rollout behind a
multiple of ``every`` steps the agent is written down, the environments are reset and all generators are
seeded from (seed, step). What lies behind the border depends on nothing before it but the checkpoint, so
a run that goes on from there repeats the undisturbed one to the last bit. Not so with HER (its
buffer is not written), with recurrent policies (their state is not) and with rewards that learn by an
optimiser of their own; such runs go on as well, and say so.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.utils import set_random_seed

from rewardwrap.core.errors import RewardwrapError
from rewardwrap.files import whole_folder, write_whole
from rewardwrap.limits import parsed
from rewardwrap.rewards.normalize import Normalize
from rewardwrap.training import bundle, replay
from rewardwrap.training.evaluation import Evaluation, Protocol

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm

    from rewardwrap.core.reward import Reward
    from rewardwrap.training.agent import Agent, Settings


@dataclass(frozen=True)
class Past:
    """What a run had done when its checkpoint was written.

    Args:
        points: Step -> evaluation.
        cpu_seconds: Processor time, that of earlier legs included.
        wall_seconds: Time on the clock, likewise.
        continued: Steps at which the run had been picked up before.
    """

    points: dict[int, Evaluation] = field(default_factory=dict)
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    continued: tuple[int, ...] = ()


class Border(BaseCallback):
    """Writes a checkpoint every so many steps, and starts anew behind it.

    Args:
        agent: Who trains.
        every: Steps between two checkpoints.
        save: Called with the step.
        resumed: Whether the training starts on a border, see `restart`.
    """

    def __init__(
        self, agent: Agent, every: int, save: Callable[[int], None], *, resumed: bool
    ) -> None:
        super().__init__()
        self._agent, self._every, self._save, self._resumed = agent, every, save, resumed
        self._next = every

    def _on_training_start(self) -> None:
        self._next = (self.num_timesteps // self._every + 1) * self._every

    def _on_rollout_start(self) -> None:
        if self._resumed:
            # what `learn` drew since `restart`; the environments have not moved
            self._resumed = False
            _reseed(self.model, self._agent.settings.seed)
        elif self.num_timesteps >= self._next:
            self._next = (self.num_timesteps // self._every + 1) * self._every
            self._save(self.num_timesteps)
            restart(self.model, self._agent.settings.seed)

    def _on_step(self) -> bool:
        return True


def write(agent: Agent, folder: Path, protocol: Protocol, past: Past) -> None:
    """Write a checkpoint whole or not at all, then delete the older ones."""
    step = agent.model.num_timesteps
    place = folder / str(step)
    with whole_folder(place, replace=True) as aside:
        bundle.write(agent, aside / "bundle", protocol=protocol, with_replay=True)
        write_whole(aside / "past.json", json.dumps(_plain(past), allow_nan=False))
    for other in folder.iterdir():
        if other != place:
            shutil.rmtree(other, ignore_errors=True)


def read(folder: Path, settings: Settings) -> tuple[Agent, Past] | None:
    """The newest checkpoint of these settings that is whole; None where there is none."""
    steps = sorted((int(f.name) for f in folder.glob("[0-9]*") if f.name.isdigit()), reverse=True)
    for step in steps:
        place = folder / str(step)
        try:
            past = _past(parsed((place / "past.json").read_text(encoding="utf-8")))
            agent = bundle.read(place / "bundle", settings=settings, with_replay=True)
        except (RewardwrapError, OSError, ValueError, KeyError):
            continue  # broken by hand or by the disk: an older one, or from the start
        restart(agent.model, agent.settings.seed)
        return agent, past
    return None


def restart(model: BaseAlgorithm, seed: int) -> None:
    """Reset the environments of a learner and seed every generator from (seed, step)."""
    env = model.env
    assert env is not None
    env.seed(_seed_at(seed, model.num_timesteps))
    model._last_obs = env.reset()  # type: ignore[assignment]
    model._last_episode_starts = np.ones((env.num_envs,), dtype=bool)
    if model._vec_normalize_env is not None:
        model._last_original_obs = model._vec_normalize_env.get_original_obs()
    if model.action_noise is not None:
        model.action_noise.reset()
    _reseed(model, seed)


def repeats(model: BaseAlgorithm, reward: Reward) -> bool:
    """Whether a checkpoint holds all that the rest of a training depends on."""
    if any(node.learns and not isinstance(node, Normalize) for node in reward.walk()):
        return False
    if isinstance(model, OffPolicyAlgorithm):
        return replay.can_write(model)
    return isinstance(model, OnPolicyAlgorithm) and not hasattr(model, "_last_lstm_states")


def _reseed(model: BaseAlgorithm, seed: int) -> None:
    chosen = _seed_at(seed, model.num_timesteps)
    set_random_seed(chosen, using_cuda=model.device.type == "cuda")
    model.action_space.seed(chosen)
    if model.use_sde:
        assert model.env is not None
        actor: Any = getattr(model, "actor", None) or model.policy
        actor.reset_noise(model.env.num_envs)


def _seed_at(seed: int, step: int) -> int:
    return int(np.random.SeedSequence((seed, step)).generate_state(1)[0] % 2**31)


def _plain(past: Past) -> dict[str, Any]:
    return {
        "points": [
            [step, {name: sums.tolist() for name, sums in e.terms.items()}, e.lengths.tolist()]
            for step, e in past.points.items()
        ],
        "cpu_seconds": past.cpu_seconds,
        "wall_seconds": past.wall_seconds,
        "continued": list(past.continued),
    }


def _past(found: dict[str, Any]) -> Past:
    points = {
        int(step): Evaluation({name: np.array(v) for name, v in terms.items()}, np.array(lengths))
        for step, terms, lengths in found["points"]
    }
    return Past(
        points, found["cpu_seconds"], found["wall_seconds"], tuple(map(int, found["continued"]))
    )
