"""Demonstrations while an agent learns: pay what looks like them and not like the agent's own steps."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from rewardwrap.core.errors import ConfigError, UnknownName, warn
from rewardwrap.core.transitions import Transitions
from rewardwrap.data import EpisodeStore
from rewardwrap.data.exemplars import Demos, exemplars
from rewardwrap.loops.callback import Loop, Verdict
from rewardwrap.loops.chances import log_pi, require_chances
from rewardwrap.nets.folder import Model, load_model, save_model
from rewardwrap.nets.network import build
from rewardwrap.nets.objectives.adversarial import (
    FORMS,
    Adversarial,
    above_the_end,
    contrast_measures,
    contrast_table,
    limit_norms,
    require_form,
)
from rewardwrap.nets.paid import PaidNet
from rewardwrap.nets.tables import Table
from rewardwrap.nets.trainer import fit, held_out_loss

USUAL: Mapping[str, Any] = {
    "hidden": (64, 64), "activation": "tanh", "epochs": 5, "pairs": 2048, "batch": 128, "lr": 1e-3,
    "weight_decay": 1e-3, "smoothing": 0.1, "penalty": 0.3, "spectral": 0.0, "stop": 0.9,
}  # fmt: skip
"""What ``fit`` changes. ``spectral``: the most that a layer's norm may be, after every epoch; 0: any."""

LEAST = 32
"""Steps of the agent below which not even the first model is fitted."""


