"""From logged episodes to a model of what follows a step: what ``rewardwrap fit dynamics`` runs."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor
from torch.nn import functional

from rewardwrap.core.transitions import FloatArray, Transitions, take
from rewardwrap.data import DataError, EpisodeStore, Fragments
from rewardwrap.data.successors import unknown_rows
from rewardwrap.nets.fitted import HELD_OUT, Fitted, data_of, require_finite
from rewardwrap.nets.network import RewardNet
from rewardwrap.nets.objectives.outcome import binary
from rewardwrap.nets.paid import Encoded
from rewardwrap.nets.spaces import spaces_of
from rewardwrap.nets.tables import Table
from rewardwrap.nets.trainer import Fit, Progress, fit
from rewardwrap.rewards.dynamics import KIND, LOGVAR, Dynamics, residual
from rewardwrap.rewards.gaps import rows_with_gaps
from rewardwrap.rewards.inputs import Inputs

STARTS, SNAPSHOTS, AHEAD, CANDIDATES = 5000, 4, 10, 32
LOW, HIGH = 1.0, 99.0
"""Percentiles of recorded rows that the dynamics reward calls .6 and 1."""


@dataclass(frozen=True)
class Follows:
    """``sum_i (delta_i - mean_i)^2 / (2 var_i) + log(var_i) / 2`` of normalised differences."""

    def losses(self, net: Any, table: Table) -> Tensor:
        """``(M, n)``; reads ``row`` and ``delta (n, obs)``."""
        found = net.columns(table.seen("row"))
        mean, logvar = found.chunk(2, dim=-1)
        logvar = soft_clamp(logvar)
        each = (table["delta"] - mean).square() * torch.exp(-logvar) + logvar
        return torch.as_tensor(0.5 * each.sum(-1))


@dataclass(frozen=True)
class Recorded:
    """``BCE(sigmoid(l(row)), recorded)``: a recorded transition against one that the model drew."""

    def losses(self, net: Any, table: Table) -> Tensor:
        """``(M, n)``; reads ``row`` and ``recorded (n,)``."""
        return binary(net(table.seen("row")), table["recorded"])


def soft_clamp(logvar: Tensor) -> Tensor:
    """Within `LOGVAR`, with a gradient everywhere."""
    low, high = LOGVAR
    below = high - functional.softplus(high - logvar)
    return low + functional.softplus(below - low)


class DynamicsNet:
    """Both networks and what scales them, in the shape that `save_model` writes.

    Args:
        inputs: ``obs`` and ``action``.
        model: ``(mean, logvar)`` of normalised differences, an ensemble.
        judge: Snapshots of the discriminator, as members.
        extra: Other arrays of the folder.
    """

    members = 1

    def __init__(
        self, inputs: Inputs, model: RewardNet, judge: RewardNet, extra: dict[str, Any]
    ) -> None:
        self.inputs, self.model, self.judge, self.extra = inputs, model, judge, extra

    def describe(self) -> dict[str, Any]:
        """What model.json says of it."""
        shared = ("members", "layers", "hidden", "activation", "dtype")
        both = {"model": self.model.describe(), "judge": self.judge.describe()}
        told = {name: {k: own[k] for k in shared} for name, own in both.items()}
        return {
            "kind": KIND,
            "obs": len(self.extra["delta.sd"]),
            "hidden": told["model"]["hidden"],
            **told,
        }

    def arrays(self) -> dict[str, Any]:
        """By the names of the model folder."""
        found = dict(self.extra)
        for name, net in (("model", self.model), ("judge", self.judge)):
            found |= {f"{name}.{k}": v for k, v in net.arrays().items() if k.startswith("layer")}
        return found

    def freeze(self) -> Dynamics:
        """In plain numpy."""
        return Dynamics(self.inputs, self.describe(), self.arrays())


def fit_dynamics(
    store: EpisodeStore,
    *,
    seed: int = 0,
    heldout: float = HELD_OUT,
    members: int = 5,
    hidden: tuple[int, ...] = (64, 64),
    activation: str = "silu",
    epochs: int = 60,
    patience: int = 8,
    batch: int = 64,
    lr: float = 2e-3,
    progress: Progress | None = None,
) -> Fitted:
    """Fit what follows a step, and a judge that tells recorded from drawn successors.

    Steps of which a number was filled (`rewardwrap ingest --fill`), or whose successor nobody recorded, are
    left out and counted.

    Args:
        store: Episodes whose observations are one vector.
        seed: Of everything that is drawn.
        heldout: Share of the episodes, in (0, 1).
        members: Of the model.
        hidden: Layers of both networks.
        activation: Of both.
        epochs: At most so many of the model, half as many of each snapshot of the judge.
        patience: Epochs without a better held-out loss.
        batch: Rows at a time.
        lr: Learning rate.
        progress: Called after every epoch of the model.

    Raises:
        DataError: Observations that are no vector of numbers, or too few episodes.
    """
    require_finite(store, ("obs", "action", "next_obs"))
    shape = spaces_of(store)
    if shape["obs"]["sort"] != "box" or len(shape["obs"]["shape"]) != 1:
        raise DataError(
            f"dynamics must be of observations that are one vector, got {shape['obs']['sort']} of shape "
            f"{shape['obs'].get('shape')}. Flatten them before ingesting."
        )
    began = time.perf_counter()
    train, held = store.split(heldout, seed=seed)
    inputs = Inputs.of(shape, ("obs", "action"))
    rows = [_known(side.transitions()) for side in (train, held)]
    if min(side.lanes for side in rows) < 2:
        raise DataError(
            f"dynamics must be of steps whose numbers were all recorded, got {rows[0].lanes} to fit and "
            f"{rows[1].lanes} held out. Record next_obs, or leave out the columns that miss most."
        )
    width = inputs.width
    options: dict[str, Any] = {"hidden": hidden, "activation": activation, "seed": seed}
    obs = int(shape["obs"]["shape"][0])
    model = RewardNet(inputs, head="quantile", quantiles=2 * obs, members=members, **options)
    model.normalise(model.encode(rows[0]))
    delta = [_delta(side) for side in rows]
    unit = np.where(delta[0].std(axis=0) > 0, delta[0].std(axis=0), 1.0)
    middle = delta[0].mean(axis=0)
    scaled = [(d - middle) / unit for d in delta]
    tables = [
        _table(model.prepare(model.encode(side)), delta=torch.as_tensor(d).to(model.expects))
        for side, d in zip(rows, scaled, strict=True)
    ]
    done = fit(model, Follows(), *tables, epochs=epochs, patience=patience, batch=batch, lr=lr,
               weight_decay=1e-4, seed=seed, progress=progress)  # fmt: skip
    judge = RewardNet(Inputs.of_fields([str(i) for i in range(width + 2 * obs)]), **options)
    states = _snapshots(model, judge, tables[0], epochs, batch, lr, seed)
    judges = RewardNet(judge.inputs, members=SNAPSHOTS, **options)
    own = judges.arrays()
    stacked = {k: np.concatenate([s[k] for s in states]) for k in own if k.startswith("layer")}
    judges.load_arrays({**own, **stacked})
    with torch.no_grad():
        real = judges(_joint(model, tables[0], tables[0]["delta"])).double().numpy()
    rng = np.random.default_rng(seed)
    starts = np.asarray(rows[0].obs)[rng.permutation(rows[0].lanes)[:STARTS]]
    extra = {
        "input.mean": model.mean.numpy(), "input.sd": model.sd.numpy(), "delta.mean": middle,
        "delta.sd": unit, "judge.low": np.percentile(real, LOW, axis=1),
        "judge.high": np.percentile(real, HIGH, axis=1), "starts": starts,
        **_bounds(store),
    }  # fmt: skip
    net: Any = DynamicsNet(
        inputs, model, judges, {k: np.asarray(v).copy() for k, v in extra.items()}
    )
    frozen = net.freeze()
    episodes = {"train": [str(i) for i in train.ids], "heldout": [str(i) for i in held.ids]}
    return Fitted(
        net, KIND,
        {"train": errors(frozen, train, seed=seed), "heldout": errors(frozen, held, seed=seed),
         "null": {"rmse": 1.0}, "episodes": episodes,
         "left_out": {"unknown_or_filled": store.steps - sum(side.lanes for side in rows)},
         "history": done.history},
        Fit(done.history, done.best, time.perf_counter() - began), data=data_of(store),
        settings={"seed": seed, "hidden": list(hidden), "members": members, "heldout": heldout},
    )  # fmt: skip


def _bounds(store: EpisodeStore) -> dict[str, FloatArray]:
    """Of numeric actions: the space's where it is known and bounded, else what was recorded."""
    seen = np.asarray(store.action)
    low, high = seen.min(axis=0), seen.max(axis=0)
    space = store.action_space
    if isinstance(space, spaces.Box):
        low = np.where(np.isfinite(space.low), space.low, low)
        high = np.where(np.isfinite(space.high), space.high, high)
    return {"action.low": np.asarray(low, np.float64), "action.high": np.asarray(high, np.float64)}


