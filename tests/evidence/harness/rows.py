"""Rows that stay: one JSON file a script, written whole after every seed."""

from __future__ import annotations

import json
import platform
import resource
import time
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rewardwrap.files import write_whole
from tests.evidence.harness.judging import Row
from tests.evidence.harness.study import Study

ROOT = Path(__file__).parents[3]
RESULTS = ROOT / "docs" / "results" / "evidence"
UNFINISHED = ROOT / "runs" / "evidence"
LIBRARIES = ("numpy", "gymnasium", "stable_baselines3", "torch")


@dataclass(frozen=True)
class Measured:
    """One seed of one script."""

    seed: int
    row: Row
    wall_s: float
    cpu_s: float
    versions: dict[str, str]


def measure(tag: str, seed: int) -> Measured:
    """Run one seed here."""
    study = Study(tag)
    study.claim  # noqa: B018  the imports are not the method's time
    wall, cpu = time.perf_counter(), _cpu_seconds()
    row = study.run(seed)
    row = {key: float(f"{value:.6g}") for key, value in row.items()}
    cost = (
        round(now - begun, 2) for now, begun in ((time.perf_counter(), wall), (_cpu_seconds(), cpu))
    )
    return Measured(seed, row, *cost, _versions())


def _cpu_seconds() -> float:
    """Of this process and of the children it has waited for."""
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, who))


def known(study: Study) -> dict[int, Measured]:
    """The rows that this very script has given already, finished or not."""
    found: dict[int, Measured] = {}
    for folder in (RESULTS, UNFINISHED):
        path = folder / f"{study.tag}.json"
        if path.is_file():
            told = json.loads(path.read_text(encoding="utf-8"))
            if told["script"] == study.digest:
                versions = told["versions"]
                found |= {
                    row["seed"]: Measured(**{**row, "versions": versions[row["versions"]]})
                    for row in told["rows"]
                }
    return found


def keep(study: Study, rows: dict[int, Measured], *, seeds: int) -> bool:
    """Write the rows down: among the results once all seeds are there, aside until then.

    Returns:
        Whether they are all there.
    """
    wanted = [rows[seed] for seed in range(seeds) if seed in rows]
    finished = len(wanted) == seeds
    folder = RESULTS if finished else UNFINISHED
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(_told(study, wanted, finished=finished), indent=1, ensure_ascii=False)
    write_whole(folder / f"{study.tag}.json", f"{text}\n".encode())
    if finished:
        (UNFINISHED / f"{study.tag}.json").unlink(missing_ok=True)
    return finished


def _told(study: Study, rows: list[Measured], *, finished: bool) -> dict[str, Any]:
    state, sentence = study.verdict([r.row for r in rows]) if finished else ("", "")
    versions: list[dict[str, str]] = []
    for each in rows:
        versions += [] if each.versions in versions else [each.versions]
    return {
        "tag": study.tag,
        "claim": study.claim,
        "source": study.source,
        "state": state,
        "sentence": sentence,
        "object": study.documented,
        "use": study.use,
        "example": study.example,
        "command": f"make evidence ONLY={study.tag}",
        "script": study.digest,
        "seeds": [r.seed for r in rows],
        "versions": versions,
        "wall_s": round(sum(r.wall_s for r in rows), 1),
        "cpu_s": round(sum(r.cpu_s for r in rows), 1),
        "rows": [asdict(r) | {"versions": versions.index(r.versions)} for r in rows],
    }


def _versions() -> dict[str, str]:
    libraries = {name: version(name) for name in ("rewardwrap", *LIBRARIES)}
    return {"python": platform.python_version(), **libraries}


def results() -> dict[str, dict[str, Any]]:
    """Every finished result by tag."""
    paths = sorted(RESULTS.glob("*.json"))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}
