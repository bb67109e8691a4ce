"""``rewardwrap review`` shows changes, gate, probe and isolation, and approves."""

from __future__ import annotations

import sys

import pytest

from rewardwrap.cli import main
from rewardwrap.sandbox.intake import approval_of, export, provenance, read_source

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="strong isolation is Linux's"
)
TEXT = """\
def reward(obs, action, next_obs, info):
    upright = np.exp(-np.square(next_obs.pole_angle))
    return upright, {"upright": upright}
"""


def test_a_review_shows_gate_probe_and_isolation_and_approves(tmp_path, capsys):
    file = tmp_path / "reward.py"
    file.write_text(TEXT)
    assert main(["review", str(file), "--env", "CartPole-v1", "--approve"]) == 0
    shown = capsys.readouterr().out
    for words in (
        "none yet",
        "gate        passed",
        "upright",
        "256 random transitions",
        "isolation   ",
    ):
        assert words in shown
    assert approval_of(file)["source"] == TEXT
    file.write_text(TEXT.replace("np.square(", "2.0 * np.square("))
    assert main(["review", str(file)]) == 0
    shown = capsys.readouterr().out
    assert "of another text" in shown
    assert "+    upright = np.exp(-2.0 * np.square(next_obs.pole_angle))" in shown
    old = tmp_path / "old.py"
    old.write_text(TEXT)
    assert main(["review", str(file), "--against", str(old)]) == 0
    assert "-    upright = np.exp(-np.square(next_obs.pole_angle))" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import os\n" + TEXT, "line 1: imports must be numpy or math, got os"),
        (TEXT.replace("pole_angle", "pole_angel"), "Did you mean"),
        (TEXT.replace("return upright", "return np.log(-1.0) * upright"), "must be finite"),
    ],
)
def test_what_fails_cannot_be_approved(tmp_path, capsys, source, words):
    file = tmp_path / "reward.py"
    file.write_text(source)
    assert main(["review", str(file), "--env", "CartPole-v1", "--approve"]) == 1
    shown = capsys.readouterr().out
    assert words in shown
    assert "not approved" in shown
    assert approval_of(file) is None


def test_a_file_that_is_not_there_is_one_sentence(tmp_path, capsys):
    assert main(["review", str(tmp_path / "none.py")]) == 2
    assert "must be a file that can be read" in capsys.readouterr().err


def test_text_that_would_move_the_cursor_is_shown_as_it_is(tmp_path, capsys):
    file = tmp_path / "reward.py"
    file.write_text("# \x1b[2J hidden \x07\n" + TEXT)
    main(["review", str(file)])
    assert "\x1b[2J" not in capsys.readouterr().out


def test_a_winner_is_a_plain_file_with_its_provenance(tmp_path):
    import rewardwrap as rw

    file = export(TEXT, tmp_path / "best" / "reward.py", {"env": "CartPole-v1", "task": "stay\nup"})
    text, _ = read_source(file)
    assert text.endswith(TEXT)
    assert provenance(text) == {
        "sha256": rw.CodeReward(TEXT).sha256,
        "env": "CartPole-v1",
        "task": "stay up",
    }
    assert rw.CodeReward(file).sha256 == rw.CodeReward(TEXT).sha256


HEADED = "# rewardwrap: env: stranger:Walk-v0\n" + TEXT


def test_a_header_runs_nothing_before_anybody_has_read(tmp_path, capsys, monkeypatch):
    (tmp_path / "stranger.py").write_text("raise SystemExit('it ran')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    file = tmp_path / "reward.py"
    file.write_text(HEADED)
    assert main(["review", str(file)]) == 0
    shown = capsys.readouterr().out
    assert "got stranger" in shown
    assert "left out" in shown
    assert main(["review", str(file), "--env", "CartPole-v1"]) == 0
    with pytest.raises(SystemExit, match="it ran"):
        main(["review", str(file), "--trust", "stranger"])


def test_a_long_line_hides_nothing(tmp_path, capsys):
    file = tmp_path / "reward.py"
    file.write_text(
        TEXT.replace("\n    return", " " * 400 + "; upright = upright - 1000\n    return")
    )
    main(["review", str(file)])
    shown = capsys.readouterr().out
    assert "; upright = upright - 1000" in shown
    assert max(map(len, shown[: shown.index("look  ")].splitlines())) <= 110
    for words in ("characters long", "goes on after a gap", "more than one statement (;)"):
        assert words in shown
