"""Two comparisons beside each other, and one as Markdown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rewardwrap import cli
from rewardwrap.compare import against, document, markdown
from rewardwrap.compare.results import Comparison
from rewardwrap.core.errors import ConfigError

Lake = Callable[..., Comparison]


def written(comparison: Comparison, folder: Path) -> Path:
    import json

    folder.mkdir()
    text = json.dumps(document.to_json_dict(comparison))
    (folder / "comparison.json").write_text(text)
    return folder


def test_what_changed_and_what_it_did(
    lake: Lake, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = lake(seeds=4)
    better = tuple(
        replace(run, true_return=run.true_return + 5.0) if run.strategy == "env" else run
        for run in old.runs
    )
    new = replace(old, runs=better, hyperparameters={**old.hyperparameters, "n_steps": 7})
    folders = [written(c, tmp_path / name) for c, name in ((new, "new"), (old, "old"))]
    assert cli.main(["report", str(folders[0]), "--against", str(folders[1])]) == 0
    said = capsys.readouterr().out
    assert "+5.0" in said
    assert "Changed: 1 settings." in said
    page = (folders[0] / "against.html").read_text()
    assert 'class="better">+5.0' in page
    assert "hyperparameters: n_steps" in page
    found = against.told(old, old)
    assert found["changes"] == []
    assert {row["difference"] for s in found["strategies"] for row in s["rows"]} == {"0.0"}


def test_what_cannot_be_held_against_each_other_is_refused(lake: Lake) -> None:
    one = lake(seeds=2)
    with pytest.raises(ConfigError, match="must be of one environment"):
        against.told(one, replace(one, env="Pond"))
    with pytest.raises(ConfigError, match="must share a strategy, got env against potential"):
        against.told(lake(seeds=2, strategies=("env",)), lake(seeds=2, strategies=("potential",)))


def test_markdown_is_a_table_that_markup_cannot_break(
    lake: Lake, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = replace(lake(seeds=3), env="A|B_C", command="rewardwrap compare `x`")
    text = markdown.of_comparison(made)
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len(table) == 2 + len(made.strategies)
    assert {line.count("|") for line in table} == {7}
    assert "A\\|B\\_C" in text
    folder = written(made, tmp_path / "made")
    assert cli.main(["report", str(folder), "--markdown"]) == 0
    assert capsys.readouterr().out == text
    assert [file.name for file in folder.iterdir()] == ["comparison.json"]
    assert cli.main(["report", str(folder), "--markdown", "--against", "x"]) == 2
