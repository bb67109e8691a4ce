"""What windows of episodes show, as findings: the trends of the columns, put into words."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from rewardwrap.core.reward import TRUE
from rewardwrap.evaluate.audit import trends, words
from rewardwrap.evaluate.audit.columns import Columns
from rewardwrap.evaluate.audit.finding import Finding
from rewardwrap.evaluate.audit.terms import Terms

FloatArray = NDArray[np.float64]

EVERY, STEPS = 20, 2048
"""Episodes and steps between two looks: at least so many of both."""


class Windows:
    """Looks at the last episodes now and then."""

    def __init__(self) -> None:
        self._looked = self._fresh = 0
        self._early: FloatArray | None = None
        self._spread = 0.0

    def due(self, columns: Columns, steps: int) -> bool:
        """Whether enough was added since the last look.

        Args:
            columns: Every episode so far.
            steps: Steps of the newest of them.
        """
        self._fresh += steps
        return columns.count - self._looked >= EVERY and self._fresh >= STEPS

    def stale(self, columns: Columns) -> bool:
        """Whether anything was added since the last look."""
        return columns.count > self._looked

    def look(self, columns: Columns, terms: Terms, *, verified: bool) -> Iterator[Finding]:
        """Findings over the last `trends.WINDOW` episodes.

        Args:
            columns: Every episode so far.
            terms: What is known of the recorded terms.
            verified: Whether potentials were checked.
        """
        self._looked, self._fresh = columns.count, 0
        if columns.count < trends.FEWEST:
            return
        wanted = (
            "sums", "sizes", "step", "length", "terminated", "disagreement", "pay_discounted",
            "true_discounted",
        )  # fmt: skip
        table = {name: columns.tail(name, trends.WINDOW) for name in wanted}
        pay, true = table["pay_discounted"], table["true_discounted"]
        if np.array_equal(pay, true) or not np.isfinite([pay, true]).all():
            return
        self._spread = max(self._spread, float(np.std(pay)))
        for finding in self._found(table, terms, columns.count, verified):
            finding.episodes = list(range(columns.count - len(pay), columns.count))
            finding.steps = table["step"].tolist()
            yield finding

    def _found(
        self, table: dict[str, NDArray[np.float64]], terms: Terms, total: int, verified: bool
    ) -> Iterator[Finding]:
        pay, true = table["pay_discounted"], table["true_discounted"]
        count = len(pay)
        parting = trends.parting(pay, true, self._spread)
        if parting is not None:
            yield words.parted(parting, count)
        ending = trends.early_end(
            table["length"].astype(float), pay, true, table["terminated"].astype(bool)
        )
        if ending is not None:
            yield words.ends_early(ending, count)
        unsure = trends.unsure(table["disagreement"], pay)
        if unsure is not None:
            yield words.disagrees(unsure, count)
        if self._early is None:
            self._early = trends.shares(table["sizes"][: trends.FEWEST])
        if total >= 2 * trends.FEWEST and parting is not None:
            yield from self._dominance(table, terms, verified)

    def _dominance(
        self, table: dict[str, NDArray[np.float64]], terms: Terms, verified: bool
    ) -> Iterator[Finding]:
        """One addend took over while shaped and true return parted; verified potentials may."""
        assert self._early is not None
        left = {p.name for p in terms.potentials} if verified else set()
        own = [
            i
            for i, name in enumerate(terms.names)
            if name == TRUE or (name in terms.addends and name not in left)
        ]
        early = self._early[own] / max(float(self._early[own].sum()), 1e-300)
        found = trends.takeover(
            table["sizes"][:, own], table["sums"][:, own], table["sums"][:, terms.shaped], early
        )
        if found is not None and terms.names[own[found.term]] != TRUE:
            yield words.takes_over(terms.names[own[found.term]], found, len(table["sums"]))
