"""True and shaped returns of episodes with fixed seeds, and their curve over training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.callbacks import BaseCallback

from rewardwrap.adapters.acting import Acting
from rewardwrap.core.reward import SHAPED, TRUE

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.vec_env import VecEnv

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Protocol:
    """How agents are evaluated.

    Args:
        episodes: Episodes behind each point.
        seed: Episode ``i`` is reset with ``seed + i``: all agents see the same episodes.
        deterministic: Whether the policy plays its mode instead of a sample.
        lanes: Environments at a time; None plays all episodes at once. The policy sees as many
            observations in one batch, so other lanes may give other last bits.
    """

    episodes: int = 5
    seed: int = 10_000
    deterministic: bool = True
    lanes: int | None = None

    @property
    def width(self) -> int:
        """Environments at a time."""
        return self.episodes if self.lanes is None else min(self.lanes, self.episodes)


@dataclass(frozen=True)
class Evaluation:
    """What the episodes of one evaluation came to.

    Args:
        terms: Sum of each term over each episode, name -> ``(episodes,)``; ``env`` is the true return
            and ``shaped`` what a learner would have been paid.
        lengths: Steps of each episode, ``(episodes,)``.
        success: 1 where the environment says ``is_success`` at the end; None where it says nothing.
    """

    terms: dict[str, FloatArray]
    lengths: FloatArray
    success: FloatArray | None = None

    @property
    def true(self) -> FloatArray:
        """True return of each episode, ``(episodes,)``."""
        return self.terms[TRUE]

    @property
    def shaped(self) -> FloatArray:
        """Shaped return of each episode, ``(episodes,)``."""
        return self.terms[SHAPED]


def evaluate(model: BaseAlgorithm, venv: VecEnv, protocol: Protocol) -> Evaluation:
    """Play episodes with fixed seeds; the learner, its normaliser and its random state stay as they are.

    Args:
        model: Whose policy plays; its own normaliser, if any, is applied and not updated.
        venv: From `Agent.eval_env`. Each lane plays one episode of a round, so as many lanes as
            episodes need one round.
        protocol: Episodes, seeds, mode or sample.
    """
    infos: list[dict[str, Any]] = []
    # DQN samples from numpy's global state, the other policies from torch's
    state = np.random.get_state()  # noqa: NPY002
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(protocol.seed)
        np.random.seed(protocol.seed)  # noqa: NPY002
        for start in range(0, protocol.episodes, venv.num_envs):
            wanted = min(venv.num_envs, protocol.episodes - start)
            infos += _round(model, venv, protocol, start, wanted)
    np.random.set_state(state)  # noqa: NPY002
    names = infos[0]["episode_terms"]
    return Evaluation(
        {name: np.array([info["episode_terms"][name] for info in infos]) for name in names},
        np.array([float(info["steps"]) for info in infos]),
        _success(infos),
    )


def _success(infos: Sequence[dict[str, Any]]) -> FloatArray | None:
    said = [info.get("is_success") for info in infos]
    return None if None in said else np.array(said, np.float64)


def _round(
    model: BaseAlgorithm, venv: VecEnv, protocol: Protocol, start: int, wanted: int
) -> list[dict[str, Any]]:
    """One episode in each of the first ``wanted`` lanes: the info of its last step."""
    act = Acting(model, venv, deterministic=protocol.deterministic)
    venv.seed(protocol.seed + start)
    obs = venv.reset()
    ended: dict[int, dict[str, Any]] = {}
    steps = 0
    while len(ended) < wanted:
        obs, _, dones, infos = venv.step(act(obs))
        act.ended(dones)
        steps += 1
        for lane in np.flatnonzero(dones[:wanted]):
            ended.setdefault(int(lane), {**infos[lane], "steps": steps})
    return [ended[lane] for lane in range(wanted)]


class Curve(BaseCallback):
    """Evaluates at fixed steps of a training.

    A point is written down under the step of the grid, not the step at which a vector environment got
    past it, so that all runs have one grid. The last point is the finished policy: call `finish`
    after ``learn``.

    Args:
        venv: From `Agent.eval_env`.
        grid: Steps to evaluate at, increasing; the last is the end of the training.
        protocol: How.
        on_point: Called with the step and its evaluation, after it was written down.

    Attributes:
        points: Step -> evaluation, in order.
    """

    def __init__(
        self,
        venv: VecEnv,
        grid: Sequence[int],
        protocol: Protocol,
        *,
        on_point: Callable[[int, Evaluation], None] | None = None,
    ) -> None:
        super().__init__()
        self.points: dict[int, Evaluation] = {}
        self._venv, self._protocol, self._on_point = venv, protocol, on_point
        self._left, self._current = list(grid), -1

    def _on_training_start(self) -> None:
        # the untrained policy: where a reward that only rises has to start from
        if self._left[0] == 0:
            self._evaluate([0])

    def _on_step(self) -> bool:
        passed = [step for step in self._left[:-1] if step <= self.num_timesteps]
        if passed:
            self._evaluate(passed)
        return True

    def finish(self) -> None:
        """Evaluate the policy that training ended with, at the points that are left.

        A training that ended early is worth the same at each of them: its agent learns nothing more.
        """
        self._evaluate(list(self._left))

    def stop(self) -> None:
        """Evaluate at the step where training ended early, unless that was just done; drop the rest."""
        assert self.model is not None
        step = self.model.num_timesteps
        if self._current != step:
            self._left = [step]
            self._evaluate([step])
        self._left = []

    def _evaluate(self, steps: list[int]) -> None:
        assert self.model is not None
        found = evaluate(self.model, self._venv, self._protocol)
        self._current = self.model.num_timesteps
        for step in steps:
            self.points[step] = found
            self._left.remove(step)
        if self._on_point is not None:
            self._on_point(steps[-1], found)


def grid(steps: int, every: int, *, after: int = 0) -> list[int]:
    """Multiples of ``every`` below ``steps``, then ``steps``; those ``after`` a resumed training only.

    >>> grid(10, 4)
    [4, 8, 10]
    """
    return [*(s for s in range(every, steps, every) if s > after), steps]