class DemonstrationLoop(Loop):
    """Learns a reward from demonstrations, against what the agent does: GAIL and its relatives.

    After every ``every`` rollouts a discriminator ``D = sigmoid(l)`` goes on learning which steps are
    demonstrated and which are the agent's, and its logit is paid from then on:

    | form | pays | |
    |---|---|---|
    | ``"logit"`` | ``l``, relative to being over | either sign; the default |
    | ``"gail"`` | ``-log(1 - D) >= 0`` | staying alive is worth something, whatever one does |
    | ``"airl"`` | ``f``, where ``l = f - log pi`` | a reward that outlives the policy; for PPO and A2C |
    | ``"fairl"`` | ``-l e^l`` | the forward KL divergence |

    Where episodes end before the time limit, a bare logit makes the agent end them: its mean over the
    agent's own steps is minus a divergence (CartPole: 9 steps). So being over is a state like any other
    (`above_the_end`), reached by demonstrations or not: ``absorbing=False`` leaves that out.

    At the optimum ``l = log(rho_E / rho_pi)``, 0 everywhere once the agent does as demonstrated. Inputs
    are normalised by the demonstrations. A tenth of the rows judges: a candidate whose loss on them is
    more than ``delta`` above that of the running model does not run. An off-policy learner is held
    against everything on the tape (DAC), and its buffer relabelled at each new model.

    | tag | value |
    |---|---|
    | ``demonstrations/accuracy`` | share of rows told apart; .5 is the goal, above ``stop`` a fit ends |
    | ``demonstrations/gap`` | mean logit of demonstrations minus that of the agent |
    | ``demonstrations/loss`` | log 2 = .693 where nothing is told apart |

    Args:
        folder: New, or of a loop that was interrupted.
        demos: A folder of episodes (`rewardwrap record`, `rewardwrap ingest`), a store, a list of
            episodes or `Demonstrations`.
        form: As above.
        inputs: What is compared: ``obs``, ``action``, ``next_obs``. Leave out the action where the
            demonstrator has another body.
        every: Rollouts between two fits.
        steps: Steps of the agent below which nothing is fitted; off-policy, where every step is a
            rollout, what is between two fits.
        keep: Steps of the agent to compare with, of all lanes together; on-policy they are fresh ones.
        absorbing: As above, for ``"logit"``; the other forms are paid as they were published.
        delta: As above.
        reset_critic: Give SAC's or TD3's critic new weights when the first model takes over.
        seed: Of everything that is drawn.
        fit: Other settings than `USUAL`.

    Raises:
        ConfigError: An unknown form or setting, demonstrations of other spaces, of images, or too few.
        StackError: The learner is not paid by ``loop.reward``, its buffer cannot be relabelled, or ``"airl"``
            cannot ask its policy how likely an action is.

    Example:
        ``loop = DemonstrationLoop("out", demos="demos/")``, then
        ``env = rw.make("CartPole-v1", loop.reward, n_envs=8)`` and ``model.learn(n, callback=loop)``.

    Source: Ho and Ermon, GAIL, 2016, arXiv:1606.03476; Fu et al., AIRL, 2017, arXiv:1710.11248;
        Ghasemipour et al., FAIRL, 2019, arXiv:1911.02256, eq. 9; Kostrikov et al., DAC, 2018,
        arXiv:1809.02925. Deviations: smoothed labels, a stop at an accuracy, the
        absorbing state in closed form; AIRL's f is one network, without its telescoping h.
    """

    source = "demonstrations"

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        demos: Demos,
        form: str = "logit",
        inputs: Sequence[str] = ("obs", "action"),
        every: int = 1,
        steps: int = 512,
        keep: int = 50_000,
        absorbing: bool = True,
        delta: float = 0.1,
        reset_critic: bool = False,
        updates: int = 0,
        seed: int = 0,
        fit: Mapping[str, Any] | None = None,
    ) -> None:
        require_form(form)
        for name, number in {"every": every, "steps": steps, "keep": keep}.items():
            if number < 1:
                raise ConfigError(
                    f"DemonstrationLoop: {name} must be at least 1, got {number}. Leave it out."
                )
        for name in fit or {}:
            if name not in USUAL:
                raise UnknownName("setting of fit", name, USUAL)
        self.settings = {**USUAL, **(fit or {})}
        self.objective = Adversarial(self.settings["smoothing"], self.settings["penalty"])
        self.form, self.inputs, self.every, self.steps = form, tuple(inputs), every, steps
        self.absorbing, self.delta = absorbing and form == "logit", delta
        self.demos = exemplars(demos)
        super().__init__(folder, keep=keep, reset_critic=reset_critic, updates=updates, seed=seed)
        self._net: PaidNet | None = None
        self._held: Table | None = None
        self._rollout: Transitions | None = None
        self._warned = False

    def swap(self, demos: Demos) -> None:
        """Imitate others from the next fit on, which begins with a new discriminator."""
        self.demos = exemplars(demos)
        if hasattr(self, "tape"):
            self._require_same_spaces()
            self._ends.store = self.demos.store
        self._net = None
        self.folder.note("swap", demos=self.demos.store.fingerprint())

    def begin(self, step: int, last: int) -> Mapping[str, Any]:
        self._require_same_spaces()
        if self.form == "airl":
            require_chances(self.model, self.tape.spaces[0])
        self._rollouts, self._fitted_at = 0, step
        store = self.demos.store
        self._ends = Ends(store)
        return {"demos": store.fingerprint(), "episodes": len(store), "form": self.form}

    def _require_same_spaces(self) -> None:
        names = ("observation_space", "action_space")
        for name, now in zip(names, self.tape.spaces, strict=True):
            demonstrated = getattr(self.demos.store, name)
            # without an action among the inputs another body may show how it is done
            compared = name == "observation_space" or "action" in self.inputs
            if compared and demonstrated is not None and demonstrated != now:
                raise ConfigError(
                    f"demonstrations must be of the environment's {name}, got {demonstrated} where it has "
                    f"{now}. Record some in this environment"
                    + (', or leave "action" out of inputs.' if name == "action_space" else ".")
                )
        # what the demonstrations do not say of themselves is the environment's
        observation, action = self.tape.spaces
        store = replace(self.demos.store, observation_space=observation)
        self._store = replace(store, action_space=action) if "action" in self.inputs else store

    def _on_step(self) -> bool:
        self._ends.add(self._adapter.last_step)
        return super()._on_step()

    def collect(self, step: int) -> bool:
        self._rollouts += 1
        due = self._rollouts >= self.every and step - self._fitted_at >= self.steps
        # a policy that is updated on nothing but its critic's noise stops to explore
        due = due or (self._on_policy and not self.reward.ready and len(self.tape) >= LEAST)
        if due:
            self._rollouts, self._fitted_at = 0, step
        return due

    def fit(self, place: Path, seed: int) -> Mapping[str, Any] | None:
        chosen = self.settings
        rows = self.tape.store().transitions()
        self._warn_of_survival(rows)
        if self._on_policy:
            self._rollout = self._rollout_rows()
            self.tape.clear()
        net = self._net = self._net or self._start(seed)
        draws = torch.Generator().manual_seed(seed)
        demos, agent = (net.prepare(net.encode(b)) for b in (self._store.transitions(), rows))
        (own, own_held), (other, other_held) = (_split(len(r), draws) for r in (demos, agent))
        weight, chances = self._weight(), self._log_pi(rows)
        count = min(chosen["pairs"], 2 * len(own))

        def pairs(shown: torch.Tensor, done: torch.Tensor, count: int) -> Table:
            both = None if chances is None else (chances[0][shown], chances[1][done])
            return contrast_table(
                demos.take(shown), agent.take(done), count, draws, weight[shown], both
            )

        table, self._held = pairs(own, other, count), pairs(own_held, other_held, 512)
        done = fit(
            net, self.objective, table, seed=seed,
            until=lambda: self._enough(net, table),
            **{name: chosen[name] for name in ("epochs", "batch", "lr", "weight_decay")},
        )  # fmt: skip
        if self.absorbing:
            net.shift = torch.full_like(net.shift, self._ends.bonus(self.objective.smoothing))
        settings = {"form": self.form, "inputs": list(self.inputs), "seed": seed, **chosen}
        train = contrast_measures(net, table)
        metrics = {"train": train, "history": done.history}
        save_model(net, place, objective="adversarial", metrics=metrics, settings=settings)
        return {"epochs": done.epochs, "above_the_end": float(net.shift[0]), **train}

    def _enough(self, net: PaidNet, table: Table) -> bool:
        """After an epoch: keep to the spectral norm, and stop where the two are told apart."""
        if self.settings["spectral"]:
            limit_norms(net, self.settings["spectral"])
        return contrast_measures(net, table)["accuracy"] > float(self.settings["stop"])

    def _log_pi(self, rows: Transitions) -> tuple[torch.Tensor, torch.Tensor] | None:
        """How likely the agent's policy is to act as demonstrated, and as it did: AIRL's alone."""
        if self.form != "airl":
            return None
        return log_pi(self.model, self._store.transitions()), log_pi(self.model, rows)

    @property
    def _on_policy(self) -> bool:
        return isinstance(self.model, OnPolicyAlgorithm)

    def _rollout_rows(self) -> Transitions | None:
        """The rollout that the learner is about to use, where it was paid nothing for want of a model."""
        normalizer = self.model.get_vec_normalize_env()
        alone = self._adapter.reward is self.reward and not (normalizer and normalizer.norm_reward)
        if self.reward.ready or not alone:
            return None
        return self.tape.last(self.model.rollout_buffer.buffer_size)  # type: ignore[attr-defined]

    def _deploy(self, place: Path) -> None:
        super()._deploy(place)
        if self._on_policy and self._rollout is not None:
            buffer: Any = self.model.rollout_buffer  # type: ignore[attr-defined]
            buffer.rewards += self.reward(self._rollout).reshape(buffer.rewards.shape)
            buffer.compute_returns_and_advantage(self.locals["values"], self.locals["dones"])
            self.note("repay", steps=self._rollout.lanes)
            self._rollout = None

    def _start(self, seed: int) -> PaidNet:
        """The discriminator that ran when the loop was interrupted, or a new one."""
        if self.reward.ready and not self.folder.count("swap"):
            return load_model(self.path).net
        net = build(
            self._store, self.inputs, hidden=self.settings["hidden"], output=FORMS[self.form],
            activation=self.settings["activation"], seed=seed,
        )  # fmt: skip
        net.normalise(net.encode(self._store.transitions()))
        return net

    def _weight(self) -> torch.Tensor:
        """How often each row of a demonstration is drawn."""
        each = self.demos.weight
        per_episode = torch.ones(len(self._store)) if each is None else torch.as_tensor(each)
        return per_episode.float()[torch.as_tensor(self._store.episode_of_step)]

    def judge(self, candidate: Model, running: Model | None) -> Verdict:
        assert self._held is not None
        found = self._judged(candidate.net)
        before = None if running is None else self._judged(running.net)
        bar = (math.log(2) if before is None else before["loss"]) + self.delta
        passed = found["loss"] <= bar
        why = f"loss {found['loss']:.3f} on held-out rows, at most {bar:.3f} passes"
        if not passed:
            # the next fit goes on from what runs
            self._net = None if running is None else running.net
        return Verdict(passed, why, len(self._held), found, before)

    def _judged(self, net: PaidNet) -> dict[str, float]:
        assert self._held is not None
        loss = held_out_loss(net, self.objective, self._held)
        return {"loss": loss, **contrast_measures(net, self._held)}

    def measures(self, found: Mapping[str, float] | None) -> dict[str, Any]:
        return {f"demonstrations/{name}": value for name, value in (found or {}).items()}

    def _warn_of_survival(self, rows: Transitions) -> None:
        if self.form == "logit" or self._warned or not rows.terminated.any():
            return
        self._warned = True
        warn(
            f'DemonstrationLoop: form="{self.form}" must be for tasks that the agent cannot end, got '
            f"{int(rows.terminated.sum())} ends: a sign alone decides there (a constant +.69 a step keeps "
            'CartPole up for 500 steps, -.69 ends it after 9). Use form="logit".'
        )


