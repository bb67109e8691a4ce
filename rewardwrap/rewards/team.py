"""What a team shares of what its players are paid, and what their opponents are paid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY
from typing import Any

import numpy as np

from rewardwrap.core.errors import ConfigError, StackError
from rewardwrap.core.registry import register
from rewardwrap.core.reward import Reward, require_parts
from rewardwrap.core.task import Task
from rewardwrap.core.transitions import Carry, FloatArray, Transitions
from rewardwrap.rewards.filter import Filter
from rewardwrap.rewards.limits import require_number


@register("team_spirit")
class TeamSpirit(Filter):
    """``R_i' = (1 - tau) R_i + tau mean_team R - mean_opponents R``, the lanes being players of one match.

    With ``tau = 1`` all of a team are paid alike; two teams of one size are paid 0 in sum, so nobody gains by
    helping the other side; alone and with ``tau = 0`` nothing changes. Only a host says who plays with whom:
    a stable-baselines3 vector environment with an attribute ``teams``, one number a lane, such as
    ``(0, 0, 1, 1)``. Where it is shorter than the lanes, they are several matches, one after another. Lanes
    of `rw.make` are episodes of their own, and nobody's team.

    Args:
        base: What each player is paid by itself.
        tau: Team spirit, in [0, 1].

    Raises:
        ConfigError: tau outside [0, 1].
        StackError: A host without teams, or whose teams do not fill its lanes.

    Source: Moschopoulos et al., "Lucy-SKG", 2023, arXiv 2305.15801, with tau = 0.3; the share of a team goes
        back to OpenAI Five (arXiv 1912.06680).

    Example:
        >>> import rewardwrap as rw
        >>> from rewardwrap_envs.push_match import PushMatch
        >>> venv = rw.wrap(rw.PlayersVecEnv(PushMatch()), rw.TeamSpirit(rw.EnvReward(), tau=0.3))
        >>> _ = venv.reset()
        >>> float(venv.step([venv.action_space.sample()] * 4)[1].sum())
        0.0
    """

    base: Reward
    _: KW_ONLY
    tau: float = 0.3

    def __post_init__(self) -> None:
        require_parts(self, (self.base,))
        require_number(self, "tau", "0.3 is the paper's.", low=0.0, high=1.0)

    def validate(self, task: Task) -> None:
        if not task.teams:
            raise StackError(
                f"TeamSpirit must be paid where lanes are the players of one match, got lanes of "
                f"{task.name or 'an environment'} that know of no teams. Wrap a parallel environment with "
                "rw.PlayersVecEnv, or give the vector environment an attribute teams, e.g. (0, 0, 1, 1)."
            )

    def start(self, lanes: int) -> Carry:
        return ()

    def follow(
        self, own: Carry, values: Sequence[FloatArray], batch: Transitions
    ) -> tuple[Carry, FloatArray]:
        teams = batch.task.teams
        if len(values[0]) % len(teams):
            raise StackError(
                f"TeamSpirit: teams must fill the lanes, got {len(values[0])} lanes of matches of "
                f"{len(teams)}. Let the players of a match end together."
            )
        matches = values[0].reshape(-1, len(teams))
        return own, (matches @ self._shares(teams).T).ravel()

    def _shares(self, teams: tuple[int, ...]) -> FloatArray:
        """What each player (row) is paid for what each (column) earned."""
        number = np.asarray(teams)
        team = (number[:, None] == number).astype(np.float64)
        others: Any = 1.0 - team
        count = others.sum(axis=1, keepdims=True)
        shared: FloatArray = self.tau * team / team.sum(axis=1, keepdims=True)
        shared += (1.0 - self.tau) * np.eye(len(number)) - others / np.maximum(count, 1.0)
        return shared


def require_teams(teams: Any, lanes: int) -> tuple[int, ...]:
    """The team of each player of a match, as a host says it; empty where it says nothing.

    Raises:
        ConfigError: They are no whole numbers, or do not fill the lanes.
    """
    if teams is None:
        return ()
    found = tuple(teams)
    whole = all(isinstance(t, int | np.integer) and not isinstance(t, bool) for t in found)
    if not found or not whole or lanes % len(found):
        raise ConfigError(
            f"teams must be whole numbers that fill {lanes} lanes, got {teams!r}. Write e.g. (0, 0, 1, 1)."
        )
    return tuple(int(t) for t in found)