def errors(model: Dynamics, store: EpisodeStore, *, seed: int = 0) -> dict[str, float]:
    """Errors in deviations of a true step: of one draw and of the best of 32, one step and ten ahead."""
    batch = _known(store.transitions())
    if batch.lanes > 2000:
        batch = take(batch, np.random.default_rng(seed).permutation(batch.lanes)[:2000])
    unit = np.asarray(_delta(batch)).std(axis=0)
    unit = np.where(unit > 0, unit, 1.0)
    found = {}
    for name, count in (("rmse", 1), ("filtered_rmse", CANDIDATES)):
        said, _ = model.next_obs(batch, np.random.default_rng(seed), candidates=count)
        true = np.asarray(batch.next_obs, np.float64).reshape(said.shape)
        found[name] = float(np.sqrt(np.mean(np.square((said - true) / unit))))
        found[f"{name}_{AHEAD}_steps"] = _ahead(model, store, unit, count, seed)
    return found


def _ahead(model: Dynamics, store: EpisodeStore, unit: FloatArray, count: int, seed: int) -> float:
    """Error after ten steps of the recorded actions; NaN where no ten steps were recorded whole."""
    rng = np.random.default_rng(seed)
    whole = store.transitions()
    first = np.flatnonzero(_whole_windows(store, whole))
    if not first.size:
        return float("nan")
    step = rng.choice(first, 100)
    episode = store.episode_of_step[step]
    clips = Fragments(store, episode, step - store.first_step[episode], np.full(100, AHEAD))
    state = np.asarray(whole.obs, np.float64)[clips.rows[:, 0]]
    for t in range(AHEAD):
        batch = take(whole, clips.rows[:, t])
        batch.obs = state
        state, _ = model.next_obs(batch, rng, candidates=count)
    true = np.asarray(whole.next_obs, np.float64)[clips.rows[:, -1]].reshape(state.shape)
    return float(np.sqrt(np.mean(np.square((state - true) / unit))))