class Ends:
    """How much of the horizon demonstrations and agent spend after their own end.

    Time limits are no ends. The horizon is the longest episode seen; what the agent did lately counts
    most, half as much after each fit.
    """

    def __init__(self, store: EpisodeStore) -> None:
        self.store, self._horizon = store, int(store.lengths.max())
        self._age: Any = None
        self._ended: list[float] = []
        self._over = self._steps = 0.0

    def add(self, batch: Transitions) -> None:
        """One step of all lanes."""
        before = 0 if self._age is None else self._age
        self._age = np.where(batch.first, 0, before) + 1
        self._horizon = max(self._horizon, int(self._age.max()))
        self._steps += batch.lanes
        self._ended += self._age[batch.terminated].tolist()

    def bonus(self, smoothing: float) -> float:
        """`above_the_end`, 0 while nobody ends; the agent always may, half a step of it at least."""
        store = self.store
        self._horizon = max(self._horizon, int(store.lengths.max()))
        lengths = store.lengths[store.terminated[store.first_step + store.lengths - 1]]
        shown = float((self._horizon - lengths).sum())
        self._over += float(sum(self._horizon - age for age in self._ended))
        ends_here = len(lengths) > 0 or self._over > 0
        agent = max(self._over, 0.5) / (max(self._over, 0.5) + self._steps)
        self._ended, self._over, self._steps = [], self._over / 2, self._steps / 2
        return above_the_end(shown / (shown + store.steps), agent, smoothing) if ends_here else 0.0


def _split(rows: int, draws: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows to fit and a tenth, one at least, to judge by."""
    order = torch.randperm(rows, generator=draws)
    held = max(1, rows // 10)
    return order[held:], order[:held]
