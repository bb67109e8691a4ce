"""A planner that plays a reward at once, without training: sampling MPC on copies of the simulator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from rewardwrap_policies.errors import PoliciesError

FloatArray = npt.NDArray[np.float64]
Score = Callable[[Any, FloatArray, Any, Mapping[str, Any]], FloatArray]
"""``(obs, action, next_obs, info) -> (n,)``: rewards of n transitions at once."""


class PlannerError(PoliciesError, ValueError):
    """An environment that cannot be planned in."""


class Snapshot(Protocol):
    """Takes an environment back to where it was."""

    def take(self) -> Any:
        """The state now."""
        ...

    def restore(self, state: Any) -> None:
        """Back to a state taken before."""
        ...


class MujocoSnapshot:
    """State of a gymnasium MuJoCo environment: everything that the next step depends on."""

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        import mujoco

        self._mujoco, inner = mujoco, env.unwrapped
        self._model, self._data = inner.model, inner.data  # type: ignore[attr-defined]
        self._spec = mujoco.mjtState.mjSTATE_INTEGRATION
        self._size = mujoco.mj_stateSize(self._model, self._spec)

    def take(self) -> FloatArray:
        """Integration state: time, positions, velocities, warm start ..."""
        state = np.empty(self._size)
        self._mujoco.mj_getState(self._model, self._data, state, self._spec)
        return state

    def restore(self, state: FloatArray) -> None:
        """Set it and compute what follows from it."""
        self._mujoco.mj_setState(self._model, self._data, state, self._spec)
        # positions of bodies are read before a step, and forward spoils the warm start
        self._mujoco.mj_forward(self._model, self._data)
        self._mujoco.mj_setState(self._model, self._data, state, self._spec)


class ClassicSnapshot:
    """State of an environment that keeps it in ``state`` (CartPole, Pendulum, Acrobot, MountainCar)."""

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        self._env: Any = env.unwrapped

    def take(self) -> Any:
        """A copy."""
        return np.array(self._env.state, dtype=np.float64)

    def restore(self, state: Any) -> None:
        """A copy of the copy, since steps write into it."""
        self._env.state = state.copy()


def snapshot_of(env: gymnasium.Env[Any, Any]) -> Snapshot:
    """The snapshot that fits an environment.

    Raises:
        PlannerError: None does.
    """
    inner: Any = env.unwrapped
    if hasattr(inner, "model") and hasattr(inner, "data"):
        return MujocoSnapshot(env)
    if isinstance(getattr(inner, "state", None), np.ndarray | tuple | list):
        return ClassicSnapshot(env)
    raise PlannerError(
        f"an environment to plan in must be taken back to an earlier state, got {env}. "
        "Use a MuJoCo or classic control environment, or train an agent instead."
    )


class CEMPlanner:
    """Cross-entropy method over action sequences, replanned at every step.

    Sample sequences from a Gaussian per step, roll each out in the simulator from the present state,
    refit the Gaussian to the best ones, take the mean's first action, shift the plan by one step.

    Args:
        env: A Box-action environment that was reset; the planner steps and restores it.
        score: Rewards of transitions.
        horizon: Steps that a plan looks ahead.
        samples: Sequences in each iteration.
        elites: Best sequences that the Gaussian is refitted to.
        iterations: Refits at each step.
        gamma: Discount inside a plan, in [0, 1].
        fallen: Score of each step of a plan after it ended the episode; None: as if it had not.
        seed: Of the samples.

    Raises:
        PlannerError: Actions are not a bounded Box, or states cannot be restored.

    Source: sampling MPC as in Yu et al., "Language to Rewards", 2023, arXiv 2306.08647, who use
        MJPC's predictive sampling; Rubinstein's cross-entropy method in its place.
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        score: Score,
        *,
        horizon: int = 20,
        samples: int = 48,
        elites: int = 8,
        iterations: int = 2,
        gamma: float = 0.99,
        fallen: float | None = None,
        seed: int = 0,
    ) -> None:
        space = env.action_space
        if not isinstance(space, spaces.Box) or not np.isfinite([space.low, space.high]).all():
            raise PlannerError(
                f"actions to plan must be a bounded Box, got {space}. Train an agent instead."
            )
        self._env, self._score, self._space = env, score, space
        self._snapshot = snapshot_of(env)
        self._horizon, self._samples = horizon, samples
        self._elites, self._iterations, self._fallen = elites, iterations, fallen
        self._discounts = gamma ** np.arange(horizon)
        self._rng = np.random.default_rng(seed)
        self._middle = (space.low + space.high).astype(np.float64) / 2.0
        self._half = (space.high - space.low).astype(np.float64) / 2.0
        self.forget()

    def aim(self, score: Score) -> None:
        """Go on with the same plan for another reward."""
        self._score = score

    def forget(self) -> None:
        """Start without a plan, as after a reset."""
        self._mean = np.zeros((self._horizon, *self._half.shape))

    def act(self, obs: Any) -> npt.NDArray[np.float32]:
        """The first action of the best plan from where the environment stands."""
        present = self._snapshot.take()
        spread = np.full_like(self._mean, 0.5)
        for _ in range(self._iterations):
            noise = self._rng.standard_normal((self._samples, *self._mean.shape))
            plans = np.clip(self._mean + spread * noise, -1.0, 1.0)
            plans[0] = self._mean
            values = self._values(plans, obs, present)
            best = plans[np.argsort(values)[-self._elites :]]
            self._mean, spread = best.mean(axis=0), best.std(axis=0) + 0.05
        self._snapshot.restore(present)
        chosen = self._mean[0]
        self._mean = np.concatenate([self._mean[1:], self._mean[-1:]])
        return self._to_action(chosen)

    def _values(self, plans: FloatArray, obs: Any, present: Any) -> FloatArray:
        """Discounted score of each plan, ``(samples,)``."""
        inner = self._env.unwrapped
        shape = (self._horizon, len(plans))
        before = np.empty((*shape, *np.shape(obs)))
        after = np.empty_like(before)
        infos: list[list[Mapping[str, Any]]] = [[{}] * len(plans) for _ in range(self._horizon)]
        over = np.zeros(shape, bool)
        for index, plan in enumerate(plans):
            self._snapshot.restore(present)
            here = obs
            for step, action in enumerate(plan):
                before[step, index] = here
                here, _, terminated, _, info = inner.step(self._to_action(action))
                over[step:, index] |= bool(terminated)
                after[step, index] = here
                infos[step][index] = info
        total = np.zeros(len(plans))
        for step in range(self._horizon):
            columns = {
                name: np.array([row[name] for row in infos[step]])
                for name, value in infos[step][0].items()
                if np.isscalar(value)
            }
            actions = self._middle + self._half * plans[:, step]
            paid = self._score(before[step], actions, after[step], columns)
            if self._fallen is not None:
                paid = np.where(over[step], self._fallen, paid)
            total += self._discounts[step] * paid
        return total

    def _to_action(self, action: FloatArray) -> npt.NDArray[np.float32]:
        made: npt.NDArray[np.float32] = (self._middle + self._half * action).astype(np.float32)
        return made
