"""What every layer pays, and where it ends and begins episodes, as steps show it.

A tape listens to the ``step`` and ``reset`` of all layers, of a host or of a lane, wherever it lives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv
from stable_baselines3.common.vec_env import VecEnv

from rewardwrap.adapters.host import Host
from rewardwrap.adapters.stack import Visit, host_layers, visit
from rewardwrap.core.knowledge import untaught
from rewardwrap.core.scalar import number

_RECORD = "rewardwrap_record"


@dataclass
class Seen:
    """One layer during one step of the outermost layer.

    Args:
        paid: Sum of what it returned; None if it was not called.
        calls: How often it was stepped.
        ended: Where its last step ended an episode.
        restarts: How often it was reset inside the step.
        true: What our wrapper recorded as the environment's own.
        kept: Whether an episode began in it afterwards without a reset of the layer below.
    """

    paid: Any = None
    calls: int = 0
    ended: Any = False
    restarts: int = 0
    true: Any = None
    kept: bool = False


@dataclass
class Record:
    """What was heard: plain data, which travels between processes.

    Args:
        names: Class names of the layers, outermost first.
        ours: Position of ours, or None.
        rows: For each step of the outermost layer, what each layer did.
    """

    names: list[str]
    ours: int | None
    rows: list[list[Seen]] = field(default_factory=list)


class Tape:
    """Listens to all layers of a lane, or of a host, until it is removed.

    Args:
        env: The outermost layer.
    """

    def __init__(self, env: Any) -> None:
        layers = host_layers(env)
        ours = [i for i, layer in enumerate(layers) if isinstance(layer, Host)]
        self.record = Record([type(layer).__name__ for layer in layers], ours[0] if ours else None)
        self._layers = layers
        self._row: list[Seen] | None = None
        self._resetting = 0
        self._was_reset: set[int] = set()
        self._undo = ExitStack()
        self._undo.enter_context(untaught([layers[i].reward for i in ours]))
        many = isinstance(env, VecEnv | VectorEnv)
        step = "step_wait" if isinstance(env, VecEnv) else "step"
        for i, layer in enumerate(layers):
            self._listen(layer, step, self._stepping(i, getattr(layer, step)))
            if not many:
                self._listen(layer, "reset", self._resets(i, layer.reset))

    def remove(self) -> None:
        """Leave the layers, and what the reward knows, as they were."""
        self._undo.close()

    def _listen(self, layer: Any, name: str, heard: Callable[..., Any]) -> None:
        if name in vars(layer):
            self._undo.callback(setattr, layer, name, vars(layer)[name])
        else:
            self._undo.callback(delattr, layer, name)
        setattr(layer, name, heard)

    def _stepping(self, i: int, step: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(step)
        def heard(*action: Any) -> Any:
            if i == 0:
                self._row = [Seen() for _ in self._layers]
                self.record.rows.append(self._row)
            result = step(*action)
            if self._row is not None and not self._resetting:
                self._write(self._row[i], i, result)
            if i == 0:
                self._row = None
            return result

        return heard

    def _write(self, seen: Seen, i: int, result: Any) -> None:
        # SB3 returns (obs, reward, done, infos), gymnasium (obs, reward, terminated, truncated, info)
        plain = number(result[1]) if np.ndim(result[1]) == 0 else result[1]
        paid = np.array(plain, np.float64)
        if paid.ndim > isinstance(self._layers[i], VecEnv | VectorEnv):
            # several numbers a step: their sum is the true reward
            paid = paid.sum(axis=-1)
        seen.paid = paid if seen.calls == 0 else seen.paid + paid
        seen.calls += 1
        seen.ended = np.logical_or.reduce([np.asarray(done, bool) for done in result[2:-1]])
        if i == self.record.ours:
            layer = self._layers[i]
            lanes = isinstance(layer, VecEnv | VectorEnv)
            true = layer.reward_terms[:, 0] if lanes else result[-1]["reward_terms"]["env"]
            seen.true = np.array(true) if seen.true is None else seen.true + true

    def _resets(self, i: int, reset: Callable[..., Any]) -> Callable[..., Any]:
        # gymnasium's checker reads the signature
        @wraps(reset)
        def heard(*args: Any, **options: Any) -> Any:
            if self._row is not None:
                self._row[i].restarts += 1
            if not self._resetting:
                self._was_reset = set()
            self._resetting += 1
            try:
                result = reset(*args, **options)
            finally:
                self._resetting -= 1
            self._was_reset.add(i)
            below = i + 1
            if self.record.rows and below < len(self._layers) and below not in self._was_reset:
                self.record.rows[-1][i].kept = True
            return result

        return heard


class _Start(metaclass=Visit):
    """Puts a tape on a lane."""

    @staticmethod
    def visit(env: Any) -> None:
        env.rewardwrap_tape = Tape(env)
        setattr(env, _RECORD, env.rewardwrap_tape.record)


class _Stop(metaclass=Visit):
    """Takes it off again."""

    @staticmethod
    def visit(env: Any) -> None:
        env.rewardwrap_tape.remove()
        del env.rewardwrap_tape
        delattr(env, _RECORD)


@contextmanager
def listening(env: Any) -> Iterator[Callable[[], tuple[Record, list[Record]]]]:
    """Listen to a host and its lanes; the call returns the record of the host and of each lane.

    A single environment is a host without lanes.
    """
    base = host_layers(env)[-1]
    lanes = (
        [Tape(lane) for lane in getattr(base, "envs", ())] if isinstance(base, VectorEnv) else []
    )
    there = visit(base, _Start) if isinstance(base, VecEnv) else []
    tape = Tape(env)

    def records() -> tuple[Record, list[Record]]:
        if isinstance(base, VecEnv):
            return tape.record, base.get_attr(_RECORD, indices=there) if there else []
        return tape.record, [lane.record for lane in lanes]

    try:
        yield records
    finally:
        tape.remove()
        for lane in lanes:
            lane.remove()
        if there:
            visit(base, _Stop)
