"""Tables in layouts that people really have: read as they are meant, or one sentence that asks."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

from rewardwrap.data import DataError, EpisodeStore
from rewardwrap.data.readers import read
from rewardwrap.data.readers.names import candidates, numbered, resembles
from rewardwrap.data.reading import Options

EPISODES, STEPS = 3, 5


def truth() -> list[tuple[Any, Any, Any]]:
    rng = np.random.default_rng(0)
    made = []
    for _ in range(EPISODES):
        obs = rng.normal(size=(STEPS + 1, 2))
        made.append((obs, rng.uniform(-2, 2, (STEPS, 1)), -(obs[:-1] ** 2).sum(1)))
    return made


def columns(*, successors: bool = True, flags: bool = True) -> dict[str, list[Any]]:
    rows: list[dict[str, Any]] = []
    for i, (obs, action, reward) in enumerate(truth()):
        for t in range(STEPS):
            row = {"episode": i, "step": t, "obs_0": obs[t, 0], "obs_1": obs[t, 1]}
            row |= {"action_0": action[t, 0], "reward": reward[t]}
            if successors:
                row |= {f"next_obs_{k}": obs[t + 1, k] for k in range(2)}
            if flags:
                row |= {"terminated": False, "truncated": t == STEPS - 1}
            rows.append(row)
    return {name: [row[name] for row in rows] for name in rows[0]}


def written(path: Path, table: dict[str, list[Any]], sep: str = ",", decimal: str = ".") -> Path:
    def cell(value: Any) -> str:
        return str(value).replace(".", decimal) if isinstance(value, float) else str(value)

    lines = [sep.join(table)]
    lines += [sep.join(map(cell, row)) for row in zip(*table.values(), strict=True)]
    path.write_text("\n".join(lines) + "\n")
    return path


def assert_true(store: EpisodeStore, *, successors: bool = True) -> None:
    assert store.lengths.tolist() == [STEPS] * EPISODES
    for episode, (obs, action, reward) in zip(store, truth(), strict=True):
        np.testing.assert_allclose(episode.obs[: STEPS + successors], obs[: STEPS + successors])
        np.testing.assert_allclose(episode.action, action)
        np.testing.assert_allclose(episode.reward, reward)


def renamed(table: dict[str, list[Any]], names: dict[str, str]) -> dict[str, list[Any]]:
    return {names.get(name, name): column for name, column in table.items()}


def moved(table: dict[str, list[Any]], order: Any) -> dict[str, list[Any]]:
    return {name: [column[i] for i in order] for name, column in table.items()}


@pytest.mark.parametrize(
    "names",
    [
        {"next_obs_0": "obs_next_0", "next_obs_1": "obs_next_1", "action_0": "act_0", "reward": "rew"},
        {"obs_0": "state0", "obs_1": "state1", "next_obs_0": "next_state0", "next_obs_1": "next_state1"},
        {"obs_0": "obs[0]", "obs_1": "obs[1]", "next_obs_0": "next_obs[0]", "next_obs_1": "next_obs[1]"},
        {"obs_0": "state.0", "obs_1": "state.1", "next_obs_0": "new_obs.0", "next_obs_1": "new_obs.1"},
        {"next_obs_0": "obs_0_next", "next_obs_1": "obs_1_next", "episode": "traj_id"},
    ],
)  # fmt: skip
def test_known_names_are_read_as_they_are_meant(tmp_path: Path, names: dict[str, str]) -> None:
    assert_true(read(written(tmp_path / "log.csv", renamed(columns(), names))).store)


@pytest.mark.parametrize(
    ("names", "flag"),
    [
        ({"obs_1": "obs_x"}, "--obs"),
        ({"reward": "state_0"}, "--obs"),
        ({"obs_0": "o_0", "obs_1": "o_1"}, "--obs"),
        ({"terminated": "action_logprob"}, "--action"),
        ({"next_obs_0": "nextobs_0", "next_obs_1": "nextobs_1"}, "--next-obs"),
        ({"next_obs_1": "after_1"}, "--leave-out"),
        ({"reward": "r"}, "--reward"),
    ],
)
def test_what_may_mean_two_things_is_asked(
    tmp_path: Path, names: dict[str, str], flag: str
) -> None:
    with pytest.raises(DataError, match=flag):
        read(written(tmp_path / "log.csv", renamed(columns(), names)))


def test_the_user_decides_by_name(tmp_path: Path) -> None:
    names = {"obs_0": "x", "obs_1": "v", "action_0": "u", "reward": "cost", "next_obs_0": "x2",
             "next_obs_1": "v2", "terminated": "over", "truncated": "late", "step": "k"}  # fmt: skip
    path = written(tmp_path / "log.csv", renamed(columns(), names) | {"obs_noise": [0.0] * 15})
    options = Options(
        obs=("x", "v"), action=("u",), reward="cost", next_obs=("x2", "v2"), terminated="over",
        truncated="late", order="k", leave_out=("obs_noise", "episode:1"),
    )  # fmt: skip
    reading = read(path, options)
    assert reading.store.ids.tolist() == ["0", "2"]
    assert reading.store.truncated.sum() == 2
    assert "obs_noise" not in reading.store.info
    assert any("obs = x, v; action = u; next_obs = x2, v2" in n.sentence for n in reading.notes)


def test_a_clock_puts_rows_in_order(tmp_path: Path) -> None:
    plain = columns(successors=False, flags=False)
    for order in (
        np.lexsort((plain["episode"], -np.array(plain["step"]))),
        np.random.default_rng(1).permutation(EPISODES * STEPS),
        np.lexsort((plain["episode"], plain["step"])),
    ):
        table = moved(plain, order)
        store = read(written(tmp_path / "log.csv", table)).store
        for i, (obs, _, reward) in enumerate(truth()):
            episode = store.episode(store.ids.tolist().index(str(i)))
            np.testing.assert_allclose(episode.obs[:-1], obs[:-1])
            np.testing.assert_allclose(episode.reward, reward)


@pytest.mark.parametrize("clock", ["step", "t", "timestamp", "frame_index"])
def test_a_clock_that_jumps_is_one_sentence_with_the_cure(tmp_path: Path, clock: str) -> None:
    table = renamed(columns(successors=False, flags=False), {"step": clock})
    missing = moved(table, [i for i in range(15) if i != 7])
    path = written(tmp_path / "log.csv", missing)
    with pytest.raises(DataError, match=f"it jumps there .*--boundary 'gap:{clock}>1'"):
        read(path)
    cut = read(path, Options(boundary=("id:episode", f"gap:{clock}>1")))
    assert cut.store.lengths.tolist() == [5, 2, 2, 5]
    assert read(path, Options(order="none")).store.lengths.tolist() == [5, 4, 5]


def test_a_clock_of_flagged_rows_must_not_run_backwards(tmp_path: Path) -> None:
    table = columns(successors=False)
    table["truncated"] = [False] * 14 + [True]
    del table["episode"]
    with pytest.raises(DataError, match="runs backwards"):
        read(written(tmp_path / "log.csv", table))


@pytest.mark.parametrize("clock", ["step", "t", "timestamp", "frame_index"])
def test_a_clock_that_counts_down_is_asked_about(tmp_path: Path, clock: str) -> None:
    table = renamed(columns(successors=False, flags=False), {"step": clock})
    order = [i * STEPS + t for i in range(EPISODES) for t in reversed(range(STEPS))]
    path = written(tmp_path / "log.csv", moved(table, order))
    sentence = f'"{clock}" must rise inside an episode, got 3 after 4 in episode 0: it counts down'
    with pytest.raises(DataError, match=f"{sentence}.*--order {clock} .* --order none"):
        read(path)
    assert_true(read(path, Options(order=clock)).store, successors=False)
    left = table | {clock: [STEPS - 1 - t for t in table[clock]]}
    path = written(tmp_path / "left.csv", left)
    with pytest.raises(DataError, match="it counts down"):
        read(path)
    assert_true(read(path, Options(order="none")).store, successors=False)
    del left["episode"]
    left["truncated"] = [t == STEPS - 1 for t in table[clock]]
    with pytest.raises(DataError, match="must count up .* --order none"):
        read(written(tmp_path / "flags.csv", left))


def test_ids_that_restart_and_count_down_and_lists_that_do_are_asked_about(tmp_path: Path) -> None:
    plain = columns(successors=False, flags=False)
    down = plain | {"step": [STEPS - 1 - t for t in plain["step"]]}
    twice = {name: column * 2 for name, column in down.items()}
    with pytest.raises(DataError, match="it counts down"):
        read(written(tmp_path / "twice.csv", twice))
    assert read(tmp_path / "twice.csv", Options(order="none")).store.lengths.tolist() == [STEPS] * 6
    lines = [
        {"episode": i, "obs": obs.tolist(), "action": action.tolist(), "reward": reward.tolist(),
         "step": list(range(STEPS))[::-1]} for i, (obs, action, reward) in enumerate(truth())
    ]  # fmt: skip
    path = tmp_path / "whole.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    with pytest.raises(DataError, match="got 3 after 4 in episode 0. Turn its lists round"):
        read(path)
    assert_true(read(path, Options(order="none")).store)


def test_names_in_a_comment_stand_above_truths_too_and_zeros_are_no_text(tmp_path: Path) -> None:
    path = written(tmp_path / "log.csv", columns())
    path.write_text("# " + path.read_text())
    assert_true(read(path).store)
    content = path.read_text()
    path.write_bytes(content.encode("utf-32"))
    assert_true(read(path).store)
    for raw in (content.encode("utf-16-le"), content.encode() + bytes(6)):
        path.write_bytes(raw)
        with pytest.raises(DataError, match="must be text, got bytes of 0 from byte"):
            read(path)


def test_one_late_row_is_put_in_its_place(tmp_path: Path) -> None:
    table = moved(columns(successors=False, flags=False), [0, 2, 1, *range(3, 15)])
    reading = read(written(tmp_path / "log.csv", table))
    assert_true(reading.store, successors=False)
    assert any(note.check == "order" and note.count == 1 for note in reading.notes)


def test_ids_that_restart_are_two_runs(tmp_path: Path) -> None:
    table = columns(successors=False, flags=False)
    twice = {name: column * 2 for name, column in table.items()}
    store = read(written(tmp_path / "clock.csv", twice)).store
    assert store.lengths.tolist() == [STEPS] * 6
    assert len(set(store.ids)) == 6
    del twice["step"]
    store = read(written(tmp_path / "blind.csv", twice)).store
    assert store.lengths.tolist() == [STEPS] * 6
    mixed = {name: np.repeat(column, 2).tolist() for name, column in table.items()}
    with pytest.raises(DataError, match="Give runs their own ids"):
        read(written(tmp_path / "mixed.csv", mixed))
    del table["step"]
    order = [0, 1, 5, 6, 2, 7, 8, 9, 3, 4, *range(10, 15)]
    with pytest.raises(DataError, match="--order"):
        read(written(tmp_path / "chaos.csv", moved(table, order)))


def rlds(flags: bool = True) -> dict[str, list[Any]]:
    rows = []
    for i, (obs, action, reward) in enumerate(truth()):
        for t in range(STEPS + 1):
            end = t == STEPS
            row = {"obs_0": obs[t, 0], "obs_1": obs[t, 1], "reward": 0.0 if end else reward[t]}
            row |= {"episode_id": i, "action_0": 0.0 if end else action[t, 0]}
            row |= {"is_first": t == 0, "is_last": end, "is_terminal": end and i > 0}
            rows.append(row)
    return {name: [row[name] for row in rows] for name in rows[0]}


def test_final_rows_of_rlds_are_no_steps(tmp_path: Path) -> None:
    for left in ((), ("episode_id",)):
        path = written(tmp_path / "log.csv", rlds())
        reading = read(path, Options(leave_out=left))
        assert_true(reading.store)
        assert reading.store.terminated.sum() == 2
        assert reading.store.truncated.sum() == 1
        assert "is_last" not in reading.store.info


def test_an_episode_of_rlds_that_was_cut_has_an_unknown_successor(tmp_path: Path) -> None:
    table = moved(rlds(), [i for i in range(18) if i != 11])
    store = read(written(tmp_path / "log.csv", table)).store
    assert store.lengths.tolist() == [STEPS] * EPISODES
    assert np.flatnonzero(store.info["successor_unknown"]).tolist() == [9]
    assert not (store.terminated | store.truncated)[9]
    alone = rlds()
    del alone["is_last"]
    with pytest.raises(DataError, match="which rows are is_last"):
        read(written(tmp_path / "log.csv", alone))


def test_empty_successors_are_unknown(tmp_path: Path) -> None:
    table = columns()
    for k in range(2):
        table[f"next_obs_{k}"][STEPS - 1] = float("nan")
    store = read(written(tmp_path / "log.csv", table)).store
    assert store.lengths.tolist() == [STEPS] * EPISODES
    assert np.flatnonzero(store.info["successor_unknown"]).tolist() == [STEPS - 1]


@pytest.mark.parametrize("sep", [",", ";", "\t", "|", " "])
def test_separators_are_recognised(tmp_path: Path, sep: str) -> None:
    assert_true(read(written(tmp_path / "log.csv", columns(), sep)).store)
    if sep in ";\t|":
        assert_true(read(written(tmp_path / "log.csv", columns(), sep, ",")).store)


def test_decimal_commas_that_may_be_thousands_are_asked(tmp_path: Path) -> None:
    table = columns()
    table["reward"] = [f"1,{100 + i}" for i in range(15)]
    path = written(tmp_path / "log.csv", table, ";")
    with pytest.raises(DataError, match="--decimal"):
        read(path)
    table["reward"] = ["1.234,5"] * 15
    with pytest.raises(DataError, match="without thousands marks"):
        read(written(tmp_path / "log.csv", table, ";"))


def test_comments_and_encodings_are_recognised(tmp_path: Path) -> None:
    path = written(tmp_path / "log.csv", columns())
    text = path.read_text()
    head, _, body = text.partition("\n")
    path.write_text(f"# robot 3\n# Müller\n{head}\n{body}# end\n", encoding="latin-1")
    reading = read(path)
    assert_true(reading.store)
    assert {"comments", "encoding"} <= {note.check for note in reading.notes}
    path.write_text(text, encoding="utf-16")
    assert_true(read(path).store)
    path.write_text(text, encoding="utf-8-sig")
    assert_true(read(path).store)
    path.write_text(f"# {head}\n{body.replace('True', '1').replace('False', '0')}")
    assert_true(read(path).store)
    path.write_text(body)
    with pytest.raises(DataError, match="must begin with a header|named|twice|columns obs"):
        read(path)


def test_packed_text_is_read(tmp_path: Path) -> None:
    content = written(tmp_path / "log.csv", columns()).read_bytes()
    for suffix, pack in ((".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)):
        path = tmp_path / f"log.csv{suffix}"
        path.write_bytes(pack(content))
        assert_true(read(path).store)
        path.write_bytes(pack(content)[:-9])
        with pytest.raises(DataError, match="It was cut short"):
            read(path)
    with zipfile.ZipFile(tmp_path / "log.csv.zip", "w") as archive:
        archive.writestr("log.csv", content)
    assert_true(read(tmp_path / "log.csv.zip").store)
    (tmp_path / "log.csv.zip").rename(tmp_path / "runs.zip")
    assert_true(read(tmp_path / "runs.zip").store)
    (tmp_path / "runs.zip").rename(tmp_path / "log.csv.zip")
    (tmp_path / "named.csv").write_bytes(gzip.compress(content))
    with pytest.raises(DataError, match="got what gz begins with. Rename it, e.g. named.csv.gz"):
        read(tmp_path / "named.csv")
    with zipfile.ZipFile(tmp_path / "log.csv.zip", "a") as archive:
        archive.writestr("more.csv", content)
    with pytest.raises(DataError, match="must hold one file, got 2"):
        read(tmp_path / "log.csv.zip")


def pairs(table: dict[str, list[Any]], name: str) -> list[list[float]]:
    return [list(pair) for pair in zip(table[f"{name}_0"], table[f"{name}_1"], strict=True)]


def test_lines_of_json_and_feather_are_tables(tmp_path: Path) -> None:
    table = columns()
    lists = {"observations": pairs(table, "obs"),
             "next_observations": pairs(table, "next_obs"),
             "actions": [[a] for a in table["action_0"]], "rewards": table["reward"],
             "terminals": table["terminated"], "timeouts": table["truncated"]}  # fmt: skip
    rows = [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]
    (tmp_path / "log.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    assert_true(read(tmp_path / "log.jsonl").store)
    (tmp_path / "log.jsonl").write_text('{"obs": [1')
    with pytest.raises(DataError, match="one JSON object a line"):
        read(tmp_path / "log.jsonl")
    feather.write_feather(pa.table(table), tmp_path / "log.feather")
    assert_true(read(tmp_path / "log.feather").store)
    pq.write_table(pa.table(table), tmp_path / "log.parquet")
    assert_true(read(tmp_path / "log.parquet").store)


def test_names_are_exact_or_numbered() -> None:
    assert numbered("obs", ["obs_2", "obs1", "obs.0", "obs_next_0", "obs_x"]) == [
        "obs.0",
        "obs1",
        "obs_2",
    ]
    assert candidates(("obs", "state"), ["obs_0", "state", "speed"]) == [["state"], ["obs_0"]]
    assert resembles("obs_next_0") == "next-obs"
    assert resembles("observation.images") == "obs"
    assert resembles("actuator") is None


def test_rows_of_several_environments_are_not_joined(tmp_path: Path) -> None:
    """An id that counts within each environment, or no id at all, names too little."""
    table = columns(successors=False) | {"env": [i // STEPS % 2 for i in range(15)]}
    table["episode"] = [i // (2 * STEPS) for i in range(15)]
    mixed = moved(table, np.lexsort((table["env"], table["step"], table["episode"])))
    reading = read(written(tmp_path / "log.csv", mixed))
    assert sorted(reading.store.ids.tolist()) == ["0/0", "0/1", "1/0"]
    assert_true(reading.store.select(np.argsort(reading.store.ids)), successors=False)
    assert any("together tell runs apart" in note.sentence for note in reading.notes)
    mixed = moved(mixed, range(2 * STEPS))
    del mixed["episode"], mixed["step"]
    assert read(written(tmp_path / "log.csv", mixed)).store.lengths.tolist() == [STEPS] * 2


def test_an_unnamed_counter_that_runs_backwards_is_asked_about(tmp_path: Path) -> None:
    plain = renamed(columns(successors=False, flags=False), {"step": "index"})
    path = written(tmp_path / "log.csv", moved(plain, np.lexsort((-np.array(plain["index"]),))))
    with pytest.raises(DataError, match="Say --order index .* or --order none"):
        read(path)
    assert_true(read(path, Options(order="index")).store, successors=False)
    forward = written(tmp_path / "log.csv", plain)
    assert_true(read(forward).store, successors=False)


def test_capitals_are_no_other_names(tmp_path: Path) -> None:
    table = {name.capitalize(): column for name, column in columns().items()}
    reading = read(written(tmp_path / "log.csv", table))
    assert_true(reading.store)
    assert reading.store.truncated.sum() == EPISODES
    named = Options(reward="Reward", obs=("Obs_0", "Obs_1"), next_obs=("Next_obs_0", "Next_obs_1"))
    assert_true(read(tmp_path / "log.csv", named).store)


def test_last_rows_without_action_and_reward_are_no_steps(tmp_path: Path) -> None:
    rows = []
    for i, (obs, action, reward) in enumerate(truth()):
        for t in range(STEPS + 1):
            end = t == STEPS
            row = {"episode": i, "obs_0": obs[t, 0], "obs_1": obs[t, 1], "terminated": end}
            row |= {"action_0": "" if end else action[t, 0], "reward": "" if end else reward[t]}
            rows.append(row)
    table = {name: [row[name] for row in rows] for name in rows[0]}
    reading = read(written(tmp_path / "log.csv", table))
    assert_true(reading.store)
    assert reading.store.terminated.sum() == EPISODES
    # a step whose reward alone is missing stays one
    table["reward"] = [0.0 if cell == "" else cell for cell in table["reward"]]
    assert read(written(tmp_path / "log.csv", table)).store.steps == 18


def test_vectors_that_were_written_as_text_are_vectors(tmp_path: Path) -> None:
    table = columns()
    both = {"episode": table["episode"], "reward": table["reward"], "truncated": table["truncated"]}
    for form in (
        str,
        lambda row: str(np.array(row)),
        lambda row: repr(np.array(row)),
        lambda row: f"({row[0]} {row[1]})",
    ):
        with np.printoptions(precision=17):
            cells = {"obs": [f'"{form(p)}"' for p in pairs(table, "obs")],
                     "next_obs": [f'"{form(p)}"' for p in pairs(table, "next_obs")],
                     "action": [f"[{a}]" for a in table["action_0"]]}  # fmt: skip
        assert_true(read(written(tmp_path / "log.csv", both | cells)).store)
    cells["obs"][3] = '"[0.1 ... 0.3]"'
    with pytest.raises(
        DataError, match=r"must hold a whole vector in every row, got '\[0.1 \.\.\."
    ):
        read(written(tmp_path / "log.csv", both | cells))


def test_objects_in_lines_of_json_are_dict_observations(tmp_path: Path) -> None:
    table = columns()
    rows = [
        {"episode": e, "obs": {"a": {"x": p[0]}, "v": [p[1]]}, "action": [a], "reward": r,
         "next_obs": {"a": {"x": q[0]}, "v": [q[1]]}}
        for e, p, q, a, r in zip(table["episode"], pairs(table, "obs"), pairs(table, "next_obs"),
                                 table["action_0"], table["reward"], strict=True)
    ]  # fmt: skip
    (tmp_path / "log.jsonl").write_text("\n".join(map(json.dumps, rows)))
    store = read(tmp_path / "log.jsonl").store
    np.testing.assert_allclose(store.episode(1).obs["a"]["x"], truth()[1][0][:, 0])
    np.testing.assert_allclose(store.episode(1).obs["v"][:, 0], truth()[1][0][:, 1])


def test_words_and_marks_of_spreadsheets_are_read(tmp_path: Path) -> None:
    table = columns()
    table["truncated"] = ["yes" if flag else "no" for flag in table["truncated"]]
    path = written(tmp_path / "log.csv", table, ";", ",")
    path.write_text("sep=;\n" + path.read_text())
    store = read(path).store
    assert_true(store)
    assert store.truncated.sum() == EPISODES


@pytest.mark.parametrize(
    ("row", "name", "cell", "said"),
    [
        (0, "obs_1", "m/s", "If the first row holds units, take that line out"),
        (4, "obs_1", "obs_1", "The header stands there again"),
        (4, "step", "step", "the header again: take that line out"),
        (4, "obs_1", "broken", "'broken' in row 4"),
        (4, "step", "12.5. 10:00", "times as 2024-05-31T12:00:00"),
    ],
)  # fmt: skip
def test_cells_that_are_no_numbers_are_named(
    tmp_path: Path, row: int, name: str, cell: str, said: str
) -> None:
    table = columns()
    table[name][row] = cell
    with pytest.raises(DataError, match=said):
        read(written(tmp_path / "log.csv", table))


def test_a_broken_episode_can_be_left_out_by_name(tmp_path: Path) -> None:
    table = moved(columns(successors=False, flags=False), [i for i in range(15) if i != 7])
    path = written(tmp_path / "log.csv", table)
    with pytest.raises(DataError, match="it jumps there"):
        read(path)
    reading = read(path, Options(leave_out=("episode:1",)))
    assert reading.store.ids.tolist() == ["0", "2"]


def test_done_cuts_inside_an_id_and_says_that_it_does_not_know_why(tmp_path: Path) -> None:
    table = columns(successors=False, flags=False) | {"done": [i % STEPS == 2 for i in range(15)]}
    reading = read(written(tmp_path / "log.csv", table), Options(order="none"))
    assert reading.store.lengths.tolist() == [3, 2] * EPISODES
    assert any("but not why" in note.sentence for note in reading.notes)
