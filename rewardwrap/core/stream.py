"""Where episode borders live: adapters say what started and what ended, rewards see clean rows.

`Stream` owns the carry, keeps what the next step starts from, records every term and its running sum over
the episode, and refuses a reward that is not a finite number. `core.scalar` and
`core.few_lanes` do the same lane by lane.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rewardwrap.core import tree
from rewardwrap.core.calm import CalmSteps, calm_steps
from rewardwrap.core.errors import ConfigError, RewardValueError, StackError, wrong_shape
from rewardwrap.core.info import NO_INFO, Info, MergedInfo
from rewardwrap.core.reward import SHAPED, TRUE, Reward
from rewardwrap.core.task import NO_TASK, Task
from rewardwrap.core.terms import term_names, with_every_term_named
from rewardwrap.core.transitions import BoolArray, FloatArray, Transitions, take

LARGEST = float(np.finfo(np.float64).max)
"""No reward is larger than this: infinity and NaN are not."""


SQUARES = 1e76
"""Numbers whose squares add up to no more are within the smallest of all limits, that of float32."""


def prepare(reward: Reward, task: Task) -> Reward:
    """The reward as an online host steps it: every term named, checked against the task.

    Raises:
        ConfigError: It needs later steps, two terms share a name, or a part refuses the task.
    """
    if not isinstance(reward, Reward):
        raise ConfigError(
            f"reward must be a rewardwrap reward, got {type(reward).__name__}. "
            "Wrap a function with rw.function(f)."
        )
    if reward.lookahead:
        raise ConfigError(
            f"reward must not need later steps while an env runs, got lookahead {reward.lookahead}. "
            'Use rw.relabel on logged episodes, or the causal form, e.g. Delta(align="previous").'
        )
    named = with_every_term_named(reward)
    term_names(named)
    for node in named.walk():
        node.validate(task)
    return named


class Stream:
    """Steps ``lanes`` lanes of one reward.

    Args:
        reward: What to step.
        lanes: Number of lanes.
        task: Named fields and discount.
        training: Whether the reward may learn from what it sees.
        limit: Largest number that the learner can hold.

    Attributes:
        names: ``("env", <terms>, "shaped")``.
        terms: ``(k, lanes)`` float64, last step's value of each; overwritten in place.
        sums: ``(k, lanes)`` float64, sums over the running episode; a finished episode's sums stay
            until that lane's next step.
    """

    def __init__(
        self,
        reward: Reward,
        lanes: int,
        *,
        task: Task = NO_TASK,
        training: bool = True,
        limit: float = LARGEST,
    ) -> None:
        self.reward = prepare(reward, task)
        self.lanes = lanes
        self._limit = limit
        self.names = (TRUE, *term_names(self.reward), SHAPED)
        self.terms = np.zeros((len(self.names), lanes))
        self.sums = np.zeros_like(self.terms)
        self._columns, self._ends, self._flat = self._views()
        self._zeros = np.zeros(lanes)
        self._nobody = np.zeros(lanes, bool)
        self._first = np.ones(lanes, bool)
        self._starts = True
        self._live: BoolArray | None = None
        self._carry = self.reward.init(lanes)
        self._calm = calm_steps(self.reward, task, self.names, self._carry)
        self.steps = 0
        self._batch = Transitions(
            obs=None,
            action=None,
            next_obs=None,
            reward=self._zeros,
            terminated=self._nobody,
            truncated=self._nobody,
            first=self._first,
            training=training,
            task=task,
        )

    def _views(self) -> tuple[tuple[tuple[str, FloatArray], ...], FloatArray, FloatArray]:
        """Rows of ``terms``: one for each name, the true and the shaped reward as one array, and all flat."""
        named = tuple((name, self.terms[i]) for i, name in enumerate(self.names[1:-1], start=1))
        return named, self.terms[:: len(self.names) - 1], self.terms.reshape(-1)

    def __getstate__(self) -> dict[str, Any]:
        self._settle()
        return {k: v for k, v in self.__dict__.items() if k not in ("_calm", "_flat")}

    def _settle(self) -> None:
        """Put what the text carries back into the tree."""
        if self._calm is not None:
            self._carry = self._calm.back(self._carry, self.lanes)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        # views do not survive a copy, nor do functions
        self._columns, self._ends, self._flat = self._views()
        self._calm = calm_steps(self.reward, self.task, self.names, self._carry)

    @property
    def training(self) -> bool:
        """Whether the reward may learn from what it sees."""
        return self._batch.training

    @training.setter
    def training(self, value: bool) -> None:
        self._batch.training = value

    def last(self) -> Transitions:
        """The step that was paid last, without rows that only reset.

        Raises:
            StackError: Nothing was paid since the start.
        """
        batch = self._batch
        if batch.obs is None:
            raise nothing_paid()
        live = slice(None) if self._live is None else self._live
        paid = take(batch, live)
        paid.terms = {name: column[live].copy() for name, column in self._columns}
        return paid

    @property
    def task(self) -> Task:
        """Named fields and the discount."""
        return self._batch.task

    def replace_reward(self, reward: Reward) -> None:
        """Step another reward from now on, with the carry of the old one (other weights, say).

        Raises:
            ConfigError: It records other terms, or carries something else from row to row.
        """
        made = prepare(reward, self.task)
        self._settle()
        carry, old = made.init(self.lanes), list(tree.leaves(self._carry))
        alike = [np.shape(leaf) for leaf in tree.leaves(carry)] == [np.shape(leaf) for leaf in old]
        require_same_shape(self.names, term_names(made), alike)
        self.reward, self._carry = made, tree.refill(carry, old)
        self._calm = calm_steps(self.reward, self.task, self.names, self._carry)

    def begin(self, obs: Any, info: Info = NO_INFO, rows: BoolArray | None = None) -> None:
        """Start episodes: in every lane, or in ``rows`` (a mask) alone.

        Args:
            obs: First observations, leading size ``lanes``.
            info: Reader of the info that came with them.
            rows: ``(lanes,)`` mask, or None for all.
        """
        if rows is None:
            self._first, self._starts = np.ones(self.lanes, bool), True
            self._obs, self._info = tree.copy(obs), info
            self._batch.obs = None
        else:
            self._first = self._first | rows
            self._starts = bool(self._first.any())
            self._obs = tree.put(self._obs, rows, tree.take(obs, rows))
            self._info = MergedInfo(self._info, info, rows)

    def advance(
        self,
        action: Any,
        next_obs: Any,
        reward: FloatArray,
        terminated: BoolArray,
        truncated: BoolArray,
        info: Info = NO_INFO,
        *,
        ends: bool = True,
        upcoming: Any = None,
        upcoming_info: Info | None = None,
        resets: BoolArray | None = None,
    ) -> FloatArray:
        """Step every lane.

        Args:
            action: Actions, leading size ``lanes``.
            next_obs: True successors.
            reward: ``(lanes,)`` the environment's own.
            terminated: ``(lanes,)`` bool.
            truncated: ``(lanes,)`` bool.
            info: Reader of the info that came with ``next_obs``.
            ends: False promises that no lane ended.
            upcoming: What the next step starts from, where that is not ``next_obs`` (autoreset).
            upcoming_info: Its info.
            resets: ``(lanes,)`` mask of rows that are no transition, only a reset.

        Returns:
            ``(lanes,)`` float64 rewards; 0 on rows that only reset.
        """
        batch = self._batch
        batch.obs, batch.info_before = self._obs, self._info
        batch.action, batch.next_obs, batch.info = action, next_obs, info
        batch.reward, batch.terminated = reward, terminated
        batch.truncated = truncated & ~terminated if ends else truncated
        batch.first, batch.starts, batch.ends = self._first, self._starts, ends
        if self._starts:
            fresh = self._first if resets is None else self._first & ~resets
            np.copyto(self.sums, 0.0, where=fresh)
        self._live = live = None if resets is None else ~resets
        calm = None if ends or self._starts else self._calm
        if calm is not None and calm.sure:
            value = calm.step(next_obs, reward, calm.held(self._carry), self.terms)
            self._require_finite()
        else:
            self._settle()
            if calm is not None:
                value = self._advance_twice(calm, batch)
            elif live is None:
                self._carry, value = self.reward.step(self._carry, batch)
                self._publish(batch, value)
            else:
                value = self._advance_some(batch, live)
        self.sums += self.terms
        self.steps += 1
        self._obs = next_obs if upcoming is None else upcoming
        self._info = info if upcoming_info is None else upcoming_info
        if resets is not None:
            self._first, self._starts = resets, True
        elif not ends:
            self._first, self._starts = self._nobody, False
        else:
            self._first, self._starts = terminated | truncated, True
        return value

    def _publish(self, batch: Transitions, value: FloatArray) -> None:
        if value.__class__ is not np.ndarray or value.shape != self._zeros.shape:
            raise wrong_shape(self.lanes, value)
        terms = self.terms
        terms[0] = batch.reward
        terms[-1] = value
        for name, column in self._columns:
            column[:] = batch.terms[name]
        self._require_finite()

    def _require_finite(self) -> None:
        # one sum of squares rules out most of it for a fifth of the price; NaN is no less than anything
        if self._flat.dot(self._flat) <= SQUARES:
            return
        if b"\0" in (np.abs(self._ends) <= self._limit).tobytes():
            self._refuse()

    def _advance_twice(self, calm: CalmSteps, batch: Transitions) -> FloatArray:
        """Step the tree and the text: only where both pay and carry the same the text goes on alone."""
        memory, terms = calm.tried(self._carry, batch.next_obs, batch.reward, self.terms.shape)
        self._carry, value = self.reward.step(self._carry, batch)
        self._publish(batch, value)
        if not calm.confirm(
            [(terms, self.terms), *zip(memory, tree.leaves(self._carry), strict=True)]
        ):
            self._calm = None
        return value

    def _advance_some(self, batch: Transitions, live: BoolArray) -> FloatArray:
        """Step the live rows alone and scatter the result back: no author ever sees a reset row."""
        value = np.zeros(self.lanes)
        self.terms[:] = 0.0
        if not live.any():
            return value
        part = take(batch, live)
        carry, paid = self.reward.step(tree.take(self._carry, live), part)
        if getattr(paid, "shape", None) != part.reward.shape:
            raise wrong_shape(part.lanes, paid)
        value[live] = paid
        self._carry = tree.put(self._carry, live, carry)
        self.terms[0, live] = part.reward
        self.terms[-1] = value
        for name, column in self._columns:
            column[live] = part.terms[name]
        if not (np.abs(self._ends) <= self._limit).all():
            self._refuse()
        return value

    def _refuse(self) -> None:
        wrong = ~(np.abs(self._ends) <= self._limit).all(axis=0)
        for lane in np.flatnonzero(wrong).tolist():
            terms = dict(zip(self.names, self.terms[:, lane].tolist(), strict=True))
            refuse(terms, lane, self.steps, self._limit)


def require_same_shape(names: tuple[str, ...], terms: tuple[str, ...], alike: bool) -> None:
    if names[1:-1] != terms or not alike:
        raise ConfigError(
            f"a new reward must record the terms ({', '.join(names[1:-1])}) and carry the same state, "
            f"got ({', '.join(terms)}). Change weights, or wrap the environment anew."
        )


def nothing_paid() -> StackError:
    """The error for a question about the last step before there was one."""
    return StackError("last_step must follow a step, got none since the reset. Step first.")


def refuse(terms: Mapping[str, float], lane: int, step: int, limit: float = LARGEST) -> None:
    """Say which term is too large or no number: the innermost, since it shows in all around it.

    Args:
        terms: All that was recorded, outermost first, as in ``("env", <terms>, "shaped")``.
        lane: Where.
        step: When, from 0.
        limit: Largest number that the learner can hold.

    Raises:
        RewardValueError: Always.
    """
    inner = [name for name in terms if name not in (TRUE, SHAPED)]
    for name in (TRUE, *inner[::-1], SHAPED):
        value = terms[name]
        if not abs(value) <= limit:
            subject = f'term "{name}"' if name in inner else f'reward "{name}"'
            rule = "finite"
            if limit < LARGEST and np.isfinite(value):
                rule = f"at most {limit:.2g} in size, the largest number of the learner's float32"
            raise RewardValueError(
                f"{subject} must be {rule}, got {value:g} in lane {lane} at step {step}. "
                "Guard the division or the logarithm that made it, or bound its input."
            )
