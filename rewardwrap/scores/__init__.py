"""What whole episodes are worth: one score, one file.

A *step* reward answers while the environment runs; a *score* answers when an episode, or a group of
episodes that began in the same state, is complete. It sees nothing but finished episodes.
"""

from rewardwrap.scores.adversary import Adversary
from rewardwrap.scores.agreement import Agreement
from rewardwrap.scores.choice import chosen_score
from rewardwrap.scores.concise import Concise
from rewardwrap.scores.contract import SCORES, Score, register_score, scored
from rewardwrap.scores.corrected import Corrected
from rewardwrap.scores.exemplar import Exemplar
from rewardwrap.scores.grouped import Grouped
from rewardwrap.scores.hybrid import Hybrid
from rewardwrap.scores.ladder import Ladder
from rewardwrap.scores.reasoning_pattern import Calibrated, ReasoningPattern
from rewardwrap.scores.reference_probability import ReferenceProbability, chances_of
from rewardwrap.scores.returns import Return
from rewardwrap.scores.self_reward import SelfReward
from rewardwrap.scores.set_distance import SetDistance
from rewardwrap.scores.stated_principles import StatedPrinciples
from rewardwrap.scores.transport import Transport
from rewardwrap.scores.win_rate import WinRate

__all__ = [
    "SCORES",
    "Adversary",
    "Agreement",
    "Calibrated",
    "Concise",
    "Corrected",
    "Exemplar",
    "Grouped",
    "Hybrid",
    "Ladder",
    "ReasoningPattern",
    "ReferenceProbability",
    "Return",
    "Score",
    "SelfReward",
    "SetDistance",
    "StatedPrinciples",
    "Transport",
    "WinRate",
    "chances_of",
    "chosen_score",
    "register_score",
    "scored",
]
