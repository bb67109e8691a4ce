"""Judgements in and out of the file, and people as an annotator."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from rewardwrap.annotate import judgements
from rewardwrap.annotate.annotator import Query, Ticket
from rewardwrap.annotate.database import Database
from rewardwrap.annotate.desk import Desk
from rewardwrap.annotate.people import People
from rewardwrap.annotate.pool import clip_hash, draw
from rewardwrap.annotate.summary import summarise
from rewardwrap.core.errors import ConfigError
from rewardwrap.data import DataError, EpisodeStore, Preferences, sample_fragments

NAN = np.nan


def given(store: EpisodeStore, said: list[float], names: list[str] | None = None) -> Preferences:
    clips = sample_fragments(store, 2 * len(said), 10, seed=0)
    a, b = clips.select(slice(0, len(said))), clips.select(slice(len(said), None))
    return Preferences(a, b, np.array(said), annotator=None if names is None else np.array(names))  # type: ignore[arg-type]


def test_answers_come_out_as_they_went_in(swings: EpisodeStore, tmp_path: Path) -> None:
    said = given(swings, [0.0, 1.0, 0.5, NAN, 1.0], ["Ann", "Bob", "Ann", "Ann", "Bob"])
    judgements.add_answers(tmp_path / "j.sqlite", said)
    found = judgements.read(tmp_path / "j.sqlite", swings)
    assert found.preferred == pytest.approx(said.preferred, nan_ok=True)
    assert found.annotator.tolist() == said.annotator.tolist()
    for side in "ab":
        for name in ("episode", "start", "length"):
            assert (getattr(getattr(found, side), name) == getattr(getattr(said, side), name)).all()
    judgements.add_answers(tmp_path / "j.sqlite", said, labeler="Eve")
    both = judgements.read(tmp_path / "j.sqlite", swings)
    assert len(both) == 10
    assert len(set(both.group)) == 5  # another labeler, the same questions


def test_a_store_that_has_grown_still_shows_the_clips(swings: EpisodeStore, tmp_path: Path) -> None:
    judgements.add_answers(tmp_path / "j.sqlite", given(swings, [0.0, 1.0, 1.0]))
    more = swings.select(slice(0, 3))
    grown = EpisodeStore.concat([swings.select(slice(None, None, -1)), more])
    found = judgements.read(tmp_path / "j.sqlite", grown)
    first = judgements.read(tmp_path / "j.sqlite", swings)
    assert (found.a.obs()[0] == first.a.obs()[0]).all()


def test_other_data_are_refused_by_the_hash_of_a_clip(swings: EpisodeStore, tmp_path: Path) -> None:
    judgements.add_answers(tmp_path / "j.sqlite", given(swings, [0.0]))
    changed = EpisodeStore.from_episodes(
        [{**e.columns(), "obs": e.obs + 1e-6, "id": e.id} for e in swings]
    )
    with pytest.raises(DataError, match="must go with the data it was made on, got other data"):
        judgements.read(tmp_path / "j.sqlite", changed)
    with pytest.raises(DataError, match="got other data than steps"):
        judgements.read(tmp_path / "j.sqlite", swings.select(slice(0, 1)))


def test_a_hash_tells_what_is_shown_and_nothing_else(swings: EpisodeStore) -> None:
    paid = EpisodeStore.from_episodes([{**e.columns(), "reward": e.reward + 1} for e in swings])
    assert clip_hash(paid, 3, 5, 10) == clip_hash(swings, 3, 5, 10)
    assert clip_hash(swings, 3, 5, 10) != clip_hash(swings, 3, 6, 10)


def test_export_says_everything_that_is_known(swings: EpisodeStore, tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    judgements.add_answers(path, given(swings, [0.0, NAN, 0.5]), labeler="Änn")
    assert judgements.export(path, tmp_path / "out" / "j.jsonl") == 3
    lines = (tmp_path / "out" / "j.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert [r["choice"] for r in rows] == ["a", "skip", "equal"]
    assert [r["preferred"] for r in rows] == [0.0, None, 0.5]
    assert rows[0]["side"] == ("left" if rows[0]["left"] == "a" else "right")
    assert {"a_hash", "b_hash", "a_id", "b_id", "ms", "ui_version", "created"} <= rows[0].keys()
    assert rows[0]["labeler"] == "Änn"
    judgements.export(path, tmp_path / "j.parquet")
    table = pq.read_table(tmp_path / "j.parquet")
    assert table.to_pylist() == rows
    assert table.schema.metadata[b"store"].decode() == swings.fingerprint()
    with pytest.raises(ConfigError, match="must go to a .jsonl or .parquet file, got 'j.csv'"):
        judgements.export(path, tmp_path / "j.csv")


def test_only_answers_that_a_person_could_give_are_imported(
    swings: EpisodeStore, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="must be 0, 0.5, 1 or NaN, got a probability in between"):
        judgements.add_answers(tmp_path / "j.sqlite", given(swings, [0.7]))
    Database(tmp_path / "empty.sqlite", create=True).close()
    with pytest.raises(DataError, match="must hold answers, got none"):
        judgements.read(tmp_path / "empty.sqlite", swings)


def test_training_asks_goes_on_and_hears_later(swings: EpisodeStore, tmp_path: Path) -> None:
    people = People(tmp_path / "j.sqlite", swings)
    clips = sample_fragments(swings, 8, 10, seed=0)
    asked = Query(clips.select(slice(0, 4)), clips.select(slice(4, None)))
    assert people.submit(asked) == Ticket(1, 4)
    assert people.poll() is None
    with Database(tmp_path / "j.sqlite") as database:
        desk = Desk(database, repeats=0)
        session = desk.open("Ann", ui_version="t")
        assert desk.progress(session)["target"] == 4

        def left() -> int:
            work = desk.work(session)[0]
            return desk.record(
                work.assignment, "left", ms=1, session=session, ui_version="t"
            ).judgment

        left()
        found = people.poll()
        assert found is not None
        assert found.group.tolist() == [1]
        assert found.a.episode.tolist() == asked.a.episode[:1].tolist()
        desk.undo(left(), session=session, ui_version="t")
        assert people.poll() is None
        left()
        left()
        found = people.poll()
        assert found is not None
        assert found.group.tolist() == [2, 3]
    assert people.submit(asked) == Ticket(5, 4)
    people.close()


def test_a_summary_counts_habits_and_agreement(swings: EpisodeStore, tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    people = People(path, swings)
    clips = sample_fragments(swings, 40, 10, seed=0)
    people.submit(Query(clips.select(slice(0, 20)), clips.select(slice(20, None))))
    people.close()
    with Database(path) as database:
        desk = Desk(database, overlap=2, repeats=0.1)
        ann, bob = (desk.open(name, ui_version="t") for name in ("Ann", "Bob"))
        for turn in range(22):
            for session, side in ((ann, "left"), (bob, "left" if turn % 2 else "right")):
                if work := desk.work(session):
                    desk.record(work[0].assignment, side, ms=2000, session=session, ui_version="t")
        found = summarise(database)
    first, second = found.labelers
    assert (first.name, first.answered, first.left, first.leans) == ("Ann", 20, 1.0, "left")
    assert first.seconds == 2.0
    # always left is never consistent, since sides are exchanged
    assert (first.repeated, first.consistent) == (1, 0.0)
    assert not second.leans
    (couple,) = found.couples
    assert couple.names == ("Ann", "Bob")
    assert couple.common == found.shared == 20
    assert 0.3 < couple.raw < 0.7
    assert found.answered == found.pairs == found.goal == 20


def test_an_oracle_in_a_file_trains_a_model(swings: EpisodeStore, tmp_path: Path) -> None:
    from rewardwrap.cli import main

    swings.save(tmp_path / "data")
    asked = draw(swings, 10, 240, seed=3, asked=np.zeros((0, 6), np.int64))
    a, b = asked.a, asked.b
    said = Preferences(a, b, (b.returns() > a.returns()).astype(float))
    judgements.add_answers(tmp_path / "j.sqlite", said, labeler="oracle")
    code = main(
        ["fit", "preferences", str(tmp_path / "data"), "--teacher", str(tmp_path / "j.sqlite"),
         "--out", str(tmp_path / "model"), "--epochs", "30", "--members", "1", "--quiet"]
    )  # fmt: skip
    assert code == 0
    metrics = json.loads((tmp_path / "model" / "metrics.json").read_text())
    assert metrics["labels"]["dropped"] == 0
    assert metrics["labels"]["answered"] == 240
    assert metrics["heldout"]["pair_accuracy"] > 0.6


def test_nobody_else_reads_who_said_what(tmp_path: Path) -> None:
    database = Database(tmp_path / "j.sqlite", create=True)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    database.close()
