"""`rw.distance`, `rw.regret`, `rw.audit`, `rw.fit` and `rw.certify` are the commands, for a program."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matplotlib.axes
import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap import cli
from rewardwrap.pages.frames import frame, text_table


def shows(result: Any) -> None:
    """It prints in at most twelve lines, draws itself and is a table in a notebook."""
    assert len(repr(result).splitlines()) <= 12
    assert result._repr_html_().startswith("<table>")
    assert isinstance(result.plot(), matplotlib.axes.Axes)


def goal(obs: Any, action: Any, next_obs: Any) -> Any:
    return next_obs[:, 0]


def test_a_reward_and_its_opposite_are_one_apart(tmp_path: Path) -> None:
    turned = lambda obs, action, next_obs: -2 * next_obs[:, 0]  # noqa: E731
    found = rw.distance("CartPole-v1", goal, turned, samples=64, means=32, out=tmp_path)
    assert float(found) == pytest.approx(1.0)
    assert found.names == ("goal", "lambda")
    assert json.loads((tmp_path / "distances.json").read_text())[0]["value"] == float(found)
    shows(found)
    shows(found.at(0, 1))


def test_a_distance_within_the_noise_can_tell_nothing() -> None:
    near = lambda obs, action, next_obs: next_obs[:, 0] + 1e-3 * obs[:, 1]  # noqa: E731
    found = rw.distance("CartPole-v1", {"a": goal, "b": near}, metric="npec", samples=256)
    assert float(found) < found.noise_floor
    assert "it can tell nothing here" in repr(found)
    assert "it can tell nothing here" in found.notes[-1]


def test_one_number_is_of_two_rewards() -> None:
    rewards = {"a": goal, "b": goal, "c": goal}
    with pytest.raises(rw.ConfigError, match="must be of two rewards, got 3"):
        float(rw.distance("CartPole-v1", rewards, samples=32, means=16))


def test_regret_is_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lake = {"map_name": "4x4", "is_slippery": False}
    file = rw.save(rw.EnvReward() + rw.Constant(0.1), tmp_path / "alive.yml")
    found = rw.regret("FrozenLake-v1", file, env_kwargs=lake)
    words = [
        "regret",
        "FrozenLake-v1",
        str(file),
        "--json",
        "--env-kwargs",
        "map_name:4x4",
        "is_slippery:False",
    ]
    assert cli.main(words) == 1
    assert json.loads(capsys.readouterr().out)["value"] == float(found) > 0.5
    shows(found)


def test_an_audit_of_a_reward_writes_its_page(tmp_path: Path) -> None:
    found = rw.audit(
        "CartPole-v1", lambda obs: 1.0 - abs(obs[2]), episodes=2, out=tmp_path / "a.html"
    )
    assert found.page == tmp_path / "a.html"
    assert found.page.is_file()
    assert found.headline in repr(found)
    assert found.to_dict()["episodes"] == found.record.episodes
    shows(found)


def test_an_audit_without_a_reward_is_of_a_run(tmp_path: Path) -> None:
    with pytest.raises(rw.ConfigError, match="audit must have a run or its folder"):
        rw.audit("CartPole-v1")


def episodes(count: int = 12) -> rw.EpisodeStore:
    rng = np.random.default_rng(0)
    made = []
    for _ in range(count):
        obs = rng.normal(size=(9, 2))
        made.append({
            "obs": obs,
            "action": rng.normal(size=(8, 1)),
            "reward": obs[:-1, 0],
            "terminated": np.arange(8) == 7,
            "truncated": np.zeros(8, bool),
        })  # fmt: skip
    return rw.EpisodeStore.from_episodes(made)


def test_a_fit_is_the_commands(tmp_path: Path) -> None:
    store = episodes()
    store.save(tmp_path / "data")
    fitted = rw.fit("regression", store, out=tmp_path / "py", hidden=(8,), epochs=3)
    words = ["fit", "regression", str(tmp_path / "data"), "--out", str(tmp_path / "sh"),
             "--hidden", "8", "--epochs", "3", "--quiet"]  # fmt: skip
    assert cli.main(words) == 0
    other = json.loads((tmp_path / "sh" / "metrics.json").read_text())
    assert other["heldout"]["mae"] == pytest.approx(fitted.metrics["heldout"]["mae"])
    assert "mae" in repr(fitted)
    shows(fitted)


def test_what_is_no_fit_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(rw.UnknownName, match='Did you mean "regression"'):
        rw.fit("regresion", tmp_path)
    with pytest.raises(rw.ConfigError, match="column must name a column of info for outcome"):
        rw.fit("outcome", tmp_path)
    with pytest.raises(rw.ConfigError, match="column must be left out for regression"):
        rw.fit("regression", tmp_path, column="x")


def test_tables_need_a_library_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rewardwrap.pages.frames.LIBRARIES", ("no_such_library",))
    with pytest.raises(rw.MissingExtra, match="to_frame must have pandas or polars, got neither"):
        frame({"a": [1]})


def test_long_tables_show_their_ends() -> None:
    shown = text_table(("i",), [(i,) for i in range(100)]).splitlines()
    assert len(shown) == 10
    assert shown[-1].strip() == "99"
