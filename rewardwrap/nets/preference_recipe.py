"""From preferences to a validated network: what ``rewardwrap fit preferences`` runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
import torch

from rewardwrap.annotate.teachers import Teacher, answers, random_pairs
from rewardwrap.annotate.trees import tree_pairs, trees_of
from rewardwrap.core.errors import UnknownName
from rewardwrap.core.transitions import FloatArray, take
from rewardwrap.data import DataError, EpisodeStore, Fragments, Preferences, sample_fragments
from rewardwrap.data.preferences import TIE
from rewardwrap.data.successors import unknown_rows, with_successors
from rewardwrap.nets.experts import build_mixed
from rewardwrap.nets.features import feature_net, residual, weights
from rewardwrap.nets.fitted import HELD_OUT, Fitted, data_of, require_finite, settings_of
from rewardwrap.nets.measures import accuracy_interval, mixture_of, pair_measures
from rewardwrap.nets.objectives.bradley_terry import BradleyTerry
from rewardwrap.nets.paid import PaidNet
from rewardwrap.nets.reference import reference_of, stream_of
from rewardwrap.nets.tables import pairs_table
from rewardwrap.nets.trainer import Fit, Objective, Progress, fit

HELD_OUT_PAIRS = 500
LENGTH = 25
TOPOLOGIES = ("random", "tree")
FEATURES_LR = 2e-2
"""A handful of weights takes larger steps."""
Ask = Callable[[Fragments, Fragments], FloatArray]
"""Pairs of clips -> P(b better), as whoever taught would answer."""
LEAST_WATCHED = 100
"""Pairs to stop by; fewer, with a few wrong answers among them, stop at random."""


def fit_preferences(
    store: EpisodeStore,
    *,
    teacher: Teacher | None = None,
    name: str = "oracle",
    pairs: int = 500,
    length: int | None = None,
    topology: str = "random",
    preferences: Preferences | None = None,
    reads: Sequence[str] = ("obs", "action"),
    seed: int = 0,
    heldout: float = HELD_OUT,
    objective: Objective | None = None,
    epochs: int = 50,
    patience: int = 25,
    batch: int = 64,
    lr: float = 1e-3,
    weight_decay: float = 0.1,
    members: int = 3,
    hidden: Sequence[int] = (64, 64),
    signs: Mapping[str, int] | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Fitted:
    """Fit preferences of a synthetic teacher, or ones that were given.

    A teacher answers ``pairs`` questions about training episodes; the held-out figures are of other
    episodes and, since the truth is known there, judged without the teacher's faults. Given
    preferences are split so that no episode stands on both sides.

    Args:
        store: Episodes.
        teacher: Who answers; without one ``preferences`` must be given.
        name: Of the teacher, for the record.
        pairs: Answered questions; skipped ones are free.
        length: Steps of a clip; where left out those of the median answer, or `LENGTH` for a teacher who
            is asked, and the median episode's where that is less.
        topology: ``"random"``: clips of ``length`` steps from anywhere; ``"tree"``: whole episodes that
            went on from one start (`rewardwrap.training.trees`), and whole trees are held out.
        preferences: Answers that exist already.
        reads: Inputs of the network.
        seed: Of everything that is drawn.
        heldout: Share of the episodes, in (0, 1).
        objective: Loss; Bradley and Terry's by default.
        epochs: At most so many.
        patience: From 1,000 pairs on, a tenth of them is watched: stop after so many epochs without a
            better loss there.
        batch: Pairs at a time.
        lr: Learning rate.
        weight_decay: Of AdamW.
        members: Of the ensemble.
        hidden: Sizes of its layers.
        signs: Columns of ``info`` and which way each of them counts: fit a monotone `feature_net` of
            them instead, for which some dozens of pairs are enough.
        progress: Called after every epoch.
        options: Of `RewardNet`, or ``experts`` and ``top`` of `ExpertsNet`.

    Raises:
        DataError: Too few episodes or pairs, inputs that are not finite, or a teacher without true
            rewards.
    """
    require_finite(store, reads)
    ask: Ask | None = None
    length = length or _usual(store, preferences)
    if preferences is not None:
        different, same = _different(preferences.without_skipped())
        shown, unseen = _shown(different, reads)
        given = shown.split(heldout, seed=seed)
        answered, judged, judge = given.train, given.heldout, "the annotators"
        record: dict[str, Any] = {
            "dropped": given.dropped + unseen,
            "split": given.by,
            "same": same,
        }
        asked = len(preferences)
    else:
        answered, judged, asked, ask = _taught(
            with_successors(store, reads),
            teacher or Teacher(),
            name,
            pairs,
            length,
            heldout,
            seed,
            topology,
        )
        judge, record = (teacher or Teacher()).truth, {"teacher": name, "topology": topology}
    objective = objective or BradleyTerry()
    if signs:
        net: Any = feature_net(signs, members=members, seed=seed)
        weight_decay, lr = 0.0, FEATURES_LR
    else:
        # an objective that fits another network than the usual one says so itself
        made = getattr(objective, "network", build_mixed)
        net = made(store, reads, seed=seed, members=members, hidden=hidden, **options)
    # training and held-out clips may lie in stores of their own
    seen = _rows_of(answered)
    net.normalise(net.encode(seen))
    settings = {"epochs": epochs, "patience": patience, "batch": batch, "lr": lr,
                "weight_decay": weight_decay, "progress": progress}  # fmt: skip
    if hasattr(objective, "train"):
        done, found = objective.train(net, answered, ask=ask, seed=seed, **settings)
        record |= found
    else:
        done = _fit(net, objective, answered, seed, **settings)
    if net.pays:
        net.center(net.prepare(net.encode(seen)))
    # members pay in deviations of their own; their logits are worth these deviations on average
    temperature = 1.0 / float((1.0 / net.scale).mean())
    contradicting = answered.contradictions()
    record |= {"asked": asked, "answered": len(answered) + (len(judged) if preferences else 0)}
    record |= {"repeated": contradicting.repeated, "contradicting": contradicting.contradicting}
    circles = answered.cycles(seed=seed)
    record["cycles"] = {"says": str(circles), "scalar": circles.scalar, **asdict(circles)}
    metrics = {
        "heldout": pair_measures(net, judged, temperature),
        "train": pair_measures(net, answered, temperature),
        "null": {"pair_accuracy": 0.5, "brier": 0.25},
    }
    if not net.pays:
        record["best_of"] = mixture_of(net, judged)
    if signs:
        record["weights"] = {name: mean for name, (mean, _) in weights(net).items()}
        if isinstance(store.obs, np.ndarray) and np.isfinite(store.reward).any():
            record["residual"] = residual(store, net.freeze()(store.transitions()))
    return Fitted(
        net,
        "preferences",
        {
            **metrics,
            "judged_by": judge,
            "interval": {"pair_accuracy": accuracy_interval(metrics["heldout"])},
            "labels": record,
            "episodes": {
                "train": _ids(answered),
                "heldout": _ids(judged),
            },
            **(_watched(net, answered, judged, length) if net.pays else {}),
            "history": done.history,
        },
        done,
        temperature,
        data=data_of(store),
        settings=settings_of(
            net, seed, reads=list(reads), length=length, heldout=heldout,
            objective=getattr(objective, "tag", type(objective).__name__),
        ),
    )  # fmt: skip


def _usual(store: EpisodeStore, preferences: Preferences | None) -> int:
    """Steps of a clip where nobody says: what the data show."""
    seen = store.lengths
    if preferences is not None:
        seen = np.concatenate([preferences.a.length, preferences.b.length])
    usual = int(np.median(seen)) if len(seen) else LENGTH
    return usual if preferences is not None else min(LENGTH, usual)


def _fit(net: PaidNet, objective: Any, answered: Preferences, seed: int, **settings: Any) -> Fit:
    """One fit; of many pairs a tenth is watched, to stop by."""
    # an objective whose loss reads more than the answers says so itself
    table = getattr(objective, "table", pairs_table)(net, answered)
    order = np.random.default_rng(seed).permutation(len(table))
    stop = len(table) // 10 if len(table) >= LEAST_WATCHED * 10 else 0
    watched, fitted = (torch.as_tensor(part) for part in (order[:stop], order[stop:]))
    val = table.take(watched) if stop else None
    return fit(net, objective, table.take(fitted), val, seed=seed, **settings)


def _different(preferences: Preferences) -> tuple[Preferences, int]:
    """The answers about two clips, and how many there are about a clip and itself.

    Raises:
        DataError: All are.
    """
    if (preferences.preferred == TIE).all():
        got = f"{len(preferences)} ties alone" if len(preferences) else "none that was not skipped"
        raise DataError(
            f"answers must prefer a clip somewhere, got {got}. Ask easier questions, or look at the column "
            "of the answers."
        )
    same = preferences.same
    if same.all() and len(same):
        raise DataError(
            f"answers must be about two different clips, got {len(same)} of a clip and itself. Look at the "
            "columns episode_b and start_b."
        )
    return preferences.select(~same), int(same.sum())


def _shown(preferences: Preferences, reads: Sequence[str]) -> tuple[Preferences, int]:
    """The pairs whose steps a network with these inputs can be shown, and how many are not.

    Raises:
        DataError: None can.
    """
    unknown = unknown_rows(reads, preferences.store.transitions())
    hit = [(unknown[c.rows] & c.mask).any(axis=1) for c in (preferences.a, preferences.b)]
    out = np.asarray(hit[0] | hit[1])
    if out.all() and len(out):
        raise DataError(
            f"pairs must show steps with a recorded successor to a network that reads next_obs, got "
            f"none among {len(out)}. Read obs,action alone, or record next_obs."
        )
    return (preferences.select(~out), int(out.sum())) if out.any() else (preferences, 0)


def _taught(
    store: EpisodeStore,
    teacher: Teacher,
    name: str,
    pairs: int,
    length: int,
    heldout: float,
    seed: int,
    topology: str,
) -> tuple[Preferences, Preferences, int, Ask]:
    """Answered training pairs, held-out pairs with true labels, how many were asked, and who can be again."""
    if topology not in TOPOLOGIES:
        raise UnknownName("topology", topology, TOPOLOGIES)
    tree = topology == "tree"
    drawn = tree_pairs if tree else partial(random_pairs, length=length)
    # leaves of one tree begin alike, and stay on one side
    train, held = store.split(heldout, seed=seed, by=trees_of(store).tolist() if tree else None)
    if teacher.truth == Teacher.truth and not np.isfinite(store.reward).any():
        raise DataError(
            "a synthetic teacher must know the true rewards, got only missing ones. "
            "Label pairs instead and give the judgements' file as --teacher."
        )
    known = teacher
    if teacher.calibrates:
        clips = sample_fragments(train, 1000, length, seed=seed)
        rewarded = ~np.isnan(clips.returns()) | (teacher.truth != Teacher.truth)
        known = teacher.calibrated(clips.select(rewarded))
    answered, asked = answers(known, drawn(train), pairs, seed=seed, name=name)
    judged, _ = answers(known.faultless, drawn(held), HELD_OUT_PAIRS, seed=seed + 1, name="oracle")
    again = np.random.default_rng(seed + 2)
    return answered, judged, asked, lambda a, b: known.answer(a, b, again)


def _rows_of(preferences: Preferences) -> Any:
    used = np.unique(np.concatenate([c.rows.ravel() for c in (preferences.a, preferences.b)]))
    return take(preferences.store.transitions(), used)


def _watched(
    net: PaidNet, answered: Preferences, judged: Preferences, length: int
) -> dict[str, Any]:
    """What a monitor compares later pay with."""
    store = _episodes_of(answered)
    return {
        "reference": reference_of(store, net, net.freeze()(store.transitions())),
        "stream": stream_of(_episodes_of(judged), net, others=store, length=length),
    }


def _episodes_of(preferences: Preferences) -> EpisodeStore:
    """The episodes that its clips are of."""
    used = np.unique(np.concatenate([preferences.a.episode, preferences.b.episode]))
    return preferences.store.select(used)


def _ids(preferences: Preferences) -> list[str]:
    shown = np.unique(np.concatenate([preferences.a.episode, preferences.b.episode]))
    return [str(i) for i in preferences.store.ids[shown]]
