"""Where and how the episodes of an agent end that fail: by named fields, for the next prompt.

Source: Li et al., "Auto MC-Reward: Automated Dense Reward Design with Large Language Models for Minecraft",
2023, arXiv 2312.09238: a trajectory analyzer that sums failures up. Deviation: counts instead of a model.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rewardwrap.adapters.acting import Acting
from rewardwrap.adapters.sb3 import RewardVecEnv
from rewardwrap.core.reward import SHAPED
from rewardwrap.training import bundle
from rewardwrap_envs import Recipe

MOST_FIELDS, SHARE, NARROW = 12, 0.6, 0.2
"""Fields that are looked at; share of the failures that agree; spread at the end over that of all steps."""
TOLD = 2
"""Fields that are named at most, the narrowest first."""


@dataclass(frozen=True)
class Ending:
    """The last step of an episode.

    Args:
        failed: Whether it did not do the task.
        terminated: Whether the task ended it, and not the clock.
        fields: Name -> value after it.
        action: That led there; None where it is no single number.
        paid: What the reward paid for that step.
    """

    failed: bool
    terminated: bool
    fields: dict[str, float]
    action: int | None
    paid: float


def endings(
    folder: Path, recipe: Recipe, *, episodes: int, seed: int = 0
) -> tuple[list[Ending], Any]:
    """Play a trained agent: how its episodes ended, and every value of the fields, ``(steps, fields)``.

    Args:
        folder: Its bundle.
        recipe: Names fields, and says what a success is.
        episodes: How many.
        seed: Of the starts.
    """
    agent = bundle.read(folder)
    venv = agent.eval_env(1)
    host: Any = venv
    while not isinstance(host, RewardVecEnv):
        host = host.venv
    venv.seed(seed)
    names = [n for n in recipe.fields if not n.startswith("reward_")][:MOST_FIELDS]
    act = Acting(agent.model, venv, deterministic=True)
    found: list[Ending] = []
    seen, true, obs = [], 0.0, venv.reset()
    while len(found) < episodes:
        action = act(obs)
        obs, _, dones, infos = venv.step(action)
        last, task = host.last_step, host.task
        row = {n: float(task.read(n, last.next_obs, last.info)[0]) for n in names}
        seen.append(list(row.values()))
        true += float(last.reward[0])
        if dones[0]:
            done = recipe.succeeded(true, infos[0])
            failed = not done if done is not None else true < (recipe.threshold or np.inf)
            place = list(host.term_names).index(SHAPED)
            whole = (
                int(action[0])
                if np.ndim(action[0]) == 0 and np.asarray(action).dtype.kind == "i"
                else None
            )
            paid = float(host.reward_terms[0][place] if np.ndim(host.reward_terms) > 1 else np.nan)
            found.append(Ending(failed, bool(last.terminated[0]), row, whole, paid))
            true = 0.0
        act.ended(dones)
    venv.close()
    agent.close()
    return found, np.array(seen)


def summary(found: Sequence[Ending], seen: Any) -> str:
    """One sentence on what most failures have in common; empty where nothing failed.

    Args:
        found: How episodes ended.
        seen: ``(steps, fields)``, what the fields were on the way, in the order of an ending's fields.
    """
    failed = [each for each in found if each.failed]
    if not failed:
        return ""
    by, count = Counter(each.terminated for each in failed).most_common(1)[0]
    alike = [each for each in failed if each.terminated == by]
    how = "by termination" if by else "by the time limit"
    where = ", ".join(_places(alike, seen))
    actions = Counter(each.action for each in alike)
    action, often = actions.most_common(1)[0]
    said = f"{count} of {len(found)} episodes fail and end {how}"
    said += f" at {where}" if where else ""
    said += f", after action {action}" if action is not None and often >= SHARE * len(alike) else ""
    paid = [each.paid for each in alike if np.isfinite(each.paid)]
    return said + (f"; the reward paid {np.mean(paid):+.3g} on that step." if paid else ".")


def _places(alike: Sequence[Ending], seen: Any) -> list[str]:
    """The fields that are the same, or nearly, where these episodes ended, and were not on the way."""
    ranked = []
    for k, name in enumerate(alike[0].fields):
        ends = np.array([each.fields[name] for each in alike])
        spread = float(np.subtract(*np.quantile(seen[:, k], (0.9, 0.1)))) if len(seen) else 0.0
        value, often = Counter(np.round(ends, 3).tolist()).most_common(1)[0]
        if spread <= 0.0:
            continue
        width = float(np.subtract(*np.quantile(ends, (0.75, 0.25)))) / spread
        if often >= SHARE * len(ends) or width <= NARROW:
            shown = value if often >= SHARE * len(ends) else float(np.median(ends))
            ranked.append((width, k, f"{name} {shown:.3g}"))
    chosen = sorted(ranked)[:TOLD]
    return [text for _, _, text in sorted(chosen, key=lambda each: each[1])]