def _whole_windows(store: EpisodeStore, whole: Transitions) -> Any:
    """``(N,)`` steps from which `AHEAD` go on in one episode, none of them filled or without a successor."""
    index = np.arange(store.steps)
    left = (store.first_step + store.lengths)[store.episode_of_step] - index
    broken = np.append(0, np.cumsum(~_whole(whole)))
    last = np.minimum(index + AHEAD, store.steps)
    return (left >= AHEAD) & (broken[last] == broken[index])


def _snapshots(
    model: RewardNet, judge: RewardNet, table: Table, epochs: int, batch: int, lr: float, seed: int
) -> list[dict[str, Any]]:
    """The judge after each of several rounds, every one against new draws of the model."""
    states = []
    for number in range(SNAPSHOTS):
        drawn = _drawn(model, table, seed + number)
        sides = [_joint(model, table, delta).x for delta in (table["delta"], drawn)]
        rows = Encoded(torch.cat(sides))
        recorded = (torch.arange(len(rows)) < len(table)).to(rows.x.dtype)
        both = _table(rows, recorded=recorded)
        fit(judge, Recorded(), both, epochs=max(1, epochs // 2), batch=batch, lr=lr,
            weight_decay=1e-4, seed=seed + number)  # fmt: skip
        states.append(judge.arrays())
    return states


@torch.no_grad()
def _drawn(model: RewardNet, table: Table, seed: int) -> Tensor:
    """``(n, obs)`` differences of a random member."""
    draws = torch.Generator().manual_seed(seed)
    means, spreads = _foretold(model, table)
    member = torch.randint(model.members, (len(table),), generator=draws)
    place = (member, torch.arange(len(table)))
    noise = torch.randn(means.shape[1:], generator=draws).to(means.dtype)
    return means[place] + spreads[place] * noise


@torch.no_grad()
def _joint(model: RewardNet, table: Table, delta: Tensor) -> Encoded:
    """``(n, in + 2 obs)``: what a judge reads."""
    z = residual(delta, *_foretold(model, table))
    return Encoded(torch.cat([table.rows.x, delta, z], dim=1))


def _foretold(model: RewardNet, table: Table) -> tuple[Tensor, Tensor]:
    mean, logvar = model.columns(table.rows).chunk(2, dim=-1)
    return mean, torch.exp(0.5 * soft_clamp(logvar))


def _table(rows: Encoded, **columns: Tensor) -> Table:
    items = {"row": torch.arange(len(rows)), "weight": torch.ones(len(rows)).to(rows.x.dtype)}
    return Table(rows, {**items, **columns})


def _known(batch: Transitions) -> Transitions:
    """Rows whose numbers were all recorded, the successor's among them."""
    whole = _whole(batch)
    return batch if whole.all() else take(batch, np.flatnonzero(whole))


def _whole(batch: Transitions) -> Any:
    """``(B,)``: what was filled is nobody's dynamics, and an unknown successor is none."""
    return ~(unknown_rows(("next_obs",), batch) | rows_with_gaps(batch))


def _delta(batch: Transitions) -> FloatArray:
    obs, after = (
        np.asarray(o, np.float64).reshape(batch.lanes, -1) for o in (batch.obs, batch.next_obs)
    )
    return after - obs
