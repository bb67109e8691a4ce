"""One lane, stepped by the function that `core.lane` writes: what a single environment has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rewardwrap.core import tree
from rewardwrap.core.errors import RewardValueError
from rewardwrap.core.lane import Lane, LaneCode, compile_function, function_text, one_row
from rewardwrap.core.reward import SHAPED, TRUE, Reward
from rewardwrap.core.stream import nothing_paid, prepare, refuse, require_same_shape
from rewardwrap.core.task import NO_TASK, Task
from rewardwrap.core.terms import term_names
from rewardwrap.core.transitions import FloatArray, Transitions

STEP_TERMS = "reward_terms"
EPISODE_TERMS = "episode_terms"
HEAD = "def step(action):"


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

    def finished(self) -> dict[str, float]:
        """The sums over an episode that the last step ended; nothing while one runs."""
        last = self.lane.last
        over = self.lane.before is not None and (last[-2] or last[-1])
        return dict(last[0]) if over else {}

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
