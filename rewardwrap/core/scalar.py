"""Stepping lanes one by one, with the function that `core.lane` writes.

`OneLane` drives a single environment. `FewLanes` loops over the lanes of a small vector environment,
where a loop of scalar steps beats numpy on arrays of eight (measured in docs/results/speed.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import hypot
from typing import Any

import numpy as np

from rewardwrap.core import tree
from rewardwrap.core.errors import RewardValueError
from rewardwrap.core.info import ListInfo
from rewardwrap.core.lane import Lane, LaneCode, compile_function, function_text, one_row
from rewardwrap.core.reward import SHAPED, TRUE, Reward
from rewardwrap.core.stream import nothing_paid, prepare, refuse, require_same_shape
from rewardwrap.core.task import NO_TASK, Task
from rewardwrap.core.terms import term_names
from rewardwrap.core.transitions import FloatArray, Transitions

STEP_TERMS = "reward_terms"
EPISODE_TERMS = "episode_terms"
HEAD = "def step(action):"
FLOAT32 = float(np.finfo(np.float32).max)
"""Largest number that a learner of stable-baselines3 can be paid."""


class OneLane:
    """One lane of one reward.

    Every step writes two new dicts into ``info``: ``reward_terms``, ``{"env": ..., <term>: ...,
    "shaped": ...}``, and ``episode_terms``, their sums over the episode so far.

    Args:
        reward: What to pay.
        task: Named fields and discount.
        training: Whether the reward may learn from what it sees.

    Attributes:
        names: ``("env", <terms>, "shaped")``.
    """

    def __init__(self, reward: Reward, *, task: Task = NO_TASK, training: bool = True) -> None:
        self.reward = prepare(reward, task)
        self.names = (TRUE, *term_names(self.reward), SHAPED)
        self.task = task
        self._nothing = dict.fromkeys(self.names, 0.0)
        code = write(self.reward, task)
        self.lane = Lane(code.memory, training)
        self._compile(code)

    def begin(self, obs: Any, info: dict[str, Any]) -> None:
        """Start an episode, and write its terms, all zero, into ``info``."""
        lane = self.lane
        lane.steps = 0
        self._start(lane, obs, info)
        terms = info[STEP_TERMS] = self._nothing.copy()
        sums = info[EPISODE_TERMS] = self._nothing.copy()
        lane.before, lane.last = None, (sums, terms, tree.copy(obs), info)

    def stepper(self, env_step: Callable[[Any], Any], *, copies: bool) -> Callable[[Any], Any]:
        """``step(action)`` of an environment, paying this reward.

        Args:
            env_step: The environment's own.
            copies: Whether to copy observations that are kept, for an env that reuses its buffer.
        """
        code = self._code
        body = _body(code, self._value, self.names, copies=copies)
        names = {
            **code.names,
            "env_step": env_step,
            "float64": np.float64,
            "ndarray": np.ndarray,
            "number": number,
            "refuse": refuse,
            "lane": self.lane,
        }
        step: Callable[[Any], Any] = compile_function("step", HEAD, body, names)
        return step

    @property
    def terms(self) -> FloatArray:
        """``(k, 1)``, last step's value of each."""
        return _column(self.lane.last[1] if self.lane.last else self._nothing)

    @property
    def sums(self) -> FloatArray:
        """``(k, 1)``, sums over the episode."""
        return _column(self.lane.last[0] if self.lane.last else self._nothing)

    @property
    def training(self) -> bool:
        """Whether the reward may learn from what it sees."""
        return self.lane.training

    @training.setter
    def training(self, value: bool) -> None:
        self.lane.training = value

    def last(self) -> Transitions:
        """The step that was paid last.

        Raises:
            StackError: Nothing was paid since the start.
        """
        lane = self.lane
        if lane.before is None:
            raise nothing_paid()
        obs, before = lane.before[2:4]
        _, terms, next_obs, info, action, reward, *ends = lane.last
        first = lane.steps == 1
        row = (obs, action, next_obs, reward, *ends, first, info, before, lane.training)
        paid = one_row(self.task, *row)
        paid.terms = {name: np.array([terms[name]]) for name in self.names[1:-1]}
        return paid

    def replace_reward(self, reward: Reward) -> None:
        """Step another reward from now on, with the carry of the old one (other weights, say).

        Raises:
            ConfigError: It records other terms, or carries something else from row to row.
        """
        made = prepare(reward, self.task)
        code = write(made, self.task)
        alike = len(code.memory) == len(self.lane.memory)
        require_same_shape(self.names, term_names(made), alike)
        self.reward = made
        self._compile(code)

    def _compile(self, code: LaneCode) -> None:
        self._code, self._value = code, code.terms.pop(SHAPED)
        head = "def start(lane, obs, info):"
        body = code.starting() or ["pass"]
        self._start = compile_function("start", head, body, dict(code.names))

    def __getstate__(self) -> dict[str, Any]:
        # functions are written anew; what they carry lives in the lane, which travels
        return {k: v for k, v in self.__dict__.items() if k not in ("_code", "_value", "_start")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._compile(write(self.reward, self.task))


class FewLanes:
    """A few lanes of one reward, stepped one after the other; the interface of `core.stream.Stream`.

    Args:
        reward: What to pay.
        lanes: Number of lanes.
        task: Named fields and discount.
        training: Whether the reward may learn from what it sees.

    Attributes:
        names: ``("env", <terms>, "shaped")``.
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
        self._ended: list[int] = []
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
        self._ended = []
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
        if self._ended:
            for column in self._sums:
                for i in self._ended:
                    column[i] = 0.0
        self._values, self._ended = self._step(
            actions, obs, rewards, dones, infos, reset_infos, self._sums
        )
        paid = self._values[-1]
        # no larger than the root of the sum of squares is each of them; NaN is no less than anything
        if not (hypot(*paid) <= FLOAT32 and hypot(*self._values[0]) <= FLOAT32):
            self._refuse()
        self.steps += 1
        starts = [*reset_infos] if self._ended else infos
        # nothing is copied or worked out until somebody asks for the step
        self._before, self._last = self._last, (obs, infos, self._ended, starts, actions, rewards)
        if self._ended:
            for i in self._ended:
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


def _body(code: LaneCode, value: str, names: tuple[str, ...], *, copies: bool) -> list[str]:
    """Lines that step one environment and pay it."""
    own = {name: code.terms[name] for name in names[1:-1]}
    terms = {TRUE: "reward", **own, SHAPED: "shaped"}
    shown = ", ".join(f"{name!r}: {variable}" for name, variable in terms.items())
    summed = ", ".join(f"{name!r}: sums[{name!r}] + {v}" for name, v in terms.items())
    kept = "kept" if copies else "next_obs"
    return [
        "next_obs, reward, terminated, truncated, info = env_step(action)",
        "if reward.__class__ is not float:",
        # MuJoCo pays np.float64, and np.ndim costs more than the rest of the line
        "    reward = float(reward) if reward.__class__ is float64 else number(reward)",
        *(f"{name} = next_obs.item({index})" for index, name in code.reads.items()),
        *(f"{name} = {one}(next_obs, info)" for name, (_, one) in code.columns.items()),
        *code.prologue(),
        *code.body,
        f"shaped = {value}",
        # x - x is 0 for finite numbers and NaN for all others; the true return is checked too
        "check = reward + shaped",
        f"if check - check != 0.0: refuse({{{shown}}}, 0, lane.steps)",
        *(["kept = next_obs.copy() if next_obs.__class__ is ndarray else copy(next_obs)"] * copies),
        *code.epilogue(kept),
        "lane.steps += 1",
        "lane.before = last = lane.last",
        "sums = last[0]",
        f"terms = info[{STEP_TERMS!r}] = {{{shown}}}",
        f"sums = info[{EPISODE_TERMS!r}] = {{{summed}}}",
        # nothing of it is worked out until somebody asks for the step
        f"lane.last = sums, terms, {kept}, info, action, reward, terminated, truncated",
        "return next_obs, shaped, terminated, truncated, info",
    ]


def source_of(reward: Reward, task: Task) -> str:
    """What a prepared reward pays one lane, as text: what runs on a single environment.

    A host of many lanes runs the same lines in a loop, or one numpy step that pays the same numbers.
    """
    code = write(reward, task)
    names = (TRUE, *term_names(reward), SHAPED)
    return function_text(HEAD, _body(code, code.terms.pop(SHAPED), names, copies=False))


def _column(values: Mapping[str, float]) -> FloatArray:
    return np.array([list(values.values())], np.float64).T


def write(reward: Reward, task: Task, *, many: bool = False) -> LaneCode:
    """The text of a prepared reward; ``code.terms["shaped"]`` is its value."""
    code = LaneCode(task, many=many)
    code.terms[SHAPED] = reward.write(code)
    return code


def number(reward: Any, subject: str = "the environment's reward") -> float:
    """The environment's reward as a Python float: NumPy's, torch's and decimal numbers are cast.

    Raises:
        RewardValueError: It is not one number.
    """
    got = type(reward).__name__
    if np.ndim(reward) != 0:
        got = f"shape {tuple(np.shape(reward))}"
    elif not isinstance(reward, str | bytes):
        try:
            return float(reward)
        except (TypeError, ValueError):
            pass
    raise RewardValueError(
        f"{subject} must be one number, got {got}. Return float(reward) from its step."
    )
