"""Where rewards are compared: transitions of a policy, as samples, and states to go on from."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from rewardwrap.adapters.acting import ActingAlone
from rewardwrap.adapters.offline import transitions
from rewardwrap.core import tree
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.info import ColumnInfo, Info
from rewardwrap.core.task import NO_TASK, Task
from rewardwrap.core.transitions import Transitions, take
from rewardwrap.evaluate.payment import DistanceError
from rewardwrap_policies.planner import MujocoSnapshot

Episode = Mapping[str, Any]
Policy = Callable[[Any], Any]


@dataclass(frozen=True, eq=False)
class Coverage:
    """Episodes, their transitions as one batch, and which episode each row belongs to.

    Args:
        episodes: In the form that `rw.relabel` reads.
        batch: All rows; every row counts as first, so that potentials look at ``obs``.
        episode: ``(rows,)`` number of the episode.
        states: Snapshots before each row and after each episode's last, where they were taken.
        simulator: What the snapshots belong to.
    """

    episodes: list[Episode]
    batch: Transitions
    episode: NDArray[np.int64]
    states: list[Any] = field(default_factory=list)
    simulator: Simulator | None = None

    @property
    def rows(self) -> int:
        """Number of transitions."""
        return self.batch.lanes

    def draw(self, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """``count`` different rows at random, or all of them in order if there are no more."""
        if count >= self.rows:
            return np.arange(self.rows)
        return rng.choice(self.rows, count, replace=False)

    def successor_state(self, row: int) -> Any:
        """The snapshot after a row; one more than rows is stored for each episode."""
        return self.states[row + int(self.episode[row]) + 1]

    def state(self, row: int) -> Any:
        """The snapshot before a row."""
        return self.states[row + int(self.episode[row])]


def of_episodes(episodes: Sequence[Episode], *, task: Task = NO_TASK) -> Coverage:
    """Coverage from stored episodes, in the form that `rw.relabel` reads.

    Raises:
        DistanceError: There are none.
        ConfigError: A column is missing or has another length.
    """
    kept = [episode for episode in episodes if len(episode.get("reward", (0,)))]
    if not kept:
        raise DistanceError("coverage must hold at least one step, got none. Record an episode.")
    parts = [transitions(episode, task=task) for episode in kept]
    lengths = [part.lanes for part in parts]
    return Coverage(kept, joined(parts), np.repeat(np.arange(len(parts)), lengths))


def joined(parts: Sequence[Transitions]) -> Transitions:
    """Batches one under the other, as unconnected rows."""

    def column(name: str) -> Any:
        return tree.map_leaves(
            lambda *leaves: np.concatenate(leaves), *(getattr(part, name) for part in parts)
        )

    terminated = np.concatenate([part.terminated for part in parts])
    return Transitions(
        obs=column("obs"),
        action=column("action"),
        next_obs=column("next_obs"),
        reward=np.concatenate([part.reward for part in parts]),
        terminated=terminated,
        truncated=np.zeros(len(terminated), bool),
        first=np.ones(len(terminated), bool),
        info=_joined_info([part.info for part in parts]),
        info_before=_joined_info([part.info_before for part in parts]),
        training=False,
        task=parts[0].task,
        ends=bool(terminated.any()),
    )


def _joined_info(infos: Sequence[Info]) -> Info:
    keys = set.intersection(*(set(info.keys()) for info in infos))
    return ColumnInfo({key: np.concatenate([info[key] for info in infos]) for key in sorted(keys)})


def never_ending(batch: Transitions) -> Transitions:
    """The same rows as if no episode ended."""
    made = take(batch, slice(None))
    made.terminated = np.zeros(batch.lanes, bool)
    made.ends = False
    return made


def gather(
    env: gym.Env[Any, Any],
    *,
    seed: int,
    steps: int = 0,
    episodes: int = 0,
    longest: int = 10_000,
    policy: Any = None,
    task: Task = NO_TASK,
    snapshots: bool = False,
) -> Coverage:
    """Play whole episodes until there are enough steps and enough of them.

    Args:
        env: Any gymnasium environment.
        seed: Of the first reset and of the action space.
        steps: At least this many steps.
        episodes: At least this many episodes.
        longest: Cut an episode after this many steps, for environments without a time limit.
        policy: None for uniform actions, a function of one observation, or a model with ``predict``.
        task: Named fields and the discount.
        snapshots: Whether to remember the simulator's state around every row.
    """
    act = _actor(env, policy, seed)
    simulator = Simulator(env) if snapshots else None
    found: list[Episode] = []
    states: list[Any] = []
    total = 0
    while total < steps or len(found) < episodes:
        episode, seen = _play(env, act, None if found else seed, longest, simulator)
        found.append(episode)
        states += seen
        total += len(episode["reward"])
    made = of_episodes(found, task=task)
    return Coverage(made.episodes, made.batch, made.episode, states, simulator)


def _actor(env: gym.Env[Any, Any], policy: Any, seed: int) -> Policy:
    if policy is None:
        env.action_space.seed(seed)
        return lambda obs: env.action_space.sample()
    if hasattr(policy, "predict"):
        return ActingAlone(policy, env, deterministic=False)
    if not callable(policy):
        raise ConfigError(
            "policy must be a function of an observation or a model with predict, "
            f"got {type(policy).__name__}. Leave it out for uniform actions."
        )
    function: Policy = policy
    return function


def _play(
    env: gym.Env[Any, Any],
    act: Policy,
    seed: int | None,
    longest: int,
    simulator: Simulator | None,
) -> tuple[Episode, list[Any]]:
    obs, info = env.reset(seed=seed)
    if isinstance(act, ActingAlone):
        act.begin()
    observed, infos = [tree.copy(obs) if tree_like(obs) else obs], [dict(info)]
    actions: list[Any] = []
    paid: list[float] = []
    states = [] if simulator is None else [simulator.save()]
    terminated = truncated = False
    while not (terminated or truncated) and len(paid) < longest:
        action = act(obs)
        obs, reward, terminated, truncated, info = env.step(action)
        observed.append(tree.copy(obs) if tree_like(obs) else obs)
        infos.append(dict(info))
        actions.append(action)
        paid.append(float(reward))
        if simulator is not None:
            states.append(simulator.save())
    over = np.zeros(len(paid), bool)
    ended, cut = over.copy(), over.copy()
    ended[-1], cut[-1] = terminated, not terminated
    episode = {
        "obs": tree.stack(observed),
        "action": tree.stack(actions),
        "reward": np.array(paid),
        "terminated": ended,
        "truncated": cut,
        "info": _columns(infos),
    }
    return episode, states


def tree_like(obs: Any) -> bool:
    """Whether an observation may share memory with the next one."""
    return isinstance(obs, np.ndarray | dict | tuple | list)


def _columns(infos: list[dict[str, Any]]) -> dict[str, Any]:
    """Numeric keys that every step reports; with reset's value first where reset reports it too."""
    found = {}
    for key, value in infos[-1].items():
        from_reset = key in infos[0] and np.shape(infos[0][key]) == np.shape(value)
        source = infos if from_reset else infos[1:]
        alike = all(key in info and np.shape(info[key]) == np.shape(value) for info in source)
        if alike and np.asarray(value).dtype.kind in "fiub":
            found[key] = np.array([info[key] for info in source])
    return found


class Simulator:
    """Go back to an earlier state of an environment and take another step from it.

    MuJoCo's state is read and written by MuJoCo itself; anything else is copied whole.

    Raises:
        DistanceError: The environment cannot be copied.
    """

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        self._env = env
        inner = env.unwrapped
        simulated = hasattr(inner, "model") and hasattr(inner, "data")
        self._snapshot = MujocoSnapshot(env) if simulated else None

    def save(self) -> Any:
        """The state of the environment."""
        if self._snapshot is not None:
            return self._snapshot.take()
        try:
            return copy.deepcopy(self._env)
        except (TypeError, NotImplementedError, RuntimeError) as error:
            raise DistanceError(
                f"env must be one that can be copied for DARD, got {self._env} ({error}). "
                'Use metric="epic" or metric="npec", which need no simulator.'
            ) from error

    def step(self, state: Any, action: Any) -> tuple[Any, float, bool]:
        """Observation, reward and termination one step after ``state``."""
        if self._snapshot is not None:
            self._snapshot.restore(state)
            env = self._env
        else:
            env = copy.deepcopy(state)
        obs, reward, terminated, _, _ = env.step(action)
        kept = tree.copy(obs) if tree_like(obs) else obs
        return kept, float(reward), bool(terminated)
