"""Methods: one file for each. Importing this registers them all."""

from rewardwrap.rewards.env import Constant, EnvReward, Function, function
from rewardwrap.rewards.native import Native
from rewardwrap.rewards.potential import Potential

__all__ = ["Constant", "EnvReward", "Function", "Native", "Potential", "function"]
