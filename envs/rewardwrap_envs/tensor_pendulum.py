"""Pendulum in torch: thousands of lanes whose observations and rewards never leave their device."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.vector import AutoresetMode, VectorEnv

GRAVITY, MASS, LENGTH, STEP = 10.0, 1.0, 1.0, 0.05
FASTEST, STRONGEST = 8.0, 2.0
LIMIT = 200


class TensorPendulum(VectorEnv[torch.Tensor, torch.Tensor, torch.Tensor]):
    """The equations of ``Pendulum-v1``, a lane for each row of a tensor, as simulators on a GPU have them.

    Observation ``(n, 3)`` float32: cos, sin and angular velocity. Action ``(n, 1)`` in [-2, 2]. Reward
    ``-(angle^2 + .1 velocity^2 + .001 torque^2)``. Lanes begin at different times, end at 200 steps and start
    anew in the same step (SAME_STEP): ``info["final_obs"]``, ``(n, 3)``, is what each lane
    saw last before that.
    Nothing here waits for the device.

    Args:
        num_envs: Lanes.
        device: Of every tensor.
        limit: Steps of an episode.

    >>> env = TensorPendulum(num_envs=4)
    >>> obs, _ = env.reset(seed=0)
    >>> tuple(obs.shape)
    (4, 3)
    """

    def __init__(
        self, num_envs: int = 4096, *, device: str = "cpu", limit: int = LIMIT, **_: Any
    ) -> None:
        self.num_envs, self.device, self.limit = num_envs, torch.device(device), limit
        self.metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}
        self.spec = gymnasium.spec("Pendulum-v1")
        high = np.array([1.0, 1.0, FASTEST], np.float32)
        self.single_observation_space = gymnasium.spaces.Box(-high, high)
        self.single_action_space = gymnasium.spaces.Box(-STRONGEST, STRONGEST, (1,))
        batch = gymnasium.vector.utils.batch_space
        self.observation_space = batch(self.single_observation_space, num_envs)
        self.action_space = batch(self.single_action_space, num_envs)
        self._random = torch.Generator(self.device)

    def reset(
        self, *, seed: Any = None, options: dict[str, Any] | None = None
    ) -> tuple[torch.Tensor, dict[str, Any]]:
        """Start every lane."""
        if seed is not None:
            self._random.manual_seed(int(seed))
        self._angle, self._speed = self._drawn()
        lanes = torch.arange(self.num_envs, device=self.device)
        # not all of them end together
        self._steps = lanes * self.limit // self.num_envs
        self._never = torch.zeros(self.num_envs, dtype=torch.bool, device=self.device)
        return self._obs(), {}

    def step(
        self, actions: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, dict[str, Any]]:
        """Turn every pendulum by one step."""
        torque = actions.reshape(-1).clamp(-STRONGEST, STRONGEST)
        away = (self._angle + torch.pi).remainder(2 * torch.pi) - torch.pi
        reward = -(away.square() + 0.1 * self._speed.square() + 0.001 * torque.square())
        pull = 1.5 * GRAVITY / LENGTH * self._angle.sin() + 3.0 / (MASS * LENGTH**2) * torque
        self._speed = (self._speed + pull * STEP).clamp(-FASTEST, FASTEST)
        self._angle = self._angle + self._speed * STEP
        self._steps = self._steps + 1
        truncated = self._steps >= self.limit
        final = self._obs()
        angle, speed = self._drawn()
        self._angle = torch.where(truncated, angle, self._angle)
        self._speed = torch.where(truncated, speed, self._speed)
        self._steps = self._steps.masked_fill(truncated, 0)
        info = {"final_obs": final, "_final_obs": truncated}
        return self._obs(), reward, self._never, truncated, info

    def _drawn(self) -> tuple[torch.Tensor, torch.Tensor]:
        drawn = torch.rand((2, self.num_envs), generator=self._random, device=self.device)
        return (2.0 * drawn[0] - 1.0) * torch.pi, 2.0 * drawn[1] - 1.0

    def _obs(self) -> torch.Tensor:
        return torch.stack((self._angle.cos(), self._angle.sin(), self._speed), dim=1)
