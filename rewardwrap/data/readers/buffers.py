"""SB3's replay and rollout buffers, in memory and from files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from rewardwrap.core import tree
from rewardwrap.data.errors import DataError
from rewardwrap.data.flat import Rows
from rewardwrap.data.readers import inert
from rewardwrap.data.readers.actions import unit_of
from rewardwrap.data.readers.pickled_spaces import space_of
from rewardwrap.data.reading import Note, Options, Reading
from rewardwrap.data.rows import episodes_of

COLUMNS = ("observations", "next_observations", "actions", "rewards", "dones", "timeouts")


def read_pickle(path: Path, options: Options) -> Reading:
    """Read what ``model.save_replay_buffer`` wrote, without executing anything in it.

    Raises:
        DataError: The file is cut short or holds something else.
    """
    with path.open("rb") as file:
        found = inert.load(file, path)
    state = found.state if isinstance(found, inert.Inert) else None
    if not isinstance(state, dict) or "observations" not in state:
        kind = found.origin if isinstance(found, inert.Inert) else type(found).__name__
        raise DataError(
            f"{path} must hold a replay buffer of stable-baselines3, got {kind or 'nothing'}. "
            "Nothing in it was executed; write one with model.save_replay_buffer."
        )
    state = dict(state)
    for name in ("observation_space", "action_space"):
        state[name] = getattr(options, name) or space_of(state.get(name))
    buffer = SimpleNamespace(**{str(key): value for key, value in state.items()})
    try:
        if hasattr(buffer, "episode_starts"):
            return from_rollout_buffer(buffer, source=path.name)
        return from_replay_buffer(buffer, source=path.name, actions=options.actions)
    except DataError:
        raise
    except (AttributeError, TypeError, ValueError, IndexError, KeyError) as error:
        raise DataError(
            f"{path} must hold a whole buffer of stable-baselines3, got: {error}. "
            "Nothing in it was executed; save it again with model.save_replay_buffer."
        ) from error


def read_safetensors(path: Path, options: Options) -> Reading:
    """Read the replay buffer of a rewardwrap checkpoint; it needs the environment's spaces.

    Raises:
        DataError: The file is cut short, or no spaces are given.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        arrays = load_file(path)
    except (SafetensorError, OSError) as error:
        raise DataError(
            f"{path} must be a whole safetensors file, got: {error}. It was cut short; copy it again."
        ) from error
    if "place" not in arrays or "rewards" not in arrays:
        raise DataError(
            f"{path} must be the replay buffer of a checkpoint, got {', '.join(arrays)}. "
            "It is called replay.safetensors."
        )
    if options.action_space is None:
        raise DataError(
            f"{path} must be read with its environment, got none: actions are stored scaled to "
            "[-1, 1]. Add --env ID."
        )
    columns: dict[str, Any] = {name: _nested(name, arrays) for name in COLUMNS}
    buffer = SimpleNamespace(
        **columns,
        pos=int(arrays["place"][0]),
        full=bool(arrays["place"][1]),
        observation_space=options.observation_space,
        action_space=options.action_space,
        optimize_memory_usage=columns["next_observations"] is None,
        handle_timeout_termination=columns["timeouts"] is not None,
    )
    return from_replay_buffer(buffer, source=path.name, actions="scaled")


def _nested(name: str, arrays: Mapping[str, Any]) -> Any:
    if name in arrays:
        return arrays[name]
    inner = {k.partition(".")[2]: v for k, v in arrays.items() if k.startswith(f"{name}.")}
    return inner or None


def from_replay_buffer(
    buffer: Any, *, source: str = "replay buffer", actions: str | None = None
) -> Reading:
    """The steps of an SB3 ``ReplayBuffer``, ``DictReplayBuffer`` or HER buffer.

    Columns of several environments are taken apart, the oldest row comes first, actions are
    unscaled to the action space, and a time limit is a truncation.

    Args:
        buffer: The buffer.
        source: Name kept with the episodes.
        actions: ``"scaled"`` to [-1, 1], as SB3's learners store them; ``"executed"``, as other code
            may have filled it; None looks at their range, see `readers.actions`.

    Raises:
        DataError: Built with ``optimize_memory_usage``: terminal observations are overwritten there.
    """
    if buffer.optimize_memory_usage:
        raise DataError(
            "replay buffer must keep next observations, got optimize_memory_usage=True, which "
            "overwrites terminal ones. Train with replay_buffer_kwargs={} or use a Recorder."
        )
    full = bool(buffer.full)
    order = np.roll(np.arange(len(buffer.rewards)), -int(buffer.pos)) if full \
        else np.arange(int(buffer.pos))  # fmt: skip
    if not len(order):
        raise DataError("replay buffer must hold a step, got none. Save it after some training.")
    lanes = buffer.rewards.shape[1]
    notes = _buffer_notes(buffer, full)
    dones = _lanes(buffer.dones, order)
    timeouts = (
        _lanes(buffer.timeouts, order) if buffer.timeouts is not None else np.zeros_like(dones)
    )
    obs_space, action_space = buffer.observation_space, buffer.action_space
    rows = Rows(
        obs=_shaped(_lanes(buffer.observations, order), obs_space),
        next_obs=_shaped(_lanes(buffer.next_observations, order), obs_space),
        action=_in_units(buffer, order, actions, notes),
        reward=_lanes(buffer.rewards, order).astype(np.float64),
        terminated=(dones > 0) & ~(timeouts > 0),
        truncated=timeouts > 0,
        begins=_lane_begins(lanes, len(order)),
        source=source,
    )
    reading = episodes_of(
        rows,
        rule="after done, for each environment on its own",
        observation_space=obs_space,
        action_space=action_space,
    )
    return Reading(reading.store, reading.rule, notes + reading.notes)


