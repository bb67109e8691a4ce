"""Kinds of tables that were once read otherwise than they meant, or refused in words that did not help."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rewardwrap.data import DataError
from rewardwrap.data.readers import read
from rewardwrap.data.reading import Options

EPISODES, STEPS = 3, 6
_DRAWS = np.random.default_rng(0)
OBS = _DRAWS.normal(size=(EPISODES, STEPS + 1, 2))
ACTION = _DRAWS.uniform(-1, 1, (EPISODES, STEPS))
REWARD = -(OBS[:, :-1] ** 2).sum(axis=-1)


def rows(**changes: Any) -> list[dict[str, Any]]:
    """A dict a step; a change is a function of episode and step, or None to leave the column out."""
    made = []
    for i in range(EPISODES):
        for t in range(STEPS):
            row: dict[str, Any] = {
                "episode": i,
                "step": t,
                "obs_0": OBS[i, t, 0],
                "obs_1": OBS[i, t, 1],
            }
            row |= {"action_0": ACTION[i, t], "reward": REWARD[i, t]}
            row |= {"next_obs_0": OBS[i, t + 1, 0], "next_obs_1": OBS[i, t + 1, 1]}
            row |= {"terminated": i == 0 and t == STEPS - 1, "truncated": i > 0 and t == STEPS - 1}
            made.append({k: v for k, v in (row | {k: f and f(i, t) for k, f in changes.items()}).items()
                         if v is not None})  # fmt: skip
    return made


def csv(path: Path, made: list[dict[str, Any]], between: str = ",") -> Path:
    lines = [between.join(made[0]), *(between.join(str(x) for x in row.values()) for row in made)]
    path.write_text("\n".join(lines) + "\n")
    return path


def jsonl(path: Path, made: list[dict[str, Any]]) -> Path:
    path.write_text("\n".join(json.dumps(row, default=bool) for row in made) + "\n")
    return path


def right(path: Path, *, term: int = 1, **options: Any) -> Any:
    """What was read, which is what was written."""
    reading = read(path, Options(**options))
    store = reading.store
    assert store.lengths.tolist() == [STEPS] * EPISODES
    obs = store.obs if isinstance(store.obs, np.ndarray) else next(iter(store.obs.values()))
    np.testing.assert_allclose(obs.reshape(EPISODES, STEPS + 1, 2)[:, :-1], OBS[:, :-1], rtol=1e-5)
    np.testing.assert_allclose(np.ravel(store.action), ACTION.ravel(), rtol=1e-5)
    np.testing.assert_allclose(store.reward, REWARD.ravel(), rtol=1e-5)
    assert store.terminated.sum() == term
    return reading


def words(yes: str, no: str) -> dict[str, Any]:
    last = STEPS - 1
    return {"terminated": lambda i, t: yes if i == 0 and t == last else no,
            "truncated": lambda i, t: yes if i > 0 and t == last else no}  # fmt: skip


def test_truth_is_read_in_words_behind_spaces_and_in_json(tmp_path: Path) -> None:
    right(csv(tmp_path / "spaces.csv", rows(), between=", "))
    for yes, no in (("yes", "no"), ("True", "False"), ("T", "F")):
        right(jsonl(tmp_path / f"{yes}.jsonl", rows(**words(yes, no))))
    with pytest.raises(DataError, match="must hold numbers, got 'nein' in row 0"):
        read(jsonl(tmp_path / "x.jsonl", rows(**words("ja", "nein"))), Options())


def test_numbers_that_were_written_as_text_are_numbers(tmp_path: Path) -> None:
    text = {name: lambda i, t, v=v: repr(float(v[i, t])) for name, v in
            (("reward", REWARD), ("obs_1", OBS[..., 1]))}  # fmt: skip
    right(jsonl(tmp_path / "a.jsonl", rows(**text, step=lambda i, t: str(t))))
    with pytest.raises(DataError, match="must hold numbers, got '1_0' in row 0"):
        read(jsonl(tmp_path / "b.jsonl", rows(reward=lambda i, t: "1_0")), Options())


def test_times_of_day_put_rows_in_order(tmp_path: Path) -> None:
    made = rows(step=None, next_obs_0=None, next_obs_1=None)
    for row, (i, t) in zip(
        made, [(i, t) for i in range(EPISODES) for t in range(STEPS)], strict=True
    ):
        row["time"] = f"12:{i:02d}:{t:02d}.500"
    mixed = [made[k] for k in _DRAWS.permutation(len(made))]
    kept = right(csv(tmp_path / "a.csv", sorted(mixed, key=lambda row: row["time"])))
    assert any("order = time" in note.sentence for note in kept.notes)
    store = read(csv(tmp_path / "b.csv", mixed), Options()).store
    np.testing.assert_allclose(np.sort(store.reward), np.sort(REWARD.ravel()))
    for episode in store:
        np.testing.assert_allclose(episode.reward, REWARD[int(episode.id)])


def test_a_number_that_goes_up_and_down_unevenly_is_no_clock_without_a_word(tmp_path: Path) -> None:
    warm = _DRAWS.normal(20.0, 1.0, (EPISODES, STEPS))
    made = rows(step=None, next_obs_0=None, next_obs_1=None, t=lambda i, t: warm[i, t])
    path = csv(tmp_path / "a.csv", made)
    with pytest.raises(DataError, match="t.* must rise inside an episode.* it may count nothing"):
        read(path, Options())
    right(path, order="none")


def test_an_amount_in_brackets_is_never_a_vector_of_one(tmp_path: Path) -> None:
    path = csv(tmp_path / "a.csv", rows(reward=lambda i, t: f"({-REWARD[i, t]:.9f})"))
    with pytest.raises(
        DataError, match=r'"reward" must hold numbers, got .* If brackets mean .* write -'
    ):
        read(path, Options())


def test_a_successor_that_was_written_with_fewer_digits_goes_on(tmp_path: Path) -> None:
    short = {f"next_obs_{k}": lambda i, t, k=k: float(np.float32(OBS[i, t + 1, k])) for k in (0, 1)}
    right(csv(tmp_path / "a.csv", rows(**short)))


def test_a_cell_that_is_not_finite_cuts_once(tmp_path: Path) -> None:
    path = csv(
        tmp_path / "a.csv", rows(obs_1=lambda i, t: np.inf if (i, t) == (1, 3) else OBS[i, t, 1])
    )
    assert read(path, Options()).store.lengths.tolist() == [STEPS, 3, 3, STEPS]


def test_a_folder_may_say_that_a_file_is_an_episode(tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    folder.mkdir()
    none = dict.fromkeys(("episode", "step", "next_obs_0", "next_obs_1", "terminated", "truncated"))
    made = rows(**none)
    for i in range(EPISODES):
        csv(folder / f"run_{9 + i}.csv", made[i * STEPS : (i + 1) * STEPS])
    with pytest.raises(DataError, match=r"got columns obs_0, .*, reward\. State one: .*, file\."):
        read(folder, Options())
    reading = right(folder, term=0, boundary=("file",))
    assert reading.store.ids.tolist() == ["run_9", "run_10", "run_11"]


def nested() -> list[dict[str, Any]]:
    """An object an episode, its steps a list, the final row without a transition."""
    return [
        {"episode_id": f"e{i}", "steps": [
            {"observation": OBS[i, t].tolist(), "action": [float(ACTION[i, min(t, STEPS - 1)])],
             "reward": float(REWARD[i, t]) if t < STEPS else 0.0, "is_first": t == 0, "is_last": t == STEPS,
             "is_terminal": t == STEPS and i == 0} for t in range(STEPS + 1)]}
        for i in range(EPISODES)
    ]  # fmt: skip


def test_steps_in_a_list_of_objects_are_rows(tmp_path: Path) -> None:
    jsonl(tmp_path / "a.jsonl", nested())
    pq.write_table(pa.Table.from_pylist(nested()), tmp_path / "b.parquet")
    (tmp_path / "c.json").write_text(json.dumps({"env": "x", "episodes": nested()}))
    nameless = [{"steps": row["steps"], "file": i} for i, row in enumerate(nested())]
    (tmp_path / "d.json").write_text(json.dumps(nameless))
    for name in ("a.jsonl", "b.parquet", "c.json", "d.json"):
        reading = right(tmp_path / name)
        assert any("read as 21 rows, one a step" in note.sentence for note in reading.notes)
    assert right(tmp_path / "a.jsonl").store.ids.tolist() == ["e0", "e1", "e2"]


def test_json_is_read_in_the_forms_that_pandas_writes(tmp_path: Path) -> None:
    made = json.loads(json.dumps(rows(), default=bool))
    names = list(made[0])
    forms = {
        "columns": {n: {str(k): row[n] for k, row in enumerate(made)} for n in names},
        "split": {"columns": names, "index": [0], "data": [list(row.values()) for row in made]},
        "table": {"schema": {"fields": []}, "data": made},
    }
    for name, document in forms.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(document))
        right(tmp_path / f"{name}.json")


def test_episodes_by_their_names_are_episodes(tmp_path: Path) -> None:
    whole = {
        f"flight {i}": {"observations": OBS[i].tolist(), "actions": ACTION[i][:, None].tolist(),
                        "rewards": REWARD[i].tolist(), "terminated": i == 0, "truncated": i > 0}
        for i in range(EPISODES)
    }  # fmt: skip
    (tmp_path / "a.json").write_text(json.dumps(whole))
    assert right(tmp_path / "a.json").store.ids.tolist() == list(whole)


def test_lanes_side_by_side_are_named_before_a_rule_is_asked_for(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", obs=OBS, action=ACTION[..., None], reward=REWARD)
    with pytest.raises(DataError, match=r'"reward" must have one value a row, got shape \(3, 6\)'):
        read(tmp_path / "a.npz", Options())
