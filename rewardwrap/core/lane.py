"""The scalar path: one lane's reward as one Python function, written out at wrap time.

On a 5 us environment numpy on a batch of one costs more than the environment. So a reward may say what
it does to one lane as source text (`Reward.write`), and the texts of a whole tree become one function,
without a call per node. ``wrapper.source`` shows it: it is the reward that the learner gets. What a
reward does not write is stepped as a batch of one, so the numbers are the same either way; a contract
test compares the two for every method.

Names that the text may read: ``next_obs, reward, terminated, truncated, info, action`` of this step, and
after `LaneCode.use` also ``obs, first, info_before, training``.
"""

from __future__ import annotations

import linecache
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

import numpy as np

from rewardwrap.core import tree
from rewardwrap.core.errors import wrong_shape
from rewardwrap.core.info import LaneInfo
from rewardwrap.core.task import BIAS, Form, Task
from rewardwrap.core.transitions import Carry, FloatArray, Transitions

_USED = {
    "obs": ("obs = lane.obs", "lane.obs = {kept}"),
    "info_before": ("info_before = lane.info", "lane.info = info"),
    "first": ("first = lane.first", "lane.first = False"),
    "training": ("training = lane.training", None),
}
_serial = count()
BatchStep = Callable[[Carry, Transitions], tuple[Carry, FloatArray]]


class Lane:
    """What one lane keeps between steps. Plain data: it can be pickled and copied mid-episode."""

    __slots__ = (
        "before", "first", "info", "last", "memory", "obs", "steps", "training"
    )  # fmt: skip

    def __init__(self, memory: Sequence[Any], training: bool) -> None:
        self.memory = list(memory)
        self.training = training
        self.first = True
        self.steps = 0
        self.obs: Any = None
        self.info: Mapping[str, Any] = {}
        # the step that was paid last with its sums and terms, and the one before, whose end is its start
        self.before: Any = None
        self.last: Any = None


class LaneCode:
    """The text of one lane's step, while rewards write it.

    Args:
        task: Named fields and discount.
        many: Whether the text runs in a loop over lanes ``i``, so that what is carried has a column each.
        arrays: Whether it is to be read as numpy instead, see `core.calm`.

    Attributes:
        body: Lines of the step.
        start: Lines that run when an episode starts, where ``obs`` and ``info`` are its first ones.
        terms: Recorded term -> the variable that holds it.
        memory: First values of what the lane carries.
        reads: Position of ``next_obs`` -> the variable that holds it as a Python float.
        columns: Variable -> the names of two functions that compute it: for a whole batch of ``next_obs``,
            and for one ``next_obs`` with its info.
        slow: Number of rewards that are stepped as a batch of one.
    """

    def __init__(self, task: Task, *, many: bool = False, arrays: bool = False) -> None:
        self.task = task
        self.many, self.arrays = many, arrays
        self.body: list[str] = []
        self.start: list[str] = []
        self.terms: dict[str, str] = {}
        self.memory: list[Any] = []
        self.reads: dict[int | None, str] = {}
        self.columns: dict[str, tuple[str, str]] = {}
        self.slow = 0
        self.names: dict[str, Any] = {"copy": tree.copy}
        self._used: set[str] = set()
        self._variables = count()

    def use(self, *names: str) -> None:
        """Make ``obs``, ``first``, ``info_before`` or ``training`` available to the text."""
        self._used.update(names)

    def line(self, text: str) -> None:
        """Add a line to the step."""
        self.body.append(text)

    def at_start(self, text: str) -> None:
        """Add a line that runs when an episode starts, with ``obs`` and ``info``."""
        self.start.append(text)

    def let(self, expression: str, hint: str = "value") -> str:
        """Store an expression in a new variable and return its name."""
        name = f"{hint}_{next(self._variables)}"
        self.line(f"{name} = {expression}")
        return name

    def bind(self, value: Any, hint: str = "constant") -> str:
        """Make a Python object known to the text and return its name there."""
        name = f"{hint}_{next(self._variables)}"
        self.names[name] = value
        return name

    def carry(self, initial: Any) -> str:
        """A place that keeps a value from step to step, as text to read from and assign to."""
        slot = len(self.memory)
        self.memory.append(initial)
        return f"memory_{slot}[i]" if self.many else f"memory[{slot}]"

    def column(
        self, every: Callable[[Any], Any], one: Callable[[Any, Mapping[str, Any]], float]
    ) -> str:
        """A variable that holds a function of ``next_obs``, computed for all lanes at once.

        Args:
            every: ``(B, ...) -> (B,)``.
            one: The same for one lane.
        """
        name = f"column_of_{next(self._variables)}"
        self.columns[name] = (self.bind(every, "every"), self.bind(one, "one"))
        return name

    def read(self, form: Form, obs: str, info: str) -> str:
        """An expression for a field, or a linear form of fields, as a Python float."""
        if isinstance(form, str):
            return self._field(form, obs, info)
        bias = [repr(float(form.get(BIAS, 0.0)))]
        terms = [
            f"{float(w)!r} * {self._field(n, obs, info)}" for n, w in form.items() if n != BIAS
        ]
        return f"({' + '.join(bias + terms)})"

    def _field(self, name: str, obs: str, info: str) -> str:
        place = self.task.field(name)
        direct = place.info is None and place.key is None and not self.task.radix
        if not direct:
            return f"{self.bind(self.task.read_lane(name), 'read')}({obs}, {info})"
        raw = f"{obs}.item({place.index})"
        if obs == "next_obs":
            raw = self.reads.setdefault(place.index, f"obs_{place.index}")
        scaled = raw if place.scale == 1.0 else f"{raw} * {place.scale!r}"
        return f"({scaled} + {place.offset!r})" if place.offset else scaled

    def batch_of_one(
        self, step_batch: BatchStep, carry: Carry, terms: Sequence[str], hint: str
    ) -> str:
        """Step a reward as a batch of one and return the variable that holds its value.

        Args:
            step_batch: Its `Reward.step`.
            carry: What one fresh lane carries.
            terms: Names that it records.
            hint: What to call it in the text.
        """
        return self.stepped(batched(step_batch, self.task, terms), carry, terms, hint)

    def stepped(
        self, step: Callable[..., Any], carry: Carry, terms: Sequence[str], hint: str
    ) -> str:
        """Step a reward by a function of one row, as `batched` makes them; returns its variable."""
        self.slow += 1
        self.use("obs", "first", "info_before", "training")
        place = self.carry(carry)
        called = self.bind(step, hint)
        row = "obs, action, next_obs, reward, terminated, truncated, first, info, info_before, training"
        variable = f"value_{next(self._variables)}"
        for name in terms:
            self.terms[name] = f"term_{next(self._variables)}"
        self.line(
            f"{place}, {', '.join([variable, *(self.terms[n] for n in terms)])} = {called}({place}, {row})"
        )
        return variable

    def mentions(self, name: str) -> bool:
        """Whether the step reads a variable."""
        text = "\n".join((*self.body, *self.epilogue(), *self.terms.values()))
        return re.search(rf"\b{name}\b", text) is not None

    def prologue(self) -> list[str]:
        """Lines that fetch what the text uses."""
        lines = ["lane = lanes[i]"] if self.many and self._used else []
        lines += [_USED[name][0] for name in sorted(self._used)]
        return [*lines, "memory = lane.memory"] if self.memory and not self.many else lines

    def epilogue(self, kept: str = "next_obs") -> list[str]:
        """Lines that keep what the next step will use; ``kept`` is what ``next_obs`` is kept as."""
        lines = [_USED[name][1] for name in sorted(self._used)]
        return [line.format(kept=kept) for line in lines if line is not None]

    def starting(self) -> list[str]:
        """Lines that start an episode; they read ``lane`` (or ``lanes[i]``), ``obs`` and ``info``."""
        lines = []
        if self._used & {"obs", "info_before", "first"}:
            lane = "lanes[i]" if self.many else "lane"
            lines.append(f"{lane}.obs, {lane}.info, {lane}.first = copy(obs), dict(info), True")
        if self.memory and not self.many:
            lines.append("memory = lane.memory")
        return lines + self.start


