"""The audit itself: fed with steps, it turns finished episodes into columns and findings.

A step is two array assignments. Finished episodes wait until a few are together and are then looked at
in one go, since numpy on many short episodes costs little more than on one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core import tree
from rewardwrap.core.combine import SHAPED, TRUE
from rewardwrap.core.info import ListInfo
from rewardwrap.core.reward import Reward
from rewardwrap.core.task import NO_TASK, Task
from rewardwrap.core.transitions import Transitions
from rewardwrap.evaluate.audit import trends, words
from rewardwrap.evaluate.audit.finding import Clip, Finding, Findings
from rewardwrap.evaluate.audit.loops import Grid, Loop, Loops
from rewardwrap.evaluate.audit.potentials import TOLERANCE, Telescope, addends, checked
from rewardwrap.evaluate.audit.record import Record
from rewardwrap.evaluate.audit.tape import Episode, Tape

FloatArray = NDArray[np.float64]

TOGETHER, MOST = 800, 32
"""Steps, and episodes, that are looked at in one go: whichever come first."""
EVERY, STEPS = 20, 2048
"""Episodes and steps between two looks at trends: at least so many of both."""
AT_LEAST = 100
"""Steps between two searches for loops: of shorter episodes only some are searched."""
SAMPLE = 20_000
"""Steps that are kept for histograms and surfaces."""


@runtime_checkable
class Disagrees(Protocol):
    """A reward that can say how much its members disagree: ``(B,)``, at least 0."""

    def disagreement(self, batch: Transitions) -> FloatArray: ...


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
        self._rng = np.random.default_rng(0) if rng is None else rng
        self._loops = Loops(gamma, Grid(*(bounds or (None, None))))
        self._powers: FloatArray = gamma ** np.arange(1024, dtype=np.float64)
        self._set_reward(reward)
        self._pending: list[Episode] = []
        self._rows: dict[str, list[Any]] = {name: [] for name in _ROWS}
        self._kept: list[Episode] = []
        self._sample: list[tuple[FloatArray, NDArray[Any], NDArray[Any]]] = []
        self._sampled, self._rate = 0, 1.0
        self._count = self._looked = self._fresh = 0
        self._unlooked, self._waiting = AT_LEAST, 0
        self._early: FloatArray | None = None
        self._spread = 0.0

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
        self._partial = np.full(self.lanes, going)
        self._has_obs = obs is not None
        self._tape = Tape(self.lanes, len(self.names), obs)
        if self._has_obs:
            told = [{} for _ in range(self.lanes)] if infos is None else infos
            self._telescope.begin(slice(None), obs, ListInfo(told))
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
        phi = None
        if self._columns and self._has_obs:
            telescope = self._telescope
            pair = (
                np.array((last, first)) if type(last) is np.ndarray else tree.stack([last, first])
            )
            ends = telescope.read(pair, ListInfo([info or {}, first_info or {}]))
            if not self._changed[lane]:
                phi = np.array((telescope.start[:, lane], ends[:, 0]))
            telescope.start[:, lane] = ends[:, 1]
        self._changed[lane] = False
        if self._partial[lane]:
            self._partial[lane] = False
            return
        self._pending.append(
            Episode(self._count, lane, step, terminated, terms, states, phi, self._nothing)
        )
        self._count += 1
        self._waiting += len(terms)
        if self._waiting >= TOGETHER or len(self._pending) >= MOST:
            self.look()

    def drop(self, lane: int) -> None:
        """Close the episode of a lane without taking note of it."""
        self._tape.cut(lane, None)
        self._partial[lane] = True

    def change_reward(self, reward: Reward, step: int) -> None:
        """Take note of another reward; episodes that run across the change are not checked."""
        self._note(f"The reward was changed at step {step:,}; what is compared spans both.")
        self.look()
        start = self._telescope.start
        self._set_reward(reward)
        if self._telescope.start.shape == start.shape:
            self._telescope.start = start
        self._changed[:] = True

    # --- looking --------------------------------------------------------------------------------

    def look(self) -> None:
        """Look at the episodes that wait."""
        if not self._pending:
            return
        waiting, self._pending, self._waiting = self._pending, [], 0
        rows = np.concatenate([e.terms for e in waiting])
        lengths = np.array([e.length for e in waiting])
        borders = np.concatenate([[0], np.cumsum(lengths)])
        weights = np.concatenate([self._weights(n) for n in lengths.tolist()])
        starts = borders[:-1]
        sums = np.add.reduceat(rows, starts)
        discounted = np.add.reduceat(rows * weights[:, None], starts)
        self._rows["sums"].append(sums)
        self._rows["discounted"].append(discounted)
        self._rows["sizes"].append(np.add.reduceat(np.abs(rows), starts))
        self._telescopes(waiting, discounted, lengths)
        self._rows["residual"].append(np.array([e.residual for e in waiting]))
        for name in ("step", "lane", "length", "terminated"):
            self._rows[name].append([getattr(e, name) for e in waiting])
        self._rows["disagreement"].append([self._disagreement(e) for e in waiting])
        self._rows["player"].append([self.player] * len(waiting))
        self._keep_steps(waiting, rows, starts)
        if not np.isfinite(sums).all():
            self._find_unfinite(waiting)
        self._check_each(waiting, rows, weights, borders)
        self._fresh += len(rows)
        if self._count - self._looked >= EVERY and self._fresh >= STEPS:
            self._looked, self._fresh = self._count, 0
            self._check_trends()

    def record(self, **facts: Any) -> Record:
        """Everything so far; the running episodes are left out."""
        self.look()
        if self._count > self._looked:
            self._looked = self._count
            self._check_trends()
        k = len(self.names)
        table = {name: _joined(parts) for name, parts in self._rows.items()}
        empty = np.zeros((0, k))
        wide = ("sums", "discounted", "sizes")
        sample = list(zip(*self._sample, strict=True))
        return Record(
            names=self.names,
            gamma=self.gamma,
            **{name: table[name] if self._count else empty for name in wide},
            columns={n: table[n] for n in _ROWS if n not in (*wide, "residual")},
            residual=table["residual"] if self._count else np.zeros((0, len(self._columns))),
            potentials=tuple(p.name for p in self._telescope.potentials),
            steps=np.concatenate(sample[0]) if sample else empty,
            places=np.concatenate(sample[1]) if sample else np.zeros((0, 3), np.int64),
            states=np.concatenate(sample[2]).astype(float) if sample else np.zeros((0, 0)),
            findings=self.findings,
            clips=self._typical(),
            notes=list(self.notes),
            facts=facts,
        )

    def _telescopes(
        self, waiting: list[Episode], discounted: FloatArray, lengths: NDArray[np.int64]
    ) -> None:
        rows = [i for i, e in enumerate(waiting) if e.phi is not None]
        if not rows:
            return
        both = np.array([waiting[i].phi for i in rows])
        ended = np.array([waiting[i].terminated for i in rows])
        paid = discounted[np.ix_(rows, self._columns)]
        residual = self._telescope.residual(paid, lengths[rows], both[:, 0], both[:, 1], ended)
        for i, row in zip(rows, residual, strict=True):
            waiting[i].residual = row

    # --- signals of one episode -----------------------------------------------------------------

    def _check_each(
        self,
        waiting: list[Episode],
        rows: FloatArray,
        weights: FloatArray,
        borders: NDArray[np.int64],
    ) -> None:
        starts, lengths = borders[:-1], np.diff(borders)
        true, pay = rows[:, self.names.index(TRUE)], rows[:, self.names.index(SHAPED)]
        if self._columns and self._has_obs:
            holds = np.abs(np.array([e.residual for e in waiting])) <= TOLERANCE
            pay = pay - (rows[:, self._columns] * np.repeat(holds, lengths, axis=0)).sum(axis=1)
            for i in np.flatnonzero(~holds.all(axis=1)):
                self._broken(waiting[i], holds[i])
        # rounding of a sum of terms is no bonus
        gap = np.maximum.reduceat(np.abs(pay - true), starts)
        bonus = ~(gap <= 1e-9 * (1.0 + np.maximum.reduceat(np.abs(rows).max(axis=1), starts)))
        pay = np.where(np.repeat(bonus, lengths), pay, true)
        found = {
            "pay": np.add.reduceat(pay, starts),
            "true": np.add.reduceat(true, starts),
            "pay_discounted": np.add.reduceat(pay * weights, starts),
            "true_discounted": np.add.reduceat(true * weights, starts),
        }
        if bonus.any():
            self._outliers(waiting, found["pay"], found["true"])
            for i in np.flatnonzero(bonus):
                part = slice(borders[i], borders[i + 1])
                self._farming(waiting[i], pay[part], true[part])
        for name, column in found.items():
            self._rows[name].append(column)

    def _farming(self, episode: Episode, pay: FloatArray, true: FloatArray) -> None:
        if not np.isfinite(pay).all():
            return
        loops = self._loops
        self._unlooked += len(pay)
        if episode.states is not None and self._unlooked >= AT_LEAST:
            self._unlooked = 0
            loop = loops.loop(episode.states[:-1], pay, true, terminated=episode.terminated)
            if loop is not None:
                term, share = self._payer(episode, loop)
                self._add(words.paying_loop(episode, loop, term, share))
        stay = loops.stay(pay, true, terminated=episode.terminated)
        if stay is not None:
            self._add(words.paying_survival(episode, stay, self._payer(episode, stay)[0]))

    def _payer(self, episode: Episode, loop: Loop) -> tuple[str, float]:
        """The unverified term that pays most in a stretch, and its share of all that pay there."""
        part = episode.terms[loop.start : loop.stop + 1]
        left = {SHAPED, TRUE} | {
            p.name
            for p, r in zip(self._telescope.potentials, episode.residual, strict=True)
            if abs(r) <= TOLERANCE
        }
        own = [i for i, name in enumerate(self.names) if name not in left]
        if not own:
            return SHAPED, 1.0
        paid = self._weights(len(part)) @ part[:, own]
        best = int(np.argmax(paid))
        total = float(np.maximum(paid, 0.0).sum())
        return self.names[own[best]], float(paid[best]) / total if total > 0 else 1.0

    def _broken(self, episode: Episode, holds: NDArray[np.bool_]) -> None:
        for i in np.flatnonzero(~holds):
            potential = self._telescope.potentials[i]
            self._add(words.broken_telescope(episode, potential, float(episode.residual[i])))

    def _find_unfinite(self, waiting: list[Episode]) -> None:
        for episode in waiting:
            bad = ~np.isfinite(episode.terms)
            if bad.any():
                # a NaN shows in everything around it: the innermost term is its source
                inner = [*range(1, len(self.names) - 1)][::-1]
                term = next(i for i in (0, *inner, len(self.names) - 1) if bad[:, i].any())
                step = int(np.flatnonzero(bad[:, term])[0])
                self._add(words.not_finite(episode, self.names[term], step))

    def _outliers(self, waiting: list[Episode], pay: FloatArray, true: FloatArray) -> None:
        if self._count - len(waiting) < trends.FEWEST:
            return
        before, true_before = (self._tail(name, trends.WINDOW) for name in ("pay", "true"))
        z, z_true = trends.robust_z(pay, before), trends.robust_z(true, true_before)
        beyond = np.abs(pay - np.median(before)) > np.ptp(before)
        for i in np.flatnonzero(
            (np.abs(z) > trends.FAR) & beyond & (np.abs(z_true) < np.abs(z) / 2)
        ):
            episode, numbers = waiting[i], (float(pay[i]), float(z[i]), float(z_true[i]))
            found = words.far_off(episode.number, *numbers, len(before))
            found.episodes, found.steps = [episode.number], [episode.step]
            whole = (0, episode.length - 1)
            found.clip = Clip.of(episode.number, episode.terms, _before(episode), whole)
            self._add(found)

    # --- signals of many ------------------------------------------------------------------------

    def _check_trends(self) -> None:
        if self._count < trends.FEWEST:
            return
        wanted = ("sums", "sizes", "step", "length", "terminated", "disagreement")
        pay = self._tail("pay_discounted", trends.WINDOW)
        true = self._tail("true_discounted", trends.WINDOW)
        if np.array_equal(pay, true) or not np.isfinite([pay, true]).all():
            return
        table = {name: self._tail(name, trends.WINDOW) for name in wanted}
        self._spread = max(self._spread, float(np.std(pay)))
        count = len(pay)
        parting = trends.parting(pay, true, self._spread)
        ending = trends.early_end(
            table["length"].astype(float), pay, true, table["terminated"].astype(bool)
        )
        unsure = trends.unsure(table["disagreement"], pay)
        for finding in (
            None if parting is None else words.parted(parting, count),
            None if ending is None else words.ends_early(ending, count),
            None if unsure is None else words.disagrees(unsure, count),
            self._dominance(table, count, parts=parting is not None),
        ):
            if finding is not None:
                finding.episodes = list(range(self._count - count, self._count))
                finding.steps = table["step"].tolist()
                self._add(finding)

    def _dominance(
        self, table: Mapping[str, NDArray[Any]], count: int, *, parts: bool
    ) -> Finding | None:
        """One addend took over while shaped and true return parted; verified potentials may."""
        verified = {p.name for p in self._telescope.potentials} if self._has_obs else set()
        own = [
            i
            for i, name in enumerate(self.names)
            if name == TRUE or (name in self._addends and name not in verified)
        ]
        if self._early is None:
            self._early = trends.shares(table["sizes"][: trends.FEWEST])
        if self._count < 2 * trends.FEWEST or not parts:
            return None
        early = self._early[own] / max(float(self._early[own].sum()), 1e-300)
        found = trends.takeover(
            table["sizes"][:, own], table["sums"][:, own],
            table["sums"][:, self.names.index(SHAPED)], early,
        )  # fmt: skip
        if found is None or self.names[own[found.term]] == TRUE:
            return None
        return words.takes_over(self.names[own[found.term]], found, count)

    # --- the rest -------------------------------------------------------------------------------

    def _set_reward(self, reward: Reward | None) -> None:
        found, left = ([], []) if reward is None else checked(reward)
        known = [p for p in found if p.name in self.names]
        for sentence in left:
            self._note(sentence)
        self._telescope = Telescope(known, self.task, self.gamma, self.lanes)
        self._columns = [self.names.index(p.name) for p in known]
        self._nothing = np.zeros(len(known))
        self._addends = set() if reward is None else set(addends(reward))
        self._changed = np.zeros(self.lanes, bool)
        nodes = [] if reward is None else list(reward.walk())
        self._ensembles = [node for node in nodes if isinstance(node, Disagrees)]

    def _disagreement(self, episode: Episode) -> float:
        if "disagreement" in self.names:
            return float(episode.terms[:, self.names.index("disagreement")].mean())
        if not self._ensembles or episode.states is None:
            return float("nan")
        n = episode.length
        nobody = np.zeros(n, bool)
        batch = Transitions(
            obs=episode.states[:-1], action=None, next_obs=episode.states[1:],
            reward=episode.terms[:, 0], terminated=nobody, truncated=nobody,
            first=np.arange(n) == 0, training=False, task=self.task,
        )  # fmt: skip
        return float(np.mean([node.disagreement(batch).mean() for node in self._ensembles]))

    def _keep_steps(
        self, waiting: list[Episode], rows: FloatArray, starts: NDArray[np.int64]
    ) -> None:
        """Keep steps at random, thinned by half whenever there are too many."""
        picked = np.flatnonzero(self._rng.random(len(rows)) < self._rate)
        owner = np.searchsorted(starts, picked, side="right") - 1
        steps = np.array([[e.step, e.number] for e in waiting])[owner]
        at = picked - starts[owner]
        # rows come step after step from the end of each episode backwards
        ends = np.array([e.length for e in waiting])[owner]
        learner = steps[:, 0] - (ends - 1 - at) * self.lanes
        places = np.column_stack([learner, steps[:, 1], at])
        seen = [np.zeros((e.length, 0)) if e.states is None else e.states[:-1] for e in waiting]
        states = np.concatenate(seen)[picked]
        self._sample.append((rows[picked], places, states))
        self._sampled += len(picked)
        if self._sampled > 2 * SAMPLE:
            terms, places, states = (np.concatenate(x) for x in zip(*self._sample, strict=True))
            half = np.sort(self._rng.choice(len(terms), len(terms) // 2, replace=False))
            self._sample = [(terms[half], places[half], states[half])]
            self._sampled, self._rate = len(half), self._rate / 2
        if not self._kept:
            self._kept.append(waiting[0])
        self._kept = [self._kept[0], *self._kept[1:][-8:], waiting[-1]]

    def _typical(self) -> list[Clip]:
        """The first and the last episode."""
        shown = {e.number: e for e in (self._kept[:1] + self._kept[-1:])}.values()
        return [Clip.of(e.number, e.terms, _before(e), (0, e.length - 1)) for e in shown]

    def _tail(self, name: str, count: int) -> NDArray[Any]:
        """The last rows of a column."""
        parts: list[Any] = []
        for part in reversed(self._rows[name]):
            parts.append(part)
            count -= len(part)
            if count <= 0:
                break
        joined = np.concatenate(parts[::-1])
        return joined[max(0, -count) :]

    def _weights(self, length: int) -> FloatArray:
        if length > len(self._powers):
            self._powers = self.gamma ** np.arange(2 * length, dtype=np.float64)
        return self._powers[:length]

    def _add(self, finding: Finding) -> None:
        is_new = self.findings.add(finding)
        if is_new and self.on_finding is not None:
            self.on_finding(finding)

    def _note(self, sentence: str) -> None:
        self.notes[sentence] = None


_ROWS = (
    "sums", "discounted", "sizes", "residual", "step", "lane", "length", "terminated",
    "disagreement", "player", "pay", "pay_discounted",
    "true", "true_discounted",
)  # fmt: skip


def _joined(parts: list[Any]) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(0)


def _before(episode: Episode) -> Any:
    return None if episode.states is None else episode.states[:-1]
