"""One grammar for all commands; a new one is held to it by being in the list."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rewardwrap.cli import COMMANDS, main, parser_of
from rewardwrap.commands.arguments import CommandParser, seed, seeds
from rewardwrap.core.errors import ConfigError
from rewardwrap_envs.packages import _registered


def leaves(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """The parser and those of its words, as in ``fit regression``."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for own in action.choices.values():
                yield from leaves(own)


EVERY = [(own.prog, own) for name in COMMANDS for own in leaves(parser_of(name))]


def flags(parser: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    return {flag: action for action in parser._actions for flag in action.option_strings}


@pytest.fixture(params=[own for _, own in EVERY], ids=[name for name, _ in EVERY])
def parser(request: pytest.FixtureRequest) -> argparse.ArgumentParser:
    return request.param


def test_no_flag_is_shortened(parser: argparse.ArgumentParser) -> None:
    assert isinstance(parser, CommandParser)
    assert not parser.allow_abbrev


def test_the_environment_is_the_first_word_or_behind_env(parser: argparse.ArgumentParser) -> None:
    words = [action.dest for action in parser._actions if not action.option_strings]
    assert ("--env" in flags(parser)) == (
        words[:1] in (["env"], ["what"]) and "--env" in flags(parser)
    )
    if "env" in words or "--env" in flags(parser):
        assert words[0] in ("env", "what")
        assert {"--env", "--catalog", "--gym-packages"} <= set(flags(parser))
    if "--env-kwargs" in flags(parser):
        assert "--env" in flags(parser)


def test_out_is_a_path_and_the_only_place_to_write(parser: argparse.ArgumentParser) -> None:
    found = flags(parser)
    assert not {"--output", "--save", "--to", "-o", "--folder", "--dir"} & set(found)
    if "--out" in found:
        assert found["--out"].type is Path
        assert found["--out"].nargs is None


def test_seeds_are_several_runs_and_a_seed_is_one(parser: argparse.ArgumentParser) -> None:
    found = flags(parser)
    if "--seeds" in found:
        assert found["--seeds"].type is seeds
    if "--seed" in found:
        assert found["--seed"].type is seed


def test_every_command_answers_in_json_and_may_trust(parser: argparse.ArgumentParser) -> None:
    # completion prints a script; fit is asked by its words
    if parser.prog not in ("rewardwrap completion", "rewardwrap fit"):
        assert "--json" in flags(parser)
    assert "--trust" in flags(parser)


def test_trust_stands_before_a_word_of_a_command_or_behind_it() -> None:
    fit = parser_of("fit")
    words = ["regression", "data", "--out", "m"]
    assert fit.read([*words, "--trust", "a", "--trust", "b"]).trust == ["a", "b"]
    assert fit.read(["--trust", "a", *words]).trust == ["a"]
    assert fit.read(words).trust == []


def test_every_flag_says_what_it_is_for(parser: argparse.ArgumentParser) -> None:
    parser.format_help()
    for flag in ("--env", "--out", "--seed", "--seeds", "--json", "--catalog", "--gym-packages"):
        if flag in flags(parser):
            assert flags(parser)[flag].help
    if "--json" in flags(parser):
        assert flags(parser)["--json"].nargs == 0


@pytest.mark.parametrize(
    ("words", "env", "rest"),
    [
        ("regret A-v0 r.yml", "A-v0", "r.yml"),
        ("regret --env A-v0 r.yml", "A-v0", "r.yml"),
        ("regret r.yml --env A-v0", "A-v0", "r.yml"),
        ("regret A-v0 --gamma 0.9 r.yml", "A-v0", "r.yml"),
        ("regret A-v0 r.yml --env A-v0", "A-v0", "r.yml"),
        ("regret r.yml", None, "r.yml"),
        ("distance CartPole-v1 a.yml b.yml", "CartPole-v1", ["a.yml", "b.yml"]),
        ("distance --env CartPole-v1 a.yml b.yml", "CartPole-v1", ["a.yml", "b.yml"]),
        ("distance CartPole-v1 --env CartPole-v1 a.yml b.yml", "CartPole-v1", ["a.yml", "b.yml"]),
        (
            "distance a.yml --env CartPole-v1 b.yml c.yml",
            "CartPole-v1",
            ["a.yml", "b.yml", "c.yml"],
        ),
        ("train CartPole-v1", "CartPole-v1", None),
        ("train --algo ppo --env CartPole-v1 --seed 1", "CartPole-v1", None),
        ("audit r.yml", None, "r.yml"),
        ("audit CartPole-v1 r.yml", "CartPole-v1", "r.yml"),
        ("audit r.yml --env CartPole-v1", "CartPole-v1", "r.yml"),
        ("label data", None, "data"),
        ("label CartPole-v1 data", "CartPole-v1", "data"),
        ("label data --env CartPole-v1", "CartPole-v1", "data"),
        ("ingest f.csv --out d", None, Path("f.csv")),
        ("ingest CartPole-v1 f.csv --out d", "CartPole-v1", Path("f.csv")),
        ("ingest f.csv --out d --env CartPole-v1", "CartPole-v1", Path("f.csv")),
        ("review r.py", None, Path("r.py")),
        ("write CartPole-v1 stand", "CartPole-v1", "stand"),
        ("write stand --env CartPole-v1", "CartPole-v1", "stand"),
        ("envs CartPole-v1", "CartPole-v1", None),
    ],
)
def test_the_first_word_and_env_mean_the_same(words: str, env: str | None, rest: Any) -> None:
    name, *others = words.split()
    args = parser_of(name).read(others)
    assert args.env == env
    dest = {"regret": "reward", "distance": "rewards", "audit": "what", "label": "data",
            "ingest": "source", "review": "file", "write": "task"}.get(name)  # fmt: skip
    if dest is not None:
        found = getattr(args, dest)
        assert found == rest or Path(found) == Path(rest)


@pytest.mark.parametrize(
    "words",
    [
        "train CartPole-v1 --env Acrobot-v1",
        "regret CartPole-v1 r.yml --env Acrobot-v1",
        "distance CartPole-v1 a.yml b.yml --env Acrobot-v1",
        "label CartPole-v1 data --env Acrobot-v1",
        "compare CartPole-v1 --env Acrobot-v1",
    ],
)
def test_two_environments_where_one_is_meant_are_a_sentence(words: str, capsys: Any) -> None:
    assert main(words.split()) == 2
    assert "must be named once, got CartPole-v1 and --env Acrobot-v1" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", ["train --sed 1", "compare CartPole-v1 --seed 3", "train --seed -1"]
)
def test_what_is_no_flag_is_a_sentence(words: str, capsys: Any) -> None:
    assert main(words.split()) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"rewardwrap: rewardwrap {words.split()[0]}: ")
    assert said.count("\n") == 1


