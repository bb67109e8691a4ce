"""What whole episodes are worth: one score, one file.

A *step* reward answers while the environment runs; a *score* answers when an episode, or a group of
episodes that began in the same state, is complete. It sees nothing but finished episodes.
"""

from rewardwrap.scores.choice import chosen_score
from rewardwrap.scores.concise import Concise
from rewardwrap.scores.contract import SCORES, Score, register_score, scored
from rewardwrap.scores.corrected import Corrected
from rewardwrap.scores.exemplar import Exemplar
from rewardwrap.scores.grouped import Grouped
from rewardwrap.scores.returns import Return
from rewardwrap.scores.self_reward import SelfReward
from rewardwrap.scores.set_distance import SetDistance

__all__ = [
    "SCORES",
    "Concise",
    "Corrected",
    "Exemplar",
    "Grouped",
    "Return",
    "Score",
    "SelfReward",
    "SetDistance",
    "chosen_score",
    "register_score",
    "scored",
]
