"""The winner as a plain Python file that a person can read, sign off and use without a search."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rewardwrap.files import write_whole
from rewardwrap.llm.candidate import Candidate
from rewardwrap.sandbox.intake import export as export_source


def export(
    best: Candidate, folder: Path, *, facts: Mapping[str, Any], options: Mapping[str, Any]
) -> Path:
    """Write ``reward.py`` (with where it comes from at its head) and ``reward.yml``.

    Args:
        best: The winner.
        folder: Made if it is not there.
        facts: ``env``, ``task``, ``model`` and what else its head should say, one line each.
        options: Of `rewardwrap.CodeReward`.
    """
    file = export_source(best.source, folder / "reward.py", {**facts, "candidate": best.id})
    row = {"code": {"source": best.source, **options}}
    write_whole(folder / "reward.yml", json.dumps(row, indent=1) + "\n")
    return file
