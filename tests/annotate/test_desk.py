"""Pairs handed out and answers taken: nothing lost, nothing doubled."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rewardwrap.annotate.database import Database, set_meta
from rewardwrap.annotate.desk import Desk, LabelError, choice_of, side_of
from rewardwrap.annotate.pool import add_pairs, asked_keys, draw, same_data
from rewardwrap.data import DataError, EpisodeStore

NOTHING = np.zeros((0, 6), np.int64)
UI = "test"


class Clock:
    def __init__(self) -> None:
        self.now = 1e9

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def database(swings: EpisodeStore, tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "j.sqlite", create=True) as opened:
        same_data(opened, swings)
        fill(opened, swings, 12)
        yield opened


def fill(database: Database, store: EpisodeStore, count: int) -> None:
    asked = asked_keys(database)
    add_pairs(database, draw(store, 10, count, seed=len(asked), asked=asked), seed=0)
    with database.write() as connection:
        set_meta(connection, "goal", len(asked) + count)


def answer(desk: Desk, session: int, side: str = "left") -> int:
    work = desk.work(session)[0]
    return desk.record(work.assignment, side, ms=900, session=session, ui_version=UI).judgment


def rows(database: Database, query: str = "SELECT * FROM judgment") -> list[sqlite3.Row]:
    return database.read(query)


def test_left_and_right_follow_the_side_of_the_pair() -> None:
    for a_left in (True, False):
        for side in ("left", "right", "equal", "skip"):
            assert side_of(choice_of(side, a_left), a_left) == side
    assert choice_of("left", True) == choice_of("right", False) == "a"


def test_a_reload_finds_the_same_pairs(database: Database) -> None:
    desk = Desk(database)
    first = desk.work(desk.open("Ann", ui_version=UI))
    again = desk.work(desk.open("Ann", ui_version=UI))
    assert again == first
    assert len(first) == 2
    assert len(rows(database, "SELECT * FROM assignment")) == 2


def test_the_same_answer_twice_is_one_answer(database: Database) -> None:
    desk = Desk(database)
    session = desk.open("Ann", ui_version=UI)
    work = desk.work(session)[0]
    first = desk.record(work.assignment, "left", ms=1, session=session, ui_version=UI)
    again = desk.record(work.assignment, "left", ms=1, session=session, ui_version=UI)
    other_tab = desk.open("Ann", ui_version=UI)
    late = desk.record(work.assignment, "right", ms=9, session=other_tab, ui_version=UI)
    assert not first.before
    assert again.before
    assert late.before
    assert late.side == "left"
    assert len(rows(database)) == 1


def test_undo_supersedes_and_brings_the_pair_back(database: Database) -> None:
    desk = Desk(database)
    session = desk.open("Ann", ui_version=UI)
    shown = desk.work(session)[0]
    answer(desk, session)
    second = answer(desk, session, "right")
    desk.undo(second, session=session, ui_version=UI)
    desk.undo(second, session=session, ui_version=UI)
    assert [r["choice"] for r in rows(database)][2:] == ["undone"]
    last = desk.last(session)
    assert last is not None
    desk.undo(last, session=session, ui_version=UI)
    work = desk.work(session)
    assert (work[0].left, work[0].right, work[0].again) == (shown.left, shown.right, True)
    assert work[0].assignment != shown.assignment
    assert desk.progress(session)["done"] == 0
    assert desk.last(session) is None
    # an answer that was under way when it was taken back stays taken back
    late = desk.record(shown.assignment, "left", ms=1, session=session, ui_version=UI)
    assert late.before
    answer(desk, session, "equal")
    active = rows(database, "SELECT * FROM judgment WHERE superseded_by IS NULL ORDER BY id")
    assert [r["choice"] for r in active] == ["undone", "equal"]
    assert len(rows(database)) == 5


def test_two_labelers_do_not_collide(database: Database) -> None:
    desk = Desk(database)
    ann, bob = (desk.open(name, ui_version=UI) for name in ("Ann", "Bob"))
    seen = [frozenset((w.left, w.right)) for s in (ann, bob) for w in desk.work(s)]
    assert len(set(seen)) == 4
    while desk.work(ann) or desk.work(bob):
        for session in (ann, bob):
            if desk.work(session):
                answer(desk, session)
    assert desk.progress(ann) == {"done": 12, "own": 6, "target": 12}
    pairs = [r["pair"] for r in rows(database)]
    assert sorted(pairs) == sorted(set(pairs))


def test_a_lease_runs_out_and_a_late_answer_is_kept_all_the_same(database: Database) -> None:
    clock = Clock()
    desk = Desk(database, clock=clock, lease=60)
    ann, bob = (desk.open(name, ui_version=UI) for name in ("Ann", "Bob"))
    mine = desk.work(ann)[0]
    clock.now += 61
    yours = desk.work(bob)[0]
    assert {yours.left, yours.right} == {mine.left, mine.right}
    assert mine.assignment not in [w.assignment for w in desk.work(ann)]
    late = desk.record(mine.assignment, "left", ms=1, session=ann, ui_version=UI)
    assert not late.before
    answer(desk, bob)
    assert len(rows(database)) == 2
    assert desk.progress(ann)["done"] == 1


def test_every_pair_is_seen_by_as_many_as_asked(database: Database) -> None:
    desk = Desk(database, overlap=2, repeats=0)
    sessions = [desk.open(name, ui_version=UI) for name in ("Ann", "Bob", "Eve")]
    for _ in range(30):
        for session in sessions:
            if desk.work(session):
                answer(desk, session)
    counts = rows(
        database, "SELECT count(*) AS n, count(DISTINCT labeler) AS l FROM judgment GROUP BY pair"
    )
    assert [(r["n"], r["l"]) for r in counts] == [(2, 2)] * 12
    assert desk.progress(sessions[0])["done"] == 24


def test_a_tenth_is_asked_again_with_sides_exchanged(
    swings: EpisodeStore, database: Database
) -> None:
    fill(database, swings, 28)
    desk = Desk(database)
    session = desk.open("Ann", ui_version=UI)
    while desk.work(session):
        answer(desk, session)
    again = rows(
        database,
        "SELECT p.*, o.a_left AS before, o.a AS oa FROM pair p JOIN pair o ON o.id = p.repeats",
    )
    assert len(again) == 3
    assert all(r["a_left"] != r["before"] and r["a"] == r["oa"] for r in again)
    assert desk.progress(session) == {"done": 40, "own": 40, "target": 40}


def test_skipped_pairs_do_not_count_and_are_replaced(
    swings: EpisodeStore, database: Database
) -> None:
    desk = Desk(database, repeats=0, refill=lambda n: add_pairs(
        database, draw(swings, 10, n, seed=99, asked=asked_keys(database)), seed=1))  # fmt: skip
    session = desk.open("Ann", ui_version=UI)
    for _ in range(5):
        answer(desk, session, "skip")
    assert desk.progress(session)["done"] == 0
    while desk.work(session):
        answer(desk, session, "equal")
    assert desk.progress(session)["done"] == 12
    assert len(asked_keys(database)) == 17


def test_the_file_itself_refuses_to_change_or_forget(database: Database) -> None:
    desk = Desk(database)
    session = desk.open("Ann", ui_version=UI)
    answer(desk, session)
    for statement in (
        "DELETE FROM judgment",
        "UPDATE judgment SET choice = 'b'",
        "UPDATE judgment SET superseded_by = NULL",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="only ever added"), database.write() as c:
            c.execute(statement)
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"), database.write() as c:
        c.execute(
            "INSERT INTO judgment SELECT 99, assignment, pair, labeler, choice, ms, session, "
            "ui_version, created, NULL FROM judgment"
        )
    assert len(rows(database)) == 1


def test_a_commit_reaches_the_disk(database: Database) -> None:
    assert rows(database, "PRAGMA journal_mode")[0][0] == "wal"
    assert rows(database, "PRAGMA synchronous")[0][0] == 2  # FULL


def test_messages_that_make_no_sense_get_a_sentence(database: Database) -> None:
    desk = Desk(database)
    ann, bob = (desk.open(name, ui_version=UI) for name in ("Ann", "Bob"))
    work = desk.work(ann)[0]
    for call, said in (
        (lambda: desk.open("  ", ui_version=UI), "1 to 60 letters, got 0"),
        (lambda: desk.open("x\x00y", ui_version=UI), "1 to 60 letters"),
        (lambda: desk.work(77), "session must be open, got 77"),
        (
            lambda: desk.record("no", "left", ms=1, session=ann, ui_version=UI),
            "handed to this labeler",
        ),
        (
            lambda: desk.record(work.assignment, "left", ms=1, session=bob, ui_version=UI),
            "handed to",
        ),
        (lambda: desk.record(work.assignment, "up", ms=1, session=ann, ui_version=UI), "got 'up'"),
        (lambda: desk.record(work.assignment, "left", ms=-1, session=ann, ui_version=UI), "got -1"),
        (lambda: desk.undo(5, session=ann, ui_version=UI), "an own answer, got 5"),
    ):
        with pytest.raises(LabelError, match=said):
            call()
    assert not rows(database)


def test_names_are_cleaned_of_spaces_only(database: Database) -> None:
    desk = Desk(database)
    desk.open(" Ann  Ä. ", ui_version=UI)
    desk.open("Ann Ä.", ui_version=UI)
    assert [r["name"] for r in rows(database, "SELECT name FROM labeler")] == ["Ann Ä."]


def test_pairs_are_new_stay_in_blocks_and_sides_are_random(
    swings: EpisodeStore, database: Database
) -> None:
    more = draw(swings, 10, 60, seed=5, asked=asked_keys(database))
    add_pairs(database, more, seed=5)
    keys = [tuple(k) for k in asked_keys(database).tolist()]
    assert len(set(keys)) == len(keys) == 72
    # 16 episodes make 4 blocks of 4: no episode meets more than 3 others
    for episode in range(16):
        met = {
            *more.b.episode[more.a.episode == episode],
            *more.a.episode[more.b.episode == episode],
        }
        assert len(met - {episode}) <= 3
    left = [r["a_left"] for r in rows(database, "SELECT a_left FROM pair")]
    assert 20 < sum(left) < 52


def test_few_windows_are_used_up_before_the_data_are_called_too_small(swings: EpisodeStore) -> None:
    whole = draw(swings, 40, 120, seed=0, asked=NOTHING)  # C(16, 2), one window an episode
    assert len(whole) == 120
    with pytest.raises(DataError, match="must hold 121 more pairs of 40 steps, got 120"):
        draw(swings, 40, 121, seed=0, asked=NOTHING)
    with pytest.raises(DataError, match="length must fit into an episode, got 41"):
        draw(swings, 41, 1, seed=0, asked=NOTHING)


def test_a_file_that_is_something_else_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="judgements must exist"):
        Database(tmp_path / "none.sqlite")
    text = tmp_path / "text.sqlite"
    text.write_text("not a database, but long enough to look at" * 9)
    with pytest.raises(
        DataError, match="must be a file of judgements, got: file is not a database"
    ):
        Database(text, create=True)
    other = tmp_path / "other.sqlite"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE mine(x)")
    connection.close()
    with pytest.raises(DataError, match="got another SQLite file"):
        Database(other, create=True)
    assert text.read_text().startswith("not a database")


def test_a_file_belongs_to_its_data(swings: EpisodeStore, database: Database) -> None:
    same_data(database, swings)
    with pytest.raises(DataError, match="must go with the data it was made on"):
        same_data(database, swings.select(slice(0, 5)))
