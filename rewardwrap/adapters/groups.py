"""Environments whose lanes begin in groups and are paid together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rewardwrap.adapters.build import make
from rewardwrap.adapters.sb3 import RewardVecEnv
from rewardwrap.core.errors import ConfigError
from rewardwrap.scores.contract import Score
from rewardwrap.scores.grouped import AtLimit, Grouped


def make_grouped(
    env_id: str,
    score: Score | Grouped | str | Mapping[str, Any],
    *,
    group: int = 4,
    n_envs: int = 4,
    seed: int | None = 0,
    centred: bool = True,
    scaled: bool = False,
    limit: AtLimit = "end",
    gamma: float | None = None,
    catalog: Iterable[str] = (),
    env_kwargs: Mapping[str, Any] | None = None,
) -> RewardVecEnv:
    """An SB3 VecEnv whose lanes begin in groups from one start and are paid when the group is complete.

    Every step pays 0 but the last of an episode, which pays `Grouped`'s share of the score. A lane that
    ends before its group waits on its last observation, pays 0 and ignores its actions; with
    ``gamma = gae_lambda = 1`` waiting changes no advantage, with less it discounts the pay. The score is
    the term ``score``; ``env`` is the true reward as everywhere.

    Args:
        env_id: Name of a recipe or any gymnasium id; it must have a time limit.
        score: Any callable on finished episodes that gives one number for each, its tag or its
            ``"module:function"``; or a `Grouped`, whose fields then stand for ``group``, ``centred``,
            ``scaled`` and ``limit``.
        group: Lanes of a group; they are reset with the same seed.
        n_envs: Lanes, a multiple of ``group``.
        seed: Start of the groups' seeds; None for one that nobody knows.
        centred: See `Grouped`.
        scaled: See `Grouped`.
        limit: ``"end"``: a time limit ends the episode, is paid, and nothing is bootstrapped behind it;
            ``"bootstrap"``: SB3 adds the value behind it, and a cut episode pays nothing.
        gamma: Discount of the agent.
        catalog: Folders with recipes of your own.
        env_kwargs: Arguments for `gymnasium.make` beside the recipe's.

    Raises:
        ConfigError: Lanes that do not fill their groups, or an environment without a time limit.
        UnknownName: Neither the catalogue nor gymnasium knows ``env_id``.

    Example:
        >>> import rewardwrap as rw
        >>> shortest = lambda episodes: [-len(e) for e in episodes]
        >>> venv = rw.make_grouped("CartPole-v1", shortest, group=4, n_envs=8)
        >>> venv.term_names
        ('env', 'score', 'shaped')
    """
    rule = rule_of(score, group=group, centred=centred, scaled=scaled, limit=limit)
    return make(
        env_id, rule.named("score"), n_envs=n_envs, seed=seed, gamma=gamma, catalog=catalog,
        env_kwargs=env_kwargs,
    )  # fmt: skip


def rule_of(score: Any, **fields: Any) -> Grouped:
    if not isinstance(score, Grouped):
        return Grouped(score, **fields)
    usual = {"group": 4, "centred": True, "scaled": False, "limit": "end"}
    for name, value in fields.items():
        if value not in (usual[name], getattr(score, name)):
            raise ConfigError(
                f"{name} must be said once, got {value!r} beside Grouped({name}="
                f"{getattr(score, name)!r}). Leave it out of make_grouped."
            )
    return score
