"""``rewardwrap write`` from the shell's side."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import rewardwrap as rw
from rewardwrap.cli import main, parser_of
from rewardwrap.commands.provider import _ledger
from rewardwrap.llm.budget import BudgetExceeded
from rewardwrap.llm.journal import Journal

FAST = [
    *("-n", "256", "--short-steps", "128", "--seeds", "1", "--final-seeds", "0", "--jobs", "1"),
    *("-params", "n_envs:4", "n_steps:32", "batch_size:32", "n_epochs:1", "n_timesteps:256"),
]


@pytest.fixture(autouse=True)
def _seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Evaluate after every half of a training: nothing here asks for its curve."""
    monkeypatch.setattr("rewardwrap.llm.trials.POINTS", 2)


def test_without_key_and_network_the_loop_runs_from_task_to_reviewed_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "w"
    command = ["write", "CartPole-v1", "keep the pole upright", "--out", str(out), *FAST]
    code = main([*command, "--rounds", "1", "--samples", "2"])
    said = capsys.readouterr().out
    assert code == 0, said
    events = [json.loads(line)["event"] for line in (out / "run.jsonl").read_text().splitlines()]
    assert events[0] == "began"
    assert events[-1] == "finished"
    text = (out / "best" / "reward.py").read_text()
    assert "def reward(obs, action, next_obs, info):" in text
    assert "env: CartPole-v1" in text
    made = rw.from_config(json.loads((out / "best" / "reward.yml").read_text()))
    assert made.tag == "code"
    assert main([*command, "--rounds", "1", "--samples", "2"]) == 0


def test_a_search_goes_on_only_as_it_began(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run.jsonl").write_text('{"event": "began", "env": "Acrobot-v1", "task": "up"}\n')
    assert main(["write", "Acrobot-v1", "down", "--out", str(tmp_path)]) == 2
    assert "got another task" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["write", "Acrobot-v1", "up", "--provider", "openai"], "must know the model"),
        (
            ["write", "Acrobot-v1", "up", "--provider", "openai", "--model", "m"],
            "must have a key, got none in the environment variable NO_SUCH_KEY",
        ),
        (["write", "Hopper-v5", "up", "--provider", "replay"], "must have recordings"),
        (["write", "Acrobot-v1", " "], "must say what the agent should do"),
        (["write", "Acrobot-v1", "up", "--words", "higher"], "must follow a round"),
        (["write", "Acrobot-v1", "up", "--approve"], "must be able to ask"),
        (["write", "Acrobot-v1", "up", "--max-usd", "-1"], "usd must be above 0"),
        (["write", "Blackjack-v1", "win"], "must have named fields"),
    ],
)
def test_what_cannot_work_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    extra = ["--key-variable", "NO_SUCH_KEY"] if "openai" in arguments else []
    trained = (
        '{"event": "trained", "id": "env", "stage": "full", "steps": 600, "scores": {}, "mean": 0}'
    )
    if "--approve" in arguments:
        (tmp_path / "run.jsonl").write_text(trained + "\n")
    assert main([*arguments, *extra, "--out", str(tmp_path), *FAST]) == 2
    assert said in capsys.readouterr().err


def test_a_budget_that_is_used_up_leaves_a_search_that_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["write", "Acrobot-v1", "swing up", "--out", str(tmp_path), *FAST]
    assert main([*command, "--max-rl-steps", "100"]) == 2
    assert "rl_steps must stay within 100" in capsys.readouterr().err


def test_a_table_is_played_and_corrected_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rewardwrap.commands.parameters.STEPS", 15)
    recordings = tmp_path / "recordings"
    recordings.mkdir()
    row = {"of": "pole_cos", "target": 1.0}
    effort = {"of": "action", "weight": 0.01}
    (recordings / "table-1.md").write_text(json.dumps({"up": row, "effort": effort}))
    (recordings / "table-2.md").write_text(json.dumps({"effort": {"of": "action", "weight": 0.1}}))
    command = ["write", "Pendulum-v1", "stand", "--rewards", "params", "--provider", "replay"]
    command += ["--recordings", str(recordings), "--out", str(tmp_path / "out")]
    assert main(command) == 0
    assert "target 1" in capsys.readouterr().out
    assert main([*command, "--words", "less effort"]) == 0
    table = json.loads((tmp_path / "out" / "best" / "table.json").read_text())
    assert table["effort"]["weight"] == 0.1
    assert table["up"]["target"] == 1.0


@pytest.mark.parametrize("what", ["params", "factors"])
def test_no_search_hands_back_what_was_written_for_another_task(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    what: str,
) -> None:
    monkeypatch.setattr("rewardwrap.commands.parameters.STEPS", 5)
    env = "Pendulum-v1"
    options = ["--rewards", what, "--out", str(tmp_path)]
    assert main(["write", env, "stand upright", *options]) == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "best").iterdir()}
    assert main(["write", env, "spin fast", *options]) == 2
    assert "task 'stand upright'), got another task" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in (tmp_path / "best").iterdir()} == before


def test_a_search_that_goes_on_has_spent_what_it_trained_before(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "run.jsonl")
    journal.write("proposed", id="r0s0", spent={"calls": 3, "tokens": 50, "seconds": 9.0})
    for scores in ({"101": 1.0}, {"0": 1.0, "1": 2.0}):
        journal.write("trained", steps=600, scores=scores)
    words = ["Acrobot-v1", "up", "--max-rl-steps", "2000", "--max-calls", "4"]
    ledger = _ledger(parser_of("write").read(words), journal)
    assert {"rl_steps": 1800, "calls": 3, "tokens": 50}.items() <= ledger.spent.items()
    ledger.check_training(200)
    with pytest.raises(BudgetExceeded, match="rl_steps must stay within 2000, got 1800"):
        ledger.check_training(201)
