"""The code in an answer: which block, and what is wrong when there is none."""

from __future__ import annotations

import re
import textwrap

from rewardwrap.core.errors import RewardwrapError
from rewardwrap.llm.client import Completion
from rewardwrap.sandbox.classes import PAYING

FUNCTION = "reward"
_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})[ \t]*([^`\n]*)$")
"""A line that opens or closes a block: ``` or ~~~, a language, and whatever stands behind it."""

_KEEPS = re.compile(
    rf"^class\s+\w+.*?:[^\n]*\n(?:[ \t][^\n]*\n|\n)*?[ \t]+def\s+(?:{'|'.join(PAYING)})\s*\(", re.M
)
_THOUGHT = ("<think>", "</think>")
_PYTHON = ("", "python", "py", "python3")


class NoCode(RewardwrapError, ValueError):
    """An answer without a usable reward function; the sentence goes back to the model."""


def code_in(completion: Completion, function: str = FUNCTION) -> str:
    """The source of the block that defines `function`, helper functions included.

    Several blocks: the last one that defines it, since models correct themselves downwards; blocks
    before it that define only other functions are put in front, as helpers.

    Raises:
        NoCode: Empty, prose only, cut short, or no block defines the function.
    """
    text = _said(completion.text)
    if not text:
        raise NoCode(_nothing(completion, function))
    found_blocks, cut = _blocks(text)
    if completion.finish_reason == "length" or cut:
        raise NoCode(
            "the answer must be complete, got one that was cut off at the token limit. "
            "Answer more briefly: the code block alone."
        )
    blocks = [_dedented(body) for language, body in found_blocks if language in _PYTHON]
    if not blocks:
        blocks = [text] if _defines(text, function) else []
    found = [index for index, body in enumerate(blocks) if _defines(body, function)]
    if found:
        return _with_helpers(blocks, found[-1], function)
    if not blocks:
        raise NoCode(
            f"the answer must hold a reward function, got prose: {text[:60]!r}. "
            f"Write `def {function}(obs, action, next_obs, info):` in one ```python block."
        )
    raise NoCode(
        f"one code block must define `{function}`, got {len(blocks)} block(s) that do not. "
        f"Name the function `{function}`."
    )


def _said(text: str) -> str:
    """An answer without what a model thought aloud, which may hold drafts and fences that never close."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    opened, closed = _THOUGHT
    # the last end counts: servers drop the beginning, which the prompt may have held
    _, ended, after = text.rpartition(closed)
    before, began, _ = (after if ended else text).partition(opened)
    return before.strip() if began else (after if ended else text).strip()


def _nothing(completion: Completion, function: str) -> str:
    """Why there is no text."""
    if completion.finish_reason == "length":
        return (
            "the answer must hold a reward function, got reasoning that used up the tokens. "
            "Think less, or raise --max-tokens."
        )
    if completion.finish_reason in ("tool_calls", "function_call"):
        return (
            "the answer must be text, got a call of a tool, and there are none. "
            f"Write `def {function}(obs, action, next_obs, info):` in one ```python block."
        )
    if completion.finish_reason in ("content_filter", "refusal"):
        return (
            f"the answer must hold a reward function, got a refusal ({completion.finish_reason}). "
            "Say the task in other words (--hint)."
        )
    return (
        "the answer must hold a reward function, got an empty answer. "
        f"Write `def {function}(obs, action, next_obs, info):` in one ```python block."
    )


def _blocks(text: str) -> tuple[list[tuple[str, str]], bool]:
    """``(language, body)`` of each block, and whether the last one never ends. One pass over the lines."""
    blocks: list[tuple[str, str]] = []
    fence, language, body = "", "", list[str]()
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if not fence:
            if mark:
                fence, words = mark[1], mark[2].split()
                language, body = words[0].lower().strip("{}.") if words else "", []
        elif mark and mark[1][0] == fence[0] and len(mark[1]) >= len(fence) and not mark[2].strip():
            blocks.append((language, "".join(f"{each}\n" for each in body)))
            fence = ""
        else:
            body.append(line)
    return blocks, bool(fence)


def _defines(source: str, function: str) -> bool:
    # a text search, not a parse: what does not parse goes to the gate, which says where it is wrong
    names = f"(?:{function}|compute_{function})" if function == FUNCTION else function
    if re.search(rf"^def\s+{names}\s*\(", source, re.M):
        return True
    # a class whose attributes last from step to step
    return function == FUNCTION and bool(_KEEPS.search(source))


def _with_helpers(blocks: list[str], chosen: int, function: str) -> str:
    source = blocks[chosen]
    known = _names(source)
    helpers = [
        body
        for body in blocks[:chosen]
        if not _defines(body, function) and _names(body) and not _names(body) & known
    ]
    return "\n\n".join([*helpers, source]).strip() + "\n"


def _dedented(body: str) -> str:
    return textwrap.dedent(body).strip("\n") + "\n"


def _names(body: str) -> set[str]:
    """Functions that a block defines; empty where it does anything else at the top level.

    By lines, not by parsing: Python's parser can be made to crash, and nobody has looked yet.
    """
    lines = [line for line in body.splitlines() if line and not line[0].isspace()]
    if not all(line.startswith(("def ", "import ", "from ", "#", ")", "@")) for line in lines):
        return set()
    return set(re.findall(r"^def\s+(\w+)", body, re.M))
