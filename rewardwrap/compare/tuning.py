"""The same tuning budget for every strategy, so that none wins because somebody turned its knobs.

Every strategy gets ``N`` trials of a seeded TPE sampler on the numbers of its own reward. A trial is
the mean area under the true-return curve of trainings with seeds that the final runs do not use, in
the same store: a trial is an ordinary run, so nothing is trained twice and a broken-off tuning goes on.
The first trial is the reward as the plan wrote it; the best trial wins, the earlier one where two are
level.

Source: Bergstra et al., "Algorithms for Hyper-Parameter Optimization", NeurIPS 2011 (TPE); Optuna's
implementation.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from rewardwrap import statistics
from rewardwrap.compare.plan import Plan
from rewardwrap.compare.spec import Spec, run_id
from rewardwrap.compare.store import Store
from rewardwrap.core.config import from_config
from rewardwrap.core.errors import extra
from rewardwrap.core.reward import Reward

FACTOR = 10.0
"""A number is tried from a tenth of the plan's value to ten times it, log-uniformly."""
SEEDS = 2
"""Trainings behind each trial."""
FIRST_SEED = 1000
DIGITS = 4
"""Significant digits of a tried number; more would only make configurations unreadable."""
COEFFICIENTS: Mapping[str, str] = {
    "affine": "scale",
    "constant": "value",
    "learned": "k",
    "refine": "alpha",
}
"""Tag of a reward -> the field that says how much it pays, beside every field of `NAMES`."""
NAMES = ("weight", "coefficient", "coef", "beta", "bonus_scale")
WEIGHTED = {"field": "of", "potential": "phi"}
"""Tag of a reward -> the field that holds weights of named fields; one factor multiplies them all."""

Path = tuple[str | int, ...]
Numbers = dict[str, tuple[Path, float]]
Train = Callable[[list[Spec]], object]


@dataclass(frozen=True)
class Trial:
    """One set of numbers: what it was, and the mean area it reached (None: its runs failed)."""

    values: Mapping[str, float]
    score: float | None


@dataclass
class _Search:
    """The tuning of one strategy."""

    strategy: str
    config: dict[str, Any]
    numbers: Numbers
    study: Any
    trials: list[Trial] = field(default_factory=list)


def tune(
    plan: Plan, trials: int, store: Store, train: Train, *, seeds: Sequence[int] | None = None
) -> tuple[Plan, dict[str, Any]]:
    """Find each strategy's numbers.

    Args:
        plan: What will be compared.
        trials: How many sets of numbers each strategy may try.
        store: Where runs are.
        train: Trains specs into the store; those that fail are missing afterwards.
        seeds: Of the trials; None: `SEEDS` that the plan does not use.

    Returns:
        The plan with the values that won, and what was done, for ``comparison.json``.

    Raises:
        MissingExtra: Optuna is not installed.
    """
    optuna = extra("optuna", needs="--tune", install="tune")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    chosen = tuple(seeds) if seeds is not None else tuning_seeds(plan.seeds)
    searches = [_search(optuna, name, reward) for name, reward in plan.rewards.items()]
    for _ in range(trials):
        asked = [(search, *_ask(search)) for search in searches]
        rewards = {search.strategy: reward for search, _, _, reward in asked}
        trial_plan = replace(plan, rewards=rewards, seeds=chosen)
        specs = trial_plan.specs()
        train(specs)
        for search, trial, values, _ in asked:
            own = [spec for spec in specs if spec["strategy"] == search.strategy]
            score = _score(own, store)
            search.trials.append(Trial(values, score))
            if score is None:
                search.study.tell(trial, state=optuna.trial.TrialState.FAIL)
            else:
                search.study.tell(trial, score)
    tuned = {search.strategy: _reward(search, best(search.trials).values) for search in searches}
    return replace(plan, rewards=tuned), _document(plan, trials, chosen, searches)


def tuning_seeds(final: Sequence[int]) -> tuple[int, ...]:
    """The first seeds from 1000 on that the final runs do not use."""
    taken = set(final)
    free = (seed for seed in range(FIRST_SEED, FIRST_SEED + SEEDS + len(taken)))
    return tuple(seed for seed in free if seed not in taken)[:SEEDS]


def numbers_of(config: Any, path: Path = (), *, paid: bool = False) -> Numbers:
    """The numbers of a reward that say how much its parts pay.

    They are the scale of ``affine``, the fields in `COEFFICIENTS`, every field called as in `NAMES`, and
    the weights in `WEIGHTED`. Inside an ``affine`` with a scale those weights stay, because a second
    factor of the same part would change nothing that the first cannot. Zeros stay: ten times zero is
    zero.

    Args:
        config: ``Reward.to_config()``.
        path: Where it stands; leads the paths of the answer.
        paid: Whether a scale around it is tuned already.

    Returns:
        Name -> where it stands, and its value; for weights the value is the factor 1.

    >>> numbers_of({"affine": {"base": {"env": {}}, "scale": 0.5}})
    {'affine.scale': (('affine', 'scale'), 0.5)}
    """
    found: Numbers = {}
    parts = enumerate(config) if isinstance(config, list) else _items(config)
    for key, value in parts:
        here: Path = (*path, key)
        tag = str(path[-1]) if path else ""
        if _is_coefficient(tag, str(key), value):
            _merge(found, {f"{tag}.{key}": (here, float(value))})
        elif WEIGHTED.get(tag) == key and isinstance(value, dict):
            if not paid:
                _merge(found, {f"{tag}.{key}": (here, 1.0)})
        else:
            scaled = paid or (tag == "affine" and isinstance(config, dict) and "scale" in config)
            _merge(found, numbers_of(value, here, paid=scaled))
    return found


