"""Factors that code computes, weighted by a network that learned from returns alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.registry import register
from rewardwrap.core.reward import Reward, require_parts
from rewardwrap.core.terms import term_names
from rewardwrap.core.transitions import FloatArray, Transitions


@register("decoded")
class Decoded(Reward):
    """``r = decoder(f_1(s, a, s'), ..., f_k(s, a, s'))``, the decoder learned by return decomposition.

    The factors are the recorded terms of the base: the components of a `rewardwrap.CodeReward`, or a
    sum of named rewards. The decoder is a network of rectified units over the normalised factors; its
    weights are knowledge. It pays 0 until `rewardwrap.training.return_decomposition.ReturnDecomposition`
    has taught it.

    Use it where the environment tells only how an episode went as a whole.

    Args:
        base: What records the factors; what it pays itself is not used.
        hidden: Sizes of the hidden layers.

    Raises:
        ConfigError: The base records no terms, carries state, or a size is not above 0.

    Source: LaRe, Qu et al., "Latent Reward: LLM-Empowered Credit Assignment in Episodic Reinforcement
        Learning", 2024, arXiv 2412.11120. Deviation: factors and decoder stay apart in the saved file,
        and the factors are recorded as terms.

    Example:
        >>> import rewardwrap as rw
        >>> lean = rw.Field("pole_angle").named("lean")
        >>> rw.Decoded(lean + rw.Field("cart_position").named("place")).factors
        ('lean', 'place')
    """

    reads_obs: ClassVar[bool] = False
    shaping: ClassVar[bool] = False
    pays_at_end: ClassVar[bool] = False

    base: Reward
    _: KW_ONLY
    hidden: Sequence[int] = (64, 64)

    def __post_init__(self) -> None:
        require_parts(self, (self.base,))
        object.__setattr__(self, "hidden", tuple(self.hidden))
        if any(isinstance(size, bool) or not size > 0 for size in self.hidden):
            raise ConfigError(
                f"Decoded: hidden must hold sizes above 0, got {list(self.hidden)}. Use [64, 64]."
            )
        if not self.factors:
            raise ConfigError(
                "Decoded: base must record terms, got none. Give code with components, or .named() terms."
            )
        if not self.base.memoryless:
            raise ConfigError(
                "Decoded: base must depend on one step alone, got one that carries state. "
                "Leave out what remembers."
            )
        object.__setattr__(self, "_arrays", self._fresh())

    @property
    def factors(self) -> tuple[str, ...]:
        """Names of the factors, in the order in which the decoder reads them."""
        return term_names(self.base)

    def _fresh(self) -> dict[str, np.ndarray[Any, Any]]:
        sizes = [len(self.factors), *self.hidden, 1]
        made = {"mean": np.zeros(sizes[0]), "sd": np.ones(sizes[0])}
        for layer, (before, after) in enumerate(pairwise(sizes)):
            made[f"weight{layer}"] = np.zeros((before, after))
            made[f"bias{layer}"] = np.zeros(after)
        return made

    def state_arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        return dict(self._arrays)  # type: ignore[attr-defined]

    def load_state_arrays(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        known: dict[str, Any] = self._arrays  # type: ignore[attr-defined]
        for name, array in known.items():
            if name not in arrays or np.shape(arrays[name]) != array.shape:
                raise ConfigError(
                    f"Decoded: {name} must have shape {array.shape}, got "
                    f"{np.shape(arrays[name]) if name in arrays else 'none'}. "
                    "Load it into a reward with the same factors and sizes."
                )
        for name in known:
            known[name] = np.array(arrays[name], np.float64)

    def __call__(self, batch: Transitions) -> FloatArray:
        self.base(batch)
        return self.decode(np.stack([batch.terms[name] for name in self.factors], axis=1))

    def decode(self, factors: FloatArray) -> FloatArray:
        """What rows of factors are worth, ``(B, k) -> (B,)``."""
        arrays: dict[str, Any] = self._arrays  # type: ignore[attr-defined]
        x = (factors - arrays["mean"]) / arrays["sd"]
        last = len(self.hidden)
        for layer in range(last):
            x = np.maximum(x @ arrays[f"weight{layer}"] + arrays[f"bias{layer}"], 0.0)
        value: FloatArray = (x @ arrays[f"weight{last}"] + arrays[f"bias{last}"])[:, 0]
        return value
