"""What ``rewardwrap meta`` keeps of a meta-training that is not over: the last round, beside ``--out``."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rewardwrap.core.errors import ConfigError

if TYPE_CHECKING:
    from rewardwrap.training.agent import Agent

QUESTION = "asked.json"


@dataclass(frozen=True)
class Unfinished:
    """The folder ``<out>.unfinished``: the question, and the agent after the last whole round.

    Args:
        place: The folder.
        question: What is asked; another one may not go on here.
    """

    place: Path
    question: dict[str, Any]

    @classmethod
    def of(cls, out: Path, question: dict[str, Any]) -> Unfinished:
        """What belongs to a bundle that is to be written.

        Raises:
            ConfigError: The bundle is there, or what was begun there was asked something else.
        """
        if out.exists():
            raise ConfigError(f"--out must be new, got {out}. Choose another.")
        found = cls(out.with_name(f"{out.name}.unfinished"), json.loads(json.dumps(question)))
        file = found.place / QUESTION
        before = json.loads(file.read_text(encoding="utf-8")) if file.exists() else found.question
        for name, value in found.question.items():
            if before.get(name) != value:
                raise ConfigError(
                    f"{found.place} must go on with its {name}, got {value!r} where it has "
                    f"{before.get(name)!r}. Choose another --out."
                )
        return found

    def last(self) -> tuple[int, Path | None]:
        """Rounds that are over, and the bundle of the last."""
        kept = [path for path in self.place.glob("round_*") if path.name[6:].isdigit()]
        rounds = {int(path.name[6:]): path for path in kept}
        done = max(rounds, default=0)
        return done, rounds.get(done)

    def keep(self, agent: Agent, done: int) -> None:
        """Write the agent after a round, then forget the one before."""
        from rewardwrap.files import write_whole
        from rewardwrap.training import bundle
        from rewardwrap.training.evaluation import Protocol

        _, before = self.last()
        self.place.mkdir(parents=True, exist_ok=True)
        write_whole(self.place / QUESTION, json.dumps(self.question))
        new = self.place / f"round_{done}"
        bundle.write(agent, new, protocol=Protocol(), with_replay=True)
        if before is not None:
            shutil.rmtree(before)

    def forget(self) -> None:
        """It is over."""
        shutil.rmtree(self.place, ignore_errors=True)
