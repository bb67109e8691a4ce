"""Every script of evidence runs, and has a verdict that its rows could refuse."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rewardwrap.cli import COMMANDS
from rewardwrap.core.registry import registered
from rewardwrap.nets.objectives import OBJECTIVES
from rewardwrap.scores import SCORES
from rewardwrap.training.scores import chosen_group
from tests.evidence.harness import pages, rows, systems, workers
from tests.evidence.harness.judging import STATES, Row, higher, together, within
from tests.evidence.harness.study import Study, studies

ROOT = Path(__file__).parents[1]
STUDIES = studies()
DRAWS = 4000


@pytest.mark.parametrize("study", STUDIES, ids=lambda s: s.tag)
def test_a_script_declares_what_it_measures_and_can_say_every_verdict(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert study.claim.endswith(".")
    assert study.source
    assert 0 < study.module.BUDGET <= 5
    assert study.seeds >= 5
    row = study.run(0, small=True)
    assert row
    assert all(np.isfinite(value) for value in row.values()), row
    assert not any(isinstance(value, bool) for value in row.values())
    seen = set()
    for made in _synthetic(study, row):
        state, sentence = study.verdict(made)
        seen.add(state)
        assert sentence
        assert not sentence.endswith(".")
        if seen == set(STATES):
            break
    assert seen == set(STATES), f"{study.tag} can only say {sorted(seen)}"


def _synthetic(study: Study, row: Row) -> Iterator[list[Row]]:
    """Rows of the measured keys: the measured ones, and values drawn with and without a spread."""
    told = rows.results().get(study.tag)
    measured = [each["row"] for each in told["rows"]] if told else [row]
    levels = sorted({v for each in measured for v in each.values()} | {-1.0, 0.0, 0.5, 1.0, 10.0})
    draws = np.random.default_rng(0)
    if told:
        yield measured
    for i in range(DRAWS):
        base = {key: draws.choice(levels) for key in row} if i % 2 else dict(draws.choice(measured))
        noisy = set(draws.choice(sorted(row), size=draws.integers(len(row) + 1)))
        yield [
            {k: float(v + (draws.normal() if k in noisy else 0.0)) for k, v in base.items()}
            for _ in range(study.seeds)
        ]


def test_five_seeds_of_one_sign_are_enough_and_four_are_not() -> None:
    up = [{"a": 1.0 + i, "b": 0.0} for i in range(5)]
    assert higher(up, "a", "b") == "shown"
    assert higher(up, "b", "a") == "contradicted"
    assert higher(up[:4], "a", "b") == "not shown"
    assert higher(up, "a", "b", by=2.0) == "not shown"
    assert higher([{"a": 0.0, "b": 0.0}] * 5, "a", "b") == "not shown"


def test_a_claim_is_as_bad_as_its_worst_part() -> None:
    assert together(["shown", "not shown"]) == "not shown"
    assert together(["contradicted", "shown", "not shown"]) == "contradicted"
    assert within([{"a": 0.0}, {"a": 0.1}, {"a": 3.0}], "a", 0, 1) == "not shown"
    assert within([{"a": 2.0}, {"a": 2.0}, {"a": 0.5}], "a", 0, 1) == "contradicted"


def test_chance_passes_the_sign_flip_test_as_often_as_it_says() -> None:
    draws = np.random.default_rng(0)
    null = [[{"a": float(x)} for x in draws.normal(size=6)] for _ in range(400)]
    assert np.mean([higher(each, "a", 0.0) == "shown" for each in null]) <= 0.05 + 0.022


def test_the_committed_pages_follow_from_the_committed_rows() -> None:
    for path, text in pages.pages().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run make evidence"


def test_a_result_belongs_to_a_script_whose_verdict_it_is() -> None:
    known = {study.tag: study for study in STUDIES}
    for tag, told in rows.results().items():
        study = known[tag]
        assert told["seeds"] == list(range(max(study.seeds, len(told["seeds"]))))
        assert (told["state"], told["sentence"]) == study.verdict([r["row"] for r in told["rows"]])
        assert told["claim"] == study.claim
        assert told["script"] == study.digest, f"{tag}.py measures something else: make evidence"


def test_a_method_without_a_tag_names_the_class_that_documents_it() -> None:
    for study in STUDIES:
        if study.documented:
            module, _, name = study.documented.partition(":")
            assert (getattr(import_module(module), name).__doc__ or "").strip()
        else:
            known = {**registered(), **OBJECTIVES.known(), **SCORES.known()}
            assert study.tag in known or study.example, study.tag


def test_the_map_of_systems_names_all_of_them_and_claims_nothing_that_was_not_seen() -> None:
    entries, told = systems.systems(), rows.results()
    assert [entry["id"] for entry in entries] == [f"S{n:02}" for n in range(1, systems.COUNT + 1)]
    for entry in entries:
        # an unquoted comma in the source makes a key of what follows it
        assert set(entry) <= systems.KEYS, entry["id"]
        assert set(entry.get("evidence", ())) <= set(told), entry["id"]
        assert entry["title"]
        assert entry["claims"]
        state = systems.state(entry, told)
        assert state == "shown" or entry.get("missing") or entry.get("evidence"), entry["id"]
        if state == "shown":
            assert all(told[tag]["state"] == "shown" for tag in entry["evidence"])
    seen = {tag: {"state": "not shown"} for tag in told}
    assert "shown" not in {systems.state(entry, seen) for entry in entries}


@pytest.mark.parametrize("entry", systems.systems(), ids=lambda e: e["id"])
def test_every_name_that_the_map_gives_exists(entry: dict[str, Any]) -> None:
    for quoted in re.findall(r"`([^`]+)`", entry.get("here", "")):
        if found := re.match(r"(?:rw|rewardwrap|rewardwrap_policies)\.[\w.]+", quoted):
            root, *parts = found[0].split(".")
            thing: Any = import_module("rewardwrap" if root == "rw" else root)
            for part in parts:
                thing = _member(thing, part)
        elif found := re.match(r"rewardwrap (\w+)", quoted):
            assert found[1] in COMMANDS, quoted


def _member(thing: Any, name: str) -> Any:
    try:
        return getattr(thing, name)
    except AttributeError:
        return import_module(f"{thing.__name__}.{name}")


@pytest.mark.parametrize("study", [s for s in STUDIES if " --score " in s.use], ids=lambda s: s.tag)
def test_every_score_that_a_command_writes_can_be_read(study: Study) -> None:
    words = shlex.split(study.use)
    group = int(words[words.index("--group") + 1]) if "--group" in words else None
    assert chosen_group(words[words.index("--score") + 1], group=group).group > 1


def test_an_unknown_script_is_a_sentence() -> None:
    command = [sys.executable, "-m", "tests.evidence", "--only", "potentail"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ)
    assert said.returncode == 2
    assert "ONLY must name scripts" in said.stderr


def test_two_processes_measure_what_one_does() -> None:
    tasks, here = [("sign", 0), ("sign", 1)], os.getcwd()
    one, two = (
        sorted((tag, each.seed, each.row) for tag, each in workers.measured(tasks, jobs))
        for jobs in (1, 2)
    )
    assert one == two
    assert os.getcwd() == here


def test_rows_are_kept_after_every_seed_and_taken_up_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(rows, "UNFINISHED", tmp_path / "unfinished")
    study = Study("potential")
    one = rows.Measured(0, {"right": 0.0}, 1.0, 1.0, {"python": "3"})
    assert not rows.keep(study, {0: one}, seeds=5)
    assert rows.known(study) == {0: one}
    told = json.loads((tmp_path / "unfinished" / "potential.json").read_text())
    told["script"] = "another"
    (tmp_path / "unfinished" / "potential.json").write_text(json.dumps(told))
    assert rows.known(study) == {}
