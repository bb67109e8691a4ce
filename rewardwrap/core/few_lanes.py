"""A few lanes, stepped one after the other by the function that `core.lane` writes.

A loop of scalar steps beats numpy on arrays of eight (measured in docs/results/speed.md).
"""

from __future__ import annotations

from math import hypot
from typing import Any

import numpy as np

from rewardwrap.core import tree
from rewardwrap.core.info import ListInfo
from rewardwrap.core.lane import Lane, LaneCode, compile_function
from rewardwrap.core.reward import SHAPED, TRUE, Reward
from rewardwrap.core.scalar import EPISODE_TERMS, write
from rewardwrap.core.stream import nothing_paid, prepare, refuse, require_same_shape
from rewardwrap.core.task import NO_TASK, Task
from rewardwrap.core.terms import term_names
from rewardwrap.core.transitions import Transitions

FLOAT32 = float(np.finfo(np.float32).max)
"""Largest number that a learner of stable-baselines3 can be paid."""


class FewLanes:
    """A few lanes of one reward, stepped one after the other; the interface of `core.stream.Stream`.

    Args:
        reward: What to pay.
        lanes: Number of lanes.
        task: Named fields and discount.
        training: Whether the reward may learn from what it sees.

    Attributes:
        names: ``("env", <terms>, "shaped")``.
        ended: Lanes whose episode ended with the last step.
    """

    def __init__(
        self, reward: Reward, lanes: int, *, task: Task = NO_TASK, training: bool = True
    ) -> None:
        self.reward = prepare(reward, task)
        self.names = (TRUE, *term_names(self.reward), SHAPED)
        self.task = task
        self.steps = 0
        code = write(self.reward, task, many=True)
        self._lanes = [Lane((), training) for _ in range(lanes)]
        # columns: one list per carried value and per recorded term, one entry per lane
        self._memory = [[tree.copy(first) for _ in range(lanes)] for first in code.memory]
        self._values = self._sums = [[0.0] * lanes for _ in self.names]
        self.ended: list[int] = []
        self._before: Any = None
        self._last: Any = None
        self._compile(code)

    @property
    def terms(self) -> np.ndarray[Any, Any]:
        """``(k, lanes)`` float64, last step's value of each."""
        return np.array(self._values)

    @property
    def sums(self) -> np.ndarray[Any, Any]:
        """``(k, lanes)`` float64, sums over the episode; a finished one's stay until the next step."""
        return np.array(self._sums)

    @property
    def training(self) -> bool:
        """Whether the reward may learn from what it sees."""
        return self._lanes[0].training

    @training.setter
    def training(self, value: bool) -> None:
        for lane in self._lanes:
            lane.training = value

    def begin(self, obs: Any, infos: list[dict[str, Any]]) -> None:
        """Start an episode in every lane."""
        lanes = range(len(self._lanes))
        self._values = [[0.0 for _ in lanes] for _ in self.names]
        self._sums[:] = [[0.0 for _ in lanes] for _ in self.names]
        self.ended = []
        self._before, self._last = None, (tree.copy(obs), infos, [*lanes], infos)
        for i in lanes:
            self._start(i, tree.take(obs, i), infos[i])

    def advance(
        self,
        actions: Any,
        obs: Any,
        rewards: Any,
        dones: Any,
        infos: list[dict[str, Any]],
        reset_infos: list[dict[str, Any]],
    ) -> np.ndarray[Any, Any]:
        """Step every lane of an SB3 VecEnv; returns ``(lanes,)`` float32 rewards.

        Writes the sums of episodes that ended into their ``infos``.
        """
        if self.ended:
            for column in self._sums:
                for i in self.ended:
                    column[i] = 0.0
        self._values, self.ended = self._step(
            actions, obs, rewards, dones, infos, reset_infos, self._sums
        )
        paid = self._values[-1]
        # no larger than the root of the sum of squares is each of them; NaN is no less than anything
        if not (hypot(*paid) <= FLOAT32 and hypot(*self._values[0]) <= FLOAT32):
            self._refuse()
        self.steps += 1
        starts = [*reset_infos] if self.ended else infos
        # nothing is copied or worked out until somebody asks for the step
        self._before, self._last = self._last, (obs, infos, self.ended, starts, actions, rewards)
        if self.ended:
            for i in self.ended:
                sums = [column[i] for column in self._sums]
                infos[i][EPISODE_TERMS] = dict(zip(self.names, sums, strict=True))
        return np.array(paid, np.float32)

    def _refuse(self) -> None:
        for i in range(len(self._lanes)):
            terms = {n: column[i] for n, column in zip(self.names, self._values, strict=True)}
            if not (abs(terms[TRUE]) <= FLOAT32 and abs(terms[SHAPED]) <= FLOAT32):
                refuse(terms, i, self.steps, FLOAT32)

    def last(self) -> Transitions:
        """The step that was paid last, of all lanes.

        Raises:
            StackError: Nothing was paid since the start.
        """
        if self._before is None:
            raise nothing_paid()
        obs, before, began, starts = self._before[:4]
        upcoming, infos, ended, _, actions, rewards = self._last
        first, done, truncated = np.zeros((3, len(self._lanes)), bool)
        first[began], done[ended] = True, True
        truncated[ended] = [infos[i].get("TimeLimit.truncated", False) for i in ended]
        before = [starts[i] if first[i] else info for i, info in enumerate(before)]
        terms = dict(zip(self.names, map(np.array, self._values), strict=True))
        return Transitions(
            obs=obs,
            action=actions,
            next_obs=with_terminal(upcoming, infos, ended),
            reward=np.asarray(rewards, np.float64),
            terminated=done & ~truncated,
            truncated=truncated,
            first=first,
            info=ListInfo(infos),
            info_before=ListInfo(before),
            training=self.training,
            task=self.task,
            terms={name: terms[name] for name in self.names[1:-1]},
        )

    def replace_reward(self, reward: Reward) -> None:
        """Step another reward from now on, with the carry of the old one (other weights, say).

        Raises:
            ConfigError: It records other terms, or carries something else from row to row.
        """
        made = prepare(reward, self.task)
        code = write(made, self.task, many=True)
        alike = len(code.memory) == len(self._memory)
        require_same_shape(self.names, term_names(made), alike)
        self.reward = made
        self._compile(code)

    def _compile(self, code: LaneCode) -> None:
        value = code.terms.pop(SHAPED)
        names = {**code.names, "lanes": self._lanes, "row": tree.take, "asarray": np.asarray}
        names |= {f"memory_{k}": column for k, column in enumerate(self._memory)}
        columns = [f"terms_{k}" for k in range(1, len(self.names))]
        sums = [f"sums_{k}" for k in range(len(self.names))]
        starting, running, last = code.starting(), _running(code), _last(code)
        one = self._one(code, value, columns, sums)
        body = [
            *(f"column_{index} = batch[:, {index}].tolist()" for index in code.reads),
            *(f"all_{name} = {every}(batch).tolist()" for name, (every, _) in code.columns.items()),
            *(f"{column} = []" for column in columns),
            f"{', '.join(sums)} = sums",
            "ended = []",
            "rewards, dones = rewards.tolist(), dones.tolist()",
            # most steps end no episode: they skip the questions
            "if True not in dones:",
            "    terminated = truncated = False",
            "    for i, reward in enumerate(rewards):",
            *(f"        {line}" for line in (*running, *one)),
            f"    return [rewards, {', '.join(columns)}], ended",
            "for i, reward in enumerate(rewards):",
            "    if dones[i]:",
            *(f"        {line}" for line in last),
            "    else:",
            *(f"        {line}" for line in ("terminated = truncated = False", *running)),
            *(f"    {line}" for line in one),
            "    if dones[i]:",
            "        ended.append(i)",
            "        obs, info = row(batch, i), reset_infos[i]" if starting else "",
            *(f"        {line}" for line in starting),
            f"return [rewards, {', '.join(columns)}], ended",
        ]
        head = "def step(actions, batch, rewards, dones, infos, reset_infos, sums):"
        self._step = compile_function("step", head, [b for b in body if b.strip()], names)
        head = "def start(i, obs, info):"
        self._start = compile_function("start", head, starting or ["pass"], names)

    def _one(self, code: LaneCode, value: str, columns: list[str], sums: list[str]) -> list[str]:
        """Lines that step lane ``i``."""
        terms = [code.terms[name] for name in self.names[1:-1]] + ["shaped"]
        return [
            *(["action = row(actions, i)"] if code.mentions("action") else []),
            *(["info = infos[i]"] if code.mentions("info") else []),
            *code.prologue(),
            *code.body,
            f"shaped = {value}",
            *(f"{column}.append({v})" for column, v in zip(columns, terms, strict=True)),
            *(f"{s}[i] += {v}" for s, v in zip(sums, ("reward", *terms), strict=True)),
            *code.epilogue(),
        ]

    @property
    def source(self) -> str:
        """The text of the step, for people."""
        return str(self._step.source)

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k not in ("_step", "_start")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._compile(write(self.reward, self.task, many=True))


