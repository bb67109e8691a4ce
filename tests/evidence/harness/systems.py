"""The map of published systems: what each is here, and how much of it was shown."""

from __future__ import annotations

from collections import Counter
from typing import Any

import yaml

from tests.evidence.harness.rows import ROOT

SOURCE = ROOT / "docs" / "systems.yml"
PAGE = ROOT / "docs" / "systems.md"
COUNT = 55
KEYS = {"id", "title", "arxiv", "claims", "here", "evidence", "missing", "only"}
HEAD = """\
# Published systems

What the literature has, and what of it stands here. Written by `make evidence` from
[systems.yml](systems.yml) and the measured [evidence](results/evidence.md); `rewardwrap methods TAG` tells
how each part is used. *Shown*: all of it is here and its published effect was seen in miniature. *Part*:
some is missing, or a measurement did not show it. *Not yet*: nothing of it is here.

"""


def systems() -> list[dict[str, Any]]:
    """The entries of the source."""
    entries: list[dict[str, Any]] = yaml.safe_load(SOURCE.read_text(encoding="utf-8"))
    return entries


def state(entry: dict[str, Any], told: dict[str, dict[str, Any]]) -> str:
    """``shown``, ``part`` or ``not yet``."""
    if not entry.get("here"):
        return "not yet"
    found = [told.get(tag, {}).get("state") for tag in entry.get("evidence", ())]
    complete = not entry.get("missing") and bool(found)
    return "shown" if complete and set(found) == {"shown"} else "part"


def page(told: dict[str, dict[str, Any]]) -> str:
    """All of them, as Markdown."""
    entries = systems()
    counts = Counter(state(entry, told) for entry in entries)
    summed = ", ".join(f"{counts[name]} {name}" for name in ("shown", "part", "not yet"))
    return f"{HEAD}{len(entries)} systems: {summed}.\n" + "".join(_one(e, told) for e in entries)


def _one(entry: dict[str, Any], told: dict[str, dict[str, Any]]) -> str:
    number = entry["arxiv"]
    source = f" ([{number}](https://arxiv.org/abs/{number}))" if number else ""
    lines = [f"\n**{entry['id']} {entry['title']}**{source}: {state(entry, told)}\n"]
    lines.append(f"- claims: {entry['claims']}")
    lines += [f"- here: {entry['here']}"] if entry.get("here") else []
    for tag in entry.get("evidence", ()):
        link = f"[{tag}](results/evidence/{tag}.json)"
        one = told.get(tag, {"state": "not measured", "sentence": f"`make evidence ONLY={tag}`"})
        lines.append(f"- {one['state']}: {link}: {one['sentence']}")
    lines += [f"- missing: {entry['missing']}"] if entry.get("missing") else []
    lines += (
        [f"- has a meaning in text or images alone: {entry['only']}"] if entry.get("only") else []
    )
    return "\n".join(lines) + "\n"
