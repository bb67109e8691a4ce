"""Credit for the steps of an episode of which only the return is known.

``rhat`` is fitted so that its mean over an episode is the return divided by the length:

    RD    (mean_t rhat_t - R / T)^2
    RRD   (mean_K rhat_k - R / T)^2                          K steps drawn without replacement
    unbiased RRD: RRD - Var_K(rhat) / K * (1 - K / T)        Var with ddof 1

Plain RRD has an additional pull towards equal rewards (its expectation is RD plus the variance of the
draw), which shrinks independent step rewards by about K / T; here the unbiased form is the default.

Source: Ren et al., "Learning Long-Term Reward Redistribution via Randomized Return Decomposition",
2021, arXiv 2111.13485, eq. 6 and its unbiased variant; LaRe, 2024, arXiv 2412.11120, for the factors.
Deviation: unbiased by default; the decoder is refitted after each rollout instead of each step.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, cast

import numpy as np
import torch
from stable_baselines3.common.callbacks import BaseCallback
from torch import Tensor, nn

from rewardwrap.adapters.acting import require_steps
from rewardwrap.adapters.sb3 import RewardVecEnv
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.reward import TRUE
from rewardwrap.rewards.decoded import Decoded

FloatArray = np.ndarray[Any, np.dtype[np.float64]]


def decomposition_loss(
    predicted: Tensor, mean_reward: Tensor, lengths: Tensor, *, unbiased: bool = True
) -> Tensor:
    """The loss of each episode.

    Args:
        predicted: rhat of the K drawn steps of each episode, ``(E, K)``.
        mean_reward: ``R / T``, ``(E,)``.
        lengths: ``T``, ``(E,)``, each at least K.
        unbiased: Whether to take the variance of the draw off.

    Returns:
        ``(E,)``; the unbiased form may be negative.
    """
    drawn = predicted.shape[1]
    loss = (predicted.mean(dim=1) - mean_reward).square()
    if not unbiased or drawn < 2:
        return loss
    return loss - predicted.var(dim=1, unbiased=True) / drawn * (1.0 - drawn / lengths)


@dataclass
class Episodes:
    """The most recent episodes: factors of each step and the return.

    Args:
        most: How many are kept.
    """

    most: int
    factors: deque[FloatArray] = field(init=False)
    returns: deque[float] = field(init=False)

    def __post_init__(self) -> None:
        self.factors = deque(maxlen=self.most)
        self.returns = deque(maxlen=self.most)

    def add(self, factors: FloatArray, true_return: float) -> None:
        """One finished episode, ``(T, k)``."""
        self.factors.append(factors)
        self.returns.append(true_return)

    def draw(
        self, rng: np.random.Generator, episodes: int, steps: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Steps without replacement from some episodes: ``(E, K, k)``, ``R / T``, ``T``.

        K is the same for all, at most the length of the shortest one that was drawn.
        """
        chosen = rng.integers(len(self.returns), size=episodes)
        lengths = np.array([len(self.factors[i]) for i in chosen])
        count = min(steps, int(lengths.min()))
        rows = [self.factors[i][rng.permutation(len(self.factors[i]))[:count]] for i in chosen]
        mean_reward = np.array([self.returns[i] for i in chosen]) / lengths
        return (
            torch.as_tensor(np.array(rows), dtype=torch.float32),
            torch.as_tensor(mean_reward, dtype=torch.float32),
            torch.as_tensor(lengths, dtype=torch.float32),
        )


class Decoder:
    """The network behind `Decoded`, for training.

    Args:
        factors: How many it reads.
        hidden: Sizes of the hidden layers.
        lr: Of Adam.
        seed: Of the first weights and of the draws.
    """

    def __init__(self, factors: int, hidden: Sequence[int], *, lr: float, seed: int) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            sizes = [factors, *hidden, 1]
            layers: list[nn.Module] = []
            for before, after in pairwise(sizes):
                layers += [nn.Linear(before, after), nn.ReLU()]
            self.net = nn.Sequential(*layers[:-1])
        self._adam = torch.optim.Adam(self.net.parameters(), lr=lr)
        self._rng = np.random.default_rng(seed)
        self.mean, self.sd = np.zeros(factors), np.ones(factors)

    def fit(
        self, episodes: Episodes, *, updates: int, batch: int, steps: int, unbiased: bool
    ) -> float:
        """Some updates on what is kept; returns the mean loss."""
        rows = np.concatenate(list(episodes.factors))
        self.mean, self.sd = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-6)
        mean, sd = (torch.as_tensor(a, dtype=torch.float32) for a in (self.mean, self.sd))
        losses = []
        for _ in range(updates):
            factors, mean_reward, lengths = episodes.draw(self._rng, batch, steps)
            predicted = self.net((factors - mean) / sd)[..., 0]
            loss = decomposition_loss(predicted, mean_reward, lengths, unbiased=unbiased).mean()
            self._adam.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._adam.step()
            losses.append(loss.item())
        return float(np.mean(losses))

    def arrays(self) -> dict[str, FloatArray]:
        """What `Decoded.load_state_arrays` takes."""
        made = {"mean": self.mean, "sd": self.sd}
        for index, layer in enumerate(m for m in self.net if isinstance(m, nn.Linear)):
            made[f"weight{index}"] = layer.weight.detach().numpy().T.astype(np.float64)
            made[f"bias{index}"] = layer.bias.detach().numpy().astype(np.float64)
        return made


