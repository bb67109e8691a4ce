"""A comparison as plain data: ``comparison.json`` and ``runs.csv``.

``comparison.json`` carries everything, so that the report can be made again without training.
It is strict JSON: what does not exist is ``null``, never ``NaN``. Each of its ``strategies`` holds

* ``seeds`` and, in their order, ``final_true_return``, ``final_shaped_return``, ``final_length``,
  ``auc`` and ``steps_to_threshold`` (``null``: not reached, censored); ``failed_seeds`` apart;
* ``mean`` and ``iqm`` of ``final_true_return``;
* ``final_success``, where the environment says ``is_success``: the share of the last evaluation's episodes;
* ``groups``, where whole groups of episodes were paid, means over the runs: ``group`` (its size),
  ``filter_rate`` and ``zero_variance_share`` of the groups, ``dropped_share`` of the episodes;
* ``ci95``, the recommended 95 % interval **of the mean** (``ci95_of``; at few seeds no interval of
  the IQM covers what it promises), with ``ci95_method``, ``ci95_trusted`` and ``ci95_why``.

``primary`` (``"done"`` or ``"area"``) is what was declared before the first run, ``bounds`` the least and
largest return of an episode (``null``: unknown). ``judgement`` is what the page says: ``headline``,
``method`` (tests and correction), ``baseline``, ``best``, ``comparisons`` (how many tests were corrected
together) and ``verdicts``: for two strategies by one measure a ``word``, ``seeds_needed``, and each of the
``tests`` with what was ``asked``, ``by`` which test, its ``effect``, ``p`` and ``p_holm``. It is made from
the runs, so it is not read back. Files from before ``primary`` are read as decided by area.
"""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from rewardwrap import statistics
from rewardwrap.compare.measures import NAMES
from rewardwrap.compare.results import Comparison, Failure, ResultsError, Run
from rewardwrap.compare.verdict import Judgement, Verdict, judge
from rewardwrap.limits import parsed

FORMAT = 1
"""Version of ``comparison.json``; a file of another version is refused."""

_PLAIN = ("env", "algo", "steps", "threshold", "eval_episodes", "command", "created")
_LATER = {"primary": "area", "bounds": (None, None), "remarks": (), "tuning": {}}
"""Keys that older files lack, and what they mean there: every verdict was one by area."""
_MAPPINGS = ("rewards", "hyperparameters", "versions", "hashes")
_CURVES = ("true_return", "shaped_return", "length")
_COSTS = ("cpu_seconds", "wall_seconds", "env_steps")
_CONTINUED: dict[str, Any] = {
    "continued": 0,
    "same_curve": True,
    "run": "",
    "success": None,
    "groups": {},
}


def read(path: str | Path) -> Comparison:
    """Read a comparison from its folder or its ``comparison.json``.

    Raises:
        ResultsError: There is none, it is not whole, or it is of another format version.
    """
    file = Path(path)
    file = file / "comparison.json" if file.is_dir() else file
    if not file.is_file():
        raise ResultsError(
            f"Comparison: {file} must exist, got no such file. Run rewardwrap compare --out first."
        )
    try:
        document = parsed(file.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ResultsError(
            f"Comparison: {file} must be JSON, got {error}. Rerun rewardwrap compare with this "
            "--out: finished runs are not trained again."
        ) from error
    return from_json_dict(document)


def to_json_dict(comparison: Comparison) -> dict[str, Any]:
    """All of a comparison as strict JSON; ``from_json_dict`` reads it back."""
    return {
        "format": FORMAT,
        **{name: getattr(comparison, name) for name in _PLAIN},
        "strategies": [_strategy_to_json(comparison, name) for name in comparison.strategies],
        **{name: dict(getattr(comparison, name)) for name in _MAPPINGS},
        "primary": comparison.primary,
        "bounds": list(comparison.bounds),
        "judgement": _judgement_to_json(judge(comparison)),
        "remarks": list(comparison.remarks),
        "tuning": dict(comparison.tuning),
        "failures": [asdict(failure) for failure in comparison.failures],
        "runs": [_run_to_json(run) for run in comparison.runs],
    }


def from_json_dict(document: Any) -> Comparison:
    """Rebuild a comparison from ``to_json_dict``.

    Raises:
        ResultsError: Another format version, a missing key, or runs that do not fit together.
    """
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        found = document.get("format") if isinstance(document, dict) else document
        raise ResultsError(
            f"Comparison: format must be {FORMAT}, got {found!r}. Rerun rewardwrap compare with "
            "this --out, or read it with the version of rewardwrap that wrote it."
        )
    try:
        return Comparison(
            strategies=tuple(entry["name"] for entry in document["strategies"]),
            runs=tuple(_run_from_json(entry) for entry in document["runs"]),
            failures=tuple(Failure(**entry) for entry in document["failures"]),
            **{name: _frozen(document.get(name, usual)) for name, usual in _LATER.items()},
            **{name: document[name] for name in (*_PLAIN, *_MAPPINGS)},
        )
    except (KeyError, TypeError) as error:
        raise ResultsError(
            f"Comparison: comparison.json must be complete, got a problem with {error}. Rerun "
            "rewardwrap compare with this --out: finished runs are not trained again."
        ) from error


def to_csv(comparison: Comparison, *, names: list[str] | None = None) -> str:
    """One row for each evaluation point of each run; a term a strategy lacks stays empty.

    Args:
        comparison: The runs.
        names: Columns; None: every curve of any run.
    """
    if names is None:
        names = list(dict.fromkeys(name for run in comparison.runs for name in run.curves()))
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["strategy", "seed", "step", *(names or _CURVES)])
    for strategy in comparison.strategies:
        for run in comparison.of(strategy):
            curves = run.curves()
            for point, step in enumerate(run.steps):
                values = [repr(float(curves[n][point])) if n in curves else "" for n in names]
                rows.writerow([strategy, run.seed, int(step), *values])
    return text.getvalue()


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _judgement_to_json(judgement: Judgement) -> dict[str, Any]:
    every = (*judgement.against_baseline, *judgement.against_best)
    return {
        **{name: getattr(judgement, name) for name in ("headline", "method", "baseline", "best")},
        "comparisons": judgement.family,
        "verdicts": [_verdict_to_json(v) for v in dict.fromkeys(every)],
    }


