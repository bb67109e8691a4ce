"""What a policy's body should know beside acting: the reward that comes, and the state it came from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.preprocessing import preprocess_obs
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.utils import obs_as_tensor

from rewardwrap.core import tree
from rewardwrap.core.errors import ConfigError, UnknownName

HEADS = ("reward", "state")
WIDEST = 1024
"""Numbers of a state that a head still reconstructs; a frame has more."""


class Auxiliary(BaseCallback):
    """Heads on the last hidden layers of actor and critic, whose losses train the body too.

    At every step of the optimiser of PPO or A2C, its clipped gradient ``g`` becomes
    ``clip(g + d/dw sum_i w_i L_i)``, on rows drawn from the rollout::

        L_reward = mean (h_r(z(s_t)) - r_t)^2        L_state = mean |h_s(z(s_t)) - s_t|^2

    Both targets are divided by their running deviation, so a head that knows nothing has a loss of about 1.
    The heads are no part of the policy: what ``model.save`` writes is a plain policy. With all weights 0
    the training is bit by bit what it is without. ``auxiliary/<head>_loss`` is logged.

    Args:
        heads: ``"reward"``, ``"state"`` or both, or the weight of each by name, at least 0; 1 if not said.
        batch: Rows drawn at each step.

    Attributes:
        losses: Of each rollout so far, by head.

    Raises:
        ConfigError: Another head, a weight below 0, another algorithm, or a state of more than 1024 numbers.

    Source: Moschopoulos et al., "Lucy-SKG", 2023, arXiv 2305.15801: reward prediction and state
        reconstruction beside PPO. Deviations: the heads read the bodies of actor and critic instead of a
        features extractor of their own, since flat observations have none and a further layer would be
        another agent; the reward is a regression on one state, where they classify its sign.

    Example:
        >>> from stable_baselines3 import PPO
        >>> model = PPO("MlpPolicy", "CartPole-v1", n_steps=64, batch_size=64, n_epochs=1)
        >>> heads = Auxiliary({"reward": 0.1, "state": 0.1})
        >>> len(model.learn(128, callback=heads) and heads.losses["state"])
        2
    """

    def __init__(
        self, heads: Iterable[str] | Mapping[str, float] = HEADS, *, batch: int = 64
    ) -> None:
        super().__init__()
        self.weights = read_heads(heads)
        self.batch = batch
        self.losses: dict[str, list[float]] = {name: [] for name in self.weights}
        self._heads: torch.nn.ModuleDict | None = None
        self._moments: dict[str, RunningMeanStd] = {}
        self._paid: list[NDArray[Any]] = []
        self._losses_of_rollout: list[dict[str, float]] = []
        self._handle: Any = None

    def attach(self, model: BaseAlgorithm) -> Auxiliary:
        """Make the heads for a model; `learn` does it too, where nobody did.

        Raises:
            ConfigError: They do not fit it.
        """
        policy: Any = model.policy
        if not isinstance(model, PPO | A2C) or not isinstance(policy, ActorCriticPolicy):
            raise ConfigError(
                f"auxiliary heads must go with PPO or A2C, got {type(model).__name__}. Choose --algo ppo."
            )
        size = {"reward": 1, "state": _size(policy.observation_space)}
        if "state" in self.weights and size["state"] > WIDEST:
            raise ConfigError(
                f"auxiliary state must have at most {WIDEST} numbers to reconstruct, got {size['state']}. "
                "Use the head reward alone."
            )
        body = policy.mlp_extractor
        width = int(body.latent_dim_pi) + int(body.latent_dim_vf)
        # dice of its own: with weights of 0 nothing of the training may change
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(model.seed or 0)
            heads = {
                name: torch.nn.Sequential(
                    torch.nn.Linear(width, 64), torch.nn.Tanh(), torch.nn.Linear(64, size[name])
                )
                for name in self.weights
            }
        self._heads = torch.nn.ModuleDict(heads).to(model.device)
        self._moments = {name: RunningMeanStd(shape=(size[name],)) for name in self.weights}
        self._adam = torch.optim.Adam(self._heads.parameters(), lr=1e-3)
        self._dice = np.random.default_rng(model.seed)
        return self

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What the heads learned, to be saved beside the policy; their optimiser begins anew."""
        weights = {} if self._heads is None else self._heads.state_dict()
        found = {name: value.cpu().numpy() for name, value in weights.items()}
        for name, known in self._moments.items():
            for part in ("mean", "var", "count"):
                found[f"{name}.{part}"] = np.asarray(getattr(known, part), np.float64)
        return found

    def take(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take over what `arrays` returned; the heads must be attached."""
        assert self._heads is not None
        own = self._heads.state_dict()
        self._heads.load_state_dict({k: torch.as_tensor(arrays[k]) for k in own})
        for name, known in self._moments.items():
            known.mean, known.var = arrays[f"{name}.mean"], arrays[f"{name}.var"]
            known.count = float(arrays[f"{name}.count"])

    def _on_training_start(self) -> None:
        if self._heads is None:
            self.attach(self.model)
        if any(self.weights.values()):
            optimizer: Any = self.model.policy.optimizer
            self._handle = optimizer.register_step_pre_hook(self._join)

    def _on_training_end(self) -> None:
        self._tell()
        if self._handle is not None:
            self._handle.remove()
            self._handle = None

    def _on_rollout_start(self) -> None:
        self._tell()
        self._paid = []

    def _on_step(self) -> bool:
        # a copy: SB3 adds the value of a cut state to this very array
        self._paid.append(np.array(self.locals["rewards"], np.float64))
        return True

    def _on_rollout_end(self) -> None:
        """Keep the rollout as rows; the buffer is in another order after the first epoch."""
        buffer: Any = self.model.rollout_buffer  # type: ignore[attr-defined]
        self._obs = tree.map_leaves(_rows, buffer.observations)
        self._rewards = np.concatenate(self._paid)[:, None]
        for name, known in self._moments.items():
            known.update(
                self._targets(name, slice(None), self._prepared(slice(None))).cpu().numpy()
            )

    def _join(self, *_: Any) -> None:
        """Before a step of the optimiser: add the gradient of the heads' losses to what is there."""
        rows = self._dice.integers(len(self._rewards), size=min(self.batch, len(self._rewards)))
        policy: Any = self.model.policy
        seen, latent = self._prepared(rows), self._latent(rows)
        told, total = {}, torch.zeros((), device=self.model.device)
        for name, weight in self.weights.items():
            known, wanted = self._moments[name], self._targets(name, rows, seen)
            centre, size = (
                torch.as_tensor(x, dtype=torch.float32, device=self.model.device)
                for x in (known.mean, np.sqrt(known.var + 1e-8))
            )
            # what never changed in a rollout is no row's error
            off = self._heads[name](latent) - ((wanted - centre) / size).clamp(-10.0, 10.0)  # type: ignore[index]
            loss = off.square().mean()
            told[name], total = float(loss.detach()), total + weight * loss
        self._adam.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(policy.parameters(), self.model.max_grad_norm)  # type: ignore[attr-defined]
        self._adam.step()
        self._losses_of_rollout.append(told)

    def _latent(self, rows: Any) -> torch.Tensor:
        """What enters the last layers of actor and critic, side by side."""
        policy: Any = self.model.policy
        features = policy.extract_features(self._tensors(rows))
        body = policy.mlp_extractor
        if policy.share_features_extractor:
            return torch.cat(body(features), dim=1)
        return torch.cat([body.forward_actor(features[0]), body.forward_critic(features[1])], dim=1)

    def _tensors(self, rows: Any) -> Any:
        return obs_as_tensor(tree.take(self._obs, rows), self.model.device)

    def _prepared(self, rows: Any) -> torch.Tensor:
        """States as the policy sees them: one-hot where discrete, dicts side by side."""
        policy: Any = self.model.policy
        seen: Any = preprocess_obs(
            self._tensors(rows), policy.observation_space, normalize_images=policy.normalize_images
        )
        parts = seen.values() if isinstance(seen, dict) else (seen,)
        return torch.cat([part.flatten(1).float() for part in parts], dim=1)

    def _targets(self, name: str, rows: Any, seen: torch.Tensor) -> torch.Tensor:
        if name == "state":
            return seen
        return torch.as_tensor(self._rewards[rows], dtype=torch.float32, device=self.model.device)

    def _tell(self) -> None:
        for name in self.weights if self._losses_of_rollout else ():
            told = float(np.mean([row[name] for row in self._losses_of_rollout]))
            self.losses[name].append(told)
            self.logger.record(f"auxiliary/{name}_loss", told)
        self._losses_of_rollout = []


def read_heads(heads: Iterable[str] | Mapping[str, float]) -> dict[str, float]:
    """The weight of each head.

    Raises:
        ConfigError: None, an unknown one, or a weight that is no number from 0.
    """
    named = [heads] if isinstance(heads, str) else heads
    weights = dict(named) if isinstance(named, Mapping) else dict.fromkeys(named, 1.0)
    for name, weight in weights.items():
        if name not in HEADS:
            raise UnknownName("auxiliary head", str(name), HEADS)
        number = isinstance(weight, int | float) and not isinstance(weight, bool)
        if not number or not 0.0 <= weight < float("inf"):
            raise ConfigError(
                f"auxiliary {name} must have a weight of at least 0, got {weight!r}. Leave it out for 1."
            )
    if not weights:
        raise ConfigError("auxiliary must name a head, got none. Write reward,state.")
    return {name: float(weight) for name, weight in weights.items()}


def attached(weights: Mapping[str, float], model: BaseAlgorithm) -> Auxiliary | None:
    """Heads on a model; None where no weights are asked for."""
    return Auxiliary(weights).attach(model) if weights else None


def _size(space: gym.Space[Any]) -> int:
    return int(gym.spaces.flatdim(space))


def _rows(stored: NDArray[Any]) -> NDArray[Any]:
    return stored.reshape(-1, *stored.shape[2:]).copy()
