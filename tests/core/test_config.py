from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rewardwrap as rw
from rewardwrap.core import registry
from rewardwrap.core.plain import function_name, load_function
from rewardwrap.core.registry import registered
from rewardwrap.testing.examples import HERE, TASK, effort
from rewardwrap.testing.hosts import by_step
from rewardwrap.testing.tapes import random_episodes, tape_of

PHI = f"{HERE}:brightness"
TAPE = tape_of(random_episodes(np.random.default_rng(0), task=TASK, width=2), 2, TASK).take(
    slice(0, 4)
)

numbers = st.floats(-5, 5) | st.integers(-5, 5)
leaves: st.SearchStrategy[Any] = st.one_of(
    st.just("env"),
    st.just({"env": {}}),
    numbers.map(lambda c: {"constant": c}),
    numbers.map(lambda c: {"constant": {"value": c}}),
    st.floats(0, 1).map(lambda g: {"potential": {"phi": PHI, "gamma": g}}),
    st.dictionaries(st.sampled_from(["position", "progress", "bias"]), numbers, min_size=1).map(
        lambda form: {"field": {"of": form}}
    ),
    st.just({"function": f"{HERE}:effort"}),
    st.sampled_from(["position", "progress"]).map(lambda name: {"field": name}),
)


def larger(node: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(node, min_size=1, max_size=3)
    return st.one_of(
        several,
        several.map(lambda terms: {"product": terms}),
        several.map(lambda terms: {"minimum": {"terms": terms}}),
        several.map(lambda terms: {"maximum": {"terms": terms}}),
        st.tuples(node, numbers, numbers).map(
            lambda a: {"affine": {"base": a[0], "scale": a[1], "shift": a[2], "high": 1.0}}
        ),
        st.tuples(numbers, numbers).map(
            lambda a: {"constant": a[0], "weight": a[1], "clip": [None, 2.0]}
        ),
    )


@given(config=st.recursive(leaves, larger, max_leaves=6))
def test_every_tree_comes_back_from_what_it_writes(config: Any) -> None:
    reward = rw.from_config(config)
    written = reward.to_config()
    back = rw.from_config(json.loads(json.dumps(written)))
    assert back.to_config() == written
    assert repr(back) == repr(reward)
    np.testing.assert_array_equal(
        by_step(back, TAPE)["shaped"], by_step(reward, TAPE)["shaped"], strict=True
    )


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("env", {"env": {}}),
        ({"env": None}, {"env": {}}),
        (["env"], {"sum": {"terms": [{"env": {}}]}}),
        ({"sum": ["env", "env"]}, {"sum": {"terms": [{"env": {}}, {"env": {}}]}}),
        ({"constant": 1.0}, {"constant": {"value": 1.0}}),
        ({"affine": "env"}, {"affine": {"base": {"env": {}}}}),
        ({"affine": {"constant": 2}}, {"affine": {"base": {"constant": {"value": 2}}}}),
        (
            {"env": {}, "weight": 2, "clip": [None, 1], "name": "half"},
            {
                "named": {
                    "name": "half",
                    "base": {
                        "affine": {"base": {"env": {}}, "scale": 2.0, "shift": 0.0, "high": 1.0}
                    },
                }
            },
        ),
    ],
)
def test_short_forms_stand_for_the_long_ones(short: Any, full: Any) -> None:
    assert rw.from_config(short).to_config() == full
    assert rw.from_config(full).to_config() == full


def test_modifiers_apply_in_one_order_however_they_are_written() -> None:
    config = {"name": "n", "clip": [-1, 1], "constant": 3.0, "weight": 0.5}
    paid = by_step(rw.from_config(config), TAPE)
    assert np.unique(paid["n"]).tolist() == [1.0]


def test_a_reward_is_its_own_configuration() -> None:
    reward = rw.Constant(1)
    assert rw.from_config(reward) is reward
    assert rw.from_config(["env", reward]).parts()[1] is reward


def test_numpy_values_are_written_as_plain_ones() -> None:
    assert rw.Constant(np.float32(0.5)).to_config() == {"constant": {"value": 0.5}}
    form = {"x": np.float64(2.0)}
    assert type(rw.Field(form).to_config()["field"]["of"]["x"]) is float


