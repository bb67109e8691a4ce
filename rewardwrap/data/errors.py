"""The error of data that do not form episodes, fragments or labels."""

from __future__ import annotations

from rewardwrap.core.errors import RewardwrapError


class DataError(RewardwrapError, ValueError):
    """Data that do not hold what they must, or a file that does not hold data."""
