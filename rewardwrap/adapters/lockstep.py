"""Lanes that begin in groups, wait for each other and are paid together: what every host of groups keeps.

```
lane 0   s0 a0 s1 a1 s2  .  .  .  done      s2 ended: it waits there, with pay 0 and no effect of its actions
lane 1   s0 a0 s1 a1 s2 a2 s3 a3  done      the slowest: the group is scored, each lane's last step is paid
```
A lane that has finished shows its last observation, so every row is a transition of one environment: the
state in which the verdict is awaited. Learners see ordinary episodes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import gymnasium as gym
import numpy as np

from rewardwrap.core import tree
from rewardwrap.core.episode import Episode
from rewardwrap.core.errors import ConfigError, warn
from rewardwrap.core.info import LIMIT
from rewardwrap.core.transitions import FloatArray
from rewardwrap.scores.grouped import Grouped
from rewardwrap.scores.till import Till

WAITING = "rewardwrap/waiting"
"""Key of the rows on which a lane that has finished waits for its group."""
_OWN = ("TimeLimit.truncated", WAITING, LIMIT)


@dataclass
class Tape:
    """Steps of all lanes since a group began, as they came."""

    obs: list[Any]
    action: list[Any] = field(default_factory=list)
    reward: list[Any] = field(default_factory=list)
    infos: list[list[dict[str, Any]]] = field(default_factory=list)


@dataclass(frozen=True)
class End:
    """How a lane ended, kept until its group is complete."""

    steps: int
    terminated: bool
    info: dict[str, Any]


class Lockstep:
    """Which lanes wait, what they did, how a group begins, and what it is paid when it is complete.

    Args:
        rule: What a group is paid.
        lanes: How many, a multiple of ``rule.group``.
        training: False for evaluation: every lane stands alone, is paid its plain score from which the
            score learns nothing, and begins where `DummyVecEnv` would.

    Attributes:
        till: Counts of groups, of those with equal scores, and of what the filters dropped.
        rows: Rows so far, one for each lane and step.
        waited: Those on which a lane waited.

    Raises:
        ConfigError: Lanes that do not fill their groups, or pay that is spread over steps that are gone.

    Warns:
        RewardwrapWarning: Lanes with one seed begin differently.
    """

    def __init__(self, rule: Grouped, lanes: int, *, training: bool = True) -> None:
        _require_payable(rule)
        if not training:
            plain: dict[str, Any] = {"centred": False, "scaled": False, "sigmas": None}
            rule = replace(rule, group=1, keep=None, views=(), **plain)
        if lanes < 1 or lanes % rule.group:
            raise ConfigError(
                f"n_envs must be a multiple of the group, {rule.group}, got {lanes}. "
                f"Use {max(1, lanes // rule.group) * rule.group}."
            )
        self.rule, self.training, self.till = rule, training, Till(rule, training)
        self.groups = [range(k, k + rule.group) for k in range(0, lanes, rule.group)]
        self.tapes: list[Tape] = []
        self.ends: list[End | None] = [None] * lanes
        self._root = np.random.SeedSequence()
        self._first: int | None = None
        self._visits = [0] * len(self.groups)
        self._alike = True
        self.waited = self.rows = 0

    def seed(self, seed: int | None) -> None:
        """The starts of all groups follow from one number, from the next reset on."""
        self._root, self._first = np.random.SeedSequence(seed), seed
        self._visits = [0] * len(self.groups)

    def begin(self, group: int) -> int | None:
        """The seed that all lanes of a group are reset with; they run again."""
        visit = self._visits[group]
        self._visits[group] += 1
        for i in self.groups[group]:
            self.ends[i] = None
        if not self.training:
            return None if self._first is None or visit else self._first + group
        drawn = np.random.SeedSequence(self._root.entropy, spawn_key=(group, visit))
        return int(drawn.generate_state(1)[0] >> 1)

    def require_alike(self, group: int, columns: Iterable[Any], seed: int | None) -> None:
        """Warn, once, where lanes that began with one seed show different observations."""
        lanes = self.groups[group]
        if not self._alike or len(lanes) == 1:
            return
        size = self.rule.group // max(1, len(self.rule.views))
        starts = range(lanes.start, lanes.stop, size)
        rows = [column[k : k + size] for column in columns for k in starts]
        # NaN stands for "none" in some observations, and is not equal to itself
        if not all(((r == r[0]) | (r != r)).all() for r in rows):
            self._alike = False
            warn(
                "lanes of a group should begin alike, got different first observations after "
                f"reset(seed={seed}). Draw all that is random at a start from self.np_random."
            )

    def restart(self, groups: Iterable[int], obs: Any) -> None:
        """New tapes for groups that begin with these observations of all lanes."""
        if not self.tapes:
            self.tapes = [Tape([obs]) for _ in self.groups]
        for group in groups:
            self.tapes[group] = Tape([obs])

    def record(self, obs: Any, action: Any, reward: Any, infos: list[dict[str, Any]]) -> None:
        """One step of all lanes; what is handed over is kept, so it must not be written on later."""
        self.rows += len(self.ends)
        for tape in self.tapes:
            tape.obs.append(obs)
            tape.action.append(action)
            tape.reward.append(reward)
            tape.infos.append(infos)

    def finish(self, lane: int, terminated: bool, info: dict[str, Any]) -> None:
        """The lane ends with the step that is about to be recorded; ``info`` is said with the verdict."""
        steps = len(self.tapes[lane // self.rule.group].action) + 1
        self.ends[lane] = End(steps, terminated, info)

    def complete(self) -> list[int]:
        """Groups whose last lane has finished."""
        return [
            g for g, lanes in enumerate(self.groups) if all(self.ends[i] is not None for i in lanes)
        ]

    def pay(self, group: int) -> FloatArray:
        """What the lanes of a complete group are paid, ``(G,)``."""
        tape = self.tapes[group]
        # np.stack takes three times as long for a few small arrays
        plain = isinstance(tape.obs[0], np.ndarray)
        obs = np.array(tape.obs) if plain else tree.stack(tape.obs)
        action, reward = np.array(tape.action), np.array(tape.reward)
        return self.till.pay(
            [_episode(obs, action, reward, tape.infos, i, self.end(i)) for i in self.groups[group]]
        )

    def end(self, lane: int) -> End:
        """How a lane ended that has."""
        end = self.ends[lane]
        assert end is not None
        return end

    def figures(self) -> dict[str, float]:
        """What a report says of the groups: their size, their number and shares."""
        return {
            "group": float(self.rule.group),
            **self.till.shares(),
            "waiting_share": self.waited / max(1, self.rows),
        }


def require_ends(env: gym.Env[Any, Any]) -> gym.Env[Any, Any]:
    """The environment, if its episodes end by a clock at the latest.

    Raises:
        ConfigError: It has no time limit, so that a group might never complete.
    """
    layer: Any = env
    while isinstance(layer, gym.Wrapper) and not isinstance(layer, gym.wrappers.TimeLimit):
        layer = layer.env
    limit = getattr(env.spec, "max_episode_steps", None)
    if limit is None and not isinstance(layer, gym.wrappers.TimeLimit):
        raise ConfigError(
            f"a group must complete, got {env.spec.id if env.spec else env} without a time limit. "
            'Give it one: env_kwargs={"max_episode_steps": 200}.'
        )
    return env


def _require_payable(rule: Grouped) -> None:
    if rule.even:
        raise ConfigError(
            "Grouped: even must be False while an environment runs, got True: steps are paid before "
            "anybody knows the score. Use rw.SpreadReplayBuffer for an off-policy learner, or rw.relabel on "
            "logged episodes."
        )


def _episode(
    obs: Any, action: Any, reward: Any, infos: Sequence[Sequence[dict[str, Any]]], i: int, end: End
) -> Episode:
    steps = end.steps
    terminated, truncated = np.zeros((2, steps), bool)
    (terminated if end.terminated else truncated)[-1] = True
    return Episode(
        obs=tree.take(obs, (slice(0, steps + 1), i)),
        action=action[:steps, i],
        reward=reward[:steps, i],
        terminated=terminated,
        truncated=truncated,
        info=_numbers([row[i] for row in infos[:steps]]),
    )


def _numbers(infos: Sequence[dict[str, Any]]) -> dict[str, FloatArray]:
    """The numbers that an environment reported, NaN where it did not."""
    if max(map(len, infos)) <= 1:
        return {}
    names = dict.fromkeys(
        name
        for info in infos
        for name, value in info.items()
        if isinstance(value, bool | int | float | np.number | np.bool_) and name not in _OWN
    )
    return {name: np.array([info.get(name, np.nan) for info in infos], float) for name in names}
