"""What is wrong with a reward that runs: read off its source and its terms on stored episodes.

Source: "Auto MC-Reward: Automated Dense Reward Design with Large Language Models for Minecraft", 2023,
arXiv 2312.09238: a critic checks consistency before anything is trained. The names of the failures
follow "When LLM Reward Design Fails", 2026, arXiv 2605.28918: flooding, misunderstood interfaces.
Deviation: the critic is arithmetic here, not a second model, so that it costs nothing and repeats.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
TRUE, SHAPED = "env", "shaped"
SAME = 0.999
"""Correlation above which two rewards are one."""
FLOOD = 0.9
"""Share of |reward| above which one term drowns the others ..."""
FLAT = 0.1
"""... and standard deviation over mean below which it hardly depends on what the agent does."""
LARGE = 1e3
_ASSIGNED = r"^[ \t]*([A-Za-z_]\w*)[ \t]*(?:=(?!=)|:[^=\n]+=(?!=))"
"""A name that the code gives a value itself."""


@dataclass(frozen=True)
class Objection:
    """One thing that is wrong.

    Args:
        name: ``leak``, ``constant``, ``flooding``, ``scale`` or ``ending``.
        sentence: With the evidence; goes back to the model.
        fatal: Whether training would be a waste.
    """

    name: str
    sentence: str
    fatal: bool


def read_source(source: str, forbidden: Sequence[str]) -> list[Objection]:
    """Static: does the code use what gives the true reward away?

    Args:
        source: Which passed the gate.
        forbidden: Names of fields and info entries.
    """
    code = _without_comments(source)
    # a field or an entry stands behind a dot or in quotes; a bare name may be the code's own
    read = set(re.findall(r"(?:\.\s*|[\"'])([A-Za-z_]\w*)", code))
    bare = set(re.findall(r"[A-Za-z_]\w*", code)) - set(re.findall(_ASSIGNED, code, re.M))
    used = sorted((read | bare) & {*forbidden, "is_success", "success", "true_reward"})
    if not used:
        return []
    return [
        Objection(
            "leak",
            f"leak: the reward uses {', '.join(used)}, which tells the true reward or success. "
            "Reward what the observation shows.",
            True,
        )
    ]


def examine(terms: Sequence[Mapping[str, FloatArray]]) -> list[Objection]:
    """Dynamic: the terms on stored episodes.

    Args:
        terms: For each episode ``{"env": (T,), <term>: (T,), "shaped": (T,)}``.
    """
    columns = {name: np.concatenate([each[name] for each in terms]) for name in terms[0]}
    true, shaped = columns.pop(TRUE), columns.pop(SHAPED)
    # a reward without terms is its own only term
    parts = columns or {"total": shaped}
    found = [*_copied(shaped, true), *_constant(parts), *_large(shaped)]
    if not any(objection.name == "constant" and objection.fatal for objection in found):
        found += _flooding(parts)
    return found


def _copied(shaped: FloatArray, true: FloatArray) -> list[Objection]:
    if shaped.std() < 1e-9 or true.std() < 1e-9:
        return []
    same = float(np.corrcoef(shaped, true)[0, 1])
    if same < SAME:
        return []
    return [
        Objection(
            "leak",
            f"leak: the reward is the environment's own again (correlation {same:.4f} over "
            f"{len(true)} steps).",
            True,
        )
    ]


def _constant(parts: Mapping[str, FloatArray]) -> list[Objection]:
    flat = [name for name, column in parts.items() if np.ptp(column) < 1e-9]
    return [
        Objection(
            "constant",
            f"constant: term {name} is {parts[name][0]:.3g} at every one of {len(parts[name])} "
            "stored steps. Check the field it reads and its scale.",
            len(flat) == len(parts),
        )
        for name in flat
    ]


def _flooding(parts: Mapping[str, FloatArray]) -> list[Objection]:
    sizes = {name: float(np.abs(column).mean()) for name, column in parts.items()}
    whole = sum(sizes.values())
    name = max(sizes, key=lambda each: sizes[each])
    share, column = sizes[name] / whole, parts[name]
    swing = float(column.std() / abs(column.mean())) if column.mean() else np.inf
    if share < FLOOD or swing > FLAT:
        return []
    return [
        Objection(
            "flooding",
            f"flooding: term {name} is {100 * share:.0f} % of the reward and pays about "
            f"{column.mean():.3g} whatever the agent does (standard deviation {column.std():.2g}). "
            "Make it depend on progress or scale it down.",
            True,
        )
    ]


def _large(shaped: FloatArray) -> list[Objection]:
    size = float(np.abs(shaped).mean())
    if size < LARGE:
        return []
    return [
        Objection(
            "scale",
            f"scale: the reward is about {size:.3g} per step. Keep it within about [-1, 1].",
            False,
        )
    ]


def _without_comments(source: str) -> str:
    return re.sub(r"#.*", "", source)
