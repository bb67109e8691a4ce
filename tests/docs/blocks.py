"""Blocks of a page, and what runs them: the page is the program, from top to bottom, in one folder.

Budgets are made smaller, and nothing else is: pages show what a reader would type.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rewardwrap.cli import main

ROOT = Path(__file__).parents[2]
FENCE = re.compile(
    r"^(?P<slow><!-- slow -->\n)?^(?P<indent> *)```(?P<language>\w*)(?: title=\"(?P<title>[^\"]+)\")?\n"
    r"(?P<text>.*?)^(?P=indent)```$",
    re.DOTALL | re.MULTILINE,
)
RUN = ("python", "bash", "yaml")
STEPS = "256"
MANY = r"(?:\d{4,}|\d{1,3}(?:_\d{3})+)\b"
"""A budget of thousands, which stands for hours."""
SMALLER = (
    (re.compile(rf"\bsteps={MANY}"), f"steps={STEPS}, eval_freq={STEPS}, eval_episodes=1"),
    (re.compile(rf"\.learn\({MANY}"), f".learn({STEPS}"),
    (re.compile(r"\bseeds=\d+"), "seeds=2"),
)
"""Of Python: steps of a training, and seeds of a comparison."""
WORDS = {"-n": STEPS, "--seeds": "2", "--jobs": "1", "--samples": "2"}
"""Of commands: the value behind a word."""
JUDGED = {"train", "compare"}
PLAN = (
    (re.compile(r"^steps: \d+", re.MULTILINE), f"steps: {STEPS}"),
    (re.compile(r"^seeds: \d+", re.MULTILINE), "seeds: 2"),
)


@dataclass(frozen=True)
class Block:
    """One block: its language, text and first line, and whether it takes more than a second."""

    language: str
    text: str
    title: str
    line: int
    slow: bool


def blocks(page: Path) -> list[Block]:
    """All blocks of a page that say what they are."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            found["language"],
            found["text"],
            found["title"] or "",
            text[: found.start("text")].count("\n"),
            bool(found["slow"]),
        )
        for found in FENCE.finditer(text)
        if found["language"] in RUN
    ]


def run(block: Block, page: Path, names: dict[str, Any]) -> None:
    """Run one block in the current folder."""
    if block.language == "python":
        text = block.text
        for pattern, smaller in SMALLER:
            text = pattern.sub(smaller, text)
        exec(compile("\n" * block.line + text, str(page), "exec"), names)
    elif block.language == "yaml":
        write(block)
    else:
        for words, code in commands(block.text):
            shell(words, code)


def write(block: Block) -> None:
    """A file of the reader: it lies where its title says."""
    if block.title:
        text = block.text
        for pattern, smaller in PLAN:
            text = pattern.sub(smaller, text)
        path = Path(block.title)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def commands(text: str) -> Iterator[tuple[list[str], int]]:
    """Each command of a block, and the exit code that its comment names (0)."""
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        said = re.search(r"# exit code (\d)", line)
        if words:
            yield words, int(said.group(1)) if said else 0


def shell(words: list[str], code: int) -> None:
    """A command of ours runs; one of `make` or `pip` must name what there is."""
    program, *rest = words
    if program == "rewardwrap":
        assert main(smaller(rest)) == code, words
    elif program == "make":
        targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert set(rest) - {one for one in rest if "=" in one} <= set(targets), words
    else:
        assert program == "pip", f"a page runs {program}: fence it without a language"
        known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
            "optional-dependencies"
        ]
        for extras in re.findall(r"\[(.+?)\]", " ".join(rest)):
            assert set(extras.split(",")) <= set(known), words


def smaller(words: list[str]) -> list[str]:
    """The same command with a tiny budget."""
    made = [
        WORDS.get(before, word) if before in WORDS else word
        for before, word in zip(["", *words], words, strict=False)
    ]
    if words[0] in JUDGED and words[1:] and "--eval-freq" not in words:
        made += (
            []
            if any(word.endswith("plan.yml") for word in words)
            else ["--eval-freq", STEPS, "--eval-episodes", "1"]
        )
    if any(word.startswith("ALE/") for word in words) and words[0] in JUDGED:
        made += ["--env-kwargs", "max_num_frames_per_episode:400"]
    return made
