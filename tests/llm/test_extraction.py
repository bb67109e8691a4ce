"""Which code is in an answer."""

from __future__ import annotations

import time

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


@pytest.mark.parametrize(
    "text",
    [
        block(REWARD).replace("\n", "\r\n"),
        block(REWARD).replace("```", "~~~"),
        block(REWARD).replace("```", "````"),
        block(REWARD, 'python title="reward.py"'),
        block(REWARD, "{.python .numberLines}"),
        "<think>First a draft:\n```python\ndef reward(x):\n    return 0\n</think>\n"
        + block(REWARD),
        "a thought whose beginning the prompt held\n```\n</think>\n" + block(REWARD),
        block(REWARD) + "<think>was that right?\n```python\n",
    ],
)
def test_fences_and_thoughts_of_every_kind_are_read(text: str) -> None:
    assert code_in(answer(text)) == REWARD


@pytest.mark.parametrize(
    ("text", "reason", "said"),
    [
        ("<think>so many things to", "length", "reasoning that used up the tokens"),
        ("", "length", "reasoning that used up the tokens"),
        ("", "tool_calls", "got a call of a tool"),
        ("", "content_filter", "got a refusal"),
        ("<think>hm</think>", "stop", "empty answer"),
    ],
)
def test_an_answer_without_text_says_why(text: str, reason: str, said: str) -> None:
    with pytest.raises(NoCode, match=said):
        code_in(answer(text, reason))


def test_an_answer_of_open_fences_is_read_in_one_pass() -> None:
    began = time.process_time()
    with pytest.raises(NoCode, match="cut off"):
        code_in(answer("```python\n" * 14_001))
    assert time.process_time() - began < 5


def test_a_hostile_helper_block_is_not_parsed() -> None:
    bomb = "x = " + "(" * 50_000 + "\n"
    assert code_in(answer(block(bomb) + block(REWARD))) == REWARD
