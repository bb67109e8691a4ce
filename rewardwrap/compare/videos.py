"""The best policy of each strategy, played and filmed.

``videos/<strategy>.mp4`` shows the run with the highest final true return, on the first evaluation
seed; ``videos/videos.json`` says which run and what it scored there. What cannot be filmed costs a sentence
in the report and nothing else.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rewardwrap.compare.spec import Spec, run_id
from rewardwrap.compare.store import Store
from rewardwrap.files import write_whole
from rewardwrap.limits import parsed
from rewardwrap.training import films
from rewardwrap_envs.trust import references

SMALL = 1_000_000
"""Bytes up to which a film is part of the report's own file."""
FOLDER, INDEX = "videos", "videos.json"


def film(specs: Sequence[Spec], store: Store, out: Path) -> list[dict[str, Any]]:
    """Film the best finished run of each strategy.

    Args:
        specs: The runs of the comparison.
        store: Where they are.
        out: The folder of the report.

    Returns:
        For each strategy ``strategy, seed, file, true_return, steps``, or ``strategy, problem``.

    Raises:
        MissingExtra: imageio or its ffmpeg is not installed.
    """
    films.require("--videos")
    folder = out / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for strategy in dict.fromkeys(spec["strategy"] for spec in specs):
        best = _best([spec for spec in specs if spec["strategy"] == strategy], store)
        if best is None:
            found.append({"strategy": strategy, "problem": "no run of it finished"})
            continue
        bundle = store.path(run_id(best)) / "bundle"
        file = folder / f"{strategy}.mp4"
        found.append({"strategy": strategy, "seed": best["seed"], **_filmed(best, bundle, file)})
    write_whole(folder / INDEX, json.dumps({"videos": found}, indent=1, allow_nan=False) + "\n")
    return found


def shown(out: Path, *, below: str = "") -> list[dict[str, Any]]:
    """What a report shows of the films below it; empty where there are none.

    Args:
        out: The folder of the report.
        below: The folder inside it that holds the films' folder, with a slash at its end.

    Returns:
        ``strategy``, and ``src`` with ``caption`` or ``problem``.
    """
    folder = out / below / FOLDER
    index = folder / INDEX
    if not index.is_file():
        return []
    found = []
    for video in parsed(index.read_text(encoding="utf-8"))["videos"]:
        file = folder / video.get("file", "")
        if "problem" in video or not file.is_file():
            problem = video.get("problem", f"{file.name} is missing")
            found.append({"strategy": video["strategy"], "problem": problem})
            continue
        cut = "" if video["ended"] else ", cut there"
        found.append(
            {
                "strategy": video["strategy"],
                "seed": video["seed"],
                "src": _source(file, f"{below}{FOLDER}/{file.name}"),
                "caption": f"Its best run, seed {video['seed']}: true return {video['true_return']:.4g} in "
                f"{video['steps']} steps{cut}.",
            }
        )
    return found


def _best(specs: Sequence[Spec], store: Store) -> Spec | None:
    """The finished run with the highest final true return; the first seed where several share it."""
    finished = [spec for spec in specs if store.is_finished(run_id(spec))]
    scores = [store.summary(run_id(spec))["true_return"][-1] for spec in finished]
    return finished[scores.index(max(scores))] if finished else None


def _filmed(spec: Spec, bundle: Path, file: Path) -> dict[str, Any]:
    chosen = spec["evaluation"]
    # the run was trained here or vouched for
    return films.film(
        bundle,
        file,
        seed=chosen["seed"],
        deterministic=chosen["deterministic"],
        trust=references(spec),
    )


def _source(file: Path, place: str) -> str:
    """A data URI for a small film, else its place as the report sees it."""
    if file.stat().st_size > SMALL:
        return place
    return "data:video/mp4;base64," + base64.b64encode(file.read_bytes()).decode()