def _verdict_to_json(verdict: Verdict) -> dict[str, Any]:
    return {
        **{name: getattr(verdict, name) for name in ("strategy", "other", "measure", "word")},
        "comparisons": verdict.family,
        "seeds_needed": verdict.needed,
        "tests": [
            {
                "asked": test.asked,
                "by": NAMES[test.by],
                "effect": test.effect,
                "p": test.p,
                "p_holm": test.corrected,
            }
            for test in verdict.tests
        ],
    }


def _strategy_to_json(comparison: Comparison, strategy: str) -> dict[str, Any]:
    final, runs = comparison.final(strategy), comparison.of(strategy)
    interval, survival = comparison.interval(strategy), comparison.survival(strategy)
    return {
        "name": strategy,
        "seeds": [run.seed for run in runs],
        "failed_seeds": [f.seed for f in comparison.failures if f.strategy == strategy],
        "final_true_return": final.tolist(),
        "final_shaped_return": comparison.final(strategy, "shaped_return").tolist(),
        "final_length": comparison.final(strategy, "length").tolist(),
        "final_success": [run.success for run in runs],
        "groups": comparison.groups(strategy),
        "auc": comparison.auc(strategy).tolist(),
        "steps_to_threshold": comparison.steps_to_threshold(strategy),
        "median_steps_to_threshold": survival.median if survival else None,
        "iqm": float(statistics.iqm(final)) if runs else None,
        "mean": float(final.mean()) if runs else None,
        "ci95": [b if math.isfinite(b) else None for b in (interval.low, interval.high)],
        "ci95_of": "mean of final_true_return",
        "ci95_method": interval.method,
        "ci95_trusted": interval.trusted,
        "ci95_why": interval.why,
        **{name: sum(getattr(run, name) for run in runs) for name in _COSTS},
    }


def _run_to_json(run: Run) -> dict[str, Any]:
    return {
        "strategy": run.strategy,
        "seed": run.seed,
        "steps": run.steps.tolist(),
        **{name: getattr(run, name).tolist() for name in _CURVES},
        "terms": {name: curve.tolist() for name, curve in run.terms.items()},
        **{name: getattr(run, name) for name in (*_COSTS, *_CONTINUED)},
    }


def _run_from_json(entry: dict[str, Any]) -> Run:
    terms = {name: np.asarray(curve) for name, curve in entry["terms"].items()}
    plain: dict[str, Any] = {name: entry[name] for name in ("strategy", "seed", *_COSTS)}
    curves: dict[str, Any] = {name: np.asarray(entry[name]) for name in ("steps", *_CURVES)}
    continued: dict[str, Any] = {name: entry.get(name, usual) for name, usual in _CONTINUED.items()}
    return Run(terms=terms, **plain, **curves, **continued)
