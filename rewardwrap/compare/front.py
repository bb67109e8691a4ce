"""The front door of a comparison: what Python asks for as a request, and what it is given back."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rewardwrap.compare import declaration, document, summary
from rewardwrap.compare.carry_out import carry_out
from rewardwrap.compare.plan import Plan, plan_from
from rewardwrap.compare.request import Request
from rewardwrap.compare.results import Comparison
from rewardwrap.compare.store import Store
from rewardwrap.compare.verdict import judge
from rewardwrap.core.errors import ConfigError
from rewardwrap.pages.frames import Shown
from rewardwrap.training.folder import plain_name
from rewardwrap.training.luggage import Luggage, env_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CURVES = ("strategy", "seed", "step", "true", "shaped")
HEADINGS = ("strategy", "seeds", "final true", "95 %", "area", "finding")


@dataclass(frozen=True, eq=False, repr=False)
class Reported(Shown, Comparison):
    """A comparison and where it lies, as `rw.compare` returns it.

    Args:
        folder: With ``comparison.json``, ``runs.csv``, ``figures/``, ``report.html`` and ``runs/``.
    """

    folder: Path = field(kw_only=True)

    def to_dict(self) -> dict[str, Any]:
        """What ``comparison.json`` holds."""
        return document.to_json_dict(self)

    def plot(self, axes: Axes | None = None) -> Axes:
        """Draw the learning curves, every seed thin and the mean thick; returns the matplotlib axes."""
        from rewardwrap.compare.figures import learning_curves
        from rewardwrap.pages.drawing import steps_axis
        from rewardwrap.pages.palette import colours

        if axes is None:
            return learning_curves(self).axes[0]
        shades = colours(self.strategies)
        for strategy in self.strategies:
            curves = self.curves(strategy)
            axes.plot(self.grid(), curves.T, color=shades[strategy], linewidth=0.7, alpha=0.3)
            axes.plot(self.grid(), curves.mean(axis=0), color=shades[strategy], label=strategy)
        steps_axis(axes, int(self.grid()[-1]))
        axes.set_ylabel("true return")
        axes.legend(frameon=False)
        return axes

    def _title(self) -> str:
        said = f"Comparison on {self.env}, {self.algo}, {self.steps:,} steps: {self.folder}"
        return f"{said}\n{judge(self).headline}"

    def _columns(self) -> dict[str, Sequence[Any]]:
        columns: dict[str, list[Any]] = {name: [] for name in CURVES}
        for run in self.runs:
            steps = run.steps.tolist()
            columns["strategy"] += [run.strategy] * len(steps)
            columns["seed"] += [run.seed] * len(steps)
            columns["step"] += steps
            columns["true"] += run.true_return.tolist()
            columns["shaped"] += run.shaped_return.tolist()
        return dict(columns)

    def _shown(self) -> dict[str, Sequence[Any]]:
        judged = judge(self)
        rows = [summary.cells(self, judged, strategy) for strategy in self.strategies]
        places = (0, 1, 2, 3, 4, -1)
        return {name: [row[i] for row in rows] for name, i in zip(HEADINGS, places, strict=True)}


def asked(
    env: Any,
    strategies: Mapping[str, Any],
    *,
    algo: str,
    seeds: int | Iterable[int],
    jobs: int | None,
    out: str | Path | None,
    catalog: Iterable[str | Path],
    **said: Any,
) -> Request:
    """The request that Python's words stand for; see `rw.compare`.

    Raises:
        PlanError: They do not say what they must.
    """
    if not isinstance(strategies, Mapping):
        raise ConfigError(
            f"strategies must be a mapping of names to rewards, got {type(strategies).__name__}. Write e.g. "
            '{"env": "env", "mine": reward}.'
        )
    if jobs is not None and (isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1):
        raise ConfigError(
            f"jobs must be a whole number from 1, got {jobs!r}. None takes all cores."
        )
    name = env_name(env)
    plan = plan_from(_data(name, strategies, algo, seeds, catalog, said), rows=False)
    luggage = Luggage.of(plan.rewards.values(), name)
    folder = Path("comparisons") / f"{plain_name(plan.env)}-{plan.algo}"
    out = folder if out is None else Path(out)
    return Request(
        plans=declaration.hold([_marked(plan, luggage)], Store(out / "runs"), out),
        out=out,
        command="rw.compare(...)",
        jobs=jobs,
        luggage=luggage,
    )


def _data(
    env: str,
    strategies: Mapping[str, Any],
    algo: str,
    seeds: int | Iterable[int],
    catalog: Iterable[str | Path],
    said: Mapping[str, Any],
) -> dict[str, Any]:
    """As a plan file says it; what is None is left to the preset and the recipe."""
    evaluation = {"every": said["eval_freq"], "episodes": said["eval_episodes"]}
    names = ("steps", "threshold", "primary", "limit", "hyperparameters", "env_kwargs")
    data: dict[str, Any] = {
        "env": env,
        "algo": algo,
        "seeds": seeds if isinstance(seeds, int | str) else list(seeds),
        "strategies": dict(strategies),
        "catalog": [str(Path(folder).absolute()) for folder in catalog] or None,
        "evaluation": {key: value for key, value in evaluation.items() if value is not None}
        or None,
        **{key: said[key] for key in names},
    }
    return {key: value for key, value in data.items() if value is not None}


def _marked(plan: Plan, luggage: Luggage) -> Plan:
    """The plan, whose reader is told what cannot be repeated from what is written down."""
    if not luggage.functions:
        return plan
    remark = (
        f"{', '.join(luggage.functions)}: functions of the program that asked, which are not written down; "
        "only that program can repeat these runs."
    )
    return replace(plan, remarks=(*plan.remarks, remark))


def reported(request: Request, *, verbose: bool) -> Reported:
    """Carry a request for one environment out."""
    from rich.console import Console

    console = Console(width=None if verbose else 110, file=None if verbose else io.StringIO())
    made = carry_out(request, console)
    found = made.comparisons[0]
    known = {each.name: getattr(found, each.name) for each in fields(Comparison)}
    return Reported(**known, folder=request.out)
