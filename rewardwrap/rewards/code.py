"""Reward code that nobody has to trust: it runs behind the wall of `rewardwrap.sandbox`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY
from pathlib import Path
from typing import Any, ClassVar, Literal

from rewardwrap.core.errors import ConfigError, UnknownName
from rewardwrap.core.lane import LaneCode
from rewardwrap.core.registry import register
from rewardwrap.core.reward import Named, Reward
from rewardwrap.core.task import Task
from rewardwrap.core.transitions import Carry, FloatArray, Transitions, take
from rewardwrap.rewards import kept
from rewardwrap.rewards.clocked import CARRIED, along, clocked, start, stepped
from rewardwrap.rewards.code_settings import require_settings
from rewardwrap.rewards.figures import (
    REMAINDER,
    Component,
    checked_names,
    require_no_weights,
    require_remainder_free,
    with_remainder,
)
from rewardwrap.rewards.ways import OneRow, Way, session_of, translation
from rewardwrap.sandbox.columns import Changed, Plan
from rewardwrap.sandbox.errors import SandboxError
from rewardwrap.sandbox.intake import (
    digest,
    read_source,
    reading_of,
    require_approval,
    require_passing,
    require_size,
)
from rewardwrap.sandbox.isolation import require_possible
from rewardwrap.sandbox.session import ROWS

LOOKS = 3
"""Kinds of batches before the last one whose workers wait."""


@register("code")
class CodeReward(Reward):
    """``r, {component: value} = reward(obs, action, next_obs, info)``, translated or run in a locked process.

    The source defines ``reward`` over a batch: ``obs``, ``action`` and ``next_obs`` have leading size B,
    ``info["x"]`` is ``(B,)``, and it returns the total, ``(B,)``, alone or with a dict of components. Fields
    of the environment's recipe are attributes: ``next_obs.torso_z`` is ``(B,)`` and the same as
    ``next_obs["torso_z"]``; ``next_obs[:, 0]`` is the plain column. Code for one row (``next_obs[0]``,
    ``next_obs.torso_z`` a number) is recognised and looped over inside the worker. Arrays keep their dtype
    and are read-only; ``np`` and ``math`` are there. ``info["terminated"]``, ``info["step"]`` (from 1) and
    ``info["previous_action"]`` are there too, unless the environment reports something of that name.

    A class may stand for ``reward``: ``__init__`` sets each attribute that lasts from step to step, and
    ``__call__`` (or ``compute``, ``compute_reward``, ``reward``) pays one row. Each episode of each lane has
    an object of its own (and its ``reset()``); between steps its attributes are the carry, 4 kB at most.

    Torch's words (Eureka's ``compute_reward`` over tensors, arguments being fields) become numpy (`text`);
    hints count for nothing, prints are left out. Components are recorded like any other term, as the code
    returned them. Where it does not write the total as their sum, so is ``remainder``, what they leave of it.

    One worker serves all lanes, environments and copies of strict code in a process, thread by thread. It
    starts with the first batch (0.2 s) and ends when the last is closed or gone. The first batches are a
    probe: the same twice gives the same, ``f(batch)[i] == f(batch[i:i+1])``; every batch must be finite.

    Code that is arithmetic on columns is translated (`rewardwrap.calculus`): nothing of it is executed, and
    once the worker has paid the same for the first batches it is not needed any more. `where` says which.

    Args:
        source: The code, or the path of a file (a `pathlib.Path`, or one line that ends in ``.py``).
        components: Names of the components; None reads them off the dict that the code returns. Weights
            go into the code: ``total = 2.0 * speed + upright``.
        gate: ``"strict"`` refuses what is not on the allow-list, with the line; ``"off"`` lets any Python
            reach the worker. The wall is the worker either way.
        deadline: Seconds for loading and for each batch.
        memory_mb: Memory that the code may use.
        approval: ``"required"`` refuses a file nobody approved: ``rewardwrap review FILE --approve``.
        tier: The weakest isolation to accept: ``"strong"``, ``"medium"``, ``"process-only"``.
        allow_weaker: Accept whatever this machine has.
        confine: ``"auto"`` translates what can be translated; ``"process"`` runs everything in the worker.
        file: Where the source came from; filled in from a path.
        sha256: Of the source; filled in, and compared where given.

    Raises:
        SandboxError: The gate refuses it, or the worker stopped it; ``reason`` says which limit bit.
        ConfigError: A setting that makes no sense, or a source that is not the one that was saved.

    Source: the reward code of Eureka (Ma et al. 2023, arXiv 2310.12931) and Text2Reward (Xie et al. 2023,
        arXiv 2309.11489). Deviation: batched rather than per step, and never in this process.

    Example:
        >>> import rewardwrap as rw
        >>> text = '''
        ... def reward(obs, action, next_obs, info):
        ...     forward, effort = next_obs[:, 0], -0.1 * np.square(action).sum(axis=-1)
        ...     return forward + effort, {"forward": forward, "effort": effort}
        ... '''
        >>> rw.CodeReward(text).components
        ('forward', 'effort')
    """

    shaping: ClassVar[bool] = False
    pays_at_end: ClassVar[bool] = False
    of_caller: ClassVar[tuple[str, ...]] = (
        "gate",
        "deadline",
        "memory_mb",
        "tier",
        "allow_weaker",
        "confine",
    )
    """Settings of the wall: no file may say them, see `rewardwrap.rewards.trust`."""

    source: str | Path
    _: KW_ONLY
    components: Sequence[str] | None = None
    gate: Literal["strict", "off"] = "strict"
    deadline: float = 1.0
    memory_mb: int = 512
    approval: Literal["none", "required"] = "none"
    tier: Literal["strong", "medium", "process-only"] = "strong"
    allow_weaker: bool = False
    confine: Literal["auto", "process"] = "auto"
    file: str = ""
    sha256: str = ""

    def __post_init__(self) -> None:
        require_settings(self)
        source, file = read_source(self.source)
        require_size(source)
        found = digest(source)
        if self.sha256 and self.sha256 != found:
            raise ConfigError(
                f"CodeReward: source must be the one with sha256 {self.sha256[:12]}, got {found[:12]}. "
                "It was changed since it was saved; leave sha256 out to take the new one."
            )
        file = file or self.file
        if self.approval == "required":
            require_approval(found, file)
        require_no_weights(self.components)
        given = None if self.components is None else tuple(self.components)
        if self.gate == "strict":
            reading = require_passing(source)
            given = reading.components if given is None else given
        elif given is None:
            given = reading_of(source).components
        for name, value in (
            ("source", source),
            ("file", file),
            ("sha256", found),
            ("components", checked_names(given or ())),
        ):
            object.__setattr__(self, name, value)
        if not self.adds_up:
            require_remainder_free(self.components)  # type: ignore[arg-type]

    # --- the tree -------------------------------------------------------------------------------

    def parts(self) -> tuple[Reward, ...]:
        """One named place for each component, so that every host records it."""
        made: tuple[Reward, ...] | None = self.__dict__.get("_terms")
        if made is None:
            made = tuple(Named(name, Component()) for name in self.recorded)
            object.__setattr__(self, "_terms", made)
        return made

    @property
    def recorded(self) -> tuple[str, ...]:
        """The components: a number times this reward is a number times each of them."""
        components: tuple[str, ...] = self.components  # type: ignore[assignment]
        return components if self.adds_up else (*components, REMAINDER)

    @property
    def text(self) -> str:
        """What runs: the source, or its numpy where it was written in torch's words."""
        if "_text" not in self.__dict__:
            numpy = reading_of(str(self.source)).text if self.gate == "strict" else None
            object.__setattr__(self, "_text", numpy or str(self.source))
        return str(self.__dict__["_text"])

    @property
    def adds_up(self) -> bool:
        """Whether the code writes its total as the sum of its components; else there is a remainder."""
        known: bool | None = self.__dict__.get("_sums")
        if known is None:
            known = not self.components or reading_of(str(self.source)).sums
            object.__setattr__(self, "_sums", known)
        return known

    def validate(self, task: Task) -> None:
        """The machine must be able to confine the code, and named fields must be fields of the task."""
        if not self.allow_weaker:
            require_possible(self.tier)
        if self.gate != "strict" or not task.fields:
            return
        for line, _place, name in reading_of(str(self.source)).fields:
            try:
                task.field(name)
            except UnknownName as unknown:
                raise SandboxError(
                    f"reward code: line {line}: {unknown}", reason="gate", line=line
                ) from None

    # --- paying ---------------------------------------------------------------------------------

    @property
    def keeps(self) -> tuple[str, str] | None:
        """Class and method, where the code is a class whose attributes a lane carries."""
        return reading_of(str(self.source)).keeps

    def init(self, lanes: int) -> Carry:
        clock = start(lanes) if clocked(self.text) & CARRIED else None
        return (clock, kept.start(lanes)) if self.keeps else clock

    def step(self, carry: Carry, batch: Transitions) -> tuple[Carry, FloatArray]:
        if carry is None:
            return carry, self(batch)
        clock, state = carry if self.keeps else (carry, None)
        if clock is not None:
            clock, shown = stepped(clock, batch)
        else:
            shown = along(batch) if clocked(self.text) else batch
        if state is None:
            return clock, self._recorded(self._values(shown), batch)
        values = self._values(shown, kept.brought(state, batch.first))
        values, state = kept.parted(values, self._width)
        return (clock, state), self._recorded(values, batch)

    def over_time(self, batch: Transitions) -> FloatArray:
        return self(batch)

    def __call__(self, batch: Transitions) -> FloatArray:
        return self._recorded(self._along(batch), batch)

    def _along(self, batch: Transitions) -> FloatArray:
        """``(1 + k, rows)`` of rows in the order of time where that matters."""
        shown = along(batch) if clocked(self.text) else batch
        if not self.keeps:
            return self._values(shown)
        return kept.along(self._values, shown, self._width, lambda: self._ways[-1].session.room)

    def _values(self, batch: Transitions, brought: Sequence[Any] = ()) -> FloatArray:
        rows = len(batch.reward)
        known: Way | None = self.__dict__.get("_way")
        try:
            way = known if known is not None else self._way_of(batch)
            return way.pay([*way.plan.arrays(batch), *brought], rows)
        except Changed:
            way = self._way_of(batch)
            return way.pay([*way.plan.arrays(batch), *brought], rows)

    def _recorded(self, values: FloatArray, batch: Transitions) -> FloatArray:
        """The total; the components become terms of the batch."""
        total: FloatArray
        if not self.adds_up:
            values = with_remainder(values)
        total, *parts = values
        for name, part in zip(self.recorded, parts, strict=True):
            batch.terms[name] = part
        return total

    def write(self, code: LaneCode) -> str:
        carry = self.init(1)
        if clocked(self.text) or carry is not None:
            return code.batch_of_one(self.step, carry, self.recorded, self.tag or "code")
        return code.stepped(
            OneRow(self, code.task, sums=self.adds_up), None, self.recorded, self.tag or "code"
        )

    def probe(self, batch: Transitions) -> dict[str, FloatArray]:
        """The reward (``"total"``) and its components on stored transitions, after checking the contract.

        At most the first 4096 rows count. Checked: finite, the same when asked twice, no writing into
        the batch, components add up where they are written so, ``f(batch)[i] == f(batch[i:i+1])``.

        Raises:
            SandboxError: It breaks one of these.
        """
        if self.keeps:
            # consecutive rows, of which the worker asks the first ones twice
            values = self._along(take(batch, slice(0, ROWS)))
        else:
            rows = min(batch.lanes, ROWS)
            batch = along(batch) if clocked(self.text) else batch
            way = self._way_of(batch)
            arrays = [array[:rows] for array in way.plan.arrays(batch)]
            values = way.session.probe(arrays, rows)
            way.compare(values, arrays, rows)
        if not self.adds_up:
            values = with_remainder(values)
        return dict(zip(("total", *self.recorded), values, strict=True))

    @property
    def by_row(self) -> bool:
        """Whether the last `probe` found code for one row, looped over in the worker."""
        return any(way.session.by_row for way in self._ways[-1:])

    @property
    def where(self) -> str:
        """``"calculus"`` or ``"process"``, what pays; ``""`` before the first batch."""
        way: Way | None = self.__dict__.get("_way")
        return "" if way is None else "process" if way.program is None else "calculus"

    @property
    def why(self) -> str:
        """Why the process pays: the first thing in the code that is no part of the calculus."""
        way: Way | None = self.__dict__.get("_way")
        return "" if way is None else way.outside

    @property
    def worker(self) -> int | None:
        """Process id of the worker, which copies share; None while none runs, or none is needed any more."""
        return self._ways[-1].worker if self._ways else None

    def close(self) -> None:
        """End the worker, unless it pays copies of this reward too; the next batch starts another."""
        for way in self._ways:
            way.session.drop(way)

    release = close

    @property
    def _ways(self) -> list[Way]:
        """What pays, last, and what paid batches of another look."""
        ways: list[Way] = self.__dict__.setdefault("_looks", [])
        return ways

    @property
    def _width(self) -> int:
        return 1 + len(self.components or ())

    def _way_of(self, batch: Transitions) -> Way:
        plan = Plan.of(self.text, batch)
        plan.columns += kept.COLUMNS if self.keeps else ()
        way = Way(plan, session_of(self, plan), *translation(self, plan))
        if len(batch.reward):
            object.__setattr__(self, "_way", way)
            others = [w for w in self._ways if w.session is not way.session]
            self._ways[:] = [*others[-LOOKS:], way]
        return way

    def __getstate__(self) -> dict[str, Any]:
        # names without an underscore are the configuration; the worker stays here
        return {k: v for k, v in self.__dict__.items() if not k.startswith("_")}
