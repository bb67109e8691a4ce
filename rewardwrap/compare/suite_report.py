"""The files of a suite: ``suite.json``, ``runs.csv``, one report over all, and each environment's own.

| file | holds |
|---|---|
| ``suite.json`` | everything: each comparison, the scales, scores and aggregates |
| ``runs.csv`` | every evaluation point of every environment |
| ``report.html``, ``figures/`` | the verdict over all environments, then each of them |
| ``envs/<name>/`` | the comparison of that environment, as if it had been alone; its films |
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from rewardwrap.compare import aggregate, document, report, videos
from rewardwrap.compare.aggregate import AGGREGATES, Estimate, SuiteJudgement, judge_suite
from rewardwrap.compare.figures import final_returns, learning_curves
from rewardwrap.compare.report import figure_markup, unbroken
from rewardwrap.compare.results import Comparison, ResultsError
from rewardwrap.compare.suite import Suite, folder_of
from rewardwrap.compare.suite_figures import draw_suite
from rewardwrap.compare.suites import Scale
from rewardwrap.compare.summary import interval_text, label_text, reached_text
from rewardwrap.compare.verdict import judge
from rewardwrap.files import write_whole
from rewardwrap.limits import parsed
from rewardwrap.pages.palette import STRATEGIES
from rewardwrap.pages.templates import environment
from rewardwrap.pages.words import number, p_value, signed

FORMAT = 1
"""Version of ``suite.json``; a file of another version is refused."""
NAME = "suite.json"
_TOLD = ("cheats", "diverges", "bounded", "unfinished")


def write(suite: Suite, out_dir: Path) -> Path:
    """Write every file of a suite, each whole or not at all; returns the report's path."""
    from rewardwrap.pages.drawing import save

    (out_dir / "figures").mkdir(parents=True, exist_ok=True)
    text = json.dumps(to_json_dict(suite), indent=1, allow_nan=False)
    write_whole(out_dir / NAME, text + "\n")
    write_whole(out_dir / "runs.csv", to_csv(suite))
    figures = draw_suite(suite)
    for name, figure in figures.items():
        for suffix in ("svg", "png"):
            write_whole(out_dir / "figures" / f"{name}.{suffix}", save(figure, suffix=suffix))
    path = out_dir / "report.html"
    films = {
        comparison.env: videos.shown(out_dir, below=f"envs/{folder_of(comparison.env)}/")
        for comparison in suite.comparisons
    }
    write_whole(path, render(suite, figures, films=films))
    for comparison in suite.comparisons:
        report.write(comparison, out_dir / "envs" / folder_of(comparison.env))
    return path


