"""Whether a reward model can be trusted on these episodes."""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from rewardwrap.annotate.teachers import Teacher, answers, random_pairs
from rewardwrap.core.errors import RewardwrapWarning
from rewardwrap.core.transitions import FloatArray
from rewardwrap.data import DataError, EpisodeStore, sample_fragments
from rewardwrap.evaluate.models.drift import detect_drift
from rewardwrap.evaluate.models.ensembles import ensemble_disagreement
from rewardwrap.evaluate.models.overoptimisation import best_of_curve
from rewardwrap.nets.folder import Model
from rewardwrap.nets.measures import regression_measures
from rewardwrap.nets.reference import aggregates
from rewardwrap.statistics import ScoresError
from rewardwrap.statistics.pairs import PairReport, pair_accuracy, pair_report
from rewardwrap.statistics.ranking import r2, spearman
from rewardwrap.statistics.two_samples import episode_means

PAIRS, CLIPS = 1000, 512
SHORTER = (10, 5, 3, 1)
LOST = 0.1
"""Of R², from which the relation of inputs and reward is another one."""
LEAST_KNOWN = 0.3
LEAST_KNOWN_STEPS = 10


@dataclass
class Validation:
    """Everything that a validation found; a figure that does not exist is None.

    Args:
        model: Version of the model.
        objective: What it was fitted by.
        data: Fingerprint and size of the data, and which episodes were used.
        steps: ``r2``, ``mae``, ``spearman``, ``return_mae``; for preferences, whose unit is free,
            R2 after the best straight line and no errors.
        returns: Spearman of whole episodes' returns.
        members: Of an ensemble: whether it knows where it is wrong; see `ensemble_disagreement`.
        pairs: Accuracy, Brier score, calibration error and loss of clip pairs with true labels.
        reliability: The diagram: confidence, accuracy and count of each bin.
        best_of: ``n``, ``kl``, ``proxy``, ``gold``: what choosing the best of n by the model is worth.
        shift: Pair accuracy on episodes like the training data, and on those least like it.
        drift: Alarm, and the adjusted p value of each aggregate.
        notes: What could not be measured, in sentences.
        history: Losses of the training.
        scatter: Some ``(true, paid)`` steps for the figure.
    """

    model: str
    objective: str
    data: dict[str, Any]
    steps: dict[str, float | None] = field(default_factory=dict)
    returns: float | None = None
    members: dict[str, float] = field(default_factory=dict)
    pairs: dict[str, float] = field(default_factory=dict)
    reliability: dict[str, list[float]] = field(default_factory=dict)
    best_of: dict[str, list[float]] = field(default_factory=dict)
    shift: dict[str, float] = field(default_factory=dict)
    drift: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    history: list[dict[str, float]] = field(default_factory=list)
    scatter: list[tuple[float, float]] = field(default_factory=list)

    def to_plain(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)

    def scalars(self) -> dict[str, float]:
        """Every single figure by its TensorBoard tag."""
        found: dict[str, float | None] = {
            **{f"steps/{k}": v for k, v in self.steps.items()},
            **{f"members/{k}": v for k, v in self.members.items()},
            **{f"pairs/{k}": v for k, v in self.pairs.items()},
            **{f"shift/{k}": v for k, v in self.shift.items()},
            "returns/spearman": self.returns,
        }
        if self.drift:
            found["drift/alarm"] = float(self.drift["alarm"])
        if self.best_of:
            found["best_of/gold_lost"] = max(self.best_of["gold"]) - self.best_of["gold"][-1]
        return {f"reward_model/val/{k}": float(v) for k, v in found.items() if v is not None}


def validate(model: Model, store: EpisodeStore, *, length: int = 25, seed: int = 0) -> Validation:
    """Measure a model on episodes it was not trained on.

    On the data it was fitted on, its held-out episodes are used; on other data, all of them.

    Args:
        model: What to judge.
        store: Episodes with logged rewards.
        length: Steps of a clip, or the shortest episode's.
        seed: Of clips and permutations.
    """
    frozen = model.net.freeze()
    held = judged_on(model, store)
    own = held is not store
    paid = frozen(held.transitions())
    made = Validation(
        model.version,
        model.document["objective"],
        {
            "fingerprint": store.fingerprint(),
            "episodes": len(held),
            "steps": held.steps,
            "which": "held-out episodes of the fit" if own else "episodes the fit has not seen",
        },
        history=model.metrics.get("history", []),
    )
    _steps(made, held, paid)
    if frozen.members > 1:
        _members(made, held, frozen.all(held.transitions()))
    if len(held) > 1:
        made.drift = _drift(made, model, held, paid, seed)
        _relation(made, model)
    if np.isfinite(held.reward).any():
        _clips(made, model, held, paid, _known_length(held, length, seed), seed)
    return made


def judged_on(model: Model, store: EpisodeStore) -> EpisodeStore:
    """The held-out episodes of the fit where the store is the fit's own, else all of the store."""
    if model.document["data"].get("fingerprint") != store.fingerprint():
        return store
    known = set(model.metrics["episodes"]["heldout"])
    return store.select(np.array([str(i) in known for i in store.ids]))


