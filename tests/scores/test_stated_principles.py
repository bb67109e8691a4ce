"""Principles in words: what is kept, who is better, and what the grammar refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rewardwrap as rw
from rewardwrap.annotate.teachers import Stated, teacher
from rewardwrap.cli import main
from rewardwrap.core.episode import Episode
from rewardwrap.core.errors import ConfigError, UnknownName
from rewardwrap.data import EpisodeStore
from rewardwrap.scores import chosen_score
from rewardwrap.scores.statements import Preference, Rule, statements
from rewardwrap.training.scores import chosen_group

STATED = rw.StatedPrinciples


def done(steps: int = 3, push: float = 0.0, **info: Any) -> Episode:
    ends = np.arange(steps) == steps - 1
    columns = {name: np.resize(np.asarray(value, float), steps) for name, value in info.items()}
    return Episode(
        np.zeros((steps + 1, 3)), np.full((steps, 1), push), np.ones(steps), ends, ends & ~ends, columns
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "kept", "broken"),
    [
        ("never touch lava", done(lava=0), done(lava=[0, 1, 0])),
        ("always height > 0.8", done(height=1), done(height=[1, 0.8, 1])),
        ("reach the goal", done(goal=[0, 1, 0]), done(goal=0)),
        ("end with goal", done(goal=[0, 0, 1]), done(goal=[0, 1, 0])),
        ("time <= 4", done(4), done(5)),
        ("time at most 4 steps", done(4), done(5)),
        ("energy below 3", done(2, push=1.0), done(3, push=1.0)),
        ("mean speed >= 2", done(speed=[1, 2, 3]), done(speed=[1, 2, 2])),
        ("highest absolute tilt < 0.5", done(tilt=-0.4), done(tilt=[0, -0.6, 0])),
        ("number of falls <= 1", done(falls=[0, 1, 0]), done(falls=1)),
        ("last x ≥ 1e-1", done(x=[0, 0, 0.1]), done(x=[1, 1, 0])),
        ("return > 3", done(4), done(3)),
        ("reach terminated", done(), Episode(np.zeros(2), np.zeros(1), np.zeros(1), np.zeros(1, bool),
                                             np.ones(1, bool))),
    ],
)  # fmt: skip
def test_a_rule_is_kept_or_broken_and_not_turns_it_round(
    text: str, kept: Episode, broken: Episode
) -> None:
    assert STATED(text).verdicts([kept, broken]).tolist() == [[True], [False]]
    assert STATED(f"not {text}").verdicts([kept, broken]).tolist() == [[False], [True]]
    assert STATED(text)([kept, broken]).tolist() == [1.0, -1.0]


def test_the_numbers_of_a_small_set_are_those_of_the_formula() -> None:
    three = [done(2, speed=1.0, lava=0), done(4, speed=2.0, lava=0), done(6, speed=3.0, lava=1)]
    both = STATED("never touch lava; prefer low time over speed")
    # shares of low time (5/8, 1/2, 3/8 of 4 peers) ahead of those of speed, 2 to 1
    low, fast = np.array([0.75, 0.5, 0.25]), np.array([0.25, 0.5, 0.75])
    assert both.values(three) == pytest.approx((np.array([1, 1, 0]) + (2 * low + fast) / 3) / 2)
    assert both.grades(three).tolist() == [4, 4, 2]
    assert both.ranking(three).tolist() == [0, 1, 2]
    assert [type(part) for part in statements(both.text)] == [Rule, Preference]


NUMBERS = st.lists(st.tuples(st.integers(1, 6), st.integers(-3, 3)), min_size=2, max_size=7)
TEXTS = ["prefer low time over x", "x >= 0; time <= 3; prefer x", "maximise x; minimise time"]


@given(NUMBERS, st.sampled_from(TEXTS), st.randoms(use_true_random=False))
def test_the_order_of_the_set_changes_nothing_and_grades_follow_the_ranking(
    numbers: list[tuple[int, int]], text: str, chance: Any
) -> None:
    episodes = [done(steps, x=x) for steps, x in numbers]
    score, order = STATED(text), list(range(len(episodes)))
    chance.shuffle(order)
    assert (
        score.grades([episodes[i] for i in order]).tolist()
        == score.grades(episodes)[order].tolist()
    )
    grades = score.grades(episodes)
    assert ((grades >= 1) & (grades <= 5)).all()
    assert (np.diff(grades[score.ranking(episodes)]) <= 0).all()


@given(NUMBERS)
def test_opposed_principles_turn_the_order_of_one_set_round(numbers: list[tuple[int, int]]) -> None:
    episodes = [done(steps, x=x) for steps, x in numbers]
    one = STATED("x >= 0; prefer low time over x")
    other = STATED("not x >= 0; prefer high time over low x")
    assert one(episodes) == pytest.approx(-other(episodes))


@given(NUMBERS)
def test_no_preference_makes_up_for_a_broken_rule(numbers: list[tuple[int, int]]) -> None:
    episodes = [done(steps, x=x) for steps, x in numbers]
    score = STATED("time <= 3; prefer x")
    values, kept = score.values(episodes), score.verdicts(episodes)[:, 0]
    assert kept.all() or not kept.any() or values[kept].min() > values[~kept].max()


def test_peers_that_stay_keep_the_level_where_it_was() -> None:
    peers = [done(steps) for steps in (2, 4, 6)]
    frozen, among = STATED("minimise time", against=peers), STATED("minimise time")
    better = [done(1), done(2)]
    assert frozen.values(better).tolist() == [0.875, 0.75]
    assert among.values(better).tolist() == pytest.approx([2 / 3, 1 / 3])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "must state something, got nothing"),
        ("be nice", 'grammar has, got "be nice"'),
        ("time < fast", 'grammar has, got "time < fast"'),
        ("never mean speed > 2", 'single steps, got "mean"'),
        ("not prefer speed", 'grammar has, got "not prefer speed"'),
    ],
)
def test_what_is_not_in_the_grammar_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        STATED(text)


def test_names_units_and_spans_that_cannot_be_meant_are_refused() -> None:
    with pytest.raises(UnknownName, match='called "lavas". Did you mean "lava"'):
        STATED("never lavas")([done(lava=0)])
    with pytest.raises(ConfigError, match="compared once"):
        STATED("always time < 3")([done()])
    with pytest.raises(ConfigError, match='one number of an episode, got "mean"'):
        STATED("mean time < 3")([done()])
    with pytest.raises(ConfigError, match="must be in the unit of torso_z, m, got"):
        STATED("always torso z > 80 cm", env="Hopper-v5")
    with pytest.raises(ConfigError, match="continuous actions"):
        STATED("minimise energy")([Episode(np.zeros(2), np.zeros(1, int), *np.zeros((3, 1), bool))])


def test_fields_of_the_recipe_are_read_in_their_units() -> None:
    lake = Episode(np.array([0, 1, 9]), np.zeros(2, int), np.zeros(2), *np.zeros((2, 2), bool))
    assert STATED("last row >= 1 cell", env="FrozenLake-8x8").verdicts([lake]).all()
    venv = rw.make("FrozenLake-8x8", rw.Grouped(STATED("reach row >= 3"), group=2), n_envs=2)
    venv.reset()
    paid, ended = np.zeros(2), False
    for _ in range(200):
        _, now, dones, _ = venv.step(np.array([1, 0]))
        paid, ended = paid + now, ended or bool(dones.any())
        if ended:
            break
    assert ended
    assert paid.tolist() in ([1.0, -1.0], [0.0, 0.0])


def test_a_sentence_is_a_score_in_a_configuration_and_behind_score() -> None:
    made = chosen_score("never touch lava; prefer low time")
    assert isinstance(made, STATED)
    config = rw.Grouped(made).to_config()
    assert rw.from_config(config).to_config() == config
    assert chosen_group("never touch lava", group=2).score.text == "never touch lava"


def test_a_sentence_teaches_preferences(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    flags = np.zeros(8, bool)
    episodes = [
        {
            "obs": rng.normal(size=(9, 3)).astype(np.float32),
            "action": np.full((8, 1), push, np.float32), "reward": np.full(8, np.nan),
            "terminated": flags, "truncated": flags | (np.arange(8) == 7), "source": "Pendulum-v1",
        }
        for push in rng.uniform(-2, 2, size=24)
    ]  # fmt: skip
    store = EpisodeStore.from_episodes(episodes)
    store.save(tmp_path / "data")
    by = teacher("prefer low energy")
    assert isinstance(by, Stated)
    clips = rw.sample_fragments(store, 40, 4, seed=0)
    a, b = clips.select(slice(0, 20)), clips.select(slice(20, None))
    spent = [np.square(c.transitions()[0].action).sum(axis=(1, 2)) for c in (a, b)]
    answers = by.calibrated(clips).answer(a, b, rng)
    same = np.isclose(*spent)
    assert answers[~same].tolist() == (spent[1] < spent[0])[~same].tolist()
    words = ["fit", "preferences", str(tmp_path / "data"), "--teacher", "prefer low energy", "--pairs", "40",
             "--length", "4", "--members", "1", "--hidden", "8", "--epochs", "1", "--quiet",
             "--out", str(tmp_path / "model")]  # fmt: skip
    assert main(words) == 0
    assert "held out" in capsys.readouterr().out
