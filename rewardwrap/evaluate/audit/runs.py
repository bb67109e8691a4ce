"""Reading what a finished run left behind, and saying what can be told from it.

| found in the folder | what can be looked at |
|---|---|
| ``audit.npz`` (written by `Audit`) | everything |
| ``monitor.csv`` of ``rewardwrap train`` | sums of training episodes: trends, outliers, finiteness |
| ``summary.json`` of one run of a comparison | means of evaluation points: trends, from 20 points on |
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core.config import from_config
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.reward import SHAPED, TRUE, Reward
from rewardwrap.evaluate.audit import record as records
from rewardwrap.evaluate.audit import trends, words
from rewardwrap.evaluate.audit.finding import Finding
from rewardwrap.evaluate.audit.potentials import checked
from rewardwrap.evaluate.audit.record import AuditError, Record
from rewardwrap.limits import parsed
from rewardwrap.rewards.trust import vetted
from rewardwrap_envs.trust import require_trusted

FloatArray = NDArray[np.float64]

STEPS_MISSING = (
    "Single steps were not recorded: loops, staying and potentials could not be looked at. "
    "Train with `rewardwrap train --audit` or callback=rw.evaluate.Audit(folder) to record them."
)
EVERY = 20


@dataclass(frozen=True, eq=False)
class Source:
    """A record and what it was recorded of.

    Args:
        record: What is known.
        env: Name of the environment, or "".
        reward: What was paid, if it can be read.
        catalog: Folders with recipes of one's own.
        env_kwargs: Arguments of the environment.
    """

    record: Record
    env: str = ""
    reward: Reward | None = None
    catalog: tuple[str, ...] = ()
    env_kwargs: Mapping[str, Any] = field(default_factory=dict)


def read_run(folder: Path) -> Source:
    """Read a run.

    Args:
        folder: Of ``rewardwrap train``, of one run of a comparison, or where `Audit` wrote.

    Raises:
        AuditError: It is none of these, or holds nothing to audit.
    """
    if not folder.is_dir():
        raise AuditError(
            f"RUN must be the folder of a run or a reward file, got {folder}. Check the path."
        )
    context = _context(folder)
    if (folder / records.FILE).is_file():
        found = records.read(folder / records.FILE)
        found.notes += _left_out(found, context.get("steps"))
    elif (folder / "monitor.csv").is_file():
        found = _from_monitor(folder / "monitor.csv", context)
    elif (folder / "summary.json").is_file():
        found = _from_summary(folder / "summary.json", context)
    else:
        raise AuditError(_nothing(folder))
    if not found.episodes:
        raise AuditError(
            f"{folder} must hold a finished episode, got none. Train longer, or play the reward "
            "without a training: rewardwrap audit reward.yml --env ENV."
        )
    env = context.get("env") or str(found.facts.get("env", ""))
    facts = {
        k: v for k, v in context.items() if k in ("algo", "env", "seed") and v not in ("", None)
    }
    found.facts = {**found.facts, **facts, "folder": str(folder)}
    return Source(
        found, env, context.get("reward"), tuple(context.get("catalog", ())),
        context.get("env_kwargs", {}),
    )  # fmt: skip


def _left_out(record: Record, steps: int | None) -> list[str]:
    """A sentence where the training went on without the audit."""
    seen = record.facts.get("steps")
    if seen is None or steps is None or seen >= steps:
        return []
    return [f"The record ends at step {seen:,}; the training went on without it to step {steps:,}."]


def _nothing(folder: Path) -> str:
    inner = sorted(f.parent for f in folder.glob("**/summary.json"))[:1]
    inner = inner or sorted(f.parent for f in folder.glob("**/monitor.csv"))[:1]
    way_out = (
        f"Name one run in it, e.g. {inner[0]}."
        if inner
        else "Give logs/<algo>/<Env>_<n>, one run of a comparison, or the folder of rw.evaluate.Audit."
    )
    return f"{folder} must hold audit.npz, monitor.csv or summary.json, got none of them. {way_out}"


def _context(folder: Path) -> dict[str, Any]:
    """Environment, reward and so on, as far as the folder tells."""
    if (folder / "spec.json").is_file():
        file = folder / "spec.json"
        spec = _told(file)
        require_trusted({"env": spec["env"]}, file, error=ConfigError)
        kept = ("env", "algo", "seed", "env_kwargs", "catalog")
        reward = from_config(vetted(spec["reward"], file))
        return {**{k: spec.get(k) for k in kept}, "reward": reward, "gamma": _gamma(folder)}
    bundles = sorted(folder.glob("last/*/bundle.json")) or sorted(folder.glob("best/*/bundle.json"))
    if not bundles:
        return {}
    told = _told(bundles[-1])
    settings = told["settings"]
    require_trusted(settings, bundles[-1], error=ConfigError)
    kept = ("env", "algo", "seed", "env_kwargs", "catalog")
    return {
        **{k: settings.get(k) for k in kept},
        "gamma": told.get("gamma"),
        "steps": told.get("step"),
        "reward": from_config(vetted(settings["reward"], bundles[-1])),
    }


def _told(file: Path) -> dict[str, Any]:
    """What a JSON file of the run says."""
    try:
        found = parsed(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise AuditError(
            f"{file} must be JSON, got {error}. Was it changed by hand, or cut short?"
        ) from error
    if not isinstance(found, dict):
        raise AuditError(f"{file} must hold a mapping, got {type(found).__name__}. Restore it.")
    return found


def _gamma(run: Path) -> float | None:
    """The learner's discount in one run of a comparison; None where no bundle is kept."""
    file = run / "bundle" / "bundle.json"
    if not file.is_file():
        return None
    found: float | None = _told(file).get("gamma")
    return found


