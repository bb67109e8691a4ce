"""For tests, yours and ours: the contract of every reward, and environments with known answers."""

from rewardwrap.testing.contract import check_reward
from rewardwrap.testing.examples import examples
from rewardwrap.testing.tapes import random_episodes
from rewardwrap.testing.toys import (
    BoxActionChain,
    Chain,
    DictChain,
    DigitChain,
    ImageChain,
    OddChain,
    ReusingChain,
    TupleChain,
)

__all__ = [
    "BoxActionChain",
    "Chain",
    "DictChain",
    "DigitChain",
    "ImageChain",
    "OddChain",
    "ReusingChain",
    "TupleChain",
    "check_reward",
    "examples",
    "random_episodes",
]
