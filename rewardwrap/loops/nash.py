"""Play against oneself by preferences that may go in circles, and keep the mixture of all iterates."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback

from rewardwrap.core.errors import ConfigError, StackError
from rewardwrap.core.transitions import FloatArray
from rewardwrap.scores.win_rate import WinRate

JOURNAL = "journal.json"


class NashLoop(BaseCallback):
    """Pays an agent for beating its last iterate, iterate after iterate: a callback.

    Each iterate trains on ``r_t(y) = E_{y' ~ pi_t} P(y beats y')``, the batch of ``y'`` being what
    ``pi_t`` played last; then `WinRate.renew` makes its own episodes the peers. The uniform mixture of the
    iterates nears the Nash equilibrium of the preference; the last one need not: on rock, paper, scissors it
    can be beaten nearly always, while nobody beats the mixture (see the evidence).

    Args:
        score: The agent's pay: `rw.WinRate` without a pool of its own.
        every: Steps of an iterate, of all lanes together.
        folder: Where weights and journal go; None keeps them in memory.

    Attributes:
        gains: Win rate of each iterate against the one before, from the second on.
        mixture: Plays the iterates, one drawn at each episode's start; ``predict`` as an agent's.

    Raises:
        ConfigError: A score with a fixed pool, or ``every`` below 1.
        StackError: No episode was paid by the score in a whole iterate.

    Source: Rosset et al., Direct Nash optimization, 2024, arXiv 2404.03715, algorithm 1, which returns the
        uniform mixture or the best on validation; Munos et al., Nash learning from human feedback, 2023,
        arXiv 2312.00886. Deviation: iterates are policy-gradient steps of an SB3 learner.

    Example:
        >>> import rewardwrap as rw
        >>> score = rw.WinRate("model/")  # doctest: +SKIP
        >>> loop = rw.NashLoop(score, every=2048)  # doctest: +SKIP
        >>> venv = rw.make_grouped("Pendulum-v1", score, n_envs=8)  # doctest: +SKIP
        >>> PPO("MlpPolicy", venv).learn(100_000, callback=loop)  # doctest: +SKIP
        >>> action, _ = loop.mixture.predict(obs)  # doctest: +SKIP
    """

    def __init__(
        self, score: WinRate, *, every: int = 10_000, folder: str | os.PathLike[str] | None = None
    ) -> None:
        super().__init__()
        if not isinstance(score, WinRate) or not score.own:
            raise ConfigError(
                f"NashLoop: score must be rw.WinRate without a pool, got {score!r}. A fixed pool needs no "
                "loop: train on it as it is."
            )
        if type(every) is not int or every < 1:
            raise ConfigError(f"NashLoop: every must be at least 1, got {every!r}. Use 10000.")
        self.score, self.every = score, every
        self.folder = None if folder is None else Path(folder)
        self.gains: list[float] = []
        self._iterates: list[dict[str, Any]] = []
        self._next = 0

    def _on_training_start(self) -> None:
        self._next = self.num_timesteps + self.every

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        if self.num_timesteps < self._next:
            return
        self._next = self.num_timesteps + self.every
        before = self.score.version
        gain = self.score.renew()
        if self.score.version == before:
            raise StackError(
                "NashLoop: an iterate must have episodes that the score paid, got none. Train on "
                "rw.make_grouped(env_id, score), and let `every` hold whole groups of episodes."
            )
        if before:
            self.gains.append(gain)
            self.logger.record("nash/win_rate", gain)
        self.logger.record("nash/iterates", len(self._iterates) + 1)
        self._keep()

    def _keep(self) -> None:
        """The policy that played what the peers are now."""
        policy = self.model.policy
        self._iterates.append({k: v.detach().clone() for k, v in policy.state_dict().items()})
        if self.folder is None:
            return
        from safetensors.torch import save

        from rewardwrap.files import write_whole

        self.folder.mkdir(parents=True, exist_ok=True)
        number = len(list(self.folder.glob("iterate_*.safetensors")))
        weights = {k: v.contiguous() for k, v in self._iterates[-1].items()}
        write_whole(self.folder / f"iterate_{number:04}.safetensors", save(weights))
        write_whole(self.folder / JOURNAL, json.dumps({"win_rate": self.gains}))

    @property
    def mixture(self) -> Mixture:
        """Of all iterates so far."""
        return Mixture(self.model.policy, self._iterates)


class Mixture:
    """Plays one of several iterates, drawn anew at the start of each episode, all alike.

    Args:
        policy: Whose weights the iterates are.
        iterates: State dicts.
        seed: Of the draws.

    Raises:
        ConfigError: No iterate.
    """

    def __init__(self, policy: Any, iterates: Sequence[dict[str, Any]], *, seed: int = 0) -> None:
        if not iterates:
            raise ConfigError(
                "a mixture must have an iterate, got none. Train for `every` steps at least."
            )
        # as SB3 loads one: a policy that has trained cannot be copied
        parameters = policy._get_constructor_parameters()
        self.policies = [type(policy)(**parameters).to(policy.device) for _ in iterates]
        for each, weights in zip(self.policies, iterates, strict=True):
            each.load_state_dict(weights)
            each.set_training_mode(False)
        self._rng, self._chosen = np.random.default_rng(seed), np.zeros(0, np.int64)

    @classmethod
    def load(cls, folder: str | os.PathLike[str], policy: Any, *, seed: int = 0) -> Mixture:
        """The mixture that a `NashLoop` with this folder wrote.

        Raises:
            ConfigError: It wrote none.
        """
        from safetensors.torch import load

        files = sorted(Path(folder).glob("iterate_*.safetensors"))
        return cls(policy, [load(file.read_bytes()) for file in files], seed=seed)

    def predict(
        self,
        observation: Any,
        state: Any = None,
        episode_start: Any = None,
        deterministic: bool = False,
    ) -> tuple[FloatArray, Any]:
        """As an agent's ``predict``; lanes whose episode starts draw an iterate, without a word all."""
        one = self.policies[0]
        _, vectorized = one.obs_to_tensor(observation)
        lanes = len(
            next(iter(observation.values())) if isinstance(observation, dict) else observation
        )
        lanes = lanes if vectorized else 1
        starts = np.ones(lanes, bool) if episode_start is None else np.ravel(episode_start)
        if len(self._chosen) != lanes:
            self._chosen, starts = np.zeros(lanes, np.int64), np.ones(lanes, bool)
        drawn = self._rng.integers(len(self.policies), size=lanes)
        self._chosen = np.where(starts, drawn, self._chosen)
        found: Any = None
        for k in np.unique(self._chosen):
            action, _ = self.policies[k].predict(observation, deterministic=deterministic)
            if not vectorized:
                return action, state
            found = np.empty_like(action) if found is None else found
            found[self._chosen == k] = action[self._chosen == k]
        return found, state
