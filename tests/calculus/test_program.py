# ruff: noqa: E501  sources are lines
"""A translation pays what the code pays: each source is run by Python here and translated, on random rows.

The sources are this project's own, so they may be executed; what a stranger writes never is.
"""

from __future__ import annotations

import ast
import contextlib
import math
import time
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rewardwrap.calculus.graph import Outside
from rewardwrap.calculus.program import Program
from rewardwrap.core.task import NO_TASK
from rewardwrap.sandbox.channel import Column, grown, plain
from tests.calculus.sources import BATCH, HEAD, OUTSIDE, ROW

ROWS, WIDTH = 7, 10


def columns(dtype: str = "<f8") -> list[Column]:
    shapes = (("obs", WIDTH), ("action", 3), ("next_obs", WIDTH))
    return [Column(place, (), dtype if place != "action" else "<f4", (n,)) for place, n in shapes]


def rows_of(seed: int, dtype: str = "<f8") -> list[Any]:
    generator = np.random.default_rng(seed)
    made = [generator.normal(size=(ROWS, *c.shape)).astype(c.dtype) for c in columns(dtype)]
    made[2][0, 0] = 0.0
    return made


def translated(source: str, dtype: str = "<f8", components: tuple[str, ...] = ()) -> Program:
    return Program(plain(ast.parse(source)), columns(dtype), {}, components)


def by_python(source: str, arrays: list[Any], *, row: bool) -> Any:
    names: dict[str, Any] = {"np": np, "math": math}
    exec(source, names)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if not row:
            return names["reward"](*arrays, {})
        found = [names["reward"](*(a[i] for a in arrays), {}) for i in range(ROWS)]
    return np.array(found, np.float64)


def require_same(program: Program, expected: Any, arrays: list[Any], close: float) -> None:
    np.testing.assert_allclose(program.pay(arrays, ROWS)[0], expected, rtol=close, atol=close)
    lane = program.lane(NO_TASK)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        single = [lane(*(a[i] for a in arrays), {}, {})[0] for i in range(ROWS)]
    np.testing.assert_allclose(single, expected, rtol=close, atol=close)


@pytest.mark.parametrize("dtype", ["<f8", "<f4"])
@pytest.mark.parametrize("name", BATCH)
def test_code_of_a_batch_pays_what_python_pays(name: str, dtype: str) -> None:
    source, arrays = f"{HEAD}    {BATCH[name]}\n", rows_of(len(name), dtype)
    program = translated(source, dtype)
    assert program.style == "batch"
    expected = by_python(source, arrays, row=False)
    # sums of float32 are rounded in another order for one row than for many
    require_same(program, expected, arrays, 1e-12 if dtype == "<f8" and name != "float32" else 2e-6)


@pytest.mark.parametrize("dtype", ["<f8", "<f4"])
@pytest.mark.parametrize("name", ROW)
def test_code_of_a_row_pays_what_python_pays(name: str, dtype: str) -> None:
    source, arrays = f"{HEAD}    {ROW[name]}\n", rows_of(len(name), dtype)
    program = translated(source, dtype)
    assert program.style == "row"
    require_same(program, by_python(source, arrays, row=True), arrays, 2e-6)


@pytest.mark.parametrize("name", OUTSIDE)
def test_everything_else_is_outside(name: str) -> None:
    with pytest.raises(Outside):
        translated(f"{HEAD}    {OUTSIDE[name]}\n")


def test_components_follow_the_declared_order() -> None:
    source = f"{HEAD}    a, b = next_obs[:, 0], -obs[:, 1]\n    return a + b, {{'b': b, 'a': a}}\n"
    arrays = rows_of(3)
    total, first, second = translated(source, components=("a", "b")).pay(arrays, ROWS)
    np.testing.assert_array_equal(first, arrays[2][:, 0])
    np.testing.assert_array_equal(second, -arrays[0][:, 1])
    np.testing.assert_array_equal(total, first + second)


def test_helpers_constants_and_defaults_are_written_in() -> None:
    source = (
        "SCALE = {'near': 2.0}\nLIMITS = (0.1, 0.5)\n"
        "def near(x, width=0.5, power=2):\n    return np.exp(-(np.abs(x) / width) ** power)\n"
        + f"{HEAD}    return SCALE['near'] * near(next_obs[:, 0]) + near(obs[:, 1], power=1, width=LIMITS[1])\n"
    )
    arrays = rows_of(5)
    require_same(translated(source), by_python(source, arrays, row=False), arrays, 1e-12)