def with_terminal(obs: Any, infos: list[dict[str, Any]], ended: list[int]) -> Any:
    """A copy of ``obs`` that shows, where an episode of an SB3 VecEnv ended, its last observation."""
    if not ended:
        return obs
    last = [infos[i]["terminal_observation"] for i in ended]
    if isinstance(obs, np.ndarray):
        # row by row: most often one lane ended, and to stack would cost more than the reward
        successors = obs.copy()
        for i, row in zip(ended, last, strict=True):
            successors[i] = row
        return successors
    return tree.put(obs, ended, tree.stack(last))


def _running(code: LaneCode) -> list[str]:
    """Lines that fetch what lane ``i`` sees next, where its episode goes on."""
    lines = [f"{name} = column_{index}[i]" for index, name in code.reads.items()]
    lines += [f"{name} = all_{name}[i]" for name in code.columns]
    return [*lines, "next_obs = row(batch, i)"] if code.mentions("next_obs") else lines


def _last(code: LaneCode) -> list[str]:
    """The same where its episode ended: SB3 keeps the terminal observation in the info."""
    return [
        "truncated = infos[i].get('TimeLimit.truncated', False)",
        "terminated = not truncated",
        "next_obs = infos[i]['terminal_observation']",
        # SB3 hands on what the environment returned, and some return lists
        "if next_obs.__class__ is list: next_obs = asarray(next_obs)",
        *(f"{name} = next_obs.item({index})" for index, name in code.reads.items()),
        *(f"{name} = {one}(next_obs, infos[i])" for name, (_, one) in code.columns.items()),
    ]
