"""Seventeen sentences as tables, exactly; other words for the same; what is not understood is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rewardwrap.cli import main
from rewardwrap.core.errors import ConfigError
from rewardwrap.llm.client import Request
from rewardwrap.llm.grammar import Grammar, corrected, translated
from rewardwrap.llm.parameters import (
    Term,
    correction_request,
    first_table_request,
    read_correction,
    read_table,
)
from tests.llm.conftest import scene

GOLDEN: list[tuple[str, str, dict[str, float]]] = [
    ("HalfCheetah-v5", "run forwards at 2 m/s", {"torso_x_velocity": 2.0}),
    ("HalfCheetah-v5", "run backwards at 1.5 m/s, torso level",
     {"torso_x_velocity": -1.5, "torso_angle": 0.0}),
    ("HalfCheetah-v5", "stand still and gently", {"torso_x_velocity": 0.0, "action": 0.0}),
    ("Hopper-v5", "hop forward at 1 m/s", {"torso_x_velocity": 1.0}),
    ("Hopper-v5", "stand upright, height 1.2 m", {"torso_angle": 0.0, "torso_z": 1.2}),
    ("Hopper-v5", "torso z at 110 cm and stand still", {"torso_z": 1.1, "torso_x_velocity": 0.0}),
    ("Hopper-v5", "move up at 0.5 m/s", {"torso_z_velocity": 0.5}),
    ("Walker2d-v5", "walk forward at 3.6 km/h with torso upright",
     {"torso_x_velocity": 1.0, "torso_angle": 0.0}),
    ("Walker2d-v5", "walk backward at 0.5 m/s, gently", {"torso_x_velocity": -0.5, "action": 0.0}),
    ("Walker2d-v5", "height of 1.0 m", {"torso_z": 1.0}),
    ("Ant-v5", "go forward at 1 m/s, upright", {"torso_x_velocity": 1.0, "torso_quaternion_w": 1.0}),
    ("Ant-v5", "go left at 1 m/s", {"torso_y_velocity": 1.0}),
    ("Swimmer-v5", "swim forward at 0.3 m/s", {"tip_x_velocity": 0.3}),
    ("CartPole-v1", "pole upright, cart position 1 m", {"pole_angle": 0.0, "cart_position": 1.0}),
    ("Pendulum-v1", "pole upright and gently", {"pole_cos": 1.0, "action": 0.0}),
    ("InvertedPendulum-v5", "pole angle at 3 deg", {"pole_angle": 3 * 0.017453292519943295}),
    ("HalfCheetah-v5", "torso angle 0.5 rad, torso angular velocity 1 rad/s",
     {"torso_angle": 0.5, "torso_angular_velocity": 1.0}),
]  # fmt: skip


@pytest.mark.parametrize(("env", "sentence", "targets"), GOLDEN, ids=[row[1] for row in GOLDEN])
def test_a_sentence_is_exactly_its_table(
    env: str, sentence: str, targets: dict[str, float]
) -> None:
    place = scene(env)
    table = translated(sentence, place)
    assert {term.of: term.target for term in table.values()} == pytest.approx(targets)
    # and a model's reader takes it as any other answer
    ask = Request(({"role": "user", "content": "-"},))
    first = first_table_request(place, sentence, ask=ask)
    assert read_table(Grammar(place, sentence).complete(first), place) == table


@pytest.mark.parametrize(
    "row", [row for row in GOLDEN if "," in row[1] or " and " in row[1]], ids=str
)
def test_another_order_of_the_clauses_gives_the_same_table(row: tuple[str, str, object]) -> None:
    env, sentence, _ = row
    clauses = sentence.replace(" and ", ", ").split(", ")
    assert translated(", ".join(reversed(clauses)), scene(env)) == translated(sentence, scene(env))


def test_backwards_changes_the_sign_and_nothing_else() -> None:
    there, back = (
        translated(f"run {way} at 2 m/s", scene("HalfCheetah-v5"))
        for way in ("forward", "backward")
    )
    assert back["torso_x_velocity"] == Term(
        **{**vars_of(there["torso_x_velocity"]), "target": -2.0}
    )


def vars_of(term: Term) -> dict[str, object]:
    return {name: getattr(term, name) for name in ("of", "target", "scale", "norm", "weight")}


def test_faster_changes_one_term() -> None:
    place, ask = scene("Hopper-v5"), Request(({"role": "user", "content": "-"},))
    sentence = "hop forward at 1 m/s, torso upright"
    table, first = translated(sentence, place), first_table_request(place, sentence, ask=ask)
    asked = correction_request(first, table, "Faster!", ask=ask)
    new = read_correction(Grammar(place, sentence).complete(asked), table, place)
    assert new["torso_x_velocity"].target == 1.5
    assert new["torso_angle"] == table["torso_angle"]
    asked = correction_request(first, table, "height 1.3 m", ask=ask)
    assert (
        read_correction(Grammar(place, sentence).complete(asked), table, place)["torso_z"].target
        == 1.3
    )
    with pytest.raises(ConfigError, match='"higher" must mean one term with a target in m, got 0'):
        corrected("higher", {n: vars_of(t) for n, t in table.items()}, place)


@pytest.mark.parametrize(
    ("env", "sentence", "said"),
    [
        ("Hopper-v5", "run forwards", "got 'run forwards'"),
        ("Hopper-v5", "dance at 1 m/s", "got 'dance at 1 m/s'"),
        ("Hopper-v5", "run forwards at 1 m", "must be in the unit of torso_x_velocity, m/s, got m"),
        ("Hopper-v5", "height 1 m, height 1.2 m", "one target, got two for torso_z"),
        ("Hopper-v5", "tail upright", "got 'tail upright'"),
        ("CartPole-v1", "gently", "got 'gently'"),
        ("Reacher-v5", "stand still", "got 'stand still'"),
        ("Hopper-v5", "", "got ''"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_can(env: str, sentence: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        translated(sentence, scene(env))


def test_the_command_writes_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["write", "CartPole-v1", "pole upright, cart position 1 m", "--rewards", "params",
             "--provider", "grammar", "--out", str(tmp_path)]  # fmt: skip
    assert main(words) == 0
    table = json.loads((tmp_path / "best" / "table.json").read_text())
    assert {row["of"]: row["target"] for row in table.values()} == {
        "pole_angle": 0.0,
        "cart_position": 1.0,
    }
    other = [*words[:-1], str(tmp_path / "b")]
    other[2] = "be nice"
    assert main(other) == 2
    assert "the grammar has and CartPole-v1 can do, got 'be nice'" in capsys.readouterr().err
    code = [
        "write",
        "CartPole-v1",
        "pole upright",
        "--provider",
        "grammar",
        "--out",
        str(tmp_path / "c"),
    ]
    assert main(code) == 2
    assert "--rewards params" in capsys.readouterr().err
