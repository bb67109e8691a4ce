"""``rewardwrap methods``: the docstrings and the evidence, in one place."""

from __future__ import annotations

import argparse
import json
from importlib import import_module, resources

import pytest

from rewardwrap.cli import main
from rewardwrap.commands.methods import methods
from rewardwrap.core.registry import registered
from rewardwrap.nets.objectives import OBJECTIVES
from rewardwrap.scores import SCORES


def test_every_registered_reward_says_what_it_does_and_how_it_is_used() -> None:
    known = methods()
    assert set(registered()) | set(OBJECTIVES.known()) | set(SCORES.known()) <= set(known)
    # other tests of this process register rewards of their own, which explain nothing
    own = [tag for tag, cls in registered().items() if cls.__module__.startswith("rewardwrap.")]
    assert len(own) > 30
    for tag in own:
        one = known[tag]
        assert one.does.endswith((".", "`", ":")) or len(one.does) > 20, tag
        assert one.clock in ("step", "episode"), tag
        assert 1 <= len(one.example.splitlines()) <= 8, f"{tag}: {one.example}"
        assert tag in one.command


def test_every_method_that_was_measured_is_listed_and_its_example_is_short() -> None:
    known = methods()
    told = json.loads(resources.files("rewardwrap").joinpath("evidence.json").read_text("utf-8"))
    assert set(told) <= set(known)
    for tag, one in known.items():
        assert len(one.example.splitlines()) <= 8, tag
        assert one.does, tag
        assert one.command, tag
    exec(known["concise"].example, {})


def test_a_command_that_is_told_exists_with_its_flags() -> None:
    for tag, one in methods().items():
        words = one.command.replace(",", " ").split()
        if words[0] != "rewardwrap":
            assert one.command == "none yet", tag
            continue
        module = import_module(f"rewardwrap.commands.{words[1]}")
        parser = argparse.ArgumentParser()
        module.add(parser)
        known = set(parser._option_string_actions)
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction) and words[2] in action.choices:
                known |= set(action.choices[words[2]]._option_string_actions)
        assert {word for word in words if word.startswith("--")} <= known, f"{tag}: {one.command}"


def test_what_was_measured_is_there_with_how_to_measure_it_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["methods", "potential", "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert told["state"] == "shown"
    assert told["evidence"] == "make evidence ONLY=potential"
    assert "Ng, Harada, Russell" in told["source"]
    assert told["example"].startswith("import rewardwrap as rw\n")
    assert main(["methods", "potential"]) == 0
    shown = capsys.readouterr().out
    assert "evidence: shown, 5 seeds" in shown


def test_a_method_that_was_not_measured_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["methods", "named"]) == 0
    assert "evidence: not measured" in capsys.readouterr().out


def test_the_list_fits_on_a_page_and_names_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["methods"]) == 0
    shown = capsys.readouterr().out
    assert all(tag in shown for tag in registered())
    assert max(map(len, shown.splitlines())) <= 110


def test_an_unknown_tag_is_a_sentence_that_guesses(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["methods", "potentail"]) == 2
    said = capsys.readouterr().err
    assert 'No method "potentail". Did you mean "potential"?' in said