TERMS = ("sum", "terms")
WRONG: list[tuple[Any, tuple[str | int, ...], str]] = [
    (["env", "potentail"], (1,), 'No reward "potentail". Did you mean "potential"?'),
    (["env", {"nothing": 1}], (1, "nothing"), 'No reward "nothing"'),
    ({"constant": {"valve": 1}}, ("constant", "valve"), 'No field of constant "valve".* "value"'),
    ({"constant": {}}, ("constant",), "constant must have value, got nothing"),
    ({"constant": "a"}, ("constant",), "value must be a finite number, got 'a'"),
    ({"env": 3}, ("env",), r"env must have fields by name \(part\), got 3"),
    ({"env": {}, "constant": 1}, ("constant",), "exactly one tag .*, got env, constant"),
    ({"weight": 1}, (), "exactly one tag .*, got none"),
    (["env", []], (1,), "a sum must have at least one term"),
    (["env", 3], (1,), "a reward must be a name, a list or a mapping, got 3"),
    (
        {"sum": {"terms": ["env", {"affine": {"base": "evn"}}]}},
        (*TERMS, 1, "affine", "base"),
        "evn",
    ),
    ({"sum": {"terms": 3}}, TERMS, "must be a list"),
    (["env", {"env": {}, "clip": 1}], (1, "clip"), r"clip must be \[low, high\], got 1"),
    (["env", {"env": {}, "clip": [1, 0]}], (1, "clip"), "low must not exceed high"),
    (
        {"potential": {"phi": 3}},
        ("potential",),
        "phi must be a field, a linear form, a function or a reward",
    ),
    (["env", {"env": {}, "weight": "x"}], (1, "weight"), "weight must be a number, got 'x'"),
    (["env", {"env": {}, "name": "env"}], (1, "name"), 'must not be "env"'),
    ([{1: {}}], (0, "1"), 'No reward "1"'),
]


@pytest.mark.parametrize(("config", "path", "said"), WRONG)
def test_errors_say_where_the_value_lies(
    config: Any, path: tuple[str | int, ...], said: str
) -> None:
    with pytest.raises(rw.ConfigError, match=said) as caught:
        rw.from_config(config, path=("reward",))
    assert caught.value.path == ("reward", *path)


def test_functions_are_named_by_module() -> None:
    reward = rw.function(effort)
    assert reward.to_config() == {"function": {"function": f"{HERE}:effort"}}
    assert load_function(f"{HERE}:effort") is effort
    assert (
        function_name(load_function("json:JSONEncoder.encode")) == "json.encoder:JSONEncoder.encode"
    )


@pytest.mark.parametrize("name", ["nowhere:f", "json:nothing", "json", ":f", "", "json:a.b"])
def test_a_function_that_cannot_be_imported_is_refused(name: str) -> None:
    with pytest.raises(rw.ConfigError):
        load_function(name)
    with pytest.raises(rw.ConfigError, match='"json:decoder" must be a function, got module'):
        load_function("json:decoder")


def test_a_lambda_cannot_be_written_down() -> None:
    def local(obs: Any) -> Any:
        return obs

    functions: list[Callable[..., Any]] = [lambda obs: obs, local]
    for function in functions:
        with pytest.raises(
            rw.ConfigError, match="Function: function must be a function that can be imported"
        ):
            rw.function(function).to_config()


def test_what_is_no_plain_data_cannot_be_written_down() -> None:
    with pytest.raises(rw.ConfigError, match="Field: of must be plain data, got set"):
        rw.Affine(rw.Field({"x": {1}})).to_config()  # type: ignore[dict-item]


def test_a_class_without_a_tag_cannot_be_written_down() -> None:
    class Bare(rw.Reward):
        pass

    with pytest.raises(rw.ConfigError, match="Bare must be registered to be written down"):
        Bare().to_config()


def test_a_tag_belongs_to_one_class(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry.REWARDS, "_classes", registered())
    with pytest.raises(rw.ConfigError, match='reward tag must be new, got "env" of .*EnvReward'):
        rw.register("env")(type("Other", (rw.Reward,), {}))
    one = rw.register("test_twice")(type("One", (rw.Reward,), {}))
    # running a notebook cell again defines the same class anew
    again = rw.register("test_twice")(type("One", (rw.Reward,), {}))
    assert registered()["test_twice"] is again is not one
