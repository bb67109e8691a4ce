"""Labels of events that arrive late: somebody is asked beside the training, which never waits."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback

from rewardwrap.annotate.background import Stack
from rewardwrap.annotate.captions import Captions
from rewardwrap.core.errors import ConfigError, warn
from rewardwrap.core.plain import load_function
from rewardwrap.loops.callback import adapter_of
from rewardwrap.loops.folder import LoopFolder
from rewardwrap.rewards.events import Events

TABLE = "labels.sqlite"
PATIENCE = 5
"""Failures in a row after which an annotator is asked no more in this training."""
FLOOD, EARLY = 0.1, 1000
"""Share of the steps that tell of something new, and the step from which on it is too many."""

Question = str | tuple[str, str]
Annotate = Callable[..., Any]


class EventLoop(BaseCallback):
    """Pays for events by labels that an annotator gives while the agent trains (ONI).

    A sentence that is told for the first time is put on a stack and asked about by a thread, the newest
    first, each once; the environments go on. At the end of a rollout ``loop.reward`` (`rw.Events`)
    takes over what was answered meanwhile. ``labels.sqlite`` in ``folder`` has every answer on disk
    before it counts, so that a killed training asks nothing again. For the user it is two lines:
    ``env = rw.make(env_id, rw.EnvReward() + 0.4 * loop.reward)`` and ``model.learn(n, callback=loop)``.
    It has no gate, unlike other loops: a label is what was said, and no candidate. What a replay buffer
    stored stays as it was paid.

    | tag | value |
    |---|---|
    | ``events/known`` | sentences with a label, or comparisons |
    | ``events/waiting``, ``dropped`` | that wait for an answer; that gave way to newer ones |
    | ``events/unreadable``, ``failed`` | answers that were no number in [0, 1] and count as 0; that raised |

    Args:
        folder: New, or of a loop that was interrupted; None keeps nothing.
        key: Where the sentences are, see `rw.Events`; or an `rw.Events` that is paid already.
        annotator: ``f(sentence) -> label in [0, 1]``; for ``"ranking"`` ``f(a, b) -> P(b better)``. A
            function (or its name), or a model that is asked: `rewardwrap.annotate.captions.Reader`.
        pays: ``"hash"``, ``"classifier"`` or ``"ranking"``, see `rw.Events`.
        count: See `rw.Events`.
        threshold: See `rw.Events`.
        pairs: For ``"ranking"``: older sentences that each new one is compared with.
        workers: Questions that are asked at a time; 0: all are answered, in the training's own thread, at
            the end of a rollout, so that two trainings are the same.
        most: Questions that wait at most; an older one gives way, and is asked when it is told again.
        seed: Of the pairs.

    Raises:
        ConfigError: A folder of something else, or an annotator that is no function.
        StackError: The learner is not paid by ``loop.reward``.

    Warns:
        RewardwrapWarning: More than a tenth of the steps tell of something new; the annotator fails.

    Example:
        ``loop = rw.EventLoop("oni", key="message", annotator=lambda text: "key" in text)``

    Source: Zheng et al., "Online intrinsic rewards for decision making agents from large language model
        feedback", 2024, arXiv 2410.23022. Deviations: see `rw.Events`; models are fitted to all answers
        after a rollout instead of by a thread.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str] | None,
        *,
        key: Any,
        annotator: Annotate | str,
        pays: Literal["hash", "classifier", "ranking"] = "hash",
        count: float = 1.0,
        threshold: float = 0.5,
        pairs: int = 3,
        workers: int = 1,
        most: int = 1000,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.reward = (
            key
            if isinstance(key, Events)
            else Events(key, pays=pays, count=count, threshold=threshold)
        )
        found = load_function(annotator) if isinstance(annotator, str) else annotator
        if not callable(found):
            raise ConfigError(
                f"EventLoop: annotator must be a function of a sentence, got {annotator!r}. "
                "For a language model there is rewardwrap.annotate.captions.Reader(client, question)."
            )
        self.annotator, self.pairs, self.seed = found, pairs, seed
        self._stack: Callable[[], Stack[Question, float]] = partial(
            Stack, self._ask, workers=workers, most=most
        )
        self.asked = self._stack()
        self.folder = None if folder is None else LoopFolder(Path(folder))
        place = ":memory:" if self.folder is None else self.folder.path / TABLE
        self.table = Captions(place)
        self.unreadable = self.failed = self._in_a_row = self._steps = self._new = 0
        self._told_of_flood = self._gave_up = False
        # sentences that were asked about; a dict, since draws of pairs depend on the order
        self._met: dict[str, None] = {}
        self._learn()

    def _ask(self, question: Question) -> float:
        """In a thread: ask, and have the answer on disk."""
        words = (question,) if isinstance(question, str) else question
        said = self.annotator(*words)
        try:
            label = float(said)
        except (TypeError, ValueError):
            label = math.nan
        if not 0.0 <= label <= 1.0:
            self.unreadable += 1
            label = 0.0 if isinstance(question, str) else 0.5
        self.table.add(question, label)
        return label

    def _on_training_start(self) -> None:
        name = type(self).__name__
        self._adapter = adapter_of(self.training_env, self.reward, name, "loop.reward")
        self._rng = np.random.default_rng([self.seed, self.num_timesteps])
        self._steps = self._new = self._in_a_row = 0
        self._gave_up = False
        # what was on the stack when the last training ended is asked about when it is told again
        self._met.clear()
        self._learn()
        self.reward.told()
        self._note("start")

    def _on_step(self) -> bool:
        self._steps += self.training_env.num_envs
        for caption in self.reward.told():
            if caption not in self._met:
                self._met[caption] = None
                self._new += 1
                self._put(caption)
        return True

    def _put(self, caption: str) -> None:
        if self._gave_up:
            return
        questions: list[Question] = [caption]
        if self.reward.pays == "ranking":
            others = [other for other in self._met if other != caption]
            chosen = self._rng.permutation(len(others))[: self.pairs]
            questions = [(caption, others[i]) for i in chosen]
        for question in questions:
            dropped = self.asked.put(question)
            if isinstance(dropped, str):
                self._met.pop(dropped, None)

    def _on_rollout_end(self) -> None:
        self._take()
        for tag in ("unreadable", "failed"):
            self.logger.record(f"events/{tag}", getattr(self, tag))
        self.logger.record("events/known", self._answers)
        self.logger.record("events/waiting", self.asked.waiting)
        self.logger.record("events/dropped", self.asked.dropped)
        many = self._steps >= EARLY and self._new > FLOOD * self._steps
        if many and not self._told_of_flood:
            self._told_of_flood = True
            warn(
                f"EventLoop: sentences should come again, got {self._new:,} new ones in "
                f"{self._steps:,} steps: most labels will come too late. Leave numbers and names out of them."
            )

    def _take(self) -> None:
        """Pay by what was answered since the last time."""
        found, failed, error = self.asked.poll()
        if found:
            self._learn()
            self._in_a_row = 0
        if error is None:
            return
        self.failed += len(failed)
        self._in_a_row += len(failed)
        self._note("failed", questions=len(failed), error=f"{type(error).__name__}: {error}")
        self._gave_up = self._in_a_row >= PATIENCE
        if self._gave_up:
            self.asked.close()
            self.asked = self._stack()
            warn(
                f"EventLoop: annotator must answer, got {type(error).__name__}: {error}. It is asked no more "
                "in this training, which goes on with the labels it has; mend it and train on."
            )
            return
        for question in failed:
            self.asked.put(question)

    def _learn(self) -> None:
        labels, pairs = self.table.labels(), self.table.pairs()
        self._answers = len(labels) + len(pairs)
        told = {text for a, b, _ in pairs for text in (a, b)}
        self._met.update(dict.fromkeys([*labels, *sorted(told)]))
        self.reward.learn(labels, pairs)

    def _on_training_end(self) -> None:
        self._take()
        self.asked.close()
        self.asked = self._stack()
        self._note("end", known=self._answers)

    def _note(self, event: str, **facts: Any) -> None:
        if self.folder is not None:
            self.folder.note(event, step=self.num_timesteps, **facts)
