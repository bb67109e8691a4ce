"""Cooper: keep the reward model ahead of the policy, with positives that a rule is certain of."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from rewardwrap.core.episode import Episode
from rewardwrap.core.errors import ConfigError
from rewardwrap.data import EpisodeStore, Fragments
from rewardwrap.loops.callback import Loop, Verdict
from rewardwrap.loops.contrast import Contrast, Cooper, certain_pairs
from rewardwrap.nets.folder import Model, load_model, save_model
from rewardwrap.nets.network import RewardNet
from rewardwrap.nets.objectives.ser import accuracy_of
from rewardwrap.nets.paid import PaidNet
from rewardwrap.nets.spaces import spaces_of
from rewardwrap.nets.tables import Table, clips_table
from rewardwrap.rewards.inputs import Inputs

Rule = Callable[[Episode], float]
JUDGED = 5
"""One of so many episodes judges candidates and teaches none."""
MOST_JUDGED = 20


class CooperLoop(Loop):
    """A reward model that goes on learning which episodes succeed, from those a rule is certain of.

    A rule that is precise, and may find few successes, says of an episode that ended 1 (certainly
    succeeded), 0 (certainly not) or NaN (it cannot tell). Every ``every`` steps the model takes a few
    bounded gradient steps that put certain successes above certain failures of the same start, and pays
    ``sigmoid`` of its number from the next rollout on; without a certain pair it stays as it is. So what
    merely looked like success in the data it was first fitted to stops to pay as soon as the agent
    lives on it.

    With ``reference``, named fields of ``info`` (a goal, a solution), the model reads them beside the
    steps, and episodes are compared where their references agree.

    | tag | value |
    |---|---|
    | ``cooper/accuracy`` | of certain pairs that taught nothing |
    | ``cooper/pairs``, ``cooper/certain`` | pairs of the last update; share of episodes the rule knew |

    Args:
        folder: New, or of a loop that was interrupted.
        rule: Episode -> 1, 0 or NaN.
        model: A model to begin with (`rewardwrap fit`); None begins with a new network, which pays from the
            first certain pair on.
        corrupt: Episode -> a worse one, for a success to which no failure of its start is known.
        reference: Fields of ``info`` that a new network reads beside ``reads``.
        start: Episode -> what two episodes must share to be compared; None: their references.
        reads: Inputs of a new network.
        every: Steps between two updates, at least; on-policy they follow a rollout.
        pairs: Of one update, at most.
        steps: Gradient steps of an update.
        lr: Learning rate.
        replay: Share of old pairs in a step, in [0, 1).
        trust: Largest relative change of the weights in one update.
        delta: How much less of the judging pairs a candidate may order than what runs.
        keep: Steps on the tape, of all lanes together.
        hidden: Layers of a new network.
        seed: Of everything that is drawn.

    Raises:
        ConfigError: A number outside its range, a model that is no network, or a rule that says anything
            but 1, 0 and NaN.
        StackError: The learner is not paid by ``loop.reward``, or its buffer cannot be relabelled.

    Example:
        ``loop = rw.CooperLoop("out", rule=rule, model="model/")``, then
        ``env = rw.make("CartPole-v1", loop.reward, n_envs=8)`` and ``model.learn(n, callback=loop)``.

    Source: Hong et al., Cooper: co-optimizing policy and reward models in RL for LLMs, 2025,
        arXiv:2508.05613. Deviations: the trust region and the gate are ours; negatives are what the rule
        calls wrong among episodes of the same start, or come from ``corrupt``.
    """

    source = "cooper"

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        rule: Rule,
        model: str | os.PathLike[str] | None = None,
        corrupt: Callable[[Episode], Episode] | None = None,
        reference: Sequence[str] = (),
        start: Callable[[Episode], Hashable] | None = None,
        reads: Sequence[str] = ("next_obs",),
        every: int = 512,
        pairs: int = 64,
        steps: int = 20,
        lr: float = 5e-3,
        replay: float = 0.5,
        trust: float = 0.2,
        delta: float = 0.1,
        keep: int = 20_000,
        hidden: Sequence[int] = (64, 64),
        seed: int = 0,
    ) -> None:
        for name, number in {"every": every, "pairs": pairs, "keep": keep}.items():
            if number < 1:
                raise ConfigError(
                    f"CooperLoop: {name} must be at least 1, got {number}. Leave it out."
                )
        super().__init__(folder, keep=keep, seed=seed)
        self.rule, self.corrupt, self.delta = rule, corrupt, delta
        self.every, self.pairs = every, pairs
        self.reads, self.reference, self.hidden = tuple(reads), tuple(reference), tuple(hidden)
        self._start = start or self._reference_of
        bounds = {"lr": lr, "steps": steps, "replay": replay, "trust": trust}
        self._settings: dict[str, Any] = {**bounds, "seed": seed}
        self._cooper: Cooper | None = None
        self._judging: list[Table] = []
        self._seen: set[str] = set()
        if model is not None and not self.reward.ready:
            self._begin_with(Path(model))
        if self.reward.ready:
            self._take(load_model(self.path).net)
        self.fields = self._net.inputs.fields if self._cooper else self.reference

    @property
    def _net(self) -> PaidNet:
        assert self._cooper is not None
        net = self._cooper.net
        assert isinstance(net, PaidNet)
        return net

    def _take(self, net: PaidNet) -> None:
        """Go on from a network; what was learned from is remembered."""
        if self._cooper is None:
            self._cooper = Cooper(net, **self._settings)
        else:
            self._net.load_state_dict(net.state_dict())

    def _begin_with(self, folder: Path) -> None:
        net = load_model(folder).net
        if not isinstance(net, RewardNet):
            raise ConfigError(
                f"CooperLoop: model must be a reward network, got {type(net).__name__}. Fit one with "
                "rewardwrap fit preferences or outcome."
            )
        net.becomes("sigmoid")
        place = self.folder.new_model()
        save_model(net, place, objective=self.source, metrics={"begun_with": str(folder)})
        self.reward.deploy(place)
        self.folder.runs(place)

    def _reference_of(self, episode: Episode) -> Hashable:
        return tuple(float(episode.info[name][-1]) for name in self.fields)

    def begin(self, step: int, last: int) -> Mapping[str, Any]:
        self._at = step
        return {"reference": list(self.fields)}

    def collect(self, step: int) -> bool:
        due = step - self._at >= self.every
        if due:
            self._at = step
        return due

    def fit(self, place: Path, seed: int) -> Mapping[str, Any] | None:
        ended = [e for e in self.tape.store() if self._is_new(e)]
        self._seen |= {e.id for e in ended}
        judging = [e for e in ended if int(e.id) % JUDGED == 0]
        fresh, share = self._pairs([e for e in ended if int(e.id) % JUDGED])
        held, _ = self._pairs(judging)
        self.show({"cooper/certain": share, "cooper/pairs": 0 if fresh is None else len(fresh)})
        if held is not None:
            self._judging = [*self._judging, held][-MOST_JUDGED:]
        if fresh is None or self._cooper is None:
            return None
        facts = self._cooper.update(fresh)
        save_model(self._net, place, objective=self.source, metrics=dict(facts))
        return {"episodes": len(ended), "certain": share, **facts}

    def _is_new(self, episode: Episode) -> bool:
        ended = bool(episode.terminated[-1] or episode.truncated[-1])
        return ended and episode.id not in self._seen

    def _pairs(self, episodes: Sequence[Episode]) -> tuple[Table | None, float]:
        """Certain pairs, and the share of episodes that the rule was certain of."""
        said = [self._says(e) for e in episodes]
        starts = [self._start(e) for e in episodes]
        shown, chosen = list(episodes), certain_pairs(said, starts)
        if self.corrupt is not None:
            met = {positive for _, positive in chosen}
            for i in (i for i, word in enumerate(said) if word == 1.0 and i not in met):
                chosen.append((len(shown), i))
                shown.append(replace(self.corrupt(episodes[i]), id=f"{episodes[i].id}-corrupt"))
        known = float(np.mean(~np.isnan(said))) if said else 0.0
        if not chosen:
            return None, known
        order = np.random.default_rng([self.seed, self._at]).permutation(len(chosen))[: self.pairs]
        observed, acted = self.tape.spaces
        store = EpisodeStore.from_episodes(
            shown, observation_space=observed, action_space=acted, source="training"
        )
        if self._cooper is None:
            self._take(self._new(store))
        sides = np.array(chosen)[order].T
        zero = np.zeros(len(order), np.int64)
        worse, better = (Fragments(store, side, zero, store.lengths[side]) for side in sides)
        return clips_table(self._net, store, (worse, better)), known

    def _says(self, episode: Episode) -> float:
        said = float(self.rule(episode))
        if said not in (0.0, 1.0) and not np.isnan(said):
            raise ConfigError(
                f"CooperLoop: rule must say 1, 0 or NaN, got {said:g}. NaN is that it cannot tell."
            )
        return said

    def _new(self, store: EpisodeStore) -> RewardNet:
        parts = list(Inputs.of(spaces_of(store), self.reads).parts)
        if self.reference:
            parts += Inputs.of_fields(self.reference).parts
        net = RewardNet(
            Inputs(parts), hidden=self.hidden, bound=1.0, output="sigmoid", seed=self.seed
        )
        net.normalise(net.encode(store.transitions()))
        return net

    def judge(self, candidate: Model, running: Model | None) -> Verdict:
        count = sum(len(table) for table in self._judging)
        if running is None or not count:
            return Verdict(True, f"not judged: {count} certain pairs to judge by", count)
        found, before = ({"accuracy": self._accuracy(m.net)} for m in (candidate, running))
        passed = found["accuracy"] >= before["accuracy"] - self.delta
        why = f"accuracy {found['accuracy']:.3f} after {before['accuracy']:.3f}, may fall by {self.delta}"
        if not passed:
            # the next update goes on from what runs
            self._take(running.net)
        return Verdict(passed, why, count, found, before)

    def _accuracy(self, net: PaidNet) -> float:
        """Of certain pairs that taught nothing, each round weighing what it holds."""
        sizes = [len(table) for table in self._judging]
        right = [accuracy_of(net, Contrast.labelled(table)) for table in self._judging]
        return float(np.average(right, weights=sizes))

    def measures(self, found: Mapping[str, float] | None) -> dict[str, Any]:
        return {f"cooper/{name}": value for name, value in (found or {}).items()}
