"""Bonuses of networks: read a step, say how new it is, and every so often learn from what was read."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import Carry, FloatArray, Transitions
from rewardwrap.rewards.bonus import Bonus
from rewardwrap.rewards.limits import require_count, require_number
from rewardwrap.rewards.reading import Reader, Seen, together
from rewardwrap.rewards.weights import Net, Shape, Weights, layers

Nets = Mapping[str, Net]
Sizes = Mapping[str, tuple[int, ...]]
MINIBATCH, PASSES = 256, 4
NOTHING: dict[str, np.ndarray[Any, Any]] = {
    "layout": np.zeros(0, np.uint8),
    "scale": np.zeros((3, 0)),
    "fixed": np.zeros((3, 0)),
    "weights": np.zeros((3, 0)),
    "steps": np.zeros(2, np.int64),
}
"""What a bonus knows that has seen nothing."""


class Mind:
    """All that a curious reward knows: the scale of its inputs, fixed and learned weights, new rows."""

    def __init__(self, reader: Reader, fixed: Sizes, learned: Sizes, seed: int) -> None:
        self.reader = reader
        self.fixed = Weights(
            {**reader.shapes(), **_shapes(fixed)}, np.random.default_rng([seed, 0])
        )
        self.learned = Weights(_shapes(learned), np.random.default_rng([seed, 1]))
        self.updates = 0
        self.begun = False
        self.new: list[Seen] = []
        self.rows = 0
        self._joined: tuple[int, Any] | None = None

    @property
    def nets(self) -> Nets:
        """All networks by name, for numpy."""
        return {**self.fixed.nets, **self.learned.nets}

    def joined(self, join: Callable[[Nets], Any]) -> Any:
        """What ``join`` makes of the networks, made again after they have learned."""
        if self._joined is None or self._joined[0] != self.learned.steps:
            self._joined = self.learned.steps, join(self.nets)
        return self._joined[1]

    def read(self, batch: Transitions) -> Seen:
        """A batch as numbers."""
        images = self.reader.columns["next_obs"].images
        return self.reader.read(batch, self.fixed.arrays(self.fixed.flat) if images else {})

    def arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        return {
            "layout": self.reader.layout,
            "scale": self.reader.moments,
            "fixed": self.fixed.packed(),
            "weights": self.learned.packed(),
            "steps": np.array([self.learned.steps, self.updates], np.int64),
        }

    def load(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        steps, self.updates = (int(n) for n in arrays["steps"])
        self.fixed.unpack(arrays["fixed"], 0)
        self.learned.unpack(arrays["weights"], steps)
        self.reader.load_moments(arrays["scale"])
        self.begun, self._joined = True, None


@dataclass(frozen=True, eq=False, repr=False)
class Curiosity(Bonus):
    """A bonus of networks; a method says which, and how new a step is to them.

    Every ``every`` steps of all lanes together it learns from those steps, after they were paid. Until
    the first time the scale of its inputs follows each step; from then on it moves with the learning
    (or never again, where ``drifts`` is False). An image is read through a fixed random convolution.

    Args:
        every: Steps of all lanes together between two updates; about a rollout.
        seed: Of the first weights and of the order of what is learned.
    """

    sizes: ClassVar[tuple[str, ...]] = ()
    """Fields that are whole numbers of at least 1."""
    reads: ClassVar[tuple[str, ...]] = ("next_obs",)
    drifts: ClassVar[bool] = True

    _: KW_ONLY
    every: int = 1024
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in (*self.sizes, "every"):
            require_count(self, name, "Leave it out for the default.")
        require_count(self, "seed", "Any will do.", low=0)
        object.__setattr__(self, "_mind", None)

    def fixed(self, width: int, actions: int) -> Sizes:
        """Networks that never change: their sizes by name."""
        return {}

    def learned(self, width: int, actions: int) -> Sizes:
        """Networks that learn: their sizes by name."""
        return {}

    def novelty(self, nets: Nets, seen: Seen) -> Any:
        """How new each row is, ``(B,)``."""
        raise NotImplementedError

    def feel(self, own: Carry, batch: Transitions, mind: Mind, seen: Seen) -> tuple[Carry, Any]:
        """The same with a memory: the next one, and how new each row is."""
        return own, self.novelty(mind.nets, seen)

    def settle(self, mind: Mind, seen: Seen) -> None:
        """The scale of the inputs has been found: what was noted so far may be noted anew."""

    def pay(self, own: Carry, batch: Transitions) -> tuple[Carry, FloatArray]:
        mind = self._found(batch)
        raw = mind.read(batch)
        if batch.training:
            mind.begun = True
            if not mind.updates:
                mind.reader.learn(raw)
        own, value = self.feel(own, batch, mind, mind.reader.white(raw))
        if batch.training:
            mind.new.append(raw)
            mind.rows += batch.lanes
            if mind.rows >= self.every:
                self._update(mind)
        return own, np.asarray(value, np.float64)

    def _update(self, mind: Mind) -> None:
        rows = together(mind.new).finite()
        if mind.updates and self.drifts:
            mind.reader.learn(rows)
        seen = mind.reader.white(rows)
        if not mind.updates:
            self.settle(mind, seen)
        self.study(mind, seen)
        mind.updates += 1
        mind.new, mind.rows = [], 0

    def study(self, mind: Mind, seen: Seen) -> None:
        """Learn from rows that were paid."""

    def _found(self, batch: Transitions) -> Mind:
        mind: Mind | None = self._mind  # type: ignore[attr-defined]
        return self._made(Reader.of(batch, self.reads)) if mind is None else mind

    def _made(self, reader: Reader) -> Mind:
        sizes = reader.width, reader.actions
        mind = Mind(reader, self.fixed(*sizes), self.learned(*sizes), self.seed)
        object.__setattr__(self, "_mind", mind)
        return mind

    @property
    def mind(self) -> Mind:
        """What it knows.

        Raises:
            ConfigError: It has seen nothing yet.
        """
        mind: Mind | None = self._mind  # type: ignore[attr-defined]
        if mind is None:
            raise ConfigError(
                f"{type(self).__name__} must have seen a step, got none. Step an environment first."
            )
        return mind

    def knowledge(self) -> dict[str, np.ndarray[Any, Any]]:
        mind: Mind | None = self._mind  # type: ignore[attr-defined]
        return dict(NOTHING) if mind is None or not mind.begun else mind.arrays()

    def learn_again(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        object.__setattr__(self, "_mind", None)
        if arrays["layout"].size:
            self._made(Reader.from_layout(arrays["layout"])).load(arrays)


@dataclass(frozen=True, eq=False, repr=False)
class Student(Curiosity):
    """A curiosity whose networks learn, by Adam on minibatches of 256, four times through the rows.

    Args:
        rate: Learning rate.
    """

    _: KW_ONLY
    rate: float = 1e-3

    def __post_init__(self) -> None:
        super().__post_init__()
        require_number(self, "rate", "Use 1e-3.", low=0.0, above=True)

    @abstractmethod
    def loss(self, nets: Nets, seen: Seen) -> Any:
        """What learning makes smaller, over the rows of a minibatch: one number of torch."""

    def study(self, mind: Mind, seen: Seen) -> None:
        rng = np.random.default_rng([self.seed, 2, mind.updates])
        rows, fixed = seen.tensors(), mind.fixed.tensors()
        for _ in range(PASSES):
            order = rng.permutation(len(seen.y))
            for begin in range(0, len(order), MINIBATCH):
                part = rows.take(order[begin : begin + MINIBATCH])
                mind.learned.descend(partial(self._wrong, fixed, part), self.rate)

    def _wrong(self, fixed: Nets, seen: Seen, learned: Nets) -> Any:
        return self.loss({**fixed, **learned}, seen)


def _shapes(sizes: Sizes) -> dict[str, Shape]:
    return {k: v for net, own in sizes.items() for k, v in layers(net, own).items()}
