"""What the results become: a table for readers, and the short form that the package carries."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rewardwrap.files import write_whole
from tests.evidence.harness import systems
from tests.evidence.harness.rows import ROOT, results

TABLE = ROOT / "docs" / "results" / "evidence.md"
CARRIED = ROOT / "rewardwrap" / "evidence.json"
HEAD = """\
# Evidence

What each method was seen to do here, in miniature. Written by `make evidence`; the rows, versions and
times are in [evidence/](evidence/), one file a script of `tests/evidence/`. *Shown* needs an exact
sign-flip test over the seeds at level 0.05, or a bound that every seed keeps; *contradicted* is the same
test the other way round; the rest is *not shown*. A null result is a result.

| method | claim | verdict | what was seen | seeds | CPU s |
|---|---|---|---|---|---|
"""


def table(told: dict[str, dict[str, Any]]) -> str:
    """The page, as Markdown."""
    return HEAD + "".join(_line(tag, one) for tag, one in told.items())


def _line(tag: str, one: dict[str, Any]) -> str:
    claim, sentence = (one[key].replace("|", "\\|") for key in ("claim", "sentence"))
    cells = (
        f"[`{tag}`](evidence/{tag}.json)",
        f"{claim} ({one['source']})",
        f"**{one['state']}**" if one["state"] != "shown" else "shown",
        sentence,
        str(len(one["seeds"])),
        f"{one['cpu_s']:.0f}",
    )
    return "| " + " | ".join(cells) + " |\n"


def carried(told: dict[str, dict[str, Any]]) -> str:
    """What ``rewardwrap methods`` prints, as JSON: no rows, no times."""
    keys = ("claim", "source", "state", "sentence", "object", "use", "example", "command")
    short = {
        tag: {key: one[key] for key in keys} | {"seeds": len(one["seeds"])}
        for tag, one in told.items()
    }
    return json.dumps(short, indent=1, ensure_ascii=False) + "\n"


def pages() -> dict[Path, str]:
    """Every page that follows from the results, by its path."""
    told = results()
    return {TABLE: table(told), CARRIED: carried(told), systems.PAGE: systems.page(told)}


def write() -> None:
    """Write them all."""
    for path, text in pages().items():
        write_whole(path, text.encode())
