"""Progress from keyframes of demonstrations: ``rewardwrap fit demonstrations --method progress``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import nn

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import FloatArray
from rewardwrap.data import DataError, Demonstrations, EpisodeStore
from rewardwrap.data.exemplars import SUCCESS
from rewardwrap.nets.demonstration_recipe import Static, weighed
from rewardwrap.nets.fitted import data_of, require_finite, require_unfilled
from rewardwrap.nets.spaces import spaces_of
from rewardwrap.rewards.demonstrated import standardised
from rewardwrap.rewards.hop_model import HopModel, hop
from rewardwrap.rewards.inputs import Inputs

BATCH, RATE, JITTER = 256, 3e-3, 0.02
"""Pairs of a step of Adam, its rate, and noise on states, in deviations, between which hops hold too."""


def fit_progress(
    demos: str | os.PathLike[str] | EpisodeStore | Demonstrations,
    *,
    keyframes: int = 6,
    column: str | None = None,
    hidden: Sequence[int] = (64, 64),
    members: int = 3,
    updates: int = 600,
    seed: int = 0,
) -> Static:
    """Learn hops between states of demonstrations that reach their goal.

    Keyframe i of M has progress ``i / M``, states between two keyframes what lies between; a pair of states
    has
    the hop between their progress. Figures are of the demonstrations themselves: the error of hops, and of
    progress from the start and from the goal, beside that of a constant.

    Args:
        demos: Demonstrations, of which one is enough; the observations are read, actions are not.
        keyframes: M, evenly over each demonstration, the start aside.
        column: Of ``info``, above 0 where a step reached a keyframe, the last step among them; instead of
            ``keyframes``.
        hidden: Sizes of the hidden layers.
        members: Networks, whose mean is taken.
        updates: Steps of Adam.
        seed: Of weights and pairs.

    Raises:
        DataError: No demonstrations, images, one that does not reach the goal, numbers that are not finite.
        ConfigError: More keyframes than steps, or none.
    """
    store = weighed(demos)
    require_finite(store, ("obs",))
    require_unfilled(store, "progress")
    _require_success(store)
    inputs = Inputs.of(spaces_of(store), ("next_obs",))
    rows = replace(store.transitions())
    arrays = standardised(inputs, rows)
    scale = {name: arrays[name] for name in ("input.mean", "input.sd")}
    states, progress = [], []
    for episode in store:
        batch = episode.transitions()
        x = np.empty((len(episode) + 1, inputs.width))
        inputs.write(batch, x[1:])
        inputs.write(
            replace(batch, next_obs=batch.obs), whole := np.empty((len(episode), inputs.width))
        )
        x[0] = whole[0]
        states.append((x - scale["input.mean"]) / scale["input.sd"])
        progress.append(_progress(episode, keyframes, column))
    x, phi = np.concatenate(states), np.concatenate(progress)
    weights = _trained(x, phi, hidden, members, updates, seed)
    net = {"members": members, "layers": len(hidden) + 1, "activation": "tanh", "dtype": "float64"}
    goals = np.stack([one[-1] for one in states])
    made = HopModel(inputs, net, {**weights, **scale, "goals": goals})
    start = np.concatenate([np.broadcast_to(one[0], one.shape) for one in states])
    other = np.random.default_rng(seed).integers(len(x), size=len(x))
    figures = {
        "hop_rmse": _rmse(made.hop(x, x[other]), hop(phi, phi[other])),
        "forward_rmse": _rmse(made.hop(start, x), phi),
        "backward_rmse": _rmse(made.backward(x), phi),
    }
    constant = {
        "hop_rmse": _rmse(np.zeros(len(x)), hop(phi, phi[other])),
        "forward_rmse": float(phi.std()),
        "backward_rmse": float(phi.std()),
    }
    metrics: dict[str, Any] = {
        "train": figures,
        "null": constant,
        "episodes": {"train": [str(i) for i in store.ids], "heldout": []},
    }
    settings = {"keyframes": keyframes, "column": column, "updates": updates, "seed": seed}
    return Static(made, "progress", metrics, data_of(store), settings)


def _require_success(store: EpisodeStore) -> None:
    last = store.first_step + store.lengths - 1
    reached = store.info[SUCCESS][last] > 0 if SUCCESS in store.info else store.terminated[last]
    if not reached.all():
        names = ", ".join(str(i) for i in store.ids[np.flatnonzero(~reached)][:5])
        raise DataError(
            f"demonstrations must reach their goal in the last step, got {int((~reached).sum())} of "
            f"{len(store)} "
            f"that do not ({names}). Leave them out, or store is_success beside the steps."
        )


def _progress(episode: Any, keyframes: int, column: str | None) -> FloatArray:
    """Of every state of an episode, ``(T + 1,)``."""
    steps = len(episode)
    if column is None:
        if not 1 <= keyframes <= steps:
            raise ConfigError(
                f"progress: keyframes must lie in 1 to the {steps} steps of episode {episode.id}, got "
                f"{keyframes}. Ask for fewer."
            )
        reached = np.round(np.linspace(0, steps, keyframes + 1))
    else:
        reached = np.concatenate([[0], 1 + np.flatnonzero(np.asarray(episode.info[column]) > 0)])
        if reached[-1] != steps:
            raise ConfigError(
                f"progress: {column} must be above 0 in the last step of episode {episode.id}, got its last "
                f"keyframe after step {int(reached[-1])} of {steps}. The goal is a keyframe."
            )
    return np.asarray(np.interp(np.arange(steps + 1), reached, np.linspace(0, 1, len(reached))))


def _trained(
    x: FloatArray, phi: FloatArray, hidden: Sequence[int], members: int, updates: int, seed: int
) -> dict[str, Any]:
    """Weights of ``members`` networks side by side, as `rewardwrap.rewards.layers.Layers` takes them."""
    draws, sizes = np.random.default_rng(seed), (2 * x.shape[1], *hidden, 1)
    nets = []
    for member in range(members):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1000 * seed + member)
            layers = [nn.Linear(a, b) for a, b in pairwise(sizes)]
        nets.append([module for layer in layers for module in (layer, nn.Tanh())][:-1])
    whole = [nn.Sequential(*layers).double() for layers in nets]
    learner = torch.optim.Adam([p for net in whole for p in net.parameters()], lr=RATE)
    for _ in range(updates):
        p, q = draws.integers(len(x), size=(2, BATCH))
        pair = np.concatenate([x[p], x[q]], axis=1)
        seen = torch.as_tensor(pair + JITTER * draws.normal(size=pair.shape))
        wanted = torch.as_tensor(hop(phi[p], phi[q]))
        loss = torch.stack(
            [(torch.tanh(net(seen)[:, 0]) - wanted).square().mean() for net in whole]
        ).sum()
        learner.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        learner.step()
    found = {}
    for i in range(len(sizes) - 1):
        linear = [net[2 * i] for net in whole]
        found[f"layer{i}.weight"] = np.stack([_array(one.weight).T for one in linear])
        found[f"layer{i}.bias"] = np.stack([_array(one.bias)[None] for one in linear])
    return found


def _array(tensor: Any) -> Any:
    return tensor.detach().numpy().copy()


def _rmse(found: FloatArray, wanted: FloatArray) -> float:
    return float(np.sqrt(np.mean((found - wanted) ** 2)))
