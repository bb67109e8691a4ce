"""What happens at a labeler's desk: pairs are handed out, answers come in, the last one is undone."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rewardwrap.annotate.database import UNDONE, Database
from rewardwrap.annotate.handout import ANSWERED, CLOSED, Handout
from rewardwrap.core.errors import RewardwrapError

LEASE = 300.0
"""Seconds for which a pair that was handed out is kept from others; every sign of life renews it."""
AHEAD = 2
"""Pairs that a page holds: the one on show, and the next."""
LONGEST_NAME = 60
SIDES = ("left", "right", "equal", "skip")


class LabelError(RewardwrapError, ValueError):
    """A message from a page that the file cannot take."""


@dataclass(frozen=True)
class Work:
    """A pair at a desk.

    Args:
        assignment: Answers name it.
        left: Id of the clip on the left.
        right: Of the one on the right.
        again: Whether it is on show again after an undo.
    """

    assignment: str
    left: int
    right: int
    again: bool


@dataclass(frozen=True)
class Receipt:
    """What became of an answer.

    Args:
        judgment: Its number.
        side: What stands in the file.
        before: It, or another answer to the same question, was there already.
    """

    judgment: int
    side: str
    before: bool


class Desk:
    """Handing out pairs and taking answers, each call one transaction.

    Args:
        database: The file.
        overlap: How many labelers see each pair.
        repeats: Share of own answers that are asked again, sides exchanged; in [0, 0.5].
        seed: Of the choice of what to repeat.
        lease: Seconds, see `LEASE`.
        refill: Called with how many pairs are missing when too many were skipped; adds some.
        clock: Seconds since 1970.
    """

    def __init__(
        self,
        database: Database,
        *,
        overlap: int = 1,
        repeats: float = 0.1,
        seed: int = 0,
        lease: float = LEASE,
        refill: Callable[[int], None] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.database, self.overlap, self.refill, self.clock = database, overlap, refill, clock
        period = round(1 / repeats) if repeats > 0 else 0
        self._handout = Handout(database, overlap, period, seed, lease)

    def open(self, name: str, *, ui_version: str) -> int:
        """A new session of a labeler, who is entered by name.

        Raises:
            LabelError: An empty or endless name.
        """
        clean = " ".join(name.split())
        if not 1 <= len(clean) <= LONGEST_NAME or not clean.isprintable():
            raise LabelError(
                f"a labeler's name must have 1 to {LONGEST_NAME} letters, got {len(clean)}. "
                "Any name will do; it tells your answers from those of others."
            )
        now = self.clock()
        with self.database.write() as connection:
            connection.execute(
                "INSERT INTO labeler(name, created) VALUES (?, ?) ON CONFLICT DO NOTHING",
                (clean, now),
            )
            made = connection.execute(
                "INSERT INTO session(labeler, ui_version, opened) "
                "SELECT id, ?, ? FROM labeler WHERE name = ?",
                (ui_version, now, clean),
            )
            return int(made.lastrowid or 0)

    def work(self, session: int) -> list[Work]:
        """The pairs at this desk, first the one to show; a reload finds the same ones.

        Raises:
            LabelError: No such session.
        """
        labeler = self._labeler(session)
        progress = self.progress(session)
        finished = progress["done"] >= progress["target"]
        missing = 0 if finished else self._handout.missing(labeler, self.goal())
        if missing and self.refill is not None:
            self.refill(missing)
        with self.database.write() as connection:
            now = self.clock()
            self._handout.keep_or_lapse(connection, labeler, now)
            while not finished and self._handout.count_open(connection, labeler) < AHEAD:
                pair = self._handout.repeat(connection, labeler, now) or self._handout.fresh(
                    connection, labeler, now
                )
                if pair is None:
                    break
                self._handout.assign(connection, pair, labeler, session, now)
            rows = connection.execute(
                "SELECT s.id, s.place, p.a, p.b, p.a_left FROM assignment s "
                "JOIN pair p ON p.id = s.pair WHERE s.labeler = ? AND s.closed = 0 ORDER BY s.place",
                (labeler,),
            ).fetchall()
        return [
            Work(r["id"], *((r["a"], r["b"]) if r["a_left"] else (r["b"], r["a"])), r["place"] < 0)
            for r in rows
            if not finished or r["place"] < 0
        ]

    def record(
        self, assignment: str, side: str, *, ms: int | None, session: int, ui_version: str
    ) -> Receipt:
        """Write an answer; the same one twice, from one tab or two, is one answer.

        Raises:
            LabelError: An assignment, session or side that does not exist.
        """
        if side not in SIDES:
            raise LabelError(
                f"an answer must be one of {', '.join(SIDES)}, got {side[:20]!r}. Reload."
            )
        if ms is not None and not 0 <= ms < 2**53:
            raise LabelError(f"ms must be at least 0, got {ms}. Reload the page.")
        labeler = self._labeler(session)
        with self.database.write() as connection:
            given = connection.execute(
                "SELECT s.*, p.a_left FROM assignment s JOIN pair p ON p.id = s.pair WHERE s.id = ?",
                (assignment,),
            ).fetchone()
            if given is None or given["labeler"] != labeler:
                raise LabelError(
                    "an answer must name a pair that was handed to this labeler, got another. "
                    "Reload the page."
                )
            a_left = bool(given["a_left"])
            before = connection.execute(
                f"SELECT id, choice FROM judgment WHERE (assignment = ? AND choice <> '{UNDONE}') "
                "OR (pair = ? AND labeler = ? AND superseded_by IS NULL "
                f"AND choice <> '{UNDONE}') ORDER BY id LIMIT 1",
                (assignment, given["pair"], labeler),
            ).fetchone()
            if before is not None:
                return Receipt(before["id"], side_of(before["choice"], a_left), True)
            number = self._append(
                connection, assignment, given["pair"], labeler, choice_of(side, a_left),
                ms, session, ui_version,
            )  # fmt: skip
            connection.execute(
                "UPDATE assignment SET closed = ? WHERE id = ?", (CLOSED, assignment)
            )
        return Receipt(number, side, False)

    def enter(self, answers: Sequence[tuple[int, int, str]], *, ui_version: str) -> None:
        """Write answers that were given elsewhere: ``(pair, session, choice)``, all or none."""
        owner = {session: self._labeler(session) for _, session, _ in answers}
        with self.database.write() as connection:
            now = self.clock()
            for pair, session, choice in answers:
                labeler = owner[session]
                made = self._handout.assign(connection, pair, labeler, session, now)
                self._append(connection, made, pair, labeler, choice, None, session, ui_version)
                connection.execute("UPDATE assignment SET closed = ? WHERE id = ?", (CLOSED, made))

    def undo(self, judgment: int, *, session: int, ui_version: str) -> None:
        """Take an answer back and put its pair on show again; twice is once.

        Raises:
            LabelError: Not an answer of this labeler.
        """
        labeler = self._labeler(session)
        with self.database.write() as connection:
            row = connection.execute(
                f"SELECT * FROM judgment WHERE id = ? AND labeler = ? AND choice <> '{UNDONE}'",
                (judgment, labeler),
            ).fetchone()
            if row is None:
                raise LabelError(f"undo must name an own answer, got {judgment}. Reload the page.")
            if row["superseded_by"] is not None:
                return
            number = self._append(
                connection, row["assignment"], row["pair"], labeler, UNDONE,
                None, session, ui_version,
            )  # fmt: skip
            self._handout.assign(
                connection, row["pair"], labeler, session, self.clock(), place=-number
            )

    def last(self, session: int) -> int | None:
        """The answer that undo would take back."""
        row = self.database.read(
            "SELECT max(id) AS id FROM judgment WHERE labeler = ? AND superseded_by IS NULL "
            f"AND choice <> '{UNDONE}'",
            (self._labeler(session),),
        )[0]
        return None if row["id"] is None else int(row["id"])

    def progress(self, session: int) -> dict[str, int]:
        """``done`` of ``target`` answers, by all and ``own``; skipped and repeated ones do not count."""
        labeler = self._labeler(session)
        row = self.database.read(
            "SELECT coalesce(sum(min(n, ?)), 0) AS done, coalesce(sum(own), 0) AS own FROM ("
            "SELECT count(*) AS n, sum(labeler = ?) AS own FROM judgment "
            "WHERE pair IN (SELECT id FROM pair WHERE repeats IS NULL) "
            f"AND {ANSWERED} GROUP BY pair)",
            (self.overlap, labeler),
        )[0]
        return {"done": row["done"], "own": row["own"], "target": self.goal() * self.overlap}

    def goal(self) -> int:
        """How many pairs are to be answered."""
        return int(self.database.meta("goal", "0"))

    def _labeler(self, session: int) -> int:
        rows = self.database.read("SELECT labeler FROM session WHERE id = ?", (session,))
        if not rows:
            raise LabelError(f"a session must be open, got {session}. Reload the page.")
        return int(rows[0]["labeler"])

    def _append(self, connection: sqlite3.Connection, *row: Any) -> int:
        """Add a judgment, which supersedes the active one of that pair and labeler."""
        number = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM judgment").fetchone()[0]
        _, pair, labeler, *_ = row
        connection.execute(
            "UPDATE judgment SET superseded_by = ? "
            "WHERE pair = ? AND labeler = ? AND superseded_by IS NULL",
            (number, pair, labeler),
        )
        connection.execute(
            "INSERT INTO judgment(id, assignment, pair, labeler, choice, ms, session, ui_version, "
            "created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (number, *row, self.clock()),
        )
        return int(number)


def choice_of(side: str, a_left: bool) -> str:
    """``left`` and ``right`` as ``a`` and ``b``."""
    if side in ("equal", "skip"):
        return side
    return "a" if (side == "left") == a_left else "b"


def side_of(choice: str, a_left: bool) -> str:
    """``a`` and ``b`` as ``left`` and ``right``."""
    if choice in ("equal", "skip"):
        return choice
    return "left" if (choice == "a") == a_left else "right"