def _steps(made: Validation, held: EpisodeStore, paid: FloatArray) -> None:
    there = np.isfinite(held.reward)
    if not there.any():
        made.notes.append(
            "No step has a logged reward, so nothing could be compared with the truth."
        )
        return
    if made.objective == "returns":
        made.notes.append("The model predicts returns to go: step figures compare it with rewards.")
    if made.objective == "regression":
        made.steps = regression_measures(held, held.reward, paid)
    else:
        said, true = paid[there], held.reward[there]
        varies = np.ptp(said) > 0 and np.ptp(true) > 0
        line = np.polyval(np.polyfit(said, true, 1), said) if varies else said
        made.steps = {
            "r2_of_line": r2(line, true) if varies else None,
            "spearman": spearman(said, true) if varies else None,
        }
    totals = np.add.reduceat(np.where(there, paid, 0.0), held.first_step)
    truth = held.returns(skip_missing=True)
    if len(held) > 2 and np.ptp(totals) > 0 and np.ptp(truth) > 0:
        made.returns = spearman(totals, truth)
    some = np.flatnonzero(there)[:: max(1, int(there.sum()) // 800)]
    made.scatter = [(float(held.reward[i]), float(paid[i])) for i in some]


def _members(made: Validation, held: EpisodeStore, each: FloatArray) -> None:
    """Whether the spread of an ensemble finds its errors, in the truth's unit."""
    there = np.isfinite(held.reward)
    said, true = each[:, there], held.reward[there]
    if there.sum() < LEAST_KNOWN_STEPS or np.ptp(said.mean(axis=0)) == 0:
        return
    if made.objective != "regression":
        slope, shift = np.polyfit(said.mean(axis=0), true, 1)
        said = slope * said + shift
    found = ensemble_disagreement(said, true)
    names = ("auroc", "error_correlation", "rank_correlation")
    made.members = {name: getattr(found, name) for name in names}


def _known_length(held: EpisodeStore, length: int, seed: int) -> int:
    """The longest clips of which at least three in ten miss no reward, at most ``length``."""
    longest = min(length, int(held.lengths.max()))
    for steps in sorted({longest, *(s for s in SHORTER if s < longest)}, reverse=True):
        returns = sample_fragments(held, CLIPS, steps, seed=seed).returns()
        if np.isfinite(returns).mean() >= LEAST_KNOWN:
            return steps
    return 1


def _clips(
    made: Validation,
    model: Model,
    held: EpisodeStore,
    paid: FloatArray,
    length: int,
    seed: int,
) -> None:
    try:
        asked, _ = answers(Teacher(), random_pairs(held, length), PAIRS, seed=seed)
    except DataError as error:
        made.notes.append(f"Clip pairs could not be drawn: {error}")
        return
    returns = [np.where(c.mask, paid[c.rows], 0.0).sum(1) for c in (asked.a, asked.b)]
    gap = (returns[1] - returns[0]) / model.temperature
    if made.objective == "preferences":
        _pairs(made, pair_report(gap, asked.preferred))
    else:
        made.pairs = {"pair_accuracy": pair_accuracy(gap, asked.preferred)}
    made.data["clip_length"] = length
    clips = sample_fragments(held, CLIPS, length, seed=seed)
    gold = clips.returns()
    known = np.isfinite(gold)
    if known.sum() >= 16:
        proxy = np.where(clips.mask, paid[clips.rows], 0.0).sum(1)
        curve = best_of_curve(proxy[known], gold[known])
        made.best_of = {k: getattr(curve, k).tolist() for k in ("n", "kl", "proxy", "gold")}
    _shift(made, model, held, gap, asked)


def _pairs(made: Validation, report: PairReport) -> None:
    made.pairs = {
        "pair_accuracy": report.accuracy,
        "brier": report.brier,
        "ece": report.ece,
        "log_loss": report.log_loss,
    }
    diagram = report.reliability
    made.reliability = {
        "confidence": diagram.confidence.tolist(),
        "accuracy": diagram.accuracy.tolist(),
        "count": diagram.count.tolist(),
    }


def _shift(made: Validation, model: Model, held: EpisodeStore, gap: FloatArray, asked: Any) -> None:
    """Accuracy near the training data and far from it, by the mean inputs of the episodes."""
    if len(held) < 4:
        made.notes.append("Fewer than four episodes: no split by distance from the training data.")
        return
    x = model.net.prepare(model.net.encode(held.transitions())).x.double().numpy()
    away = np.linalg.norm(episode_means(x, held.transitions().first), axis=1)
    far = away > np.median(away)
    both_far, both_near = (
        (far[asked.a.episode] & far[asked.b.episode]),
        (~far[asked.a.episode] & ~far[asked.b.episode]),
    )
    for name, rows in (("near", both_near), ("far", both_far)):
        if rows.any():
            made.shift[name] = pair_accuracy(gap[rows], asked.preferred[rows])
    if len(made.shift) == 2:
        made.shift["drop"] = made.shift["near"] - made.shift["far"]


def _relation(made: Validation, model: Model) -> None:
    """Say where the model explains less than it did although nothing that drift looks at changed."""
    before, now = (figures.get("r2") for figures in (model.metrics.get("heldout", {}), made.steps))
    if before is None or now is None or made.drift.get("alarm", True) or now > before - LOST:
        return
    made.notes.append(
        f"R² was {before:.4g} on the fit's held-out episodes: the relation changed. drift/alarm looks at "
        "inputs and pay alone; rewardwrap monitor watches the relation too."
    )


def _drift(
    made: Validation,
    model: Model,
    held: EpisodeStore,
    paid: FloatArray,
    seed: int,
) -> dict[str, Any]:
    reference = model.metrics.get("reference")
    if reference is None:
        made.notes.append("The model keeps no reference episodes, so drift was not tested.")
        return {}
    names, rows = aggregates(held, model.net, paid)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", RewardwrapWarning)
        try:
            found = detect_drift(reference["rows"], rows, rng=np.random.default_rng(seed))
        except ScoresError as error:
            made.notes.append(f"Drift was not tested: {error}")
            return {}
    made.notes += [f"Drift: {each.message}" for each in said]
    return {
        "alarm": found.alarm,
        "alpha": found.alpha,
        "reference": found.reference,
        "current": found.current,
        "p_values": dict(zip(names, found.p_values.tolist(), strict=True)),
    }
