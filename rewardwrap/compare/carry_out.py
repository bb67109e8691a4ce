"""A comparison from its request to its report: for the command and for a program alike."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rewardwrap.compare import campaign, declaration, index, stages, suites
from rewardwrap.compare.plan import Plan
from rewardwrap.compare.request import Request
from rewardwrap.compare.results import Comparison, Failure
from rewardwrap.compare.spec import Spec, run_id
from rewardwrap.compare.store import Store
from rewardwrap.limits import parsed

if TYPE_CHECKING:
    from rich.console import Console

DECIDES = {
    "done": "how many seeds do the task, and how soon",
    "area": "the area under the true-return curve",
}


@dataclass(frozen=True)
class Made:
    """What came of a request.

    Args:
        comparisons: One for each environment.
        report: The page.
        failures: Runs without a curve.
    """

    comparisons: tuple[Comparison, ...]
    report: Path
    failures: tuple[Failure, ...]


def carry_out(request: Request, console: Console) -> Made:
    """Train what is missing, then report; what was finished before is kept.

    Raises:
        RewardwrapError: Something that cannot work, before anything is trained; or the disk is full.
    """
    with request.luggage.at_hand():
        left = campaign.missing(request.specs, request.store)
        if left or request.tune:  # else nothing is trained, and nothing needs the algorithm
            for plan in request.plans:
                plan.require_row()
        campaign.refuse_unfit_strategies(left)
        declaration.declare(request.plans, request.store, request.out)
        _announce(console, request.plans, len(request.specs), len(left))
        _state_broken(console, left, request.store)
        request = stages.tuned(request, console)
        failures = stages.train(request, console, request.specs)
        comparisons = stages.collected(request, failures)
        stages.finish(request, console)
        report = _report(console, request.plans, comparisons, request.out)
    console.print(f"Report: {report}", markup=False, highlight=False, soft_wrap=True)
    index.write(request.store)
    return Made(tuple(comparisons), report, tuple(failures))


def document_in(folder: Path, report: Path) -> dict[str, Any]:
    """``suite.json`` or ``comparison.json``, and where the report is."""
    suite = folder / "suite.json"
    file = suite if suite.is_file() else folder / "comparison.json"
    return {"report": str(report), **parsed(file.read_text(encoding="utf-8"))}


def _announce(console: Console, plans: tuple[Plan, ...], runs: int, left: int) -> None:
    plan = plans[0]
    steps = sorted({each.steps for each in plans})
    budget = f"{steps[0]:,}" if len(steps) == 1 else f"{steps[0]:,} to {steps[-1]:,}"
    lines = [
        f"{', '.join(each.env for each in plans)}, {plan.algo}: {', '.join(plan.rewards)} x "
        f"{len(plan.seeds)} seeds x {budget} steps; {runs - left} of {runs} runs are finished."
    ]
    unscaled = [p.env for p in plans if suites.scale_of(p.env, p.catalog) is None]
    if len(plans) > 1 and unscaled:
        lines.append(
            f"Without random and reference returns in a recipe: {', '.join(unscaled)}. Reported "
            "alone, counted in no number over environments."
        )
    for primary, meant in DECIDES.items():
        decided = [each.env for each in plans if each.primary == primary]
        if decided:
            where = f" on {', '.join(decided)}" if len(plans) > 1 else ""
            lines.append(f"What decides{where}, declared now: {meant}.")
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _state_broken(console: Console, left: list[Spec], store: Store) -> None:
    broken = [name for spec in left if store.is_broken(name := run_id(spec))]
    if broken:
        more = f" and {len(broken) - 3} more" if len(broken) > 3 else ""
        console.print(
            f"Not whole, so trained again: {', '.join(broken[:3])}{more}.",
            markup=False, highlight=False, soft_wrap=True,
        )  # fmt: skip


def _report(
    console: Console, plans: tuple[Plan, ...], comparisons: list[Comparison], out: Path
) -> Path:
    """Print the table, then write the files; the figures take longer than everything before."""
    if len(comparisons) == 1:
        from rewardwrap.compare import drawn
        from rewardwrap.compare.summary import print_summary

        print_summary(console, comparisons[0])
        if drawn.stands(comparisons[0], out):
            return out / drawn.REPORT
        from rewardwrap.compare import report

        path = report.write(comparisons[0], out)
        drawn.note(comparisons[0], out)
        return path
    from rewardwrap.compare import suite_report, suites
    from rewardwrap.compare.suite import Suite
    from rewardwrap.compare.suite_summary import print_suite

    scales = {plan.env: suites.scale_of(plan.env, plan.catalog) for plan in plans}
    suite = Suite(
        tuple(comparisons),
        {env: scale for env, scale in scales.items() if scale is not None},
        command=comparisons[0].command,
        created=comparisons[0].created,
    )
    print_suite(console, suite)
    return suite_report.write(suite, out)
