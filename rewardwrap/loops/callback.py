"""What changes a reward while an agent trains: collect, fit, gate, deploy, journal; one callback."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.vec_env import VecEnv

from rewardwrap.adapters.layers import layers
from rewardwrap.adapters.sb3 import RewardVecEnv
from rewardwrap.core.errors import StackError
from rewardwrap.core.reward import Reward
from rewardwrap.loops.deployment import reset_critic
from rewardwrap.loops.folder import LoopFolder
from rewardwrap.loops.relabelling import paid, relabel, require_single_steps, require_whole
from rewardwrap.loops.tape import Tape
from rewardwrap.nets.folder import Model, load_model

VERSION = "reward/model_version"


@dataclass(frozen=True)
class Verdict:
    """The gate: whether a candidate takes over.

    Args:
        passed: It does.
        why: In words.
        pairs: Held-out items it was judged by.
        candidate: Its figures on them; None where nothing was judged.
        running: Those of the running model on the same items.
    """

    passed: bool
    why: str
    pairs: int = 0
    candidate: dict[str, float] | None = None
    running: dict[str, float] | None = None


def adapter_of(venv: VecEnv, reward: Reward, who: str, what: str) -> RewardVecEnv:
    """The layer that pays a reward.

    Args:
        venv: What a learner plays in.
        reward: The very object, anywhere in what is paid.
        who: Whose it is, for the error.
        what: How the user gets it.

    Raises:
        StackError: There is none.
    """
    for layer in layers(venv):
        if isinstance(layer, RewardVecEnv) and any(node is reward for node in layer.reward.walk()):
            return layer
    raise StackError(
        f"{who} must find its own reward under the learner, got an environment "
        f"without it. Make it with rw.make(env_id, {what}), or put {what} into a sum."
    )


class Loop(BaseCallback):
    """A reward model that is fitted anew while an agent learns from it.

    A source of what it is fitted to is a subclass in a file of its own and writes four methods:
    `collect`, `fit`, `judge` and, where it plans ahead, `begin`. Everything else is done here, alike
    for all of them: the steps of the agent lie on ``tape`` without extra play; a candidate that passes
    the gate pays from the next rollout on, in every worker, since the reward is one object; an
    off-policy buffer is relabelled whole; and ``folder`` keeps every candidate, which one runs, and
    ``journal.jsonl``, each event on disk before it counts, so that a killed loop goes on.

    For the user a loop is two lines: ``env = rw.make(env_id, loop.reward)`` and
    ``model.learn(n, callback=loop)``.

    Args:
        folder: New, or of a loop that was interrupted.
        keep: Steps on the tape, of all lanes together.
        explore: Pay for new states until the first model runs, instead of nothing.
        reset_critic: Give SAC's or TD3's critic new weights when the first model takes over.
        updates: Gradient steps right after that.
        rule: How members become one number; see `rewardwrap.Learned`.
        k: Weight of their disagreement.
        seed: Of everything that is drawn.

    Raises:
        ConfigError: A folder of something else.
        StackError: The learner is not paid by ``loop.reward``, or its buffer cannot be relabelled.
    """

    source: ClassVar[str]
    """What it learns from: the first word of its tags."""
    fields: tuple[str, ...] = ()
    """Of ``info``, kept on the tape."""

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        keep: int,
        explore: bool = False,
        reset_critic: bool = False,
        updates: int = 0,
        rule: str = "mean",
        k: float = 1.0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.folder = LoopFolder(Path(folder))
        self.reward = self.folder.reward(explore=explore, rule=rule, k=k)
        self.keep, self.seed = keep, seed
        self.reset_critic, self.updates = reset_critic, updates
        self._shown: dict[str, Any] = {}

    def begin(self, step: int, last: int) -> Mapping[str, Any]:
        """Plan a training from ``step`` to ``last``; returns what the journal says of it."""
        return {}

    def collect(self, step: int) -> bool:
        """Take in what is new after a rollout; whether a candidate shall be fitted to it."""
        raise NotImplementedError

    def fit(self, place: Path, seed: int) -> Mapping[str, Any] | None:
        """Save a candidate; returns what the journal says of it, None where there is too little."""
        raise NotImplementedError

    def judge(self, candidate: Model, running: Model | None) -> Verdict:
        """Compare a candidate with the model that pays now on what neither was fitted to."""
        raise NotImplementedError

    def measures(self, found: Mapping[str, float] | None) -> dict[str, Any]:
        """Figures of the running model by tag, from those that `judge` found."""
        return {}

    def end(self) -> Mapping[str, Any]:
        """Take in what came last; returns what the journal says at the end."""
        return {}

    @property
    def path(self) -> str:
        """Folder of the running model, for `rewardwrap.Learned`."""
        return self.reward.path

    def note(self, event: str, **facts: Any) -> None:
        """A line in the journal, with the learner's step."""
        self.folder.note(event, step=self.model.num_timesteps, **facts)

    def show(self, values: Mapping[str, Any]) -> None:
        """Log these from now on, and at once."""
        self._shown |= {VERSION: self.reward.version, **values}
        for tag, value in self._shown.items():
            self.logger.record(tag, value)

    def _on_training_start(self) -> None:
        self._adapter = adapter_of(
            self.training_env, self.reward, type(self).__name__, "loop.reward"
        )
        venv = self._adapter.venv
        if isinstance(self.model, OffPolicyAlgorithm):
            require_whole(self.model.replay_buffer)
            require_single_steps(self._adapter.reward)
        if self.reset_critic and not hasattr(self.model, "critic_target"):
            raise StackError(
                f"{type(self).__name__}: reset_critic must be for a learner with a critic of its own, "
                f"got {type(self.model).__name__}. Use SAC or TD3, or reset_critic=False."
            )
        spaces = (venv.observation_space, venv.action_space)
        self.tape = Tape(self.keep, spaces, self.fields)
        self._checked = False
        facts = self.begin(self.model.num_timesteps, self.model._total_timesteps)
        self.note("start", version=self.reward.version, **facts)

    def _on_step(self) -> bool:
        self.tape.add(self._adapter.last_step)
        return True

    def _on_rollout_end(self) -> None:
        # here an on-policy rollout is over and an off-policy step is stored
        if not self._checked and isinstance(self.model, OffPolicyAlgorithm):
            # refuse what cannot be relabelled at once, and not at the first relabelling
            assert self.model.replay_buffer is not None
            paid(self.model.replay_buffer, self._adapter.reward, [0], self._adapter.task)
            self._checked = True
        if self.collect(self.model.num_timesteps):
            self._renew()
        if VERSION not in self.logger.name_to_value:
            for tag, value in self._shown.items():
                self.logger.record(tag, value)

    def _on_training_end(self) -> None:
        facts = self.end()
        self.note("end", version=self.reward.version, **facts)

    def _renew(self) -> None:
        """Fit a candidate; it takes over unless the gate speaks against it."""
        place = self.folder.new_model()
        facts = self.fit(place, self.seed + 1000 * int(place.name))
        if facts is None:
            return
        candidate = load_model(place)
        running = load_model(self.path) if self.reward.ready else None
        verdict = self.judge(candidate, running)
        self.note("deploy" if verdict.passed else "roll back", model=place.name,
                  version=candidate.version, why=verdict.why, running=self.reward.version,
                  **facts)  # fmt: skip
        if verdict.passed:
            self._deploy(place)
        self._count(verdict)

    def _deploy(self, place: Path) -> None:
        is_first = not self.reward.ready
        self.reward.deploy(place)
        # the new model comes in by the gate, like any other reward
        self._adapter.set_reward(self._adapter.reward)
        self.folder.runs(place)
        model = self.model
        if not isinstance(model, OffPolicyAlgorithm):
            return
        assert model.replay_buffer is not None
        relabel(model.replay_buffer, self._adapter.reward, task=self._adapter.task)
        if is_first and self.reset_critic:
            reset_critic(model, seed=self.seed)
            if self.updates:
                model.train(gradient_steps=self.updates, batch_size=model.batch_size)

    def _count(self, verdict: Verdict) -> None:
        tag = f"{self.source}/{'deployed' if verdict.passed else 'rolled_back'}"
        self.show({tag: self._shown.get(tag, 0) + 1})
        if not verdict.passed:
            # stdout of a training is often all that anybody sees
            self.logger.info(f"reward model rolled back: {verdict.why}")
        self.show(self.measures(verdict.candidate if verdict.passed else verdict.running))
