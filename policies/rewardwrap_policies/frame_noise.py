"""Gaussian noise that a frame keeps for as long as it stays in a frame stack."""

from __future__ import annotations

from typing import Any, TypeAlias

import gymnasium
import numpy as np
import numpy.typing as npt

from rewardwrap_policies.errors import NoiseError

FloatArray: TypeAlias = npt.NDArray[np.float64]
PADDINGS = ("reset", "zero")


class FrameNoise:
    """Noise of B lanes: one draw per frame, moving through the stack together with its frame.

    A stack of k frames that is noised anew at every step shows the policy k draws of each frame;
    their mean has variance sigma² / k, and a certificate for sigma would promise sqrt(k) times the
    budget that it can keep. So the draw of a frame is kept and shifted as the frame is.

    Args:
        space: Of one lane's observation: ``Box``, frames along ``axis`` if there is a stack.
        sigma: Standard deviation, > 0, in the unit of the observation.
        rng: Where the draws come from.
        lanes: B.
        scale: Factor of sigma for each number of a frame (broadcast to its shape); budgets are then
            measured in observations divided by it.
        stack: Frames in one observation, k.
        axis: Where they lie: 0 under ``FrameStackObservation``, -1 under ``VecFrameStack``.
        padding: What an episode's first stack is filled with: ``"reset"`` repeats its first frame
            (and therefore that frame's draw); ``"zero"`` are no frames, and get no noise.

    Raises:
        NoiseError: Not a ``Box``, sigma or scale not above 0, a stack that does not divide the axis.

    Source: Kumar, Levine and Feizi, Policy smoothing for provably robust reinforcement learning,
    2022, arXiv:2106.11420.
    """

    def __init__(
        self,
        space: gymnasium.Space[Any],
        sigma: float,
        rng: np.random.Generator,
        *,
        lanes: int = 1,
        scale: npt.ArrayLike | None = None,
        stack: int = 1,
        axis: int = 0,
        padding: str = "reset",
    ) -> None:
        self.space, self.rng = require_box(space), rng
        self.sigma = require_sigma(sigma)
        self.lanes, self.stack, self.padding = lanes, stack, padding
        if padding not in PADDINGS:
            raise NoiseError(
                f"padding must be one of {PADDINGS}, got {padding!r}. Use the stack's."
            )
        shape = self.space.shape
        length = shape[axis] if shape else 1
        if stack < 1 or length % stack:
            raise NoiseError(
                f"stack must divide axis {axis} of observations {shape}, got {stack}. "
                "Give the number of frames and the axis they lie along."
            )
        self._axis = axis % max(len(shape), 1) + 1
        self._frame = length // stack
        self._spread = self.sigma * self._frame_scale(scale)
        self._noise = np.zeros((lanes, *shape))

    @property
    def noise(self) -> FloatArray:
        """What is on the observation now, (B, ...)."""
        return self._noise

    def start(self, lanes: npt.NDArray[np.bool_]) -> None:
        """Begin an episode in these lanes, (B,) bool: a draw for its first frame."""
        if self.stack == 1:
            self._noise = np.where(self._per_lane(lanes), self._draw(), self._noise)
            return
        fresh = np.zeros_like(self._noise)
        draw = self._draw()
        if self.padding == "reset":
            fresh = np.concatenate([draw] * self.stack, axis=self._axis)
        else:
            fresh[self._last()] = draw
        self._noise = np.where(self._per_lane(lanes), fresh, self._noise)

    def move(self) -> None:
        """Next frame in all lanes: the others keep their draws, the oldest leaves."""
        if self.stack > 1:
            self._noise = np.roll(self._noise, -self._frame, axis=self._axis)
        self._noise[self._last()] = self._draw()

    def on(self, obs: npt.NDArray[Any], lane: int | None = None) -> npt.NDArray[Any]:
        """The observations, (B, ...) or one lane's, with their noise, in their own dtype.

        Whole numbers are rounded and clipped to the space afterwards, which is part of the policy:
        what is done to a noisy observation costs no budget.
        """
        noisy = obs + (self._noise if lane is None else self._noise[lane])
        if np.issubdtype(obs.dtype, np.floating):
            return noisy.astype(obs.dtype)
        return np.clip(np.rint(noisy), self.space.low, self.space.high).astype(obs.dtype)

    def _draw(self) -> FloatArray:
        shape = list(self._noise.shape)
        shape[min(self._axis, len(shape) - 1)] = self._frame if len(shape) > 1 else self.lanes
        return self.rng.normal(size=shape) * self._spread

    def _last(self) -> tuple[slice, ...]:
        if self._noise.ndim == 1:
            return (slice(None),)
        return (*(slice(None),) * self._axis, slice(-self._frame, None))

    def _per_lane(self, lanes: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        return lanes.reshape((-1, *(1,) * (self._noise.ndim - 1)))

    def _frame_scale(self, scale: npt.ArrayLike | None) -> FloatArray:
        if scale is None or np.size(scale) == 0:
            return np.ones(1)
        found = np.asarray(scale, dtype=np.float64)
        if not (np.isfinite(found) & (found > 0)).all():
            raise NoiseError(
                f"scale must be above 0 and finite, got {found.tolist()}. "
                "Give a typical size of each number of an observation."
            )
        frame = list(self.space.shape)
        if frame:
            frame[self._axis - 1] = self._frame
        try:
            return np.broadcast_to(found, frame)
        except ValueError as error:
            raise NoiseError(
                f"scale must fit a frame, {tuple(frame)}, got shape {found.shape}. "
                "Give one number for each number of an observation."
            ) from error


def require_sigma(sigma: float) -> float:
    """Sigma, if it is a finite number above 0.

    Raises:
        NoiseError: It is not.
    """
    if not (np.isfinite(sigma) and sigma > 0):
        raise NoiseError(
            f"sigma must be above 0, got {sigma:g}. It is in the unit of the observation, e.g. 0.2."
        )
    return float(sigma)


def require_box(space: gymnasium.Space[Any]) -> gymnasium.spaces.Box:
    """The space, if Gaussian noise can be put on it.

    Raises:
        NoiseError: It is not a Box of numbers.
    """
    if not isinstance(space, gymnasium.spaces.Box):
        raise NoiseError(
            f"observations must be a Box to carry Gaussian noise, got {space}. "
            "Flatten them to numbers first."
        )
    return space


def widened(space: gymnasium.spaces.Box) -> gymnasium.spaces.Box:
    """The space of noisy observations: no bounds for floats, the same for whole numbers."""
    if not np.issubdtype(space.dtype, np.floating):
        return space
    return gymnasium.spaces.Box(-np.inf, np.inf, space.shape, space.dtype)
