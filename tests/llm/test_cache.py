"""Answers on disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rewardwrap.core.errors import ConfigError
from rewardwrap.llm.budget import Budget, Budgeted, Ledger
from rewardwrap.llm.cache import Cached, key_of
from rewardwrap.llm.client import Completion, ProviderError, Request, Usage
from tests.llm.scripted import ScriptedClient

ASKED = Request(({"role": "user", "content": "hello"},), version="1")


def budgeted(folder: Path, script: ScriptedClient, *, ask_anew: bool = False) -> Budgeted:
    cache = Cached(folder, model=script.model)
    return Budgeted(script, Ledger(Budget()), cache=cache, ask_anew=ask_anew)


def test_an_answer_is_asked_and_paid_for_once(tmp_path: Path) -> None:
    script = ScriptedClient(["first", "second"])
    client = budgeted(tmp_path, script)
    assert [client.complete(ASKED).text for _ in range(3)] == ["first"] * 3
    assert len(script.requests) == 1
    assert client.ledger.spent["calls"] == 1


def test_asking_anew_replaces_what_was_kept(tmp_path: Path) -> None:
    script = ScriptedClient(["first", "second"])
    budgeted(tmp_path, script).complete(ASKED)
    assert budgeted(tmp_path, script, ask_anew=True).complete(ASKED).text == "second"
    assert Cached(tmp_path, model="scripted").complete(ASKED).text == "second"


def test_a_cached_answer_is_whole_and_says_so(tmp_path: Path) -> None:
    made = Completion("text", Usage(10, 20), "length", "model-7", raw={"id": "x"})
    budgeted(tmp_path, ScriptedClient([made])).complete(ASKED)
    found = Cached(tmp_path, model="scripted").complete(ASKED)
    assert found == replace(made, cached=True)


@pytest.mark.parametrize(
    "bad", [Completion("cut", Usage(1, 2), "length"), Completion("", Usage(1, 0))]
)
def test_an_answer_that_was_cut_or_empty_is_asked_for_again(
    tmp_path: Path, bad: Completion
) -> None:
    client = budgeted(tmp_path, ScriptedClient([bad, "whole"]))
    assert [client.complete(ASKED).text for _ in range(3)] == [bad.text, "whole", "whole"]


@pytest.mark.parametrize(
    "change",
    [
        {"temperature": 0.5},
        {"max_tokens": 7},
        {"seed": 1},
        {"version": "2"},
        {"messages": ({"role": "user", "content": "hello!"},)},
    ],
)
def test_whatever_changes_the_answer_changes_the_key(change: dict[str, object]) -> None:
    assert key_of(replace(ASKED, **change), "m") != key_of(ASKED, "m")  # type: ignore[arg-type]
    assert key_of(ASKED, "other") != key_of(ASKED, "m")


def test_the_label_is_a_name_and_not_a_question() -> None:
    assert key_of(replace(ASKED, label="round-9-sample-9"), "m") == key_of(ASKED, "m")


def test_a_replay_never_asks(tmp_path: Path) -> None:
    with pytest.raises(ProviderError, match="not recorded"):
        Cached(tmp_path, model="m").complete(ASKED)
    with pytest.raises(ConfigError, match="must know its model"):
        Cached(tmp_path, model="")


def test_a_damaged_file_is_said_and_not_asked_around(tmp_path: Path) -> None:
    client = budgeted(tmp_path, ScriptedClient(["x", "y"]))
    client.complete(ASKED)
    file = next(tmp_path.glob("*.json"))
    file.write_text(file.read_text()[:40])
    with pytest.raises(ProviderError, match="cannot be read"):
        client.complete(ASKED)
