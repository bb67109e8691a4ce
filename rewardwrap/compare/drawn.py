"""Whether a report still stands: to draw it anew costs more than everything else of a finished comparison.

``figures/drawn.json`` says what the files were made of and what they hold. A comparison that finds nothing to
train, the same numbers, and its files as they were leaves them alone; `rewardwrap report` always draws.
"""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from pathlib import Path

from rewardwrap.compare import document
from rewardwrap.compare.results import Comparison
from rewardwrap.files import write_whole
from rewardwrap.limits import parsed

NOTE = "drawn.json"
REPORT = "report.html"


def stands(comparison: Comparison, out: Path) -> bool:
    """Whether the report in a folder was made of this comparison and nobody changed it since."""
    written = out / "figures" / NOTE
    try:
        found = parsed(written.read_text(encoding="utf-8"))
        return bool(found == {"of": _made_of(comparison, out), "files": _files(out)})
    except (OSError, ValueError, RecursionError):
        return False


def note(comparison: Comparison, out: Path) -> None:
    """Say what the report in a folder was made of."""
    found = {"of": _made_of(comparison, out), "files": _files(out)}
    write_whole(out / "figures" / NOTE, json.dumps(found, indent=1) + "\n")


def _made_of(comparison: Comparison, out: Path) -> str:
    content = {**document.to_json_dict(comparison), "created": ""}
    videos = out / "videos" / "videos.json"
    films = videos.read_text(encoding="utf-8") if videos.is_file() else ""
    text = json.dumps(
        [version("rewardwrap"), content, films, (out / "runs").is_dir()], allow_nan=False
    )
    return hashlib.sha256(text.encode()).hexdigest()


def _files(out: Path) -> dict[str, str]:
    files = [out / REPORT, out / "runs.csv", out / "comparison.json"]
    files += sorted(f for f in (out / "figures").iterdir() if f.name != NOTE)
    return {
        file.relative_to(out).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
    }