def read(out_dir: Path) -> Suite:
    """Read a suite from its folder.

    Raises:
        ResultsError: No ``suite.json``, or one of another format or cut short.
    """
    file = out_dir / NAME
    try:
        found = parsed(file.read_text(encoding="utf-8"))
        if found["format"] != FORMAT:
            raise ResultsError(
                f"Suite: format must be {FORMAT}, got {found['format']!r}. Rerun rewardwrap compare with "
                "this --out, or read it with the version of rewardwrap that wrote it."
            )
        return Suite(
            comparisons=tuple(document.from_json_dict(part) for part in found["comparisons"]),
            scales={env: Scale(**scale) for env, scale in found["scales"].items()},
            command=found["command"],
            created=found["created"],
        )
    except (OSError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise ResultsError(
            f"Suite: {file} must be complete, got a problem with {error}. Rerun rewardwrap compare "
            "with this --out: finished runs are not trained again."
        ) from error


def to_json_dict(suite: Suite) -> dict[str, Any]:
    """All of a suite as strict JSON; ``read`` takes the plain part of it."""
    return {
        "format": FORMAT,
        "command": suite.command,
        "created": suite.created,
        "scales": {env: asdict(scale) for env, scale in suite.scales.items()},
        "tasks": [task.env for task in suite.tasks],
        "strategies": [_strategy_to_json(suite, name) for name in suite.strategies],
        "comparisons": [document.to_json_dict(comparison) for comparison in suite.comparisons],
    }


def to_csv(suite: Suite) -> str:
    """One row for each evaluation point of each run, the environment first."""
    names = dict.fromkeys(n for c in suite.comparisons for run in c.runs for n in run.curves())
    lines = []
    for place, comparison in enumerate(suite.comparisons):
        head, *rows = document.to_csv(comparison, names=list(names)).splitlines()
        lines += [f"env,{head}"] if place == 0 else []
        lines += [f"{comparison.env},{row}" for row in rows]
    return "\n".join([*lines, ""])


def render(
    suite: Suite,
    figures: Mapping[str, Figure] | None = None,
    *,
    films: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
) -> str:
    """The report over all environments as HTML.

    Args:
        suite: What it is about.
        figures: Drawn unless they are given.
        films: Environment -> what `rewardwrap.compare.videos.shown` returned for it.
    """
    drawn = draw_suite(suite) if figures is None else figures
    judgement = judge_suite(suite)
    pages = environment(Path(__file__).parent)
    return pages.get_template("suite.html.jinja").render(
        suite=suite,
        judgement=judgement,
        title=f"{len(suite.envs)} environments, {suite.algo}: which reward works",
        strategies=[_strategy(suite, judgement, name) for name in suite.strategies],
        aggregates=list(AGGREGATES),
        best=[(v.other, unbroken(v.phrase)) for v in judgement.against_best],
        few=any(len(suite.seeds(name)) < 10 for name in suite.strategies),
        figures={name: figure_markup(name, figure) for name, figure in drawn.items()},
        environments=[
            {**_environment(c, place), "films": (films or {}).get(c.env, ())}
            for place, c in enumerate(suite.comparisons)
        ],
        cost=_cost(suite),
    )


def _strategy(suite: Suite, judgement: SuiteJudgement, name: str) -> dict[str, Any]:
    place = suite.strategies.index(name)
    verdict, final = judgement.of(name), judgement.of(name, "final")
    found = aggregate.aggregates(suite.scores(name))
    late = aggregate.aggregates(suite.scores(name, "final"))
    return {
        "name": name,
        "colour": place % len(STRATEGIES),
        "seeds": suite.seeds(name),
        "area": {key: _text(estimate) for key, estimate in found.items()},
        "final": {key: _text(estimate) for key, estimate in late.items()},
        "iqm": number(found["IQM"].value) if found else None,
        "interval": _bounds(found["IQM"]) if found else "",
        "word": None if verdict is None else verdict.word,
        "verdict": None if verdict is None else unbroken(verdict.phrase),
        "verdicts": [
            {
                "measure": v.measure,
                "difference": ""
                if v.difference is None
                else f"{signed(v.difference.value)} [{signed(v.difference.low)}, "
                f"{signed(v.difference.high)}]",
                "p": "" if v.p is None else p_value(v.p).removeprefix("= "),
                "probability": _chance(suite, judgement, v.strategy, v.measure),
                "word": v.word,
                "phrase": unbroken(v.phrase),
            }
            for v in (verdict, final)
            if v is not None
        ],
        "best": name == judgement.best,
    }


def _chance(suite: Suite, judgement: SuiteJudgement, name: str, measure: Any) -> str:
    scores = (suite.scores(n, measure) for n in (name, judgement.baseline))
    found = aggregate.improvement(*scores)
    return "" if found is None else f"{found.value:.2f} {_bounds(found)}"


def _environment(comparison: Comparison, place: int) -> dict[str, Any]:
    judgement = judge(comparison)
    drawn: dict[str, Figure] = {}
    if comparison.runs:
        drawn = {"curves": learning_curves(comparison), "ends": final_returns(comparison)}
    rows = []
    for index, name in enumerate(comparison.strategies):
        verdict = judgement.of(name)
        reached, median = reached_text(comparison, name)
        runs = comparison.of(name)
        rows.append(
            {
                "name": name,
                "colour": index % len(STRATEGIES),
                "runs": len(runs),
                "mean": number(comparison.final(name).mean()) if runs else "",
                "interval": interval_text(comparison.interval(name)) if runs else "",
                "area": number(comparison.auc(name).mean()) if runs else "",
                "reached": reached,
                "median": median,
                "label": label_text(judgement.finding(name).label),
                "word": None if verdict is None else verdict.word,
                "verdict": None if verdict is None else unbroken(verdict.phrase),
            }
        )
    return {
        "comparison": comparison,
        "place": place,
        "folder": folder_of(comparison.env),
        "headline": judgement.headline,
        "findings": [f for f in judgement.findings if f.label in _TOLD],
        "notes": judgement.notes,
        "baseline": judgement.baseline,
        "rows": rows,
        "figures": {
            name: figure_markup(f"env{place}_{name}", figure) for name, figure in drawn.items()
        },
    }


def _cost(suite: Suite) -> list[dict[str, Any]]:
    found = []
    for place, name in enumerate(suite.strategies):
        runs = [run for c in suite.comparisons for run in c.of(name)]
        found.append(
            {
                "name": name,
                "colour": place % len(STRATEGIES),
                "runs": len(runs),
                "env_steps": sum(run.env_steps for run in runs),
                "cpu": sum(run.cpu_seconds for run in runs),
                "wall": sum(run.wall_seconds for run in runs),
            }
        )
    return found


def _strategy_to_json(suite: Suite, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "seeds": suite.seeds(name),
        **{
            measure: {
                "scores": suite.scores(name, measure).tolist(),
                "aggregates": {
                    key: {"value": e.value, "ci95": [e.interval.low, e.interval.high]}
                    for key, e in aggregate.aggregates(suite.scores(name, measure)).items()
                },
            }
            for measure in ("area", "final")
        },
    }


def _text(estimate: Estimate) -> tuple[str, str]:
    return f"{estimate.value:.2f}", _bounds(estimate)


def _bounds(estimate: Estimate) -> str:
    return f"[{estimate.interval.low:.2f}, {estimate.interval.high:.2f}]"
