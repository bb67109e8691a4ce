"""SearchQA in words: what lies there, what one may do, told in words that labels know and in others."""

from __future__ import annotations

from typing import Any

import numpy as np

from rewardwrap_envs.search_qa import HAND_OVER, READ, SEARCH

STATES = {
    "nothing": (
        ("the table is empty", "no document lies here yet", "there is nothing on the table"),
        ("I have not got any paper so far", "nothing has been fetched"),
    ),
    "other": (
        ("the document is about another topic", "this document does not concern the question",
         "a document on something else lies on the table"),
        ("this paper is irrelevant", "what I fetched is off subject"),
    ),
    "right": (
        ("the document on the table is about the question",
         "a fitting document lies on the table, not yet read",
         "this document is on the topic, and unread"),
        ("this paper is relevant but I have not looked inside", "what I fetched matches the subject"),
    ),
    "known": (
        ("the answer has been read", "the document was read and says the answer", "I know the answer now"),
        ("I found out what the solution is", "the paper told me the solution"),
    ),
}  # fmt: skip
ACTIONS = {
    "search": (
        ("search for another document", "look for a document", "search again"),
        ("fetch a new paper", "go and find one more paper"),
    ),
    "read": (
        ("read the document", "read what lies on the table", "open the document and read it"),
        ("study the paper", "look inside the paper"),
    ),
    "hand over": (
        ("hand the question over to a person", "let a person answer", "give the question away"),
        ("pass it to a colleague", "ask a human to take care of it"),
    ),
    "answer": (
        ("give the answer that was read", "answer with what the document says", "state the known answer"),
        ("reply with the solution that I found", "report what the paper told"),
    ),
    "guess": (
        ("guess an answer", "give any answer without having read it", "answer something by chance"),
        ("reply at random", "make a solution up"),
    ),
}  # fmt: skip
RIGHT = {"nothing": "search", "other": "search", "right": "read", "known": "answer"}


def triples(words: int) -> list[tuple[str, str, str]]:
    """Prompt, the right action, another; in the words that labels know (0) or in others (1)."""
    return [
        (prompt, good, bad)
        for state, prompts in STATES.items()
        for prompt in prompts[words]
        for good in ACTIONS[RIGHT[state]][words]
        for name, others in ACTIONS.items()
        if name != RIGHT[state]
        for bad in others[words]
    ]


def told(obs: Any, action: Any, words: int) -> list[tuple[str, str]]:
    """What a batch of steps of SearchQA is told by."""
    found = []
    for row, act in zip(np.asarray(obs), np.asarray(action), strict=True):
        known = row[4:].any()
        state = "known" if known else "right" if row[1] else "other" if row[0] else "nothing"
        name = {SEARCH: "search", READ: "read", HAND_OVER: "hand over"}.get(int(act))
        if name is None:
            name = "answer" if known and row[4:].argmax() == act - HAND_OVER - 1 else "guess"
        found.append((STATES[state][words][0], ACTIONS[name][words][0]))
    return found