def batched(
    step_batch: BatchStep, task: Task, names: Sequence[str]
) -> Callable[..., tuple[Any, ...]]:
    """`Reward.step` for one lane: ``(carry, value, *terms)``."""

    def step(carry: Any, *row: Any) -> tuple[Any, ...]:
        batch = one_row(task, *row)
        carry, value = step_batch(carry, batch)
        if getattr(value, "shape", None) != (1,):
            raise wrong_shape(1, value)
        return (carry, float(value[0]), *(float(batch.terms[name][0]) for name in names))

    return step


def one_row(
    task: Task,
    obs: Any,
    action: Any,
    next_obs: Any,
    reward: float,
    terminated: bool,
    truncated: bool,
    first: bool,
    info: Mapping[str, Any],
    info_before: Mapping[str, Any],
    training: bool,
) -> Transitions:
    """One step of one lane as a batch of one."""
    return Transitions(
        obs=tree.lift(obs),
        action=tree.lift(action),
        next_obs=tree.lift(next_obs),
        reward=np.array([reward], np.float64),
        terminated=np.array([terminated]),
        truncated=np.array([truncated and not terminated]),
        first=np.array([first]),
        info=LaneInfo(info),
        info_before=LaneInfo(info_before),
        training=training,
        task=task,
        starts=first,
        ends=bool(terminated or truncated),
    )


def function_text(head: str, body: Sequence[str]) -> str:
    """The text of a function."""
    return "\n".join([head, *(f"    {line}" for line in body)]) + "\n"


def compile_function(name: str, head: str, body: Sequence[str], names: dict[str, Any]) -> Any:
    """A function from source text that tracebacks and debuggers can show.

    The text is made of this package's own fragments and of numbers and validated names; user objects
    enter through ``names`` only.
    """
    text = function_text(head, body)
    file = f"<rewardwrap lane {next(_serial)}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    exec(compile(text, file, "exec"), names)
    function = names[name]
    function.source = text
    return function