def best(trials: Sequence[Trial]) -> Trial:
    """The trial with the highest area; the first where none counts more."""
    found = trials[0]
    for trial in trials[1:]:
        if trial.score is not None and (found.score is None or trial.score > found.score):
            found = trial
    return found


def sentence(trials: int, seeds: Sequence[int]) -> str:
    """What the report says."""
    listed = ", ".join(map(str, seeds))
    return (
        f"Every strategy was tuned with {trials} trial{'s' if trials != 1 else ''} on seeds "
        f"{listed}, disjoint from the final seeds."
    )


def lines(document: Mapping[str, Any]) -> list[str]:
    """What tuning came to, a line for each strategy."""
    found = []
    for strategy, told in document["strategies"].items():
        chosen = ", ".join(
            f"{name} {told['plan'][name]:.4g} -> {value:.4g}"
            for name, value in told["chosen"].items()
        )
        found.append(f"  {strategy}: {told['words'] or chosen}")
    return found


def _items(config: Any) -> list[tuple[str, Any]]:
    return list(config.items()) if isinstance(config, dict) else []


def _is_coefficient(tag: str, name: str, value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and value != 0 and (name in NAMES or COEFFICIENTS.get(tag) == name)


def _merge(into: Numbers, more: Numbers) -> None:
    for name, value in more.items():
        label, count = name, 2
        while label in into:
            label, count = f"{name.partition('#')[0]}#{count}", count + 1
        into[label] = value


def _search(optuna: Any, strategy: str, reward: Reward) -> _Search:
    config = reward.to_config()
    # the sampler's seed goes by name alone: another strategy in the plan changes nothing
    seed = int.from_bytes(hashlib.sha256(strategy.encode()).digest()[:4], "big")
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    found = _Search(strategy, config, numbers_of(config), study)
    study.enqueue_trial(dict.fromkeys(found.numbers, 1.0))
    return found


def _ask(search: _Search) -> tuple[Any, dict[str, float], Reward]:
    trial = search.study.ask()
    values = {}
    for name, (_, value) in search.numbers.items():
        factor = trial.suggest_float(name, 1 / FACTOR, FACTOR, log=True)
        values[name] = value if factor == 1.0 else float(f"{value * factor:.{DIGITS}g}")
    return trial, values, _reward(search, values)


def _reward(search: _Search, values: Mapping[str, float]) -> Reward:
    config = copy.deepcopy(search.config)
    for name, (path, _) in search.numbers.items():
        place: Any = config
        for key in path[:-1]:
            place = place[key]
        old = place[path[-1]]
        place[path[-1]] = _multiplied(old, values[name]) if isinstance(old, dict) else values[name]
    return from_config(config)


def _multiplied(weights: Mapping[str, Any], factor: float) -> dict[str, Any]:
    return {name: weight * factor for name, weight in weights.items()}


def _score(specs: Sequence[Spec], store: Store) -> float | None:
    """Mean area under the true-return curves; None if a run failed."""
    if not all(store.is_finished(run_id(spec)) for spec in specs):
        return None
    areas = []
    for spec in specs:
        found = store.summary(run_id(spec))
        steps = np.asarray(found["steps"])
        areas.append(
            statistics.area_under_curve(steps, np.asarray(found["true_return"], float), steps)
        )
    return float(np.mean(areas))


def _document(
    plan: Plan, trials: int, seeds: Sequence[int], searches: Sequence[_Search]
) -> dict[str, Any]:
    return {
        "sentence": sentence(trials, seeds),
        "trials": trials,
        "seeds": list(seeds),
        "final_seeds": list(plan.seeds),
        "sampler": f"Optuna TPE; each number from 1/{FACTOR:g} to {FACTOR:g} times the plan's value",
        "objective": "mean area under the true-return curve",
        "strategies": {search.strategy: _told(search, trials) for search in searches},
    }


def _told(search: _Search, trials: int) -> dict[str, Any]:
    start = {name: value for name, (_, value) in search.numbers.items()}
    won = best(search.trials)
    words = "" if start else (
        f"It has no weight or coefficient to tune: its {trials} trial"
        f"{'s are one and the same training' if trials != 1 else ' is the plan itself'}."
    )  # fmt: skip
    return {
        "words": words,
        "plan": start,
        "chosen": dict(won.values),
        "score": won.score,
        "trials": [{"values": dict(t.values), "score": t.score} for t in search.trials],
    }
