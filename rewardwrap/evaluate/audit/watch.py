"""The audit itself: fed with steps, it turns finished episodes into columns and findings.

A step is two array assignments. Finished episodes wait until a few are together and are then looked at
in one go, since numpy on many short episodes costs little more than on one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core.reward import Reward
from rewardwrap.core.task import NO_TASK, Task
from rewardwrap.evaluate.audit import episodes, trends
from rewardwrap.evaluate.audit.columns import NARROW, WIDE, Columns
from rewardwrap.evaluate.audit.ends import Ends
from rewardwrap.evaluate.audit.ensembles import Ensembles
from rewardwrap.evaluate.audit.episodes import Batch, Farming
from rewardwrap.evaluate.audit.finding import Finding, Findings
from rewardwrap.evaluate.audit.loops import Grid, Loops
from rewardwrap.evaluate.audit.potentials import Telescope
from rewardwrap.evaluate.audit.record import Record
from rewardwrap.evaluate.audit.sample import Sample
from rewardwrap.evaluate.audit.tape import Episode, Tape
from rewardwrap.evaluate.audit.terms import Terms
from rewardwrap.evaluate.audit.windows import Windows

FloatArray = NDArray[np.float64]

TOGETHER, MOST = 800, 32
"""Steps, and episodes, that are looked at in one go: whichever come first."""


class Watch:
    """Follows the lanes of one vector environment.

    Args:
        names: ``("env", <terms>, "shaped")``.
        lanes: Number of lanes.
        gamma: Discount of the learner.
        reward: What is paid, for the checks of potentials and ensembles; None makes neither.
        task: Named fields.
        bounds: Lower and upper bounds of the observations, ``(d,)`` each, where known.
        rng: Draws the sample of steps.
    """

    def __init__(
        self,
        names: Sequence[str],
        lanes: int,
        *,
        gamma: float,
        reward: Reward | None = None,
        task: Task = NO_TASK,
        bounds: tuple[Any, Any] | None = None,
        rng: np.random.Generator | None = None,
    ) -> None:
        self.names, self.gamma, self.lanes = tuple(names), gamma, lanes
        self.findings, self.notes = Findings(), dict[str, None]()
        self.task, self.player = task, 0
        self.on_finding: Any = None
        self._columns, self._windows = Columns(), Windows()
        self._farming = Farming(Loops(gamma, Grid(*(bounds or (None, None)))))
        self._sample = Sample(lanes, np.random.default_rng(0) if rng is None else rng)
        self._set_reward(reward)
        self._pending: list[Episode] = []
        self._count = self._waiting = 0

    # --- feeding --------------------------------------------------------------------------------

    def begin(
        self,
        obs: Any,
        infos: Sequence[Mapping[str, Any]] | None = None,
        *,
        going: bool = False,
    ) -> None:
        """Start an episode in every lane.

        Args:
            obs: First observations as the reward sees them; None if they cannot be had.
            infos: The infos that came with them.
            going: Whether the episodes began before; the rest of them is left out.
        """
        self.look()
        self._partial = np.full(self.lanes, going)
        self._has_obs = obs is not None
        self._tape = Tape(self.lanes, len(self.names), obs)
        if self._has_obs:
            self._ends.begin(obs, [{}] * self.lanes if infos is None else infos)
        else:
            self._note("Observations could not be had: loops and potentials were not looked at.")

    def step(self, terms: Any, obs: Any) -> None:
        """Record one step of all lanes: ``(lanes, k)`` terms and the observations after it."""
        self._tape.add(terms, obs)

    def end(
        self,
        lane: int,
        step: int,
        *,
        terminated: bool,
        last: Any = None,
        info: Mapping[str, Any] | None = None,
        first: Any = None,
        first_info: Mapping[str, Any] | None = None,
    ) -> None:
        """Close the episode of a lane, after `step` recorded its last row.

        Args:
            lane: Which.
            step: Steps of the learner so far.
            terminated: Whether the task ended, rather than the clock.
            last: Terminal observation.
            info: The info that came with it.
            first: First observation of the lane's next episode.
            first_info: Its info.
        """
        terms, states = self._tape.cut(lane, last if self._has_obs else None)
        episode = None
        if self._partial[lane]:
            self._partial[lane] = False
        else:
            nothing = self._nothing
            episode = Episode(self._count, lane, step, terminated, terms, states, None, nothing)
            self._pending.append(episode)
            self._count += 1
            self._waiting += len(terms)
        if self._has_obs:
            compared = None if self._changed[lane] else episode
            self._ends.end(lane, (last, first), (info or {}, first_info or {}), compared)
        self._changed[lane] = False
        if self._waiting >= TOGETHER or len(self._pending) >= MOST:
            self.look()

    def drop(self, lane: int) -> None:
        """Close the episode of a lane without taking note of it."""
        self._tape.cut(lane, None)
        self._partial[lane] = True

    def before_learning(self) -> None:
        """The learner is about to learn, and what a potential reads with it: read what waits."""
        self._ends.read()

    def change_reward(self, reward: Reward, step: int) -> None:
        """Take note of another reward; episodes that run across the change are not checked."""
        self._note(f"The reward was changed at step {step:,}; what is compared spans both.")
        self.look()
        start = self._ends.start
        self._set_reward(reward)
        if self._ends.start.shape == start.shape:
            self._ends.start = start
        self._changed[:] = True

    # --- looking --------------------------------------------------------------------------------

    def look(self) -> None:
        """Look at the episodes that wait."""
        self._ends.read()
        if not self._pending:
            return
        waiting, self._pending, self._waiting = self._pending, [], 0
        batch = Batch(waiting, self._terms)
        sums = batch.per_episode(batch.rows)
        discounted = batch.per_episode(batch.rows * batch.weights[:, None])
        self._ends.compare(waiting, discounted[:, self._terms.columns], batch.lengths)
        if not np.isfinite(sums).all():
            self._add(episodes.unfinite(batch))
        paid = self._check_each(batch)
        self._columns.add(
            sums=sums,
            discounted=discounted,
            sizes=batch.per_episode(np.abs(batch.rows)),
            residual=np.array([e.residual for e in waiting]),
            disagreement=[self._ensembles.over(e) for e in waiting],
            player=[self.player] * len(waiting),
            **{n: [getattr(e, n) for e in waiting] for n in _OF_EPISODES},
            **paid,
        )
        self._sample.add(batch)
        if self._windows.due(self._columns, len(batch.rows)):
            self._check_windows()

    def record(self, **facts: Any) -> Record:
        """Everything so far; the running episodes are left out."""
        self.look()
        if self._windows.stale(self._columns):
            self._check_windows()
        k, p = len(self.names), len(self._terms.potentials)
        widths = dict(zip(WIDE, (k, k, k, p), strict=True))
        steps, places, states = self._sample.steps(k)
        return Record(
            names=self.names,
            gamma=self.gamma,
            **{name: self._columns.whole(name, width) for name, width in widths.items()},
            columns={name: self._columns.whole(name) for name in NARROW},
            potentials=tuple(potential.name for potential in self._terms.potentials),
            steps=steps,
            places=places,
            states=states,
            findings=self.findings,
            clips=self._sample.clips(),
            notes=list(self.notes),
            facts=facts,
        )

    def _check_each(self, batch: Batch) -> dict[str, FloatArray]:
        """The signals of single episodes; returns the columns of pay and true return."""
        holds = None
        if self._terms.columns and self._has_obs:
            holds = batch.holds()
            self._add(episodes.broken(batch, holds))
        pay, bonus = batch.pay(holds)
        true = batch.rows[:, self._terms.true]
        found = {
            "pay": batch.per_episode(pay),
            "true": batch.per_episode(true),
            "pay_discounted": batch.per_episode(pay * batch.weights),
            "true_discounted": batch.per_episode(true * batch.weights),
        }
        if bonus.any():
            if self._columns.count >= trends.FEWEST:
                self._add(episodes.outliers(batch, found["pay"], found["true"], self._columns))
            for i in np.flatnonzero(bonus):
                part = slice(batch.borders[i], batch.borders[i + 1])
                episode = batch.episodes[i]
                self._add(self._farming.look(episode, self._terms, pay[part], true[part]))
        return found

    def _check_windows(self) -> None:
        self._add(self._windows.look(self._columns, self._terms, verified=self._has_obs))

    def _set_reward(self, reward: Reward | None) -> None:
        self._terms = Terms(self.names, self.gamma, reward)
        for sentence in self._terms.unchecked:
            self._note(sentence)
        telescope = Telescope(self._terms.potentials, self.task, self.gamma, self.lanes)
        self._ends = Ends(telescope)
        self._nothing = np.zeros(len(self._terms.potentials))
        self._changed = np.zeros(self.lanes, bool)
        self._ensembles = Ensembles(reward, self.names, self.task)

    def _add(self, found: Iterable[Finding]) -> None:
        for finding in found:
            is_new = self.findings.add(finding)
            if is_new and self.on_finding is not None:
                self.on_finding(finding)

    def _note(self, sentence: str) -> None:
        self.notes[sentence] = None


_OF_EPISODES = ("step", "lane", "length", "terminated")
