"""A training from start to end: evaluated on the true return, kept in bundles, resumable."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback

from rewardwrap.training import bundle, evaluation
from rewardwrap.training.agent import Agent
from rewardwrap.training.early import StopEarly
from rewardwrap.training.episodes import EpisodeLog
from rewardwrap.training.evaluation import Curve, Evaluation, Protocol
from rewardwrap.training.folder import BEST, EPISODES, LAST, RunFolder
from rewardwrap.training.progress import Progress
from rewardwrap.training.stopping import Stopping
from rewardwrap.training.teachers import teachers


@dataclass(frozen=True, kw_only=True)
class Course:
    """How long and how often.

    Args:
        steps: Environment steps in all, those before a resume included.
        eval_freq: Steps between two evaluations.
        save_freq: Steps between two checkpoints.
        protocol: How evaluations are played.
        chooses: ``"true"`` or ``"shaped"``: the return by which the best agent is kept.
        stopping: What ends it before.
    """

    steps: int
    eval_freq: int
    save_freq: int
    protocol: Protocol = field(default_factory=Protocol)
    chooses: str = "true"
    stopping: Stopping = field(default_factory=Stopping)


class Session:
    """Trains one agent in one folder.

    Args:
        agent: New, or from the last bundle of the folder.
        folder: Where everything goes.
        course: How long and how often.
        on_point: Called with step, evaluation and whether it is the best so far.
        on_progress: Called with the steps taken so far, about twice a second.
        callbacks: Further callbacks of stable-baselines3, called last.

    Attributes:
        stopped: Why the training ended before its steps were used up; None where it did not.
    """

    stopped: str | None = None

    def __init__(
        self,
        agent: Agent,
        folder: RunFolder,
        course: Course,
        *,
        on_point: Callable[[int, Evaluation, bool], None] | None = None,
        on_progress: Callable[[int], None] | None = None,
        callbacks: Sequence[BaseCallback] = (),
    ) -> None:
        self.agent, self.folder, self.course = agent, folder, course
        self._callbacks = callbacks
        self._on_point, self._on_progress = on_point, on_progress
        self._best = self._best_before()
        self._returns: list[float] = []

    def run(self) -> bool:
        """Train to the end; False if it was interrupted, with the last bundle written all the same."""
        from rewardwrap.adapters.logging import LogTerms

        agent, course = self.agent, self.course
        model, done = agent.model, agent.model.num_timesteps
        eval_env = agent.eval_env(course.protocol.width)
        grid = evaluation.grid(course.steps, course.eval_freq, after=done)
        curve = Curve(eval_env, grid, course.protocol, on_point=self._record)
        stop, early = Stop(), StopEarly(course.stopping, lambda: self._returns)
        callbacks: list[BaseCallback] = [
            LogTerms(),
            EpisodeLog(self.folder.path / EPISODES, agent.settings.env),
            curve,
            *teachers(agent.reward, agent.settings.seed, self.folder.path),
            *([agent.auxiliary] if agent.auxiliary else []),
            Checkpoint(self.save, course.save_freq),
            stop,
            *([early] if course.stopping else []),
            *([Progress(self._on_progress)] if self._on_progress else []),
            *self._callbacks,
        ]
        try:
            with stop.on_interrupt():
                if done < course.steps:
                    model.learn(
                        course.steps - done,
                        callback=callbacks,
                        reset_num_timesteps=done == 0,
                        tb_log_name=agent.settings.algo.upper(),
                    )
                self.stopped = early.reason
                self.folder.note_stop(early.reason)
                if early.reason is not None:
                    curve.stop()
                elif not stop.requested:
                    curve.finish()
                self.save()
        finally:
            eval_env.close()
        return not stop.requested

    def save(self) -> None:
        """Write the agent as it is now to ``last/``."""
        step = self.agent.model.num_timesteps
        place = self.folder.place(LAST, step)
        bundle.write(self.agent, place, protocol=self.course.protocol, with_replay=True)
        self.folder.keep_only(place)

    def _record(self, step: int, found: Evaluation) -> None:
        self.folder.add_evaluation(step, found)
        self._returns.append(float(found.true.mean()))
        score = float(getattr(found, self.course.chooses).mean())
        is_best = score > self._best
        if is_best:
            self._best = score
            place = self.folder.place(BEST, step)
            scores = {"true": found.true.tolist(), "shaped": found.shaped.tolist()}
            bundle.write(self.agent, place, protocol=self.course.protocol, scores=scores)
            self.folder.keep_only(place)
        if self._on_point is not None:
            self._on_point(step, found, is_best)

    def _best_before(self) -> float:
        column = {"true": "results", "shaped": "shaped"}[self.course.chooses]
        before = self.folder.evaluations().get(column)
        return -np.inf if before is None or not before.size else float(before.mean(axis=1).max())


class Checkpoint(BaseCallback):
    """Calls a function every so many steps."""

    def __init__(self, save: Callable[[], None], every: int) -> None:
        super().__init__()
        self._save, self._every, self._next = save, every, 0

    def _on_training_start(self) -> None:
        self._next = (self.num_timesteps // self._every + 1) * self._every

    def _on_step(self) -> bool:
        if self.num_timesteps >= self._next:
            self._next = (self.num_timesteps // self._every + 1) * self._every
            self._save()
        return True


class Stop(BaseCallback):
    """Ends a training at the next step after an interrupt, so that nothing is left half done."""

    def __init__(self) -> None:
        super().__init__()
        self.requested = False

    def _on_step(self) -> bool:
        return not self.requested

    @contextmanager
    def on_interrupt(self) -> Iterator[None]:
        """Take SIGINT and SIGTERM as the wish to stop; a second one interrupts at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        signals = (signal.SIGINT, signal.SIGTERM)
        before: dict[signal.Signals, Any] = {s: signal.signal(s, self._request) for s in signals}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _request(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