def _from_monitor(file: Path, context: Mapping[str, Any]) -> Record:
    lines = file.read_text(encoding="utf-8").splitlines()
    rows = list(csv.reader(line for line in lines if not line.startswith("#")))
    head = rows[0] if rows else []
    terms = [name for name in head if name.startswith("term_")]
    if SHAPED not in head or "r" not in head:
        raise AuditError(
            f"{file} must hold the columns r and shaped, got {', '.join(head) or 'nothing'}. "
            "The run recorded no terms: train with `rewardwrap train`, or pass "
            "callback=rw.evaluate.Audit(folder)."
        )
    whole = [row for row in rows[1:] if len(row) == len(head)]
    try:
        table = np.array(whole, float).reshape(len(whole), len(head))
    except ValueError as error:
        raise AuditError(f"{file} must hold numbers, got: {error}. Is it cut short?") from error
    at = {name: i for i, name in enumerate(head)}
    names = (TRUE, *(name.removeprefix("term_") for name in terms), SHAPED)
    sums = table[:, [at["r"], *(at[name] for name in terms), at[SHAPED]]]
    columns = {"step": table[:, at["step"]].astype(int), "length": table[:, at["l"]].astype(int)}
    made = _bare(names, sums, columns, context, notes=[STEPS_MISSING])
    made.facts["source"] = "sums of training episodes (monitor.csv)"
    if lines[0].startswith("#{"):
        made.facts["env"] = parsed(lines[0][1:]).get("env_id", "")
    _look(made, context.get("reward"))
    return made


def _from_summary(file: Path, context: Mapping[str, Any]) -> Record:
    told = _told(file)
    terms = list(told.get("terms", {}))
    # a reward without a named term records the true return alone
    names = (TRUE, *(t for t in terms if t not in (TRUE, SHAPED)), SHAPED)
    own = [told["terms"][name] for name in names[1:-1]]
    sums = np.column_stack([told["true_return"], *own, told["shaped_return"]]).astype(float)
    columns = {
        "step": np.array(told["steps"], int),
        "length": np.array(told["length"]).round().astype(int),
    }
    note = (
        "A comparison keeps evaluations, not training episodes: each row is the mean of one "
        "evaluation point."
    )
    made = _bare(names, sums, columns, context, notes=[note, STEPS_MISSING])
    made.facts["source"] = f"{len(sums)} evaluation points (summary.json)"
    _look(made, context.get("reward"))
    return made


