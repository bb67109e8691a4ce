"""Methods: one file for each. Importing this registers them all."""

from rewardwrap.rewards.advice import Advice
from rewardwrap.rewards.bamdp import Knowledge
from rewardwrap.rewards.bonus import Bonus
from rewardwrap.rewards.code import CodeReward
from rewardwrap.rewards.counts import Counts
from rewardwrap.rewards.decoded import Decoded
from rewardwrap.rewards.delay import Delay, EpisodeSum, Sparsify
from rewardwrap.rewards.delta import Delta
from rewardwrap.rewards.disagreement import Disagreement
from rewardwrap.rewards.distance import Distance, SignedDistance
from rewardwrap.rewards.dpba import DPBA
from rewardwrap.rewards.e3b import E3B
from rewardwrap.rewards.env import Constant, EnvReward, Function, function
from rewardwrap.rewards.events import Events
from rewardwrap.rewards.field import Field
from rewardwrap.rewards.filter import Filter
from rewardwrap.rewards.gate import Gate, Sticky
from rewardwrap.rewards.hop_progress import HopProgress
from rewardwrap.rewards.icm import ICM
from rewardwrap.rewards.indicator import Indicator
from rewardwrap.rewards.krc import KRC
from rewardwrap.rewards.learned import Learned
from rewardwrap.rewards.native import Native
from rewardwrap.rewards.ngu import NGU
from rewardwrap.rewards.noise import Dropout, Flip, Gaussian
from rewardwrap.rewards.normalize import Normalize
from rewardwrap.rewards.potential import Potential
from rewardwrap.rewards.principle_process import PrincipleProcess
from rewardwrap.rewards.principles import Principles
from rewardwrap.rewards.progress import Progress
from rewardwrap.rewards.pwil import PWIL
from rewardwrap.rewards.re3 import RE3
from rewardwrap.rewards.references import References
from rewardwrap.rewards.refine import Refine, refine
from rewardwrap.rewards.renorm import ReNorm
from rewardwrap.rewards.rnd import RND
from rewardwrap.rewards.route_completion import RouteCompletion
from rewardwrap.rewards.safe import Safe
from rewardwrap.rewards.schedule import Schedule
from rewardwrap.rewards.simhash import SimHash
from rewardwrap.rewards.squash import PAR, LogSigmoid, Sign, Symlog, Tanh
from rewardwrap.rewards.steps import Steps
from rewardwrap.rewards.table import Table
from rewardwrap.rewards.team import TeamSpirit
from rewardwrap.rewards.text_reward import TextReward
from rewardwrap.rewards.track import Track

__all__ = [
    "DPBA",
    "E3B",
    "ICM",
    "KRC",
    "NGU",
    "PAR",
    "PWIL",
    "RE3",
    "RND",
    "Advice",
    "Bonus",
    "CodeReward",
    "Constant",
    "Counts",
    "Decoded",
    "Delay",
    "Delta",
    "Disagreement",
    "Distance",
    "Dropout",
    "EnvReward",
    "EpisodeSum",
    "Events",
    "Field",
    "Filter",
    "Flip",
    "Function",
    "Gate",
    "Gaussian",
    "HopProgress",
    "Indicator",
    "Knowledge",
    "Learned",
    "LogSigmoid",
    "Native",
    "Normalize",
    "Potential",
    "PrincipleProcess",
    "Principles",
    "Progress",
    "ReNorm",
    "References",
    "Refine",
    "RouteCompletion",
    "Safe",
    "Schedule",
    "Sign",
    "SignedDistance",
    "SimHash",
    "Sparsify",
    "Steps",
    "Sticky",
    "Symlog",
    "Table",
    "Tanh",
    "TeamSpirit",
    "TextReward",
    "Track",
    "function",
    "refine",
]
