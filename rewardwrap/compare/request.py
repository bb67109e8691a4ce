"""One comparison as it was asked for: parsed once, at the edge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from rewardwrap.compare import campaign
from rewardwrap.compare.plan import Plan
from rewardwrap.compare.spec import Spec
from rewardwrap.compare.store import Store
from rewardwrap.training.luggage import Luggage


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to compare, where to compute it, and what to do with it.

    Args:
        plans: One for each environment.
        out: The folder of the comparison.
        command: The command line, for whoever wants to repeat it.
        executor: Where runs are computed.
        address: Of that, where it takes one.
        jobs: Processes; None: cores.
        trackers: What finished runs are written to as well.
        tune: Trials of each strategy before the comparison; 0 for none.
        videos: Whether the best policies are filmed.
        tunings: Environment -> how its strategies were tuned.
        luggage: What rewards and environments need beside their names.
    """

    plans: tuple[Plan, ...]
    out: Path
    command: str = ""
    executor: str = "local"
    address: str | None = None
    jobs: int | None = None
    trackers: tuple[str, ...] = ()
    tune: int = 0
    videos: bool = False
    tunings: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    luggage: Luggage = field(default_factory=Luggage)

    @cached_property
    def store(self) -> Store:
        """Where the runs lie."""
        return Store(self.out / "runs")

    @cached_property
    def specs_of(self) -> dict[str, list[Spec]]:
        """Environment -> its runs; hashing code and reading versions is done once."""
        return {plan.env: plan.specs() for plan in self.plans}

    @cached_property
    def specs(self) -> list[Spec]:
        """Every run, of each environment in turn."""
        return campaign.in_turn(self.specs_of.values())
