"""Rule, model, length and form: ranges that hold, and an order that form cannot turn."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rewardwrap as rw
from rewardwrap.core.episode import Episode


def done(steps: int, **numbers: float) -> Episode:
    last = np.arange(steps) == steps - 1
    info = {name: np.full(steps, value) for name, value in numbers.items()}
    return Episode(np.zeros((steps + 1, 1)), np.zeros(steps), 0.0 * last, last, ~last & False, info)


def test_the_worked_example_of_the_length() -> None:
    score = rw.Hybrid("rule", length=(0.2, 0.5))
    group = [done(10, rule=1.0), done(16, rule=0.0), done(4, rule=0.0), done(11, rule=0.0)]
    assert score(group) == pytest.approx([1.0, -0.25, -0.25, 0.0])
    assert score([done(16, rule=0.0), done(1, rule=0.0)]).tolist() == [0.0, 0.0]


def test_confidence_moves_from_the_model_to_the_rule() -> None:
    one = [done(3, rule=1.0, model=0.2, sure=0.25)]
    assert rw.Hybrid("rule", "model", confidence=1.0)(one).tolist() == [1.0]
    assert rw.Hybrid("rule", "model", confidence=0.0)(one) == pytest.approx([0.2])
    assert rw.Hybrid("rule", "model", confidence="sure")(one) == pytest.approx([0.4])
    assert rw.Hybrid("rule", confidence="sure")(one) == pytest.approx([0.25])


GRID = list(product((0.0, 1.0), (0.0, 0.5, 1.0), (0.0, 0.5, 1.0), (0.0, 1.0), (1, 5, 10)))


def test_the_whole_grid_stays_in_its_range_and_form_never_beats_being_right() -> None:
    score = rw.Hybrid("rule", "model", confidence="sure", form="form", bonus=0.1)
    anchor = done(5, rule=1.0, model=1.0, sure=1.0, form=1.0)
    rows = [done(n, rule=r, model=m, sure=c, form=f) for r, m, c, f, n in GRID]
    paid = score([anchor, *rows])
    assert paid.min() >= -0.5
    assert paid.max() <= 1.1
    trusted = [(p, r, f) for p, (r, _, c, f, _) in zip(paid[1:], GRID, strict=True) if c == 1.0]
    right = min(p for p, r, f in trusted if r == 1.0 and f == 1.0)
    assert right > max(p for p, r, _ in trusted if r == 0.0)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 0.5))
def test_better_verdicts_are_never_worth_less(
    rule: float, model: float, sure: float, more: float
) -> None:
    score = rw.Hybrid("rule", "model", confidence="sure", length=None)

    def worth(r: float, m: float) -> float:
        return float(score([done(2, rule=r, model=m, sure=sure)])[0])

    up = (min(1.0, rule + more), min(1.0, model + more))
    assert worth(up[0], model) >= worth(rule, model) - 1e-12
    assert worth(rule, up[1]) >= worth(rule, model) - 1e-12


def test_bad_input_is_one_sentence() -> None:
    for fields, sentence in (
        ({"length": (1.0, 0.5)}, "length must be .tau in"),
        ({"length": (0.2, 0.95)}, "must be below 1 together, got 0.95 and 0.1"),
        ({"confidence": 1.5}, "confidence must lie in"),
    ):
        with pytest.raises(rw.ConfigError, match=sentence):
            rw.Hybrid("rule", **fields)  # type: ignore[arg-type]
    with pytest.raises(rw.RewardValueError, match=r"model must lie in \[0, 1\], got 7"):
        rw.Hybrid("rule", "model", confidence=0.5)([done(2, rule=1.0, model=7.0)])
    assert rw.Hybrid()([done(2)]).tolist() == [0.0]
