"""What can be told from what a run left behind, and a stated answer where nothing can."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap import cli
from rewardwrap.evaluate.audit import page
from rewardwrap.evaluate.audit.play import audit_reward
from rewardwrap.evaluate.audit.record import AuditError, read
from rewardwrap.evaluate.audit.runs import Source, observations, read_run
from rewardwrap.evaluate.audit.surface import surfaces

HEAD = '#{"t_start": 0.0, "env_id": "CartPole-v1"}\n'


def monitor(
    folder: Path, rows: list[list[Any]], columns: str = "r,l,t,step,shaped,term_bonus"
) -> Path:
    lines = "".join(",".join(map(str, row)) + "\n" for row in rows)
    (folder / "monitor.csv").write_text(f"{HEAD}{columns}\n{lines}")
    return folder


def rising(episodes: int) -> list[list[Any]]:
    return [[0.0, 10, 1.0, 10 * (i + 1), 0.1 * i, 0.1 * i] for i in range(episodes)]


def test_sums_of_training_episodes_show_a_divergence(tmp_path: Path) -> None:
    source = read_run(monitor(tmp_path, rising(60)))
    assert [f.signal for f in source.record.findings] == ["divergence"]
    assert any("Single steps were not recorded" in note for note in source.record.notes)
    assert page.headline(source.record) == "One thing to look at, in 60 of 60 episodes."


def test_a_run_without_recorded_terms_is_refused_with_a_way_out(tmp_path: Path) -> None:
    folder = monitor(tmp_path, [[1.0, 10, 0.5]], columns="r,l,t")
    with pytest.raises(AuditError, match=r"must hold the columns r and shaped, got r, l, t.*Audit"):
        read_run(folder)


def test_a_run_with_one_episode_says_so(tmp_path: Path) -> None:
    source = read_run(monitor(tmp_path, rising(2)[1:]))
    assert observations(source.record)[0] == (
        "There is only 1 episode; nothing is said about trends below 20."
    )
    assert "Nothing stands out in 1 episode." in page.render(source)


def test_a_run_without_a_finished_episode_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AuditError, match="must hold a finished episode, got none"):
        read_run(monitor(tmp_path, []))


def test_zero_rewards_are_said_to_be_nothing_to_audit(tmp_path: Path) -> None:
    rows = [[0.0, 10, 1.0, 10 * i, 0.0, 0.0] for i in range(1, 31)]
    source = read_run(monitor(tmp_path, rows))
    assert observations(source.record)[0].startswith("Every term was 0 in every episode")
    assert not len(source.record.findings)
    assert "there is no pay to audit" in page.render(source)


def test_nan_is_a_finding_and_the_page_is_written_all_the_same(tmp_path: Path) -> None:
    rows = rising(30)
    rows[7][4] = rows[7][5] = "nan"
    source = read_run(monitor(tmp_path, rows))
    assert {(f.signal, f.term) for f in source.record.findings} == {
        ("finite", "bonus"), ("finite", "shaped"),
    }  # fmt: skip
    assert "is not finite" in page.render(source)


def test_an_outlier_in_the_sums_is_found(tmp_path: Path, rng: np.random.Generator) -> None:
    rows = [[5.0, 10, 1.0, 10 * i, 5.0 + b, b] for i, b in enumerate(rng.normal(size=40), 1)]
    rows[33][4:] = [905.0, 900.0]
    source = read_run(monitor(tmp_path, rows))
    (found,) = source.record.findings
    assert (found.signal, found.episodes, found.steps) == ("outlier", [33], [340])
    assert "not looked at: steps were not recorded" in page.render(source)


def test_a_folder_that_is_no_run_names_one_that_is(tmp_path: Path) -> None:
    (tmp_path / "runs" / "one").mkdir(parents=True)
    with pytest.raises(AuditError, match="must hold audit.npz"):
        read_run(tmp_path)
    monitor(tmp_path / "runs" / "one", rising(3))
    with pytest.raises(AuditError, match=r"Name one run in it, e\.g\. .*runs/one"):
        read_run(tmp_path)
    with pytest.raises(AuditError, match="must be the folder of a run"):
        read_run(tmp_path / "missing")


def test_a_record_cut_short_is_refused(tmp_path: Path) -> None:
    (tmp_path / "audit.npz").write_bytes(b"PK\x03\x04")
    with pytest.raises(AuditError, match="must be the record of an audit"):
        read(tmp_path / "audit.npz")


def test_one_run_of_a_comparison_is_read(tmp_path: Path) -> None:
    points = 25
    spec = {
        "env": "FrozenLake-8x8", "algo": "ppo", "seed": 3, "env_kwargs": {}, "catalog": [],
        "reward": (rw.EnvReward() + rw.Constant(0.1).named("alive")).to_config(),
    }  # fmt: skip
    summary = {
        "steps": list(range(0, 100 * points, 100)),
        "true_return": [0.0] * points,
        "shaped_return": np.linspace(0, 9, points).tolist(),
        "length": [50.0] * points,
        "terms": {"alive": np.linspace(0, 9, points).tolist()},
    }
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    source = read_run(tmp_path)
    assert source.record.names == ("env", "alive", "shaped")
    assert [f.signal for f in source.record.findings] == ["divergence"]
    assert source.record.facts["seed"] == 3
    assert source.reward is not None
    assert "FrozenLake-8x8" in page.render(source)


def test_a_reward_is_played_and_drawn() -> None:
    reward = rw.EnvReward() + rw.Potential({"row": 0.07, "column": 0.07}).named("potential")
    record = audit_reward("FrozenLake-8x8", reward, episodes=4)
    assert record.facts["players"] == ["random", "scripted"]
    html = page.render(Source(record, "FrozenLake-8x8", reward))
    assert "Nothing stands out" in html
    assert "Phi itself, on a grid" in html
    for part in ("http://", "https://", "<script"):
        assert part not in html.replace("http://www.w3.org", "")


def test_the_surface_of_a_potential_is_phi_on_every_cell() -> None:
    from rewardwrap.evaluate.audit.page import task_of

    reward = rw.EnvReward() + (2.0 * rw.Potential({"row": 1.0, "column": 10.0})).named("potential")
    record = audit_reward("FrozenLake-8x8", reward, episodes=4)
    task = task_of(Source(record, "FrozenLake-8x8", reward))
    found = {s.term: s for s in surfaces(record, task, reward)}
    row, column = np.meshgrid(np.arange(8), np.arange(8), indexing="ij")
    assert (found["potential"].x.name, found["potential"].y.name) == ("column", "row")
    assert np.array_equal(found["potential"].values, 2.0 * (row + 10.0 * column))
    assert found["env"].kind == "visited"
    assert np.isnan(found["env"].values).any()


def test_unknown_fields_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["audit", "env", "--env", "CartPole-v1", "--episodes", "4", "--fields", "pole", "x"]
    assert cli.main([*arguments, "--out", str(tmp_path / "a.html")]) == 2
    assert 'No field of CartPole-v1 "pole"' in capsys.readouterr().err


def test_the_command_prints_findings_and_writes_the_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monitor(tmp_path, rising(60))
    assert cli.main(["audit", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "One thing to look at" in said
    assert "Look next" in said
    assert (tmp_path / "audit.html").read_text().startswith("<!doctype html>")


def test_a_reward_needs_an_environment(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["audit", "reward.yml"]) == 2
    assert (
        "audit must know the environment to pay reward.yml in, got none" in capsys.readouterr().err
    )


def trained(folder: Path, *more: str) -> int:
    return cli.main(
        ["train", "--env", "FrozenLake-8x8", "-n", "2048", "--eval-freq", "1024", "--verbose", "0",
         "--eval-episodes", "1", "-f", str(folder), *more,
         "-params", "n_envs:8", "n_steps:32", "batch_size:64", "n_epochs:1"]
    )  # fmt: skip


def test_a_training_with_audit_can_be_looked_at_in_full(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reward = (
        "[env, {potential: {phi: {row: 0.07, column: 0.07}}, name: close}, "
        "{potential: {phi: {row: 0.07, column: 0.07}}, clip: [0, 9], name: progress}]"
    )
    assert trained(tmp_path, "--audit", "--reward", reward) == 0
    assert 'audit: "progress" is written as a potential' in capsys.readouterr().out
    run = tmp_path / "ppo" / "FrozenLake-8x8_1"
    source = read_run(run)
    found = {finding.signal: finding for finding in source.record.findings}
    assert {"telescope", "loop"} <= set(found)
    assert found["telescope"].term == found["loop"].term == "progress"
    assert source.record.facts["source"] == "recorded live, every step"
    assert source.reward is not None
    assert cli.main(["audit", str(run)]) == 0
    assert "Going round in a loop pays" in (run / "audit.html").read_text()
    # a record does not grow afterwards, and says so
    assert trained(tmp_path, "--resume", str(run), "--audit") == 2
    assert "--audit must follow a training from its start" in capsys.readouterr().err
    assert trained(tmp_path, "--resume", str(run), "-n", "2304") == 0
    note = "The record ends at step 2,048; the training went on without it to step 2,304."
    assert note in read_run(run).record.notes


@pytest.mark.usefixtures("undrawn")
def test_the_folder_of_a_real_comparison_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(
        ["compare", "FrozenLake-8x8", "--algo", "ppo", "--reward", "env", "--reward", "potential",
         "-n", "200", "--seeds", "1", "--eval-freq", "100", "--eval-episodes", "1", "--jobs", "1",
         "--out", str(tmp_path)]
    ) == 0  # fmt: skip
    runs = sorted(file.parent for file in tmp_path.glob("runs/*/done.json"))
    assert len(runs) == 2
    source = read_run(runs[1])
    assert source.record.names == ("env", "potential", "shaped")
    assert source.record.columns["step"].tolist()[0] == 0
    assert (source.record.gamma, source.record.facts["algo"]) == (0.99, "ppo")
    assert cli.main(["audit", str(runs[1])]) == 0
    assert (runs[1] / "audit.html").is_file()
    capsys.readouterr()
    assert cli.main(["audit", str(tmp_path)]) == 2
    assert f"Name one run in it, e.g. {runs[0]}" in capsys.readouterr().err
