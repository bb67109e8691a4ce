"""What whole episodes are worth: one score, one file.

A *step* reward answers while the environment runs; a *score* answers when an episode, or a group of
episodes that began in the same state, is complete. It sees nothing but finished episodes.
"""

from rewardwrap.scores.choice import chosen_score
from rewardwrap.scores.concise import Concise
from rewardwrap.scores.contract import SCORES, Score, register_score, scored
from rewardwrap.scores.exemplar import Exemplar
from rewardwrap.scores.grouped import Grouped
from rewardwrap.scores.returns import Return
from rewardwrap.scores.set_distance import SetDistance

__all__ = [
    "SCORES",
    "Concise",
    "Exemplar",
    "Grouped",
    "Return",
    "Score",
    "SetDistance",
    "chosen_score",
    "register_score",
    "scored",
]