def test_seeds_are_a_count_or_a_list() -> None:
    assert seeds("3") == (0, 1, 2)
    assert seeds("0,3,7") == (0, 3, 7)
    for text in ("", "0", "1,1", "-1", "1.5", "a", ",", "1,,2"):
        with pytest.raises(argparse.ArgumentTypeError):
            seeds(text)
    with pytest.raises(ConfigError):
        parser_of("compare").read(["CartPole-v1", "--seeds", "0"])


ENVS = """
import gymnasium as gym
from gymnasium.envs.classic_control import CartPoleEnv
gym.register("{0}", entry_point=CartPoleEnv, max_episode_steps=20)

class Told(CartPoleEnv):
    def __init__(self):
        super().__init__()
        self.observation_space = gym.spaces.Dict(
            state=self.observation_space, mission=gym.spaces.Text(9)
        )

gym.register("Told-v0", entry_point=Told)
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    import gymnasium as gym

    name = "a_package_of_mine"
    (tmp_path / f"{name}.py").write_text(ENVS.format("Mine-v0"))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield name
    for env_id in ("Mine-v0", "Told-v0"):
        gym.registry.pop(env_id, None)
    _registered.cache_clear()
    sys.modules.pop(name, None)


def test_a_package_brings_its_environments_into_every_process(package: str) -> None:
    train = parser_of("train")
    for _ in range(2):  # the second time it is imported already
        args = train.read(["Mine-v0", "--gym-packages", package])
        assert args.env == f"{package}:Mine-v0"
    assert train.read(["CartPole-v1", "--gym-packages", package]).env == "CartPole-v1"
    assert train.read([f"{package}:Mine-v0"]).env == f"{package}:Mine-v0"


def test_a_plan_names_an_environment_of_a_package(package: str, tmp_path: Path) -> None:
    from rewardwrap.commands.compare_request import parsed

    file = tmp_path / "plan.yml"
    file.write_text("env: Mine-v0\nalgo: ppo\nsteps: 64\nseeds: 1\nstrategies: {env: env}\n")
    words = [str(file), "--gym-packages", package, "--out", str(tmp_path / "out")]
    (plan,) = parsed(parser_of("compare").read(words)).plans
    assert plan.env == f"{package}:Mine-v0"


def test_training_in_an_environment_of_a_package(
    package: str, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [
        "train",
        "--env",
        "Mine-v0",
        "--gym-packages",
        package,
        "--out",
        str(tmp_path / "logs"),
    ]
    small = [
        "-n",
        "64",
        "--eval-freq",
        "32",
        "--eval-episodes",
        "1",
        "-params",
        "n_steps:16",
        "batch_size:32",
        "n_envs:2",
    ]
    assert main([*words, "--verbose", "0", "--json", *small]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["env"] == f"{package}:Mine-v0"
    assert main(["eval", told["run"], "--json", "--gym-packages", package]) == 0
    assert json.loads(capsys.readouterr().out)["bundle"].startswith(told["run"])


def test_a_package_that_is_not_installed_is_a_sentence(capsys: Any) -> None:
    assert main(["train", "CartPole-v1", "--gym-packages", "no_such_package"]) == 2
    assert "must be installed, got 'no_such_package'" in capsys.readouterr().err


def test_an_id_that_an_installed_package_registers_is_found_and_said(
    package: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr("rewardwrap_envs.packages.KNOWN", {"absent": ("Mi",), package: ("Mine-",)})
    assert parser_of("train").read(["Mine-v0"]).env == f"{package}:Mine-v0"
    assert f"{package} registers Mine-v0: taken as {package}:Mine-v0" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ("a_package_of_mine:Told-v0", "got a Text space at obs['mission']. Leave it out with"),
        (
            "a_package_of_mine:Mine-v1",
            'No environment "Mine-v1". Did you mean "Mine-v0"',
        ),
        ("no_such_package:Mine-v0", "must be installed, got 'no_such_package'"),
    ],
)
def test_what_a_package_cannot_give_is_a_sentence(
    package: str, env: str, said: str, capsys: Any
) -> None:
    assert main(["train", env, "-n", "64"]) == 2
    assert said in capsys.readouterr().err


RECIPE = """
name: MyLake
id: FrozenLake-v1
summary: A lake of one's own.
suite: toy_text
make: {map_name: 8x8, is_slippery: false}
gamma: 0.99
returns: {random: 0.0, reference: 1.0, source: made up}
radix: [8, 8]
fields:
  up: {index: 0, unit: cell, low: 0, high: 7, description: rows, check: digit}
"""


def test_recipes_of_ones_own_are_judged_by_the_same_words(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "mine.yml").write_text(RECIPE)
    (tmp_path / "both.yml").write_text("- env\n- potential: {phi: up}\n  name: goal\n")
    own = ["--catalog", str(tmp_path / "recipes"), "--json"]
    both = str(tmp_path / "both.yml")
    assert main(["regret", "MyLake", both, *own]) == 0
    assert json.loads(capsys.readouterr().out)["cheats"] is False
    assert main(["distance", "MyLake", "env", both, "--metric", "starc-val", *own]) == 0
    assert json.loads(capsys.readouterr().out)
    assert main(["envs", "MyLake", *own]) == 0
    assert list(json.loads(capsys.readouterr().out)["fields"]) == ["up"]
    assert main(["regret", "MyLake", both, "--json"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert 'No environment "MyLake"' in said.err


@pytest.mark.parametrize("words", ["envs", "rewards", "methods", "models --registry none"])
def test_json_is_one_document_and_nothing_else(words: str, capsys: Any) -> None:
    assert main([*words.split(), "--json"]) == 0
    json.loads(capsys.readouterr().out)
