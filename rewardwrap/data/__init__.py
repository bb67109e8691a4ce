"""Logged episodes, clips of them, and what people say about them."""

from rewardwrap.core.episode import Episode
from rewardwrap.data.contradictions import Contradictions
from rewardwrap.data.episodes import EpisodeStore
from rewardwrap.data.errors import DataError
from rewardwrap.data.fragments import Fragments, sample_fragments
from rewardwrap.data.labels import Demonstrations, Labels, logged_rewards
from rewardwrap.data.preferences import Preferences, PreferenceSplit, from_rankings
from rewardwrap.data.splits import TransitionSplit, transition_split

__all__ = [
    "Contradictions",
    "DataError",
    "Demonstrations",
    "Episode",
    "EpisodeStore",
    "Fragments",
    "Labels",
    "PreferenceSplit",
    "Preferences",
    "TransitionSplit",
    "from_rankings",
    "logged_rewards",
    "sample_fragments",
    "transition_split",
]
