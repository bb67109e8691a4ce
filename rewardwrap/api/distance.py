"""Are these rewards one task: what ``rewardwrap distance`` asks."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rewardwrap.evaluate.distance.heatmap import Matrix, distance_matrix, heatmap, rows_of
from rewardwrap.evaluate.payment import as_reward
from rewardwrap.files import write_whole

FOLDER = Path("distances")


def distance(
    env: Any,
    *rewards: Any,
    metric: str = "epic",
    gamma: float | None = None,
    samples: int | None = None,
    means: int | None = None,
    seed: int = 0,
    env_kwargs: Mapping[str, Any] | None = None,
    catalog: Iterable[str | Path] = (),
    out: str | Path | None = None,
) -> Matrix:
    """How far rewards lie apart as tasks: 0 one task, up to potentials and scale; 1 opposites.

    Args:
        env: A recipe, a gymnasium id, or an environment.
        rewards: Two or more, each a reward, a function ``f(obs, action, next_obs)``, a configuration or a
            file; or one mapping of names to them.
        metric: ``"epic"``, ``"dard"``, ``"starc-val"``, ``"starc-minimal"``, ``"npec"`` or ``"erc"``; see
            `rw.evaluate.reward_distance`.
        gamma: Discount of the agent; None takes what the rewards fix, else 0.99.
        samples: Transitions (erc: episodes); None: as the metric needs.
        means: Draws for each mean (epic, dard).
        seed: Of everything drawn.
        env_kwargs: Arguments of the environment.
        catalog: Folders with recipes of your own.
        out: Folder for ``distances.json``, ``.png`` and ``.svg``; None writes nothing.

    Returns:
        The matrix; of two rewards ``float(found)`` is the distance.

    Raises:
        RewardwrapError: Fewer than two rewards, or a metric that is not defined for them.

    Example:
        >>> import rewardwrap as rw
        >>> goal = lambda obs, action, next_obs: next_obs[:, 0]
        >>> turned = lambda obs, action, next_obs: -2 * next_obs[:, 0]
        >>> round(float(rw.distance("CartPole-v1", {"goal": goal, "turned": turned}, samples=64)), 3)
        1.0
    """
    given = rewards[0] if len(rewards) == 1 and _is_named(rewards[0]) else named(rewards)
    with warnings.catch_warnings():
        # the notes stand in the result, once
        warnings.filterwarnings("ignore", message="reward_distance:")
        found = distance_matrix(
            given, env, metric, gamma=gamma, samples=samples, means=means, seed=seed,
            env_kwargs=env_kwargs, catalog=[str(folder) for folder in catalog],
        )  # fmt: skip
    if out is not None:
        write(found, Path(out))
    return found


def named(rewards: Iterable[Any]) -> dict[str, Any]:
    """Name -> reward: a file by its stem, a function by its name; equal names are numbered."""
    found: dict[str, Any] = {}
    for reward in rewards:
        called = _called(reward)
        name = called if called not in found else f"{called} ({len(found) + 1})"
        found[name] = as_reward(reward)
    return found


def write(matrix: Matrix, folder: Path) -> None:
    """Write ``distances.json``, ``.png`` and ``.svg``, each whole or not at all."""
    from rewardwrap.pages.drawing import save

    folder.mkdir(parents=True, exist_ok=True)
    figure = heatmap(matrix)
    for suffix in ("png", "svg"):
        write_whole(folder / f"distances.{suffix}", save(figure, suffix=suffix))
    write_whole(folder / "distances.json", json.dumps(rows_of(matrix), indent=2))


def _called(reward: Any) -> str:
    if isinstance(reward, str | Path):
        return Path(reward).stem if Path(reward).suffix else str(reward)
    own = getattr(reward, "name", None) or getattr(reward, "tag", None)
    return str(own or getattr(reward, "__name__", type(reward).__name__)).strip("<>")


def _is_named(given: Any) -> bool:
    """Whether a mapping holds rewards by name, rather than being the configuration of one."""
    from rewardwrap.core.registry import registered

    return isinstance(given, Mapping) and not set(given) <= set(registered())
