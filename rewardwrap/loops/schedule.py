"""When questions are asked: a budget over rounds."""

from __future__ import annotations

import numpy as np

from rewardwrap.core.errors import ConfigError, UnknownName

SCHEDULES = {
    "constant": lambda t: np.ones_like(t),
    "hyperbolic": lambda t: 1.0 / (1.0 + t),
    "inverse-quadratic": lambda t: 1.0 / (1.0 + t**2),
}
"""Weight of a round at ``t``, the share of the rounds that went before, in [0, 1]."""


def shares(
    queries: int, rounds: int, schedule: str = "constant", *, first: float = 0.0
) -> list[int]:
    """How many questions to ask in each round; they add up to ``queries``.

    >>> shares(100, 4, "hyperbolic", first=0.4)
    [40, 28, 18, 14]

    Args:
        queries: The budget, at least 0.
        rounds: At least 1.
        schedule: A name of `SCHEDULES`.
        first: Share of the budget for the first round; the others follow the schedule. At 0 the
            first round follows it too.

    Raises:
        UnknownName: No such schedule.
        ConfigError: A number outside its range.

    Source: the schedules are those of imitation's ``preference_comparisons``.
    """
    if schedule not in SCHEDULES:
        raise UnknownName("query schedule", schedule, SCHEDULES)
    if queries < 0 or rounds < 1 or not 0.0 <= first <= 1.0:
        raise ConfigError(
            "query schedule: queries must be at least 0, rounds at least 1 and first in [0, 1], got "
            f"{queries}, {rounds} and {first}. Use e.g. 200 questions in 10 rounds, 0.2 of them first."
        )
    ahead = round(queries * first) if rounds > 1 else 0
    left, over = (rounds - 1, [ahead]) if ahead else (rounds, [])
    weights = SCHEDULES[schedule](np.linspace(0.0, 1.0, left))
    exact = (queries - ahead) * weights / weights.sum()
    whole = np.floor(exact).astype(int)
    # largest remainders; a stable sort gives the earlier round the question
    spare = queries - ahead - int(whole.sum())
    whole[np.argsort(-(exact - whole), kind="stable")[:spare]] += 1
    return over + [int(count) for count in whole]
