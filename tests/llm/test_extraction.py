"""Which code is in an answer."""

from __future__ import annotations

import pytest

from rewardwrap.llm.client import Completion, Usage
from rewardwrap.llm.extraction import NoCode, code_in

REWARD = "def reward(obs, action, next_obs, info):\n    return next_obs[:, 0], {}\n"
OTHER = "def reward(obs, action, next_obs, info):\n    return obs[:, 0], {}\n"
HELPER = "def height(obs):\n    return -obs[:, 0]\n"


def answer(text: str, finish_reason: str = "stop") -> Completion:
    return Completion(text, Usage(1, 1), finish_reason)


def block(source: str, language: str = "python") -> str:
    return f"```{language}\n{source}```\n"


def test_the_code_block_is_taken_and_the_prose_left() -> None:
    assert code_in(answer(f"I pay for height.\n\n{block(REWARD)}\nGood luck!")) == REWARD


@pytest.mark.parametrize("language", ["", "py", "python3", "Python"])
def test_a_block_may_name_its_language_as_it_likes(language: str) -> None:
    assert code_in(answer(block(REWARD, language))) == REWARD


def test_helper_functions_in_the_block_are_kept() -> None:
    assert code_in(answer(block(HELPER + "\n\n" + REWARD))) == HELPER + "\n\n" + REWARD


def test_helper_functions_in_an_earlier_block_are_kept() -> None:
    assert code_in(answer(block(HELPER) + "and then\n" + block(REWARD))) == (
        HELPER + "\n\n" + REWARD
    )


def test_of_several_rewards_the_last_counts() -> None:
    assert code_in(answer(block(REWARD) + "no, better:\n" + block(OTHER))) == OTHER


def test_a_block_that_does_something_is_no_helper() -> None:
    assert code_in(answer(block("print('hello')\n") + block(REWARD))) == REWARD


def test_a_block_of_another_language_is_not_taken() -> None:
    assert code_in(answer(block("pip install numpy\n", "bash") + block(REWARD))) == REWARD


def test_an_indented_block_in_a_list_is_read() -> None:
    indented = "".join(f"   {line}\n" for line in block(REWARD).splitlines())
    assert code_in(answer(f"1. Here:\n\n{indented}")) == REWARD


def test_code_without_a_fence_is_taken() -> None:
    assert code_in(answer(REWARD)) == REWARD


def test_code_that_does_not_parse_is_left_to_the_gate() -> None:
    broken = "def reward(obs, action, next_obs, info):\n    return obs[:, 0\n"
    assert code_in(answer(block(broken))) == broken


@pytest.mark.parametrize(
    ("text", "reason", "said"),
    [
        ("", "stop", "empty answer"),
        ("  \n", "stop", "empty answer"),
        ("I cannot write that.", "stop", "got prose"),
        (block("def score(obs):\n    return 0\n"), "stop", "must define `reward`"),
        ("```python\n" + REWARD, "stop", "cut off"),
        (block(REWARD), "length", "cut off"),
    ],
)
def test_what_is_no_reward_is_said_in_a_sentence(text: str, reason: str, said: str) -> None:
    with pytest.raises(NoCode, match=said):
        code_in(answer(text, reason))


def test_a_hostile_helper_block_is_not_parsed() -> None:
    bomb = "x = " + "(" * 50_000 + "\n"
    assert code_in(answer(block(bomb) + block(REWARD))) == REWARD
