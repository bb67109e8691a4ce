"""The true return, the shaped return and every term in SB3's own logger."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np
from stable_baselines3 import HerReplayBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import TensorBoardOutputFormat
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from rewardwrap.adapters.goals import require_goals
from rewardwrap.adapters.layers import find_adapter, reported_versions
from rewardwrap.adapters.stack import refuse_layers, refuse_unread
from rewardwrap.core.errors import ConfigError, StackError
from rewardwrap.core.reward import SHAPED, TRUE

MODEL_VERSION = "reward/model_version"
FILLED = "learned/filled"


def layout(names: Sequence[str]) -> dict[str, dict[str, list[object]]]:
    """The charts of a training for TensorBoard's tab Custom Scalars.

    Args:
        names: Of the terms, ``env`` and ``shaped`` among them.
    """
    terms = [name for name in names if name != SHAPED]

    def chart(tag: str) -> list[object]:
        return ["Multiline", [f"reward/{name}/{tag}" for name in terms]]

    both = ["rollout/ep_true_rew_mean", "rollout/ep_shaped_rew_mean"]
    return {
        "reward": {
            "true return beside shaped": ["Multiline", both],
            "return of each term": chart("return_mean"),
            "share of each term": chart("abs_share"),
        }
    }


class LogTerms(BaseCallback):
    """Writes what the learner was paid, and for what, at every log dump.

    | tag | value |
    |---|---|
    | ``rollout/ep_true_rew_mean`` | mean true return of the last episodes |
    | ``rollout/ep_shaped_rew_mean`` | mean shaped return of the same |
    | ``reward/<term>/return_mean`` | mean sum of the term over an episode |
    | ``reward/<term>/step_mean`` | mean of the term per step since the last dump |
    | ``reward/<term>/abs_share`` | its share of all terms' absolute values, in [0, 1] |
    | ``reward/model_version`` | first digits of the SHA-256 of a learned reward's model |
    | ``learned/filled`` | missing numbers that it filled since the last dump, where it was fitted to |

    ``env`` is a term like the others. SB3's own tags stay untouched. Before the first step it looks
    at the layers and at the discounts, as `rw.check` does, and refuses to train on another reward.

    Args:
        window: Number of last episodes that are averaged; None for as many as SB3 averages.

    Raises:
        StackError: No rewardwrap adapter below the learner, a layer that changes what is paid or
            recorded, or workers that hold different rewards.
        GammaMismatch: The learner's discount is not that of the reward.
    """

    def __init__(self, window: int | None = None, *args: object) -> None:
        if args or not isinstance(window, int | None):
            raise ConfigError(
                "callback must be an object, got the class LogTerms. Write callback=rw.LogTerms()."
            )
        super().__init__()
        self._window = window
        self._episodes: deque[dict[str, float]] = deque(maxlen=window)

    def _on_training_start(self) -> None:
        assert self.model is not None
        adapter = find_adapter(self.training_env)
        if adapter is None:
            raise StackError(
                "LogTerms must find a rewardwrap reward under the learner, got none. "
                "Make the env with rw.make(env_id, reward) or rw.wrap(env, reward)."
            )
        refuse_layers(self.training_env)
        self._on_policy = isinstance(self.model, OnPolicyAlgorithm)
        if not isinstance(self.model, OnPolicyAlgorithm | OffPolicyAlgorithm):
            refuse_unread(self.training_env, type(self.model).__name__)
        buffer = getattr(self.model, "replay_buffer", None)
        if isinstance(buffer, HerReplayBuffer):
            require_goals(self.training_env, buffer)
        self._adapter = adapter
        if self._window is None:
            self._episodes = deque(self._episodes, maxlen=self.model._stats_window_size)
        adapter.require_discount(getattr(self.model, "gamma", None))
        self._names: tuple[str, ...] = self._adapter.term_names
        self._sums = np.zeros(len(self._names))
        self._sizes = np.zeros(len(self._names))
        self._steps = 0
        self._filled = self._seen = self._adapter.filled()
        self._recorded = False
        self._mark = f"reward/{TRUE}/step_mean"
        self._lay_out()

    def _lay_out(self) -> None:
        """TensorBoard's Custom Scalars: the true return beside the shaped one, all terms in one chart."""
        for form in self.logger.output_formats:
            if isinstance(form, TensorBoardOutputFormat):
                form.writer.add_custom_scalars(layout(self._names))

    def _on_step(self) -> bool:
        self._forget_what_was_written()
        step = self._adapter.collected(self.locals)
        if step is None:
            return True
        infos, dones = step
        terms = self._adapter.lane_terms(infos)
        self._sums += np.add.reduce(terms)
        self._sizes += np.add.reduce(np.abs(terms))
        self._steps += len(terms)
        if np.count_nonzero(dones):
            self._episodes += [infos[i]["episode_terms"] for i in np.flatnonzero(dones)]
            # off-policy learners dump inside the rollout, right after the step that ended an episode
            if not self._on_policy:
                self._record()
        return True

    def _forget_what_was_written(self) -> None:
        # the logger forgets at every dump: what was recorded and is gone was written
        if self._recorded and self._mark not in self.logger.name_to_value:
            self._sums[:] = self._sizes[:] = 0.0
            self._steps = 0
            self._filled = self._seen
            self._recorded = False

    def _on_rollout_end(self) -> None:
        if self._on_policy:
            self._record()

    def _record(self) -> None:
        versions = set(reported_versions(self.training_env))
        if len(versions) > 1:
            raise StackError(
                f"every worker must hold the same reward, got versions {sorted(versions)}. "
                'Change weights with env_method("set_weight", name, weight) on all of them.'
            )
        for tag, value in self._values().items():
            self.logger.record(tag, value)
        models = self._adapter.models()
        if models:
            self.logger.record(MODEL_VERSION, " ".join(models))
            self._record_filled()
        self._recorded = True

    def _record_filled(self) -> None:
        self._seen = self._adapter.filled()
        if self._seen:
            # a model that was deployed since then counts from 0
            gone = {
                key: before
                for key, before in self._filled.items()
                if before <= self._seen.get(key, -1)
            }
            self.logger.record(FILLED, float(sum(self._seen.values()) - sum(gone.values())))

    def _values(self) -> dict[str, float]:
        found: dict[str, float] = {}
        shown = [i for i, name in enumerate(self._names) if name != SHAPED]
        total = float(self._sizes[shown].sum())
        for i in shown:
            tag = f"reward/{self._names[i]}"
            if self._steps:
                found[f"{tag}/step_mean"] = float(self._sums[i]) / self._steps
                found[f"{tag}/abs_share"] = float(self._sizes[i]) / total if total else 0.0
            if self._episodes:
                found[f"{tag}/return_mean"] = self._mean(self._names[i])
        if self._episodes:
            found["rollout/ep_true_rew_mean"] = self._mean(TRUE)
            found["rollout/ep_shaped_rew_mean"] = self._mean(SHAPED)
        return found

    def _mean(self, name: str) -> float:
        return sum(episode[name] for episode in self._episodes) / len(self._episodes)