def _in_units(buffer: Any, order: Any, said: str | None, notes: list[Note]) -> Any:
    """The environment's own actions, ``(N, ...)``."""
    stored, space = _lanes(buffer.actions, order), buffer.action_space
    if unit_of(stored, space, said, notes) == "executed":
        return stored.reshape(len(stored), *space.shape).astype(space.dtype)
    return unscaled(stored, space)


def _buffer_notes(buffer: Any, full: bool) -> list[Note]:
    notes = []
    if full:
        sentence = (
            "the buffer is full: the first episode of each environment may lack its beginning"
        )
        notes.append(Note("beginnings", sentence, buffer.rewards.shape[1], "note"))
    if not buffer.handle_timeout_termination:
        sentence = "the buffer does not tell time limits from ends: all ends count as terminated"
        notes.append(Note("borders", sentence))
    return notes


def from_rollout_buffer(
    buffer: Any, *, source: str = "rollout buffer", last_obs: Any = None
) -> Reading:
    """The steps of an SB3 ``RolloutBuffer`` or ``DictRolloutBuffer``.

    It keeps neither terminal observations nor why an episode ended, and SB3 has added
    ``gamma * V(terminal)`` to the reward where a clock ended it. So each episode's last successor is
    unknown, its last reward is missing and it carries no flag; a `Recorder` loses none of this.

    Args:
        buffer: After ``collect_rollouts``; being read once by the learner does no harm.
        source: Name kept with the episodes.
        last_obs: ``model._last_obs``: the observation after the last row, for one environment.

    Raises:
        DataError: The buffer is not full yet.
    """
    steps, lanes = buffer.episode_starts.shape
    if not buffer.full:
        raise DataError(
            f"rollout buffer must be full, got {buffer.pos} of {steps} steps. "
            "Read it at the end of a rollout."
        )
    order = np.arange(steps)
    # the learner's first pass lays some columns out lane by lane already
    flat = bool(getattr(buffer, "generator_ready", False))
    columns = (buffer.observations, buffer.actions)
    obs, action = columns if flat else (_lanes(column, order) for column in columns)
    begins = _lanes(buffer.episode_starts, order).astype(bool) | _lane_begins(lanes, steps)
    reward = _lanes(buffer.rewards, order).astype(np.float64)
    ends = np.append(begins[1:], True)
    inner = ends.copy()
    inner[steps - 1 :: steps] = False
    reward[inner] = np.nan
    rows = Rows(
        obs=_shaped(obs, buffer.observation_space),
        action=_executed(action, buffer.action_space),
        reward=reward,
        terminated=np.zeros(len(reward), bool),
        truncated=np.zeros(len(reward), bool),
        begins=begins,
        source=source,
        final=tree.take(last_obs, 0) if last_obs is not None and lanes == 1 else None,
    )
    reading = episodes_of(
        rows,
        rule="where the rollout buffer marks an episode's start, for each environment on its own",
        observation_space=buffer.observation_space,
        action_space=buffer.action_space,
    )
    sentence = (
        f"{int(inner.sum())} rewards at episode ends are missing: SB3 may have added the value of "
        "the terminal observation to them, and the buffer does not say where"
    )
    notes = [Note("rewards", sentence, int(inner.sum()))] if inner.any() else []
    return Reading(reading.store, reading.rule, notes + reading.notes)


def _lanes(columns: Any, order: Any) -> Any:
    """``(steps, lanes, ...)`` to ``(lanes * steps, ...)``, each lane in time."""
    return tree.map_leaves(lambda c: np.swapaxes(c[order], 0, 1).reshape(-1, *c.shape[2:]), columns)


def _lane_begins(lanes: int, steps: int) -> Any:
    begins = np.zeros(lanes * steps, bool)
    begins[::steps] = True
    return begins


def _shaped(columns: Any, space: Any) -> Any:
    """Discrete observations are stored as columns of width 1."""
    if space is None:
        return columns
    if isinstance(columns, dict):
        return {key: _shaped(column, space[key]) for key, column in columns.items()}
    return columns.reshape(len(columns), *space.shape)


def unscaled(stored: Any, space: Any) -> Any:
    """Actions of the environment from the ``[-1, 1]`` that off-policy learners store.

    ``low + (a + 1) / 2 * (high - low)`` for Box; whole numbers for the others.
    """
    from gymnasium import spaces

    if not isinstance(space, spaces.Box):
        return stored.reshape(len(stored), *space.shape).astype(space.dtype)
    column = stored.reshape(len(stored), *space.shape)
    return (space.low + 0.5 * (column + 1.0) * (space.high - space.low)).astype(space.dtype)


def _executed(stored: Any, space: Any) -> Any:
    """On-policy learners store the sampled action; the environment got it clipped."""
    from gymnasium import spaces

    column = stored.reshape(len(stored), *space.shape)
    if isinstance(space, spaces.Box):
        return np.clip(column, space.low, space.high).astype(space.dtype)
    return column.astype(space.dtype)
