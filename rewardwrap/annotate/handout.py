"""Which pair a labeler is handed next: open ones, own ones once more, and none that another has."""

from __future__ import annotations

import secrets
import sqlite3
from dataclasses import dataclass

import numpy as np

from rewardwrap.annotate.database import UNDONE, Database

RECENT = 3
"""The latest own answers are not repeated: they would be remembered."""
CLOSED, LAPSED = 1, 2

OPEN = f"""
SELECT pair.id FROM pair
WHERE (pair.only_for IS NULL OR pair.only_for = :labeler)
  AND NOT EXISTS (SELECT 1 FROM judgment j WHERE j.pair = pair.id AND j.labeler = :labeler
                  AND j.superseded_by IS NULL)
  AND NOT EXISTS (SELECT 1 FROM assignment s WHERE s.pair = pair.id AND s.labeler = :labeler
                  AND s.closed = 0)
  AND (SELECT count(*) FROM judgment j WHERE j.pair = pair.id AND j.labeler <> :labeler
       AND j.superseded_by IS NULL AND j.choice NOT IN ('{UNDONE}', 'skip'))
    + (SELECT count(*) FROM assignment s WHERE s.pair = pair.id AND s.labeler <> :labeler
       AND s.closed = 0 AND s.leased_until > :now) < :overlap
ORDER BY pair.id LIMIT 1
"""
ANSWERED = f"superseded_by IS NULL AND choice NOT IN ('{UNDONE}', 'skip')"


@dataclass(frozen=True)
class Handout:
    """Assignments of pairs; every call but `missing` is part of a transaction of the desk.

    Args:
        database: The file.
        overlap: How many labelers see each pair.
        period: Own answers between two that are asked again; 0: none is.
        seed: Of the choice of what to repeat.
        lease: Seconds for which a pair is kept from others.
    """

    database: Database
    overlap: int
    period: int
    seed: int
    lease: float

    def missing(self, labeler: int, goal: int) -> int:
        """Pairs that skipping has used up: none is open for this labeler, and the goal is not met."""
        rows = self.database.read(
            "SELECT (SELECT count(*) FROM pair WHERE repeats IS NULL) AS pairs, (SELECT count(*) "
            "FROM judgment j JOIN pair p ON p.id = j.pair WHERE j.labeler = ? AND p.repeats IS NULL "
            "AND j.superseded_by IS NULL AND j.choice = 'skip') AS skipped",
            (labeler,),
        )[0]
        return max(0, goal - int(rows["pairs"]) + int(rows["skipped"]))

    def keep_or_lapse(self, connection: sqlite3.Connection, labeler: int, now: float) -> None:
        """Renew own leases; what ran out and went to somebody else meanwhile is given up."""
        connection.execute(
            "UPDATE assignment SET closed = ? WHERE labeler = ? AND closed = 0 AND leased_until <= ? "
            f"AND (SELECT count(*) FROM judgment j WHERE j.pair = assignment.pair AND {ANSWERED}) "
            "+ (SELECT count(*) FROM assignment o WHERE o.pair = assignment.pair AND o.closed = 0 "
            "AND o.labeler <> assignment.labeler AND o.leased_until > ?) >= ? AND place >= 0",
            (LAPSED, labeler, now, now, self.overlap),
        )
        connection.execute(
            "UPDATE assignment SET leased_until = ? WHERE labeler = ? AND closed = 0",
            (now + self.lease, labeler),
        )

    @staticmethod
    def count_open(connection: sqlite3.Connection, labeler: int) -> int:
        """How many pairs a labeler holds."""
        row = connection.execute(
            "SELECT count(*) FROM assignment WHERE labeler = ? AND closed = 0", (labeler,)
        ).fetchone()
        return int(row[0])

    def fresh(self, connection: sqlite3.Connection, labeler: int, now: float) -> int | None:
        """A pair that this labeler has not seen and too few others have."""
        row = connection.execute(
            OPEN, {"labeler": labeler, "now": now, "overlap": self.overlap}
        ).fetchone()
        return None if row is None else int(row["id"])

    def repeat(self, connection: sqlite3.Connection, labeler: int, now: float) -> int | None:
        """A pair answered a while ago, sides exchanged, when one is due."""
        if not self.period:
            return None
        own = connection.execute(
            "SELECT p.* FROM judgment j JOIN pair p ON p.id = j.pair WHERE j.labeler = ? "
            f"AND p.repeats IS NULL AND j.{ANSWERED} ORDER BY j.id",
            (labeler,),
        ).fetchall()
        made = connection.execute(
            "SELECT repeats FROM pair WHERE only_for = ?", (labeler,)
        ).fetchall()
        again = {row["repeats"] for row in made}
        left = [row for row in own[:-RECENT] if row["id"] not in again]
        if not left or len(own) < self.period * (len(again) + 1):
            return None
        rng = np.random.default_rng([self.seed, labeler, len(again)])
        pair = left[rng.integers(len(left))]
        added = connection.execute(
            "INSERT INTO pair(a, b, a_left, repeats, only_for, created) VALUES (?, ?, ?, ?, ?, ?)",
            (pair["a"], pair["b"], 1 - pair["a_left"], pair["id"], labeler, now),
        )
        return int(added.lastrowid or 0)

    def assign(
        self,
        connection: sqlite3.Connection,
        pair: int,
        labeler: int,
        session: int,
        now: float,
        *,
        place: int | None = None,
    ) -> str:
        """``place`` orders a desk: below 0 for pairs that an undo brought back, the latest first."""
        if place is None:
            place = connection.execute("SELECT count(*) FROM assignment").fetchone()[0]
        name = secrets.token_urlsafe(12)
        connection.execute(
            "INSERT INTO assignment(id, pair, labeler, session, place, created, leased_until) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (name, pair, labeler, session, place, now, now + self.lease),
        )
        return name
