"""Policy smoothing: a policy that acts on noisy observations, and can be certified for it."""

from __future__ import annotations

from typing import Any, Protocol

import gymnasium
import numpy as np
import numpy.typing as npt

from rewardwrap_policies.errors import NoiseError
from rewardwrap_policies.frame_noise import FrameNoise, require_box, require_sigma


class Predicts(Protocol):
    """What a policy must be able to do; every SB3 model can."""

    observation_space: Any

    def predict(
        self,
        observation: Any,
        state: Any = None,
        episode_start: Any = None,
        deterministic: bool = False,
    ) -> tuple[Any, Any]:
        """Actions for a batch of observations."""


class SmoothedPolicy:
    """``pi(o_t + delta_t)`` with ``delta_t ~ N(0, sigma²)``, each frame noised once.

    Played, it is the policy that ``rewardwrap.evaluate.certify`` speaks of: its noise stays on when it
    is used. Train the policy with the same noise (``NoisyFrames``, ``VecNoisyFrames``): it keeps more
    return under it.

    Args:
        policy: An SB3 model, or anything with ``observation_space`` and its ``predict``.
        sigma: Standard deviation, > 0, in the unit of the observations that ``predict`` gets.
        seed: Of the noise.
        scale: Factor of sigma for each number of a frame.
        stack: Frames in an observation; then ``predict`` needs ``episode_start``, and every
            observation must be shown to it once, in order.
        axis: Where the frames lie: 0 under ``FrameStackObservation``, -1 under ``VecFrameStack``.
        padding: What starts a stack: "reset" under the former, "zero" under the latter.
        normalizer: A ``VecNormalize`` whose ``normalize_obs`` is applied after the noise; give raw
            observations then.

    Raises:
        NoiseError: As FrameNoise.

    Source: Kumar, Levine and Feizi, Policy smoothing for provably robust reinforcement learning,
    2022, arXiv:2106.11420.
    """

    def __init__(
        self,
        policy: Predicts,
        sigma: float,
        *,
        seed: int = 0,
        scale: npt.ArrayLike | None = None,
        stack: int = 1,
        axis: int = 0,
        padding: str = "reset",
        normalizer: Any = None,
    ) -> None:
        self.policy, self.sigma = policy, require_sigma(sigma)
        self.observation_space: gymnasium.spaces.Box = require_box(policy.observation_space)
        self._rng = np.random.default_rng(seed)
        self._options: dict[str, Any] = {
            "scale": scale, "stack": stack, "axis": axis, "padding": padding,
        }  # fmt: skip
        self._noise = self._fresh(1)
        self._begun = False
        self._normalizer = normalizer

    def predict(
        self,
        observation: npt.NDArray[Any],
        state: Any = None,
        episode_start: npt.NDArray[np.bool_] | None = None,
        deterministic: bool = True,
    ) -> tuple[Any, Any]:
        """Actions for clean observations, (B, ...) or one lane's; as in SB3.

        Raises:
            NoiseError: Under a frame stack, episodes whose start is not told.
        """
        obs = np.asarray(observation)
        single = obs.shape == self.observation_space.shape
        batch = obs[None] if single else obs
        self._advance(len(batch), episode_start)
        noisy = self._noise.on(batch)
        if self._normalizer is not None:
            noisy = self._normalizer.normalize_obs(noisy)
        return self.policy.predict(
            noisy[0] if single else noisy, state, episode_start, deterministic=deterministic
        )

    def _advance(self, lanes: int, episode_start: npt.NDArray[np.bool_] | None) -> None:
        starts = np.zeros(lanes, dtype=bool)
        if episode_start is not None:
            starts = np.broadcast_to(np.asarray(episode_start, dtype=bool), (lanes,))
        if lanes != self._noise.lanes:
            self._noise, self._begun = self._fresh(lanes), False
        if self._noise.stack > 1 and not (self._begun or starts.all()):
            raise NoiseError(
                f"episode_start must be true in all {lanes} lanes at first where frames are stacked, "
                f"got {None if episode_start is None else starts.tolist()}. Pass it as SB3's "
                "evaluate_policy does: a frame keeps its noise only if its episode is known."
            )
        self._begun = True
        self._noise.move()
        if starts.any():
            self._noise.start(starts)

    def _fresh(self, lanes: int) -> FrameNoise:
        return FrameNoise(
            self.observation_space, self.sigma, self._rng, lanes=lanes, **self._options
        )