def test_info_fields_and_dicts_are_columns() -> None:
    source = (
        f"{HEAD}    goal = next_obs['goal']\n    near = -np.linalg.norm(next_obs.tip - goal, axis=-1)\n"
        "    bonus = info['x_velocity'] + info.get('nothing', 0.5)\n"
        "    return near + bonus if 'x_velocity' in info else near\n"
    )
    with pytest.raises(Outside):
        # a field is one number, a goal two: numpy would spread the batch over them
        Program(plain(ast.parse(source)), _goal_columns(), {}, ())
    program = Program(plain(ast.parse(source.replace(".tip", "['tip']"))), _goal_columns(), {}, ())
    tip, goal, action, speed = (
        np.ones((2, 2)),
        np.zeros((2, 2)),
        np.zeros(2),
        np.array([1.0, 2.0]),
    )
    paid = program.pay([goal, tip, goal, tip, action, speed], 2)[0]
    np.testing.assert_allclose(paid, -math.sqrt(2) + speed + 0.5)
    row = {"goal": goal[0], "tip": tip[0]}
    assert program.lane(NO_TASK)(row, 0.0, row, {"x_velocity": 1.0}, {})[0] == pytest.approx(
        paid[0]
    )


def _goal_columns() -> list[Column]:
    made = [Column(p, (k,), "<f8", (2,)) for p in ("obs", "next_obs") for k in ("goal", "tip")]
    return [*made, Column("action", (), "<f8", ()), Column("info", ("x_velocity",), "<f8", ())]


def test_named_fields_are_columns_of_the_observation() -> None:
    source = f"{HEAD}    return next_obs.height - obs['height'] * next_obs.pitch\n"
    program = Program(plain(ast.parse(source)), columns(), {"height": 0, "pitch": 2}, ())
    arrays = rows_of(1)
    expected = arrays[2][:, 0] - arrays[0][:, 0] * arrays[2][:, 2]
    require_same(program, expected, arrays, 1e-12)


def test_what_is_not_taken_may_be_infinite() -> None:
    source = f"{HEAD}    if next_obs[0] == 0:\n        return 0.0\n    return 1.0 / next_obs[0]\n"
    arrays = rows_of(2)
    require_same(translated(source), by_python(source, arrays, row=True), arrays, 1e-12)


def test_nothing_of_the_text_can_reach_the_interpreter() -> None:
    for name in (
        "__import__('os')",
        "np.__loader__",
        "().__class__",
        "np.core",
        "eval('1')",
        "open",
    ):
        with pytest.raises(Outside):
            translated(f"{HEAD}    return {name}\n")


def test_trees_that_nobody_made_here_are_refused() -> None:
    bad: list[Any] = [
        ["Exec"],
        ["Name"],
        ["Import", ["[]"]],
        [["Name", "x"]],
        ["Constant", {"a": 1}],
        [],
    ]
    for said in bad:
        with pytest.raises(ValueError, match="must"):
            grown(said)


def test_translation_is_bounded() -> None:
    """Nested loops, doubling branches and wide stacks end within the budget, in a moment."""
    doubling = "".join(f"    if next_obs[{i % 9}] > 0:\n        return {i}.0\n" for i in range(40))
    sources = [
        "    r = 0.0\n" + "".join("    " * (i + 1) + f"for a{i} in range(50):\n" for i in range(9)) + "    " * 10 + "r += 1.0",
        doubling + "    return 0.0",
        "    x = [next_obs[:, 0]] \n    for i in range(40):\n        x = x + x\n    return x[0]",
        "    x = next_obs[:, 0] * 1\n" + "    x = x * x + x\n" * 900 + "    return x",
    ]  # fmt: skip
    for body in sources:
        began = time.process_time()
        with contextlib.suppress(Outside):
            translated(f"{HEAD}{body}\n")
        assert time.process_time() - began < 20.0


UNARY = ["np.abs({})", "np.sin({})", "np.exp(-np.abs({}))", "np.tanh({})", "-{}", "np.sqrt(np.abs({}))", "({} > 0)",
         "np.sign({})", "{} ** 2", "np.square({})", "np.where({} > 0.2, 1.0, -2)", "np.clip({}, -1, 1)"]  # fmt: skip
BINARY = ["({} + {})", "({} - {})", "({} * {})", "np.minimum({}, {})", "np.maximum({}, {})", "np.hypot({}, {})",
          "({} / (1.0 + np.abs({})))", "(({} > 0) & ({} < 0.5))", "np.where({} > {}, 1.0, 0.0)"]  # fmt: skip
LEAVES = ["next_obs[:, 0]", "obs[:, 3]", "action[:, 1]", "0.5", "2", "next_obs[:, 1:4].sum(axis=1)",
          "np.linalg.norm(action, axis=-1)", "(next_obs[:, 2] > 0)"]  # fmt: skip
TEXTS = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.one_of(
        st.builds(str.format, st.sampled_from(UNARY), inner),
        st.builds(str.format, st.sampled_from(BINARY), inner, inner),
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=TEXTS, seed=st.integers(0, 99))
def test_random_expressions_pay_what_numpy_pays(text: str, seed: int) -> None:
    source = f"{HEAD}    return 0.0 * obs[:, 0] + {text}\n"
    arrays = rows_of(seed)
    try:
        expected = by_python(source, arrays, row=False)
    except (TypeError, ValueError):
        with pytest.raises(Outside):
            translated(source)
        return
    require_same(translated(source), expected, arrays, 2e-6)
