"""The gate: honest code passes, all else gets a sentence with its line, nothing kills the trainer."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rewardwrap as rw
from rewardwrap.sandbox.intake import reading_of
from rewardwrap.sandbox.reading import read


def body(*lines: str) -> str:
    return "def reward(obs, action, next_obs, info):\n" + "\n".join(f"    {line}" for line in lines)


@pytest.mark.parametrize(
    "source",
    [
        body("return next_obs[:, 0]"),
        "import numpy as np\nfrom typing import Dict\nimport math\n"
        + body("return np.sum(obs, axis=-1)"),
        "W = 0.5\ndef near(x: np.ndarray) -> np.ndarray:\n    'Close.'\n    return np.exp(-W * x**2)\n"
        + body("a = near(next_obs.torso_z)", "return a, {'a': a}"),
        body("total = 0.0", "for i in range(3):", "    total = total + obs[:, i]", "return total"),
        body("a = np.array(obs)", "a[:, 0] = 0.0", "return a.sum(axis=-1)"),
        body("parts = {}", "parts['a'] = obs[:, 0]", "return sum(parts.values()), parts"),
        body("return np.where(info['x'] > 0, 1.0, -1.0) if 'x' in info else np.zeros(len(obs))"),
        body("return float(obs[0] > 1) * math.exp(-obs[1])"),
    ],
)
def test_honest_code_passes(source):
    assert read(source).refusal is None


@pytest.mark.parametrize(
    ("source", "line", "words"),
    [
        ("", None, "got nothing"),
        ("Here is the reward:\n", 1, "must be Python"),
        (body("return obs[:, 0") + "\n", 2, "must be Python"),
        ("def pay(obs): return 0", None, r"must define reward\(obs, action, next_obs, info\)"),
        ("def reward(obs, action): return 0", 1, r"got \(obs, action\)"),
        ("import os\n" + body("return 0"), 1, "imports must be numpy or math, got os"),
        ("import jax\n" + body("return 0"), 1, "got jax"),
        (body("return np.random.rand(3)"), 2, "np.random must not be used: random numbers"),
        (body("import time", "return time.time()"), 2, "imports must stand at the top"),
        ("import time\n" + body("return time.time()"), 1, "the clock makes"),
        (body("return np.fromfile('x')"), 2, "np.fromfile must not be used"),
        (body("return np.maximun(obs, 0)"), 2, "Did you mean np.maximum"),
        (body("while True:", "    pass"), 2, "a while loop"),
        (body("global n", "return 0"), 2, r"keeps nothing between calls: the state before is obs"),
        (
            "class Walker:\n    def reward(self, obs, action, next_obs, info):\n        return self.last\n",
            3,
            r"self.last must be set in __init__: what a lane carries",
        ),
        (
            "class Walker:\n    n = 0\n" + body("return 0"),
            1,
            r"without a class beside reward.*info\[.previous_action.\].*__call__",
        ),
        ("n = [0]\n" + body("n[0] = n[0] + 1", "return obs"), 3, "keeps nothing between calls"),
        (body("obs[0] = 1", "return obs"), 2, "obs must not be written into"),
        (body("return obs.__class__"), 2, "underscore"),
        (body("return obs.tofile('x')"), 2, "must do without .tofile"),
        (
            body("return closeness(obs)"),
            2,
            "got closeness. There are obs, action, next_obs, info, np",
        ),
        (body("x = print(obs)\n    return obs[:, 0]"), 2, "do without print: nobody reads what"),
        (
            "def reward(obs, *, action, next_obs, info):\n    return 1.0\n",
            1,
            r"by position .*got \(obs, \*, action",
        ),
        (body("return eval('1')"), 2, "every name must be known, got eval"),
        (body("return 9 ** 9 ** 9"), 2, "powers must not be nested"),
        (body("return np.zeros(1000000000)"), 2, "whole numbers must be at most"),
        (body("return (lambda: 1)()"), 2, "a lambda"),
        (body("try:", "    return 1", "except ValueError:", "    return 0"), 2, "do without try"),
        (body("return f'{obs}'"), 2, "an f-string"),
        ("@print\n" + body("return 0"), 2, "no decorator"),
        ("len('x')\n" + body("return 0"), 1, "functions and constants"),
        (body("return [x for x in iter(obs)]"), 2, "for must run over|every name must be known"),
        ("x = [" + "0," * 4000 + "]\n" + body("return 0"), None, "at most 3000 nodes"),
        ("#" * 20_001 + "\n" + body("return 0"), None, "at most 20000 bytes"),
    ],
)
def test_everything_else_gets_a_sentence_with_its_line(source, line, words):
    import re

    reading = read(source)
    assert reading.refusal is not None
    assert re.search(words, reading.refusal), reading.refusal
    assert reading.line == line


@pytest.mark.parametrize(
    "source", ["(" * 30_000, "-" * 60_000 + "1", "x" + "[0]" * 20_000, "\0", "\ud800", "1" * 60_000]
)
def test_a_source_meant_for_the_parser_is_refused_and_the_trainer_lives(source):
    assert reading_of(source).refusal is not None
    with pytest.raises(rw.SandboxError) as caught:
        rw.CodeReward(source)
    assert caught.value.reason == "gate"


def test_an_endless_source_is_refused_before_anybody_reads_it():
    with pytest.raises(rw.SandboxError, match="must have at most 65536 bytes"):
        rw.CodeReward("x" * 70_000)


WORDS = [
    "def reward(obs, action, next_obs, info):", "\n    ", "return", " obs", "[", "]", "(", ")", ", ", "{", "}",  # noqa: E501
    "'a'", ": ", "np.", "exp", "__class__", "lambda", "for x in ", "while", " = ", "**", "1", "import os",
    "global", "@", "f'{", "\\", "\t", "async ", "yield", ":=", "*", "/", "é",
]  # fmt: skip


@settings(max_examples=300)
@given(st.one_of(st.text(max_size=200), st.lists(st.sampled_from(WORDS), max_size=40).map("".join)))
def test_the_gate_answers_whatever_it_is_given(source):
    reading = read(source)
    assert reading.refusal is None or reading.refusal.strip()


@settings(max_examples=200)
@given(st.lists(st.sampled_from(WORDS), max_size=30).map("".join))
def test_what_passes_holds_no_dunder_and_no_import(text):
    reading = read(body("x = 0" + text.replace("\n", " "), "return obs"))
    if reading.refusal is None:
        assert "__" not in text
        assert "import" not in text


def test_the_allow_list_names_what_numpy_has():
    import numpy as np

    from rewardwrap.sandbox.allowed import LINALG, MATH, NUMPY

    assert [name for name in NUMPY if not hasattr(np, name)] == []
    assert [name for name in LINALG if not hasattr(np.linalg, name)] == []
    assert not any(set(name) - set(string.ascii_letters + string.digits + "_") for name in MATH)
