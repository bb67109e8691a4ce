"""What a training showed, in words."""

from __future__ import annotations

import numpy as np

from rewardwrap.llm.reflection import Curves, Yardstick, diagnose, mean_curves, report

STEPS = np.arange(0.0, 11.0)
YARD = Yardstick(random=-500.0, reference=-80.0, limit=500)


def curves(true: np.ndarray, shaped: np.ndarray, length: np.ndarray, **terms: np.ndarray) -> Curves:
    return Curves(STEPS, true, shaped, length, terms or {"total": shaped})


def first_words(made: Curves) -> list[str]:
    return [sentence.split(":")[0] for sentence in diagnose(made, YARD)]


def test_a_good_training_has_no_diagnosis() -> None:
    true = np.linspace(-500, -85, 11)
    assert diagnose(curves(true, np.linspace(-100, 5, 11), -true), YARD) == []


def test_staying_at_random_is_no_progress() -> None:
    flat = np.full(11, -500.0)
    made = curves(flat, np.linspace(-300, -100, 11), np.full(11, 500.0))
    assert "no progress" in first_words(made)


def test_a_rising_reward_with_a_falling_score_is_an_exploit() -> None:
    true = np.linspace(-100, -500, 11)
    assert "exploit" in first_words(curves(true, np.linspace(0, 100, 11), -true))


def test_running_to_the_limit_on_a_positive_reward_is_a_termination_exploit() -> None:
    true = np.full(11, -500.0)
    made = curves(true, np.linspace(10, 400, 11), np.full(11, 500.0))
    assert "termination exploit" in first_words(made)


def test_ending_early_to_escape_a_negative_reward_is_a_termination_exploit() -> None:
    true, length = np.linspace(100, 10, 11), np.linspace(100, 10, 11)
    made = curves(true, -length, length)
    assert "termination exploit" in first_words(made)


def test_a_term_that_never_changes_and_one_that_drowns_the_others_are_named() -> None:
    true = np.linspace(-500, -85, 11)
    length = np.full(11, 100.0)
    made = curves(true, true, length, alive=np.full(11, 100.0), height=np.linspace(0, 1, 11))
    said = diagnose(made, YARD)
    assert any(s.startswith("constant term: alive") for s in said)
    assert any(s.startswith("flooding: alive makes up 100 %") for s in said)


def test_the_report_shows_ten_checkpoints_and_the_extremes() -> None:
    true = np.linspace(-500, -85, 11)
    text = report(mean_curves([curves(true, true, -true), curves(true, true, -true)]), YARD)
    assert "true score: [-500.00" in text
    assert "max -85.00" in text
    assert "min -500.00" in text
