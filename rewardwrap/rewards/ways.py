"""Who pays reward code: the process, or a translation that the process has confirmed."""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot
from statistics import median
from time import perf_counter
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from rewardwrap.calculus.graph import Outside
from rewardwrap.calculus.program import Payer, Program
from rewardwrap.core.errors import warn
from rewardwrap.core.lane import batched
from rewardwrap.core.reward import Reward
from rewardwrap.core.task import Task
from rewardwrap.core.transitions import FloatArray
from rewardwrap.rewards.figures import with_remainder
from rewardwrap.sandbox.columns import Changed, Plan
from rewardwrap.sandbox.intake import reading_of
from rewardwrap.sandbox.session import LIMIT, Session, require_bounded

CHECKED = 8
"""Batches that a translation and the process both pay, before the translation pays alone."""
WATCHED, FEW, SLOW = 200, 64, 2e-3
"""Batches of so many rows at most that are timed, and seconds from which their median is slow."""
UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What the text of one lane raises for a row of another kind; as a batch it gets a sentence, or is paid."""


class Way:
    """What pays batches of one look: the process, or a translation that the process has confirmed.

    Args:
        plan: Which arrays of a batch the code is given.
        session: The process.
        program: The translation, None where there is none.
        outside: Why there is none.
    """

    def __init__(self, plan: Plan, session: Session, program: Program | None, outside: str) -> None:
        self.plan, self.session = plan, session
        self.program, self.outside = program, outside
        self.confirmed = 0
        self._took: list[float] | None = []
        session.hold(self)

    @property
    def worker(self) -> int | None:
        """Process id of what pays, where the process does or still confirms."""
        alone = self.program is not None and self.confirmed >= CHECKED
        return None if alone else self.session.pid

    def pay(self, arrays: Sequence[Any], rows: int) -> FloatArray:
        """``(1 + k, rows)``."""
        program = self.program
        if program is None or not rows:
            return self._timed(arrays, rows)
        if not program.fits(arrays):
            raise Changed
        if self.confirmed < CHECKED:
            values = self.session.pay(arrays, rows)
            self.compare(values, arrays, rows)
            return values
        values = program.pay(arrays, rows)
        require_bounded(values, self.session.components)
        return values

    def _timed(self, arrays: Sequence[Any], rows: int) -> FloatArray:
        """The process pays; once it is plain that it is slow, that is said."""
        took = self._took
        if took is None or rows > FEW:
            return self.session.pay(arrays, rows)
        began = perf_counter()
        values = self.session.pay(arrays, rows)
        took.append(perf_counter() - began)
        if len(took) == WATCHED:
            self._took = None
            usual = median(took)
            if usual > SLOW:
                why = f" It was not translated: {self.outside}." if self.outside else ""
                warn(
                    f"reward code should pay {rows} rows within {1e3 * SLOW:g} ms, got {1e3 * usual:.1f} ms. "
                    f"Write whole-array numpy without loops over rows.{why}"
                )
        return values

    def compare(self, values: FloatArray, arrays: Sequence[Any], rows: int) -> None:
        """Take the translation only while it pays what the process pays; end the process when it has."""
        if self.program is None:
            return
        close = 1e-6 if any(a.dtype == np.float32 for a in arrays) else 1e-12
        found, scale = self.program.pay(arrays, rows), np.abs(values).max(axis=0)
        if not (np.abs(found - values) <= close * (np.abs(values) + scale) + 1e-15).all():
            self.program, self.outside = None, "it pays otherwise than the process"
            return
        self.confirmed += 1
        if self.confirmed == CHECKED:
            self.session.drop(self)


_known: WeakValueDictionary[Any, Session] = WeakValueDictionary()


def session_of(reward: Any, plan: Plan) -> Session:
    """What runs a `CodeReward` for batches of this look; one for all rewards of this process that are alike.

    Strict code keeps nothing in its worker, so lanes, environments and copies share one. Other code
    might keep something, and gets one for each reward.
    """
    settings = {
        "components": tuple(reward.components or ()),
        "deadline": float(reward.deadline),
        "memory": int(reward.memory_mb) << 20,
        "tier": "process-only" if reward.allow_weaker else reward.tier,
        "steady": reward.gate == "strict",
        "sums": reward.adds_up,
        "keeps": reward.keeps,
    }
    look = (tuple(plan.columns), tuple(plan.fields.items()))
    key = (reward.text, *settings.values(), *look, None if settings["steady"] else id(reward))
    found = _known.get(key)
    if found is None:
        made = Session(reward.text, **settings)
        made.describe(plan.columns, plan.fields)
        found = _known.setdefault(key, made)
    return found


def translation(reward: Any, plan: Plan) -> tuple[Program | None, str]:
    """The source of a `CodeReward` as numpy operations, or why it has to run."""
    if reward.keeps:
        return None, "it is a class, whose attributes a lane carries"
    if reward.confine == "process" or reward.gate != "strict":
        return None, 'confine="process"' if reward.gate == "strict" else 'gate="off"'
    tree = reading_of(str(reward.source)).tree
    try:
        return Program(tree, plan.columns, plan.fields, tuple(reward.components or ())), ""
    except Outside as outside:
        return None, str(outside)


class OneRow:
    """Steps one lane: as a batch of one, and by the text of the translation as soon as that pays alone."""

    def __init__(self, reward: Reward, task: Task, *, sums: bool = True) -> None:
        self.reward, self.task, self.sums = reward, task, sums
        self.slow = batched(reward.step, task, reward.recorded)
        self.quick: Payer | None = None
        self.way: Way | None = None

    def __call__(self, carry: Any, obs: Any, action: Any, next_obs: Any, *rest: Any) -> Any:
        if self.quick is not None:
            try:
                # reward, terminated, truncated, first, info, info_before, training
                values = self.quick(obs, action, next_obs, rest[4], rest[5])
            except UNREADABLE:
                values = (np.nan,)
            if hypot(*values) <= LIMIT:
                if self.sums:
                    return (None, *values)
                return (None, *with_remainder(np.array(values)[:, None])[:, 0].tolist())
        found = self.slow(carry, obs, action, next_obs, *rest)
        way: Way | None = self.reward.__dict__.get("_way")
        if way is not self.way or self.quick is None:
            self.way, self.quick = way, None
            if way is not None and way.program is not None and way.confirmed >= CHECKED:
                self.quick = way.program.lane(self.task)
        return found
