"""The code in an answer: which block, and what is wrong when there is none."""

from __future__ import annotations

import re
import textwrap

from rewardwrap.core.errors import RewardwrapError
from rewardwrap.llm.client import Completion

FUNCTION = "reward"
_BLOCK = re.compile(r"^[ \t]*```[ \t]*([A-Za-z0-9_+-]*)[ \t]*\n(.*?)^[ \t]*```[ \t]*$", re.M | re.S)
_OPEN = re.compile(r"^[ \t]*```[ \t]*[A-Za-z0-9_+-]*[ \t]*\n", re.M)
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
    text = completion.text.strip()
    if not text:
        raise NoCode(
            "the answer must hold a reward function, got an empty answer. "
            f"Write `def {function}(obs, action, next_obs, info):` in one ```python block."
        )
    blocks = [
        _dedented(body) for language, body in _BLOCK.findall(text) if language.lower() in _PYTHON
    ]
    if completion.finish_reason == "length" or _is_cut(text):
        raise NoCode(
            "the answer must be complete, got one that was cut off at the token limit. "
            "Answer more briefly: the code block alone."
        )
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


def _is_cut(text: str) -> bool:
    return len(_OPEN.findall(_BLOCK.sub("", text))) > 0


def _defines(source: str, function: str) -> bool:
    # a text search, not a parse: what does not parse goes to the gate, which says where it is wrong
    return re.search(rf"^def\s+{function}\s*\(", source, re.M) is not None


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
    if not all(line.startswith(("def ", "import ", "from ", "#", ")")) for line in lines):
        return set()
    return set(re.findall(r"^def\s+(\w+)", body, re.M))
