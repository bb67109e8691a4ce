"""The winner as a plain Python file that a person can read, sign off and use without a search."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rewardwrap.files import write_whole
from rewardwrap.llm.candidate import Candidate

HEAD = '''\
"""{task}

A reward for {env}, written by {model} and chosen by `rewardwrap write`.

sha256 of the code below this text: {sha256}
candidate: {id}; mean true score over {seeds} seeds of {steps} steps: {score:.2f} \
(the environment's own reward: {baseline})
rewardwrap {version}. Read it before you trust it; then: rewardwrap review reward.py --approve
"""

'''


def export(
    best: Candidate, folder: Path, *, facts: Mapping[str, Any], options: Mapping[str, Any]
) -> Path:
    """Write ``reward.py`` and ``reward.yml``.

    Args:
        best: The winner.
        folder: Made if it is not there.
        facts: ``task, env, model, seeds, steps, baseline, version``.
        options: Of `rewardwrap.CodeReward`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    told = {
        **facts,
        "task": str(facts["task"]).replace('"""', "'''").replace("\\", "/"),
        "sha256": best.sha256,
        "id": best.id,
        "score": best.full or 0.0,
    }
    file = folder / "reward.py"
    write_whole(file, (HEAD.format(**told) + best.source).encode())
    row = {"code": {"source": best.source, **options}}
    write_whole(folder / "reward.yml", (json.dumps(row, indent=1) + "\n").encode())
    return file
