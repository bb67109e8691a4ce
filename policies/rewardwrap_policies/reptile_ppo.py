"""PPO that begins with Reptile on other tasks, an algorithm like the others: ``--algo reptile``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stable_baselines3 import PPO

from rewardwrap_policies.errors import PresetError
from rewardwrap_policies.reptile import reptile


class Reptile(PPO):
    """The first ``share`` of the steps go to `reptile` on other tasks, the rest to plain PPO on its own.

    All steps count, so that ``rewardwrap compare ENV --algo reptile`` is given as many as ``--algo ppo``. The
    tasks differ from the environment in one argument: ``-params 'tasks:{level: [2, 3]}'``. Who builds the
    agent makes their lanes: ``rewardwrap train`` and ``compare`` do. Picked up again within a round, it goes
    on with the next one.

    Args:
        policy: As of PPO.
        env: As of PPO.
        tasks: Name of an argument of the environment -> its values, two at least.
        share: Of all steps, in (0, 1).
        inner: Steps of a round; PPO takes whole rollouts.
        epsilon: First and last share of the way, in [0, 1]; ``(1, 1)`` is plain training on all tasks.
        options: Of PPO.

    Raises:
        PresetError: No tasks, or a share of none or of all.

    Source: As of `reptile`: Nichol et al., 2018, arXiv 1803.02999; on Mario 2023, arXiv 2305.09655.
    """

    def __init__(
        self,
        policy: Any,
        env: Any,
        tasks: Mapping[str, Sequence[Any]] | None = None,
        share: float = 0.5,
        inner: int = 2048,
        epsilon: tuple[float, float] = (1.0, 0.0),
        **options: Any,
    ) -> None:
        values = next(iter(tasks.values()), ()) if isinstance(tasks, Mapping) else ()
        if not isinstance(tasks, Mapping) or len(tasks) != 1 or not _several(values):
            raise PresetError(
                "reptile: tasks must name one argument of the environment and two values at least, got "
                f"{tasks!r}. Write -params 'tasks:{{level: [2, 3]}}'."
            )
        if not 0.0 < share < 1.0:
            raise PresetError(f"reptile: share must lie between 0 and 1, got {share}. Use 0.5.")
        (name,) = tasks
        self.other_tasks = [{name: value} for value in values]
        self.others: list[Any] = []
        self.tasks, self.share, self.inner, self.epsilon = tasks, share, inner, tuple(epsilon)
        self._at_it = False
        super().__init__(policy, env, **options)

    def learn(
        self,
        total_timesteps: int,
        callback: Any = None,
        log_interval: int = 1,
        tb_log_name: str = "Reptile",
        reset_num_timesteps: bool = True,
        progress_bar: bool = False,
    ) -> Reptile:
        """Rounds on the other tasks, then the rest of the steps on its own."""
        steps = total_timesteps
        if not self._at_it and self.others:
            began = 0 if reset_num_timesteps else self.num_timesteps
            self._elsewhere(began + total_timesteps, began, callback)
            steps, reset_num_timesteps = began + total_timesteps - self.num_timesteps, False
        super().learn(steps, callback, log_interval, tb_log_name, reset_num_timesteps, progress_bar)
        return self

    def _elsewhere(self, total: int, began: int, callback: Any) -> None:
        own, rollout = self.get_env(), self.n_steps * self.n_envs
        length = -(-self.inner // rollout) * rollout
        rounds = max(1, int(self.share * total) // length)
        done = min(rounds, -(-began // length))
        self._at_it, self.num_timesteps = True, began
        try:
            reptile(
                self, self.others, rounds=rounds, inner=length, epsilon=self.epsilon,  # type: ignore[arg-type]
                seed=self.seed or 0, callback=callback, done=done,
            )  # fmt: skip
        finally:
            self._at_it = False
            self.set_env(own)  # type: ignore[arg-type]

    def _excluded_save_params(self) -> list[str]:
        # within a round, what its rates fall by stands on the model too
        own = ["others", "_update_current_progress_remaining"]
        return [*super()._excluded_save_params(), *own]


def _several(values: Any) -> bool:
    return isinstance(values, list | tuple) and len(values) > 1