def _bare(
    names: tuple[str, ...],
    sums: FloatArray,
    columns: Mapping[str, NDArray[Any]],
    context: Mapping[str, Any],
    notes: list[str],
) -> Record:
    """A record without steps."""
    n, k = sums.shape
    zero = np.zeros(n, int)
    return Record(
        names=names, gamma=context.get("gamma"), sums=sums, discounted=np.full((n, k), np.nan),
        sizes=np.full((n, k), np.nan),
        columns={
            "lane": zero, "player": zero, "terminated": np.zeros(n, bool),
            "disagreement": np.full(n, np.nan), **columns,
        },
        residual=np.zeros((n, 0)), potentials=(), steps=np.zeros((0, k)),
        places=np.zeros((0, 3), np.int64), states=np.zeros((0, 0)), notes=notes,
    )  # fmt: skip


def _look(record: Record, reward: Reward | None) -> None:
    """What sums of episodes can tell; potentials are taken at their word."""
    plain = [p.name for p in checked(reward)[0] if not p.altered] if reward is not None else []
    left = [record.names.index(name) for name in plain if name in record.names]
    if left:
        record.notes.append(
            f"{', '.join(record.names[i] for i in left)}: left out of the comparison as a potential; "
            "that it telescopes was not checked."
        )
    if not record.episodes:
        return
    bad = ~np.isfinite(record.sums)
    for column in np.flatnonzero(bad.any(axis=0)).tolist():
        episodes = np.flatnonzero(bad[:, column])
        record.findings.add(_finding_of_file(record, column, episodes))
    if bad.any():
        return
    pay = record.shaped - record.sums[:, left].sum(axis=1)
    # a sum of terms that is the true return but for rounding
    pay = np.where(np.abs(pay - record.true) <= 1e-6 * (1 + np.abs(record.true)), record.true, pay)
    spread = float(np.std(pay))
    for stop in range(trends.FEWEST, record.episodes + EVERY, EVERY):
        stop = min(stop, record.episodes)
        window = slice(max(0, stop - trends.WINDOW), stop)
        parting = trends.parting(pay[window], record.true[window], spread)
        if parting is not None:
            found = words.parted(parting, window.stop - window.start)
            found.episodes = list(range(window.start, window.stop))
            found.steps = record.columns["step"][window].tolist()
            record.findings.add(found)
    _look_for_outliers(record, pay)


def _look_for_outliers(record: Record, pay: FloatArray) -> None:
    if np.array_equal(pay, record.true):
        return
    for i in range(trends.FEWEST, record.episodes):
        before = slice(max(0, i - trends.WINDOW), i)
        z = float(trends.robust_z(pay[i : i + 1], pay[before])[0])
        z_true = float(trends.robust_z(record.true[i : i + 1], record.true[before])[0])
        beyond = abs(pay[i] - np.median(pay[before])) > np.ptp(pay[before])
        if abs(z) > trends.FAR and beyond and abs(z_true) < abs(z) / 2:
            found = words.far_off(i, float(pay[i]), z, z_true, i - before.start)
            found.episodes, found.steps = [i], [int(record.columns["step"][i])]
            record.findings.add(found)


def _finding_of_file(record: Record, column: int, episodes: NDArray[Any]) -> Finding:
    return Finding(
        signal="finite",
        term=record.names[column],
        bug=True,
        what=f'"{record.names[column]}" is not finite.',
        evidence=(f"Its sum is not finite in {len(episodes)} of {record.episodes} episodes.",),
        look="Guard the division or the logarithm that made it, or bound its input.",
        episodes=episodes.tolist(),
        steps=record.columns["step"][episodes].tolist(),
    )


def observations(record: Record) -> list[str]:
    """Sentences on what limits the audit: too few episodes, nothing paid."""
    found = list(record.notes)
    if record.episodes < trends.FEWEST:
        one = record.episodes == 1
        count = "There is only 1 episode" if one else f"There are only {record.episodes} episodes"
        found.insert(0, f"{count}; nothing is said about trends below {trends.FEWEST}.")
    if not np.any(record.sums):
        found.insert(0, "Every term was 0 in every episode: there is no pay to audit.")
    elif np.array_equal(record.true, record.shaped):
        found.append("The learner was paid the true reward, so no pay can stand against it.")
    return found
