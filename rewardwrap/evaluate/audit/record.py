"""The record of an audit: one row for each episode, a sample of steps, findings; a file without pickle.

``audit.npz`` in the folder of a run holds all of it, about 100 bytes an episode.
"""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core.errors import RewardwrapError
from rewardwrap.core.reward import SHAPED, TRUE
from rewardwrap.evaluate.audit.finding import Clip, Finding, Findings
from rewardwrap.files import write_whole
from rewardwrap.limits import Oversized, parsed, require_modest

FloatArray = NDArray[np.float64]

FILE = "audit.npz"
FORMAT = 1
COLUMNS = ("step", "lane", "length", "terminated", "disagreement", "player")


class AuditError(RewardwrapError, ValueError):
    """A run that does not hold what an audit needs."""


@dataclass(eq=False)
class Record:
    """What an audit knows, row for row in the order in which episodes ended.

    Args:
        names: ``("env", <terms>, "shaped")``.
        gamma: Discount of the learner; None where it is not known.
        sums: ``(n, k)`` sum of each term over the episode.
        discounted: ``(n, k)`` discounted sums; NaN where steps were not recorded.
        sizes: ``(n, k)`` sum of |term|; NaN where steps were not recorded.
        columns: ``step, lane, length, terminated, disagreement, player``, ``(n,)`` each.
        residual: ``(n, p)`` of each checked potential.
        potentials: Names of the checked potentials.
        steps: ``(m, k)`` a sample of single steps' terms.
        places: ``(m, 3)`` learner's step, episode and step of the episode of each.
        states: ``(m, d)`` observations before them; width 0 where none were kept.
        findings: What stands out.
        clips: Whole episodes to look at: the first, the median and the last.
        notes: What could not be looked at, a sentence each.
        facts: Where it comes from: ``env``, ``algo``, ``source`` and so on.
    """

    names: tuple[str, ...]
    gamma: float | None
    sums: FloatArray
    discounted: FloatArray
    sizes: FloatArray
    columns: dict[str, NDArray[Any]]
    residual: FloatArray
    potentials: tuple[str, ...]
    steps: FloatArray
    places: NDArray[np.int64]
    states: FloatArray
    findings: Findings = field(default_factory=Findings)
    clips: list[Clip] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def episodes(self) -> int:
        """Number of finished episodes."""
        return len(self.sums)

    @property
    def true(self) -> FloatArray:
        """True return of each episode."""
        return self.sums[:, self.names.index(TRUE)]

    @property
    def shaped(self) -> FloatArray:
        """Shaped return of each episode."""
        return self.sums[:, self.names.index(SHAPED)]

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of everything but the total."""
        return tuple(name for name in self.names if name != SHAPED)

    def write(self, path: Path) -> Path:
        """Write ``audit.npz``: into a folder, or as the file named."""
        target = path / FILE if path.is_dir() else path
        clips = [*(f.clip for f in self.findings), *self.clips]
        arrays: dict[str, Any] = {
            "sums": self.sums, "discounted": self.discounted, "sizes": self.sizes,
            "residual": self.residual, "steps": self.steps, "places": self.places,
            "states": self.states, **{f"column_{k}": v for k, v in self.columns.items()},
        }  # fmt: skip
        for i, clip in enumerate(clips):
            if clip is not None:
                arrays |= {f"clip_{i}_terms": clip.terms, f"clip_{i}_states": clip.states}
        head = {
            "format": FORMAT,
            "names": self.names,
            "gamma": self.gamma,
            "potentials": self.potentials,
            "findings": [_plain(f) for f in self.findings],
            "clips": [_place(clip) for clip in clips],
            "notes": self.notes,
            "facts": self.facts,
        }
        content = io.BytesIO()
        np.savez_compressed(content, head=np.array(json.dumps(head)), **arrays)
        write_whole(target, content.getvalue())
        return target


def read(path: Path) -> Record:
    """Read what `Record.write` wrote.

    Raises:
        AuditError: It is no record, or was cut short.
    """
    try:
        require_modest(path)
        with path.open("rb") as file, np.load(file, allow_pickle=False) as found:
            arrays = dict(found)
        head: dict[str, Any] = parsed(str(arrays.pop("head")))
        if head["format"] != FORMAT:
            raise AuditError(
                f"{path}: format must be {FORMAT}, got {head['format']!r}. "
                "Read it with the version of rewardwrap that wrote it."
            )
        return _record(head, arrays)
    except (AuditError, Oversized):
        raise
    except (OSError, EOFError, KeyError, TypeError, ValueError, BadZipFile) as error:
        raise AuditError(
            f"{path} must be the record of an audit, got {type(error).__name__}: {error}. "
            "Delete it; what else the run recorded is then read."
        ) from error


def _record(head: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Record:
    clips = [
        None
        if place is None
        else Clip(
            place["episode"], place["offset"], tuple(place["span"]),
            arrays[f"clip_{i}_terms"], arrays[f"clip_{i}_states"],
        )
        for i, place in enumerate(head["clips"])
    ]  # fmt: skip
    found = [
        Finding(**{**entry, "evidence": tuple(entry["evidence"]), "clip": clip})
        for entry, clip in zip(head["findings"], clips, strict=False)
    ]
    return Record(
        names=tuple(head["names"]),
        gamma=head["gamma"],
        potentials=tuple(head["potentials"]),
        columns={name: arrays[f"column_{name}"] for name in COLUMNS},
        findings=Findings(found),
        clips=[clip for clip in clips[len(found) :] if clip is not None],
        notes=list(head["notes"]),
        facts=dict(head["facts"]),
        **{
            name: arrays[name]
            for name in ("sums", "discounted", "sizes", "residual", "steps", "places", "states")
        },
    )


def _plain(finding: Finding) -> dict[str, Any]:
    plain = {f.name: getattr(finding, f.name) for f in dataclasses.fields(finding)}
    del plain["clip"]
    return plain


def _place(clip: Clip | None) -> dict[str, Any] | None:
    if clip is None:
        return None
    return {"episode": clip.episode, "offset": clip.offset, "span": clip.span}
