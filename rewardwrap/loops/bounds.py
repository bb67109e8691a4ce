"""Limits on rates, as they are given and checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from rewardwrap.core.config import from_config
from rewardwrap.core.errors import ConfigError, RewardValueError
from rewardwrap.core.reward import Reward
from rewardwrap.rewards.limits import is_number


class Bound(NamedTuple):
    """One rate: the event that is counted, and its limit, a share of all steps."""

    of: Reward
    limit: float

    def to_config(self) -> dict[str, Any]:
        """As a person writes it."""
        return {"of": self.of.to_config(), "limit": self.limit}


def read_bounds(given: Any, side: str) -> dict[str, Bound]:
    """``{name: (event, share)}`` as a user gives it, or ``{name: {of: .., limit: ..}}`` of a file.

    Raises:
        ConfigError: Something else, a limit outside [0, 1], or a reward that is no event.
    """
    if not isinstance(given, Mapping):
        raise ConfigError(
            f"Rates: {side} must be {{name: (event, share)}}, got {given!r}. Name the rate."
        )
    return {str(name): _bound(one, str(name)) for name, one in given.items()}


def _bound(given: Any, name: str) -> Bound:
    if isinstance(given, Mapping) and set(given) == {"of", "limit"}:
        given = (given["of"], given["limit"])
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise ConfigError(
            f"rate {name} must be an event and its share, got {given!r}. "
            'Write (rw.Field("speed") > 2, 0.1), or {of: ..., limit: 0.1} in a file.'
        )
    event, limit = from_config(given[0]), given[1]
    if not is_number(limit) or not 0.0 <= limit <= 1.0:
        raise ConfigError(
            f"rate {name} must have a limit in [0, 1], got {limit!r}. It is a share of all steps."
        )
    if not event.binary:
        raise ConfigError(
            f"rate {name} must be of an event, a reward of 0 and 1, got {event!r}. "
            "Compare it with a number: (reward > 0.5, share)."
        )
    return Bound(event, float(limit))


def refuse_contradictions(at_most: Mapping[str, Bound], at_least: Mapping[str, Bound]) -> None:
    """Refuse two names that are one, and an event that shall be rarer than it shall be frequent.

    Raises:
        ConfigError: They do.
    """
    for above, upper in at_most.items():
        for below, lower in at_least.items():
            if lower.limit > upper.limit and (above == below or _same(upper.of, lower.of)):
                raise ConfigError(
                    f"rates must leave room for each other, got {above} at most {upper.limit:g} and "
                    f"{below} at least {lower.limit:g} of one event. Swap or widen the limits."
                )
    twice = sorted(set(at_most) & set(at_least))
    if twice:
        raise ConfigError(
            f"names of rates must differ, got {', '.join(twice)} at most and at least. "
            "Each has a multiplier of its own; rename one."
        )


def _same(one: Reward, other: Reward) -> bool:
    if one is other:
        return True
    try:
        return one.to_config() == other.to_config()
    except ConfigError:
        return False


def no_event(name: str, value: float) -> RewardValueError:
    """The error for an event that paid something else than 0 or 1."""
    return RewardValueError(
        f"rate {name} must be of an event, which pays 0 or 1, got {value:g}. "
        "Compare it with a number: (reward > 0.5, share)."
    )
