"""Opinions about stored episodes, as labels: what ``rewardwrap judge`` does."""

from __future__ import annotations

import csv
import io
import json
import math
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.transitions import FloatArray
from rewardwrap.files import write_whole

if TYPE_CHECKING:
    from rewardwrap.annotate.annotator import Query
    from rewardwrap.annotate.judge import Asking
    from rewardwrap.annotate.rubric import Rubric
    from rewardwrap.core.task import Task
    from rewardwrap.data import EpisodeStore, Fragments

SUFFIXES = (".jsonl", ".csv")
NONE_ASKED = (0, 6)
MODEL = "model:"
"""Before the folder of a judge that was trained."""


@dataclass
class Judged:
    """Labels, how they came about, and what they cost.

    Args:
        rows: One a label, as it is written: what ``fit preferences --teacher`` and ``fit principles`` read.
        figures: What was asked, answered, dropped and spent.
        traces: What every judge said at every question.
    """

    rows: list[dict[str, Any]]
    figures: dict[str, Any]
    traces: list[dict[str, Any]] = field(default_factory=list, repr=False)

    def save(self, path: str | Path) -> Path:
        """Write the labels, and the traces beside them as ``<name>.traces.jsonl``.

        Raises:
            ConfigError: Another suffix.
        """
        target = require_table(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.suffix == ".jsonl":
            write_whole(target, _lines(self.rows))
        else:
            text = io.StringIO()
            writer = csv.DictWriter(text, list(self.rows[0]) if self.rows else [])
            writer.writeheader()
            writer.writerows(self.rows)
            write_whole(target, text.getvalue())
        if self.traces:
            write_whole(target.with_suffix(".traces.jsonl"), _lines(self.traces))
        return target


def judge(
    data: str | Path | EpisodeStore,
    principle: str | None = None,
    *,
    criteria: Mapping[str, str] | None = None,
    by: Any = "scripted",
    out: str | Path | None = None,
    pairs: int = 100,
    length: int | None = None,
    votes: int = 1,
    least: int = 1,
    structure: str = "democracy",
    rounds: int = 0,
    rubric: bool = True,
    max_tokens: int = 2048,
    env: str | None = None,
    catalog: Sequence[str | Path] = (),
    seed: int = 0,
) -> Judged:
    """Ask judges which of two clips is better, or whether clips keep criteria.

    For pairs a rubric is written first. Each question is asked in both orders, ``votes`` times; a verdict
    that does not follow from its checks and quotes is dropped. Judges see figures of named fields and of
    ``info``, never what the environment paid. Nothing of this happens inside a step.

    Args:
        data: Episodes, or their folder.
        principle: What is better, in words: pairs are judged.
        criteria: Name -> question: clips are judged one by one, yes or no, instead.
        by: Who judges: ``"scripted"``, which reads the grammar of `rw.StatedPrinciples`; ``"model:FOLDER"``,
            of `rw.train_judge`; a function, request -> text, or its name; a client of ``rewardwrap.llm``; or
            several, a panel.
        out: Table to write, ``.jsonl`` or ``.csv``; None writes nothing.
        pairs: How many pairs, or clips.
        length: Steps of a clip; None: of pairs 50 or the shortest episode, of single clips whole episodes.
        votes: How often each question is asked.
        least: Judges of several who must have an opinion.
        structure: Of several, for pairs: ``"democracy"``; ``"monarchy"``, the first one's word;
            ``"market"``, in which what was paid in the episodes settles each question after its
            verdict. See `rewardwrap.annotate.panel.Panel`.
        rounds: Of talk, in which a judge yields where most of the others contradict it.
        rubric: Whether one is written first, and checks and quotes are asked for.
        max_tokens: Longest answer.
        env: Recipe that names the fields; None: what the episodes say they are of.
        catalog: Folders with recipes of your own.
        seed: Of pairs and clips.

    Raises:
        RewardwrapError: Data, words or settings that cannot work.

    Example:
        >>> import rewardwrap as rw
        >>> found = rw.judge("episodes", "prefer low energy", out="answers.jsonl")  # doctest: +SKIP
        >>> fitted = rw.fit("preferences", "episodes", teacher="answers.jsonl")  # doctest: +SKIP
    """
    from rewardwrap.annotate.reports import Reports, figures
    from rewardwrap.api.fit import _episodes

    if (principle is None) == (not criteria):
        raise ConfigError(
            "judge must have a principle for pairs or criteria for single clips, got "
            f"{'both' if criteria else 'neither'}. Give one of them."
        )
    if out is not None:
        require_table(out)
    store = _episodes(data)
    task = _task(store, env, catalog)
    askings = _askings(by, max_tokens)
    began = time.monotonic()
    of: dict[str, Any] = {"least": least, "structure": structure, "rounds": rounds}
    if principle is not None:
        clips = _pairs(store, length, pairs, seed)
        found = _compare(clips, principle, askings, task, votes=votes, rubric=rubric, **of)
    else:
        chosen = _clips(store, length, pairs, seed)
        found = _check(chosen, dict(criteria or {}), askings, task, votes=votes, least=least)
    found.figures |= {
        "shown": sorted(figures(Reports(task).of(store.episode(0)))),
        "calls": sum(each.calls for each in askings),
        "tokens": sum(each.tokens for each in askings),
        "seconds": time.monotonic() - began,
    }
    if out is not None:
        found.save(out)
    return found


def require_table(path: str | Path) -> Path:
    """A file that labels can be written to.

    Raises:
        ConfigError: Another suffix.
    """
    target = Path(path)
    if target.suffix not in SUFFIXES:
        raise ConfigError(
            f"labels must go to a .jsonl or .csv file, got {target.name!r}. Rename it; people answer into a "
            ".sqlite file, by rewardwrap label."
        )
    return target


def _compare(
    query: Query, principle: str, askings: list[Asking], task: Task, *, votes: int, rubric: bool, **of: Any
) -> Judged:  # fmt: skip
    from rewardwrap.annotate.judge import Judge, made_rubric
    from rewardwrap.annotate.reports import Reports
    from rewardwrap.annotate.rubric import written

    made = made_rubric(askings[0], principle) if rubric else None
    judges = [Judge(each, Reports(task), principle, votes=votes, rubric=made) for each in askings]
    panel: Any = judges[0] if len(judges) == 1 else _panel(judges, **of)
    said = panel.answer(query)
    rows = [
        {
            **_place(query.a, i, "_a"),
            **_place(query.b, i, "_b"),
            "better_b": _plain(said[i]),
            "annotator": panel.name,
            "principle": principle,
            "env": task.name,
        }
        for i in range(len(query))
    ]
    traces = [{"judge": each.name, **trace} for each in judges for trace in each.traces]
    voted, swayed = (sum(getattr(each, n) for each in judges) for n in ("voted", "swayed"))
    figures = {
        "rubric": written(made).split("\n") if made else [],
        **_counts(said, judges),
        "swayed": swayed / voted if voted else None,
        **_agreement(query, said),
    }
    if of["structure"] == "market" and len(judges) > 1:
        figures["credits"] = [
            [j.name, c] for j, c in zip(judges, panel.credits.tolist(), strict=True)
        ]
    return Judged(rows, figures, _with_rubric(traces, made))


def _panel(judges: Sequence[Any], *, structure: str, rounds: int, least: int) -> Any:
    """Several judges as one; a market is settled by what was paid, where it was logged."""
    from rewardwrap.annotate.panel import Listener, Panel

    def paid(query: Query) -> FloatArray:
        return 0.5 + 0.5 * np.sign(query.b.returns() - query.a.returns())

    members = [Listener(each, place=k) for k, each in enumerate(judges)] if rounds else judges
    truth = paid if structure == "market" else None
    return Panel(members, structure=structure, rounds=rounds, least=least, truth=truth)


def _with_rubric(traces: list[dict[str, Any]], made: Rubric | None) -> list[dict[str, Any]]:
    """Each trace with the criteria and weights that its verdict is worked out from."""
    own = [{"id": c.id, "text": c.text, "weight": c.weight} for c in made or ()]
    return [{**trace, "rubric": own} for trace in traces]


def _counts(said: FloatArray, judges: Sequence[Any]) -> dict[str, Any]:
    dropped: Counter[str] = sum((each.dropped for each in judges), Counter())
    return {
        "asked": len(said),
        "answered": int((~np.isnan(said)).sum()),
        "ties": int((said == 0.5).sum()),
        "dropped": dict(dropped),
    }


def _agreement(query: Query, said: FloatArray) -> dict[str, Any]:
    """How often the sure answers are those of the true reward, where it was logged."""
    gap = query.b.returns() - query.a.returns()
    sure = ~np.isnan(said) & (said != 0.5) & ~np.isnan(gap) & (gap != 0)
    agree = float((np.sign(said - 0.5) == np.sign(gap))[sure].mean()) if sure.any() else None
    return {"agrees_with_reward": agree, "of": int(sure.sum())}


def _check(
    clips: Fragments, criteria: dict[str, str], askings: list[Asking], task: Task, *, votes: int, least: int
) -> Judged:  # fmt: skip
    from rewardwrap.annotate.panel import vote
    from rewardwrap.annotate.reports import Reports
    from rewardwrap.annotate.verdict import Verdict

    rows = [_place(clips, i) for i in range(len(clips))]
    figures: dict[str, Any] = {"criteria": {}}
    traces = []
    for name, criterion in criteria.items():
        each = [Verdict(asking, Reports(task), criterion, votes=votes) for asking in askings]
        columns = np.stack([verdict(clips) for verdict in each])
        said = columns[0] if len(each) == 1 else vote(columns, least=least)
        for row, value in zip(rows, said, strict=True):
            row[name] = _plain(value)
        answered = said[~np.isnan(said)]
        share = float(answered.mean()) if len(answered) else None
        figures["criteria"][name] = {**_counts(said, each), "yes": share}
        traces += [{"criterion": name, **trace} for v in each for trace in v.traces]
    return Judged(rows, figures, traces)


def _askings(by: Any, max_tokens: int) -> list[Asking]:
    from rewardwrap.annotate.judge import Asking
    from rewardwrap.annotate.scripted import Answering, Scripted
    from rewardwrap.annotate.trained import read_judge
    from rewardwrap.core.plain import load_function

    found = []
    for each in by if isinstance(by, list | tuple) else [by]:
        if each == "scripted":
            found.append(Asking(Scripted(), max_tokens=max_tokens))
        elif isinstance(each, str) and each.startswith(MODEL):
            found.append(Asking(read_judge(each.removeprefix(MODEL)), max_tokens=max_tokens))
        elif hasattr(each, "complete"):
            found.append(Asking(each, max_tokens=max_tokens))
        elif callable(each) or (isinstance(each, str) and ":" in each):
            name = each if isinstance(each, str) else getattr(each, "__name__", "function")
            answer = load_function(each) if isinstance(each, str) else each
            found.append(Asking(Answering(answer, name), max_tokens=max_tokens))
        else:
            raise ConfigError(
                f'a judge must be "scripted", model:FOLDER, module:function, or a client, got {each!r}. '
                "A server is asked by rewardwrap.llm.hosted.OpenAIClient(MODEL, base_url=...)."
            )
    return found


def _task(store: EpisodeStore, env: str | None, catalog: Sequence[str | Path]) -> Task:
    import rewardwrap_envs
    from rewardwrap.adapters.tasks import task_of_recipe
    from rewardwrap.annotate.clips import environment_of
    from rewardwrap.core.task import NO_TASK

    name = env or environment_of(store)
    return task_of_recipe(rewardwrap_envs.recipe(name, catalog)) if name else NO_TASK


def _pairs(store: EpisodeStore, length: int | None, count: int, seed: int) -> Query:
    from rewardwrap.annotate.pool import draw

    steps = min(50, int(store.lengths.min())) if length is None else length
    return draw(store, steps, count, seed=seed, asked=np.zeros(NONE_ASKED, np.int64))


def _clips(store: EpisodeStore, length: int | None, count: int, seed: int) -> Fragments:
    from rewardwrap.data import Fragments, sample_fragments

    if length is not None:
        return sample_fragments(store, count, length, seed=seed)
    number = np.sort(np.random.default_rng(seed).permutation(len(store))[:count])
    return Fragments(store, number, np.zeros_like(number), store.lengths[number])


def _place(clips: Fragments, row: int, side: str = "") -> dict[str, Any]:
    return {
        f"episode{side}": str(clips.store.ids[clips.episode[row]]),
        f"start{side}": int(clips.start[row]),
        f"length{side}": int(clips.length[row]),
    }


def _plain(value: Any) -> float | None:
    return None if math.isnan(value) else float(value)


def _lines(rows: Sequence[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