class ReturnDecomposition(BaseCallback):
    """Teaches a `Decoded` reward between rollouts, from the true returns of finished episodes.

    Off-policy learners keep what they were paid in their buffer; refit seldom there, or relabel.

    Args:
        episodes: Most recent episodes that are kept.
        updates: Of the decoder after each rollout.
        batch: Episodes in an update.
        steps: K, steps drawn from each episode.
        lr: Of Adam.
        unbiased: See the module.
        every: Rollouts between two fits.
        seed: Of weights and draws.

    Raises:
        ConfigError: The learner's environment pays no `Decoded` reward.

    Example:
        >>> import rewardwrap as rw
        >>> from stable_baselines3 import PPO
        >>> speed = rw.Field("cart_velocity").named("speed")
        >>> venv = rw.make("CartPole-v1", rw.Decoded(speed), n_envs=2)
        >>> model = PPO("MlpPolicy", venv, n_steps=32, batch_size=32)
        >>> _ = model.learn(128, callback=ReturnDecomposition(updates=2))
    """

    def __init__(
        self,
        *,
        episodes: int = 256,
        updates: int = 100,
        batch: int = 16,
        steps: int = 64,
        lr: float = 1e-3,
        unbiased: bool = True,
        every: int = 1,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self._kept, self._lr, self._seed = Episodes(episodes), lr, seed
        self._options = {"updates": updates, "batch": batch, "steps": steps, "unbiased": unbiased}
        self._every, self._rollouts = every, 0

    def _on_training_start(self) -> None:
        require_steps(self.model, "ReturnDecomposition")
        self._host = _host(self.training_env)
        self._reward = _decoded(self._host)
        names = self._host.term_names
        self._columns = [names.index(name) for name in self._reward.factors]
        self._true = names.index(TRUE)
        self._rows: list[list[Any]] = [[] for _ in range(self._host.num_envs)]
        self._sums = np.zeros(self._host.num_envs)
        self._decoder = Decoder(
            len(self._columns), self._reward.hidden, lr=self._lr, seed=self._seed
        )

    def _on_step(self) -> bool:
        terms = self._host.reward_terms
        self._sums += terms[:, self._true]
        factors = terms[:, self._columns]
        for lane, rows in enumerate(self._rows):
            rows.append(factors[lane])
        for lane in map(int, np.flatnonzero(self.locals["dones"])):
            self._kept.add(np.array(self._rows[lane]), float(self._sums[lane]))
            self._rows[lane] = []
            self._sums[lane] = 0.0
        return True

    def _on_rollout_end(self) -> None:
        self._rollouts += 1
        if not self._kept.returns or self._rollouts % self._every:
            return
        loss = self._decoder.fit(self._kept, **self._options)  # type: ignore[arg-type]
        self._reward.load_state_arrays(self._decoder.arrays())
        self.logger.record("reward/decomposition_loss", loss)
        self.logger.record("reward/decomposition_episodes", len(self._kept.returns))


def _host(venv: Any) -> RewardVecEnv:
    layer = venv
    while layer is not None and not isinstance(layer, RewardVecEnv):
        layer = getattr(layer, "venv", None)
    if layer is None:
        raise ConfigError(
            "ReturnDecomposition: the learner's environment must be one of rw.make or rw.wrap, got "
            f"{type(venv).__name__}. Wrap it with rw.Decoded(...)."
        )
    return layer


def _decoded(host: RewardVecEnv) -> Decoded:
    found = [node for node in host.reward.walk() if node.tag == Decoded.tag]
    if len(found) != 1:
        raise ConfigError(
            f"ReturnDecomposition: the reward must hold one rw.Decoded, got {len(found)}. "
            "Wrap the environment with rw.Decoded(factors)."
        )
    return cast(Decoded, found[0])
