"""The report: one HTML file that needs nothing else, and the same figures as SVG and PNG.

Verdict first; then the numbers, the curves, the reward each strategy really collected, how sure all
of this is, and everything that is needed to repeat it. No font, no network; a small script reads curves
out and sorts tables, and without it the page says the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup
from matplotlib.figure import Figure

from rewardwrap import statistics
from rewardwrap.compare import document, videos
from rewardwrap.compare.figures import draw_all
from rewardwrap.compare.measures import NAMES, Test, half_by
from rewardwrap.compare.results import Comparison, FloatArray
from rewardwrap.compare.summary import (
    UNTRUSTED,
    interval_text,
    label_text,
    reached_text,
    reasons,
)
from rewardwrap.compare.verdict import Judgement, Verdict, judge
from rewardwrap.files import write_whole
from rewardwrap.pages.drawing import inline_svg, save, told
from rewardwrap.pages.palette import STRATEGIES
from rewardwrap.pages.templates import environment
from rewardwrap.pages.words import count, number, p_value, signed


def write(comparison: Comparison, out_dir: str | Path) -> Path:
    """Write ``comparison.json``, ``runs.csv``, ``figures/`` and ``report.html``, each whole or not at all.

    Returns:
        The path of the report.
    """
    out = Path(out_dir)
    figures = draw_all(comparison)
    (out / "figures").mkdir(parents=True, exist_ok=True)
    text = json.dumps(document.to_json_dict(comparison), indent=1, allow_nan=False)
    write_whole(out / "comparison.json", text + "\n")
    write_whole(out / "runs.csv", document.to_csv(comparison))
    for name, figure in figures.items():
        for suffix in ("svg", "png"):
            write_whole(out / "figures" / f"{name}.{suffix}", save(figure, suffix=suffix))
    path = out / "report.html"
    films = videos.shown(out)
    write_whole(path, render(comparison, figures, films=films, runs=runs_below(out)))
    return path


def runs_below(out: Path) -> str:
    """Where the runs lie as seen from a report: its own, or those of the suite that it belongs to."""
    return next((place for place in ("runs/", "../../runs/") if (out / place).is_dir()), "")


def render(
    comparison: Comparison,
    figures: Mapping[str, Figure] | None = None,
    *,
    films: Sequence[Mapping[str, Any]] = (),
    runs: str = "",
) -> str:
    """The report as HTML.

    Args:
        comparison: What it is about.
        figures: Drawn unless they are given.
        films: From `rewardwrap.compare.videos.shown`.
        runs: Where the runs lie, with a slash at its end, for links; nothing for none.
    """
    drawn = draw_all(comparison) if figures is None else figures
    judgement = judge(comparison)
    return (
        environment(Path(__file__).parent)
        .get_template("report.html.jinja")
        .render(
            comparison=comparison,
            judgement=judgement,
            strategies=[_strategy(comparison, judgement, name) for name in comparison.strategies],
            pairs=_pairs(comparison, judgement),
            films=films,
            filmed={film["strategy"]: film.get("seed") for film in films if "src" in film},
            runs=runs,
            best=[(v.other, unbroken(v.phrase)) for v in judgement.against_best],
            reasons=reasons(comparison),
            figures={name: figure_markup(name, figure) for name, figure in drawn.items()},
            shares=[i for i in range(len(comparison.strategies)) if f"term_shares_{i}" in drawn],
            seeds_text=_seeds_text(comparison),
        )
    )


def _strategy(comparison: Comparison, judgement: Judgement, name: str) -> dict[str, Any]:
    runs, finding = comparison.of(name), judgement.finding(name)
    verdict = judgement.of(name)
    place = comparison.strategies.index(name)
    found: dict[str, Any] = {
        "name": name,
        "place": place,
        "colour": place % len(STRATEGIES),
        "label": finding.label,
        "label_text": label_text(finding.label).capitalize(),
        "sentence": finding.sentence,
        "text": finding.text,
        "alarm": finding.label in ("cheats", "diverges", "bounded") or bool(finding.detail),
        "verdict": None if verdict is None else unbroken(verdict.phrase),
        "word": None if verdict is None else verdict.word,
        "best": name == judgement.best,
        "runs": runs,
        "groups": None,
        "failures": [f for f in comparison.failures if f.strategy == name],
        "reward": comparison.rewards.get(name),
    }
    if runs:
        found |= _numbers(comparison, name)
    return found


def _numbers(comparison: Comparison, name: str) -> dict[str, Any]:
    runs, final, auc = comparison.of(name), comparison.final(name), comparison.auc(name)
    reached, median = reached_text(comparison, name)
    steps = comparison.steps_to_threshold(name)
    return {
        "mean": number(final.mean()),
        "interval": interval_text(comparison.interval(name)),
        "iqm": number(float(statistics.iqm(final))),
        "area": number(auc.mean()),
        "reached": reached,
        "median": median,
        "shaped": number(comparison.final(name, "shaped_return").mean()),
        "length": number(comparison.final(name, "length").mean()),
        "success": _share(comparison.success(name)),
        "groups": _groups(comparison, name),
        "cpu": sum(run.cpu_seconds for run in runs),
        "wall": sum(run.wall_seconds for run in runs),
        "env_steps": sum(run.env_steps for run in runs),
        "each": list(zip(runs, auc, steps, strict=True)),
    }


def _groups(comparison: Comparison, name: str) -> dict[str, str] | None:
    """Size, number and shares of the groups that a strategy was paid by."""
    found = comparison.groups(name)
    if found is None:
        return None
    counts = {key: f"{found[key]:,.0f}" for key in ("group", "groups")}
    return counts | {key: _share(value) for key, value in found.items() if key not in counts}


def _share(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.0f} %"


def _pairs(comparison: Comparison, judgement: Judgement) -> list[dict[str, Any]]:
    """A row for each test against the baseline; only those of the primary measure carry a word."""
    return [
        {
            "asked": test.asked,
            "by": NAMES[test.by],
            "strategy": verdict.strategy,
            "decides": verdict.measure == comparison.primary,
            "first": place == 0,
            "rows": len(verdict.tests),
            "difference": _effect(comparison, verdict, test),
            "p": p_value(test.corrected).removeprefix("= "),
            "family": verdict.family,
            "paired": _paired(comparison, verdict),
            "probability": _chance(comparison, verdict),
            "word": verdict.word,
            "words": verdict.words,
        }
        for verdict in judgement.against_baseline
        for place, test in enumerate(verdict.tests)
    ]


def _effect(comparison: Comparison, verdict: Verdict, test: Test) -> str:
    if test.asked == "steps":
        first, second = (half_by(comparison, n) for n in (verdict.strategy, verdict.other))
        return f"{test.effect}: half by {first}, {second}"
    if test.asked == "success" and test.difference is not None:
        gap = test.difference
        share, low, high = (f"{100 * v:+.0f}" for v in (gap.value, gap.low, gap.high))
        return f"{test.effect}: {share} [{low}, {high}] points"
    return _difference(test.difference)


def _scores(comparison: Comparison, verdict: Verdict) -> tuple[FloatArray, FloatArray] | None:
    """What both strategies scored by a graded measure, with two runs or more of each."""
    if verdict.measure == "done" or min(verdict.seeds) < 2:
        return None
    of = comparison.auc if verdict.measure == "area" else comparison.final
    return of(verdict.strategy), of(verdict.other)


def _paired(comparison: Comparison, verdict: Verdict) -> str:
    """Difference of the seeds that both have."""
    scores = _scores(comparison, verdict)
    seeds = [[run.seed for run in comparison.of(n)] for n in (verdict.strategy, verdict.other)]
    if scores is None or len(set(seeds[0]) & set(seeds[1])) < 2:
        return ""
    return _difference(statistics.paired_difference(*scores, seeds=(seeds[0], seeds[1])))


def _chance(comparison: Comparison, verdict: Verdict) -> str:
    """Chance that a run beats one of the other strategy, with its bootstrap interval."""
    scores = _scores(comparison, verdict)
    if scores is None:
        return ""
    x, y = scores
    chance = float(statistics.probability_of_improvement(x, y))
    resamples = int(min(10_000, max(500, 1e8 / (x.size * y.size))))
    low, high = statistics.bootstrap_interval(
        statistics.probability_of_improvement, x, other=y, resamples=resamples
    )
    mark = "" if min(x.size, y.size) >= 10 else UNTRUSTED
    return f"{chance:.2f} [{low:.2f}, {high:.2f}]{mark}"


def unbroken(phrase: str) -> str:
    """A phrase whose p value stays on one line."""
    return re.sub(r"p ([=<]) ", "p\u00a0\\1\u00a0", phrase)


def _difference(gap: statistics.Difference | None) -> str:
    if gap is None:
        return ""
    return f"{signed(gap.value)} [{signed(gap.low)}, {signed(gap.high)}]"


def _seeds_text(comparison: Comparison) -> str:
    sizes = sorted({len(comparison.of(name)) for name in comparison.strategies})
    if len(sizes) == 1:
        return f"{count(sizes[0])} each"
    return f"{sizes[0]} to {sizes[-1]} seeds each"


_ALT = {
    "learning_curves": "True return over environment steps for every strategy and seed",
    "final_returns": "Final true return of every seed, with the mean and its interval",
    "steps_to_threshold": "Share of the seeds that reached the threshold by each step",
    "improvement_matrix": "Chance that a run of the row beats a run of the column",
    "performance_profile": "Share of the seeds above each mean true return",
    "true_and_shaped": "True and shaped return over environment steps",
    "term_shares": "Share of each reward term over environment steps",
    "share_and_true": "Share of each reward term over the true return",
    "suite_aggregates": "Aggregates of the normalised score with their intervals",
    "suite_learning": "Normalised score over the share of the steps",
    "suite_profile": "Share of the runs above each normalised score",
    "suite_environments": "Normalised score of every run on each environment",
    "suite_improvement": "Chance of each strategy to beat the baseline",
    r"env\d+_curves": "True return over environment steps for every strategy and seed",
    r"env\d+_ends": "Final true return of every seed, with the mean and its interval",
}


def figure_markup(name: str, figure: Figure) -> Markup:
    """A figure as an ``<svg>`` whose ids start with its name, with words for a screen reader."""
    words = next(text for start, text in _ALT.items() if re.match(start, name))
    return inline_svg(figure, name, words) + told(figure)
