"""What whole episodes are worth: one score, one file.

A *step* reward answers while the environment runs; a *score* answers when an episode, or a group of
episodes that began in the same state, is complete. It sees nothing but finished episodes.
"""

from rewardwrap.scores.contract import SCORES, Score, register_score, scored
from rewardwrap.scores.grouped import Grouped
from rewardwrap.scores.returns import Return

__all__ = ["SCORES", "Grouped", "Return", "Score", "register_score", "scored"]
