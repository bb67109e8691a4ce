"""The names under which tables keep what a step holds: known ones, or a known one with a number.

| role | names; each alone, or numbered as ``obs_0``, ``obs.0``, ``obs0``, ``obs[0]`` |
|---|---|
| obs | obs, observation(s), state(s), observation.state |
| action | action(s), act(s) |
| next_obs | next_obs, obs_next, next_observation(s), next_state(s), state_next, new_obs ... |
| reward | reward(s), rew(s), next.reward |

``obs/position`` is an entry of an observation that is a dict. Nothing is chosen by the beginning of its
name: ``obs_next_0`` begins as an observation does and is the successor. A column that only resembles a
known one is asked about.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

OBS = ("obs", "observation", "observations", "state", "states", "observation.state")
ACTION = ("action", "actions", "act", "acts")
NEXT_OBS = (
    *("next_obs", "next_observation", "next_observations", "next_state", "next_states"),
    *("obs_next", "observation_next", "observations_next", "state_next", "states_next"),
    *("new_obs", "next.observation.state", "next_observation.state"),
)
REWARD = ("reward", "rewards", "rew", "rews", "next.reward")
EPISODE = (
    *("episode", "episode_id", "episode_index", "episode_number"),
    *("traj_id", "trajectory_id", "trajectory"),
)
RUN = (
    *("env", "env_id", "env_index", "env_idx", "lane", "worker", "worker_id", "rank", "actor"),
    *("run", "run_id", "seed", "robot", "machine"),
)
"""What tells runs apart whose episodes carry the same ids."""
ORDER = ("step", "frame_index", "step_index", "timestep", "time_step", "t", "timestamp", "time")
PERHAPS_ORDER = frozenset(
    {"index", "idx", "frame", "frames", "tick", "ticks", "ts", "seq", "sequence", "row", "row_id", "counter",
     "steps", "step_id", "step_idx", "step_number", "env_step", "time_index", "time_s", "time_ms", "datetime",
     "date", "elapsed", "clock", "unix_time", "epoch_time", "time_ns", "time_us", "stamp"}
)  # fmt: skip
"""Names that may count steps: asked about where they do not rise inside episodes."""
DONE = ("done", "dones", "next.done")

_FLAGS = (
    *("terminated", "terminal", "terminals", "termination", "terminations"),
    *("truncated", "timeout", "timeouts", "truncation", "truncations"),
    *("is_first", "is_last", "is_terminal"),
)
_SEEN = frozenset({"obs", "observation", "observations", "state", "states", "nextobs", "newobs"})
_DONE_BY = frozenset({"action", "actions", "act", "acts"})
_AFTER = frozenset({"next", "new", "final", "terminal"})
_BEFORE = frozenset({"prev", "previous", "last", "old"})


def numbered(word: str, names: Iterable[str]) -> list[str]:
    """The columns ``word_<number>``, by number.

    Example:
        >>> numbered("obs", ["obs_10", "obs_2", "obs_next_0", "obs_x"])
        ['obs_2', 'obs_10']
    """
    form = re.compile(rf"{re.escape(word)}(?:[_.]?(\d+)|\[(\d+)\])")
    found = [(int(m[1] or m[2]), name) for name in names if (m := form.fullmatch(name))]
    return [name for _, name in sorted(found)]


def candidates(words: tuple[str, ...], names: Iterable[str]) -> list[list[str]]:
    """Every choice that the known names allow: one, where nothing has to be asked."""
    listed = list(names)
    alone = [[word] for word in words if word in listed]
    nested = [[name for name in listed if name.startswith(f"{word}/")] for word in words]
    return alone + [f for word in words if (f := numbered(word, listed))] + [f for f in nested if f]


def without_capitals(names: Iterable[str], said: Iterable[str]) -> dict[str, str]:
    """Known names in another spelling -> the known one: ``Reward``, ``Obs_0``, ``TERMINATED``.

    Args:
        names: Of the columns.
        said: What the user named, which stays as it is.

    Example:
        >>> without_capitals(["Episode", "Obs_0", "T_motor", "reward", "Reward"], [])
        {'Episode': 'episode', 'Obs_0': 'obs_0'}
    """
    listed, kept = list(names), set(said)
    lower = [name.lower() for name in listed]
    known = {*OBS, *ACTION, *NEXT_OBS, *REWARD, *EPISODE, *RUN, *ORDER, *DONE, *_FLAGS}
    words = (*OBS, *ACTION, *NEXT_OBS)
    return {
        name: low
        for name, low in zip(listed, lower, strict=True)
        if name != low and name not in kept and lower.count(low) == 1
        and (low in known or any(numbered(word, [low]) for word in words))
    }  # fmt: skip


def resembles(name: str) -> str | None:
    """``"obs"``, ``"action"`` or ``"next-obs"`` where a name that is not known looks like one.

    ``prev_obs_0`` is asked about too: beside it, ``obs_0`` is what came after the step.

    Example:
        >>> resembles("obs_mean"), resembles("next_torso_state"), resembles("prev_obs_0"), resembles("speed")
        ('obs', 'next-obs', 'obs', None)
    """
    words = [word.rstrip("0123456789") for word in re.split(r"[^a-z0-9]+", name.lower())]
    words = [word for word in words if word]
    if not words:
        return None
    if _SEEN & set(words) and (_AFTER & set(words) or words[0] in ("nextobs", "newobs")):
        return "next-obs"
    if words[0] in _SEEN or (_SEEN & set(words) and _BEFORE & set(words)):
        return "obs"
    return "action" if words[0] in _DONE_BY else None
