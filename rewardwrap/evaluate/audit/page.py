"""The page of an audit: one HTML file that needs nothing else, findings first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from rewardwrap.adapters.tasks import task_of_recipe
from rewardwrap.core.reward import SHAPED, TRUE
from rewardwrap.core.task import NO_TASK, Task
from rewardwrap.evaluate.audit import figures
from rewardwrap.evaluate.audit.finding import SIGNALS, Clip, Finding, number
from rewardwrap.evaluate.audit.record import Record
from rewardwrap.evaluate.audit.runs import Source, observations
from rewardwrap.evaluate.audit.surface import axes as field_axes
from rewardwrap.evaluate.audit.surface import surfaces
from rewardwrap.evaluate.audit.trends import FEWEST
from rewardwrap.files import write_whole
from rewardwrap.pages.drawing import inline_svg
from rewardwrap.pages.templates import environment

KINDS = {
    "potential": "Phi itself, on a grid",
    "grid": "standing still, on a grid",
    "visited": "mean over visited steps",
}
NEEDS_STATES = ("telescope", "loop")
NEEDS_STEPS = (*NEEDS_STATES, "survival", "early end", "dominance")


NEEDS_MANY = ("early end", "divergence", "dominance", "outlier")


def write(source: Source, path: Path, *, fields: Sequence[str] = ()) -> Path:
    """Write the page; returns its path."""
    write_whole(path, render(source, fields=fields))
    return path


def render(source: Source, *, fields: Sequence[str] = ()) -> str:
    """The page as HTML.

    Args:
        source: From `read_run`, or a played record.
        fields: Two observation fields for the surfaces; by default those that the reward reads.
    """
    record, task = source.record, task_of(source)
    found = list(record.findings)
    pages = environment(Path(__file__).parent)
    return pages.get_template("audit.html.jinja").render(
        record=record,
        env=source.env or "unknown environment",
        headline=headline(record),
        notes=observations(record),
        findings=[_finding(source, task, f, i, fields) for i, f in enumerate(found)],
        signals=_signals(record),
        timelines=_timelines(record),
        episodes=_episodes(source, task, fields),
        histograms=_histograms(record),
        surfaces=_surfaces(source, task, fields),
        rows=_rows(record),
        reward=None if source.reward is None else repr(source.reward),
        folder=record.facts.get("folder"),
        players=record.facts.get("players"),
    )


def headline(record: Record) -> str:
    """One sentence: how much there is to look at."""
    count, flagged = len(record.findings), len(record.findings.flagged)
    episodes = "1 episode" if record.episodes == 1 else f"{record.episodes:,} episodes"
    if not count:
        return f"Nothing stands out in {episodes}."
    things = "One thing" if count == 1 else f"{count} things"
    bugs = sum(f.bug for f in record.findings)
    rest = f" {'One is' if bugs == 1 else f'{bugs} are'} a bug, whatever was meant." if bugs else ""
    return f"{things} to look at, in {flagged:,} of {episodes}.{rest}"


def task_of(source: Source) -> Task:
    """Named fields of the environment, if it has a recipe."""
    import rewardwrap_envs

    recipe = rewardwrap_envs.find(source.env, source.catalog) if source.env else None
    if recipe is None:
        return NO_TASK
    return task_of_recipe(recipe, gamma=source.record.gamma)


def _finding(
    source: Source, task: Task, found: Finding, place: int, fields: Sequence[str]
) -> dict[str, Any]:
    name, label = f"finding_{place}", "Returns, with the stretch that is meant"
    if found.clip is not None:
        drawn = _clip(source, task, found.clip, name, fields)
    else:
        span = (found.episodes[0], found.episodes[-1])
        drawn = [inline_svg(figures.returns(source.record, span), name, label)]
    return {
        "title": SIGNALS[found.signal],
        "bug": found.bug,
        "what": found.what,
        "evidence": found.evidence,
        "where": f"{found.where[:1].upper()}{found.where[1:]}.",
        "look": found.look,
        "figures": drawn,
    }


def _clip(
    source: Source,
    task: Task,
    clip: Clip,
    name: str,
    fields: Sequence[str],
    *,
    marked: bool = True,
) -> list[Markup]:
    record = source.record
    label = f"What each term paid in episode {clip.episode}, step by step"
    drawn = [inline_svg(figures.clip_terms(record, clip, marked=marked), f"{name}_terms", label)]
    if clip.states.shape[1] and len(record.states) > 1:
        pair = field_axes(record.states, task, source.reward, fields)
        if len(pair) == 2:
            label = f"Where the agent went in episode {clip.episode}"
            drawn.append(
                inline_svg(
                    figures.clip_path(clip, (pair[0], pair[1]), marked=marked),
                    f"{name}_path",
                    label,
                )
            )
    return drawn


def _signals(record: Record) -> list[dict[str, Any]]:
    """What was looked at, and what came of it."""
    has_steps = bool(np.isfinite(record.discounted).any())
    has_states = has_steps and record.states.shape[1] > 0
    found: dict[str, list[Finding]] = {name: [] for name in SIGNALS}
    for finding in record.findings:
        found[finding.signal].append(finding)
    rows = []
    for name, title in SIGNALS.items():
        said, state = "nothing stands out", "clear"
        if found[name]:
            seen = {number for f in found[name] for number in f.episodes}
            said, state = f"{len(seen):,} of {record.episodes:,} episodes", "found"
        elif name in NEEDS_STEPS and not has_steps:
            said, state = "not looked at: steps were not recorded", "skipped"
        elif name in NEEDS_STATES and not has_states:
            said, state = "not looked at: observations could not be had", "skipped"
        elif name == "telescope" and not record.potentials:
            said, state = "not looked at: no potential is paid as an addend", "skipped"
        elif name == "disagreement" and not np.isfinite(record.columns["disagreement"]).any():
            said, state = "not looked at: the reward has no ensemble", "skipped"
        elif name in NEEDS_MANY and record.episodes < FEWEST:
            said, state = "not looked at: fewer than 20 episodes", "skipped"
        elif name == "telescope":
            worst = float(np.abs(record.residual).max(initial=0.0))
            said = (
                f"{', '.join(record.potentials)}: largest residual {worst:.1g} of the size of Phi"
            )
        rows.append({"title": title, "said": said, "state": state})
    return rows


def _timelines(record: Record) -> dict[str, Any]:
    label = "True and shaped return of every episode"
    found: dict[str, Any] = {
        "returns": inline_svg(figures.returns(record), "returns", label),
        "shares": None,
        "terms": [],
    }
    own = [name for name in record.names if name not in (TRUE, SHAPED)]
    if own:
        label = "Share of each term in what is paid"
        found["shares"] = inline_svg(figures.term_shares(record), "shares", label)
        for i, name in enumerate(own):
            label = f"Sum of {name} over each episode"
            found["terms"].append(
                inline_svg(figures.term_timeline(record, name), f"time_{i}", label)
            )
    return found


def _episodes(source: Source, task: Task, fields: Sequence[str]) -> list[dict[str, Any]]:
    record = source.record
    found = []
    for i, clip in enumerate(record.clips):
        length = int(record.columns["length"][clip.episode])
        true = float(record.true[clip.episode])
        shaped = float(record.shaped[clip.episode])
        player = ""
        if "players" in record.facts:
            player = f", {record.facts['players'][int(record.columns['player'][clip.episode])]}"
        cut = f"; the first {len(clip.terms)} are shown" if length > len(clip.terms) else ""
        caption = (
            f"{length} steps{cut}, true return {number(true)}, shaped return {number(shaped)}."
        )
        drawn = _clip(source, task, clip, f"episode_{i}", fields, marked=False)
        found.append(
            {"title": f"Episode {clip.episode}{player}.", "caption": caption, "figures": drawn}
        )
    return found


def _histograms(record: Record) -> list[Markup]:
    if not len(record.steps):
        return []
    return [
        inline_svg(
            figures.term_histogram(record, name), f"histogram_{i}", f"Steps by what {name} paid"
        )
        for i, name in enumerate(record.names)
        if name != SHAPED or len(record.names) > 2
    ]


def _surfaces(source: Source, task: Task, fields: Sequence[str]) -> list[dict[str, Any]]:
    record = source.record
    drawn = []
    for i, surface in enumerate(surfaces(record, task, source.reward, fields)):
        if surface.term == SHAPED and len(record.names) == 2:
            continue
        path = None
        if record.clips and record.clips[-1].states.shape[1] and surface.kind != "visited":
            states = record.clips[-1].states
            path = np.column_stack([surface.x.read(states), surface.y.read(states)])
        label = {TRUE: "true reward", SHAPED: "all together"}.get(surface.term, surface.term)
        figure = figures.surface_figure(surface, label, path)
        name = f"{surface.term} over {surface.x.name} and {surface.y.name}"
        caption = KINDS[surface.kind] + (
            f"; the line is episode {record.clips[-1].episode}" if path is not None else ""
        )
        drawn.append({"figure": inline_svg(figure, f"surface_{i}", name), "caption": caption})
    return drawn


def _rows(record: Record) -> list[dict[str, str]]:
    """Numbers of every term: first and last quarter of the episodes."""
    cut = max(1, record.episodes // 4)
    sizes = record.sizes if np.isfinite(record.sizes).all() else np.abs(record.sums)
    own = [i for i, name in enumerate(record.names) if name != SHAPED]
    rows = []
    for i, name in enumerate(record.names):
        late = sizes[-cut:][:, own].sum()
        share = sizes[-cut:, i].sum() / late if late > 0 and name != SHAPED else None
        step = record.steps[:, i]
        step = step[np.isfinite(step)]
        zero = f"{np.mean(step == 0):.0%}" if step.size else "–"
        spread = f"{number(step.min())} to {number(step.max())}" if step.size else "–"
        rows.append(
            {
                "name": "true (env)" if name == TRUE else name,
                "early": number(float(np.mean(record.sums[:cut, i]))),
                "late": number(float(np.mean(record.sums[-cut:, i]))),
                "share": "–" if share is None else f"{share:.0%}",
                "range": spread,
                "zero": zero,
            }
        )
    return rows
