"""Pages of the methods, from the registry: what each does, how it is used, and what was seen of it.

The figures are those of ``rewardwrap methods TAG``, so a page cannot say anything else than the command.
"""

from __future__ import annotations

import html
import re
import textwrap
from functools import cache

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from rewardwrap.commands.methods import Method, methods

FOLDER = "methods/"
SORTS = {
    "reward": ("Rewards", "answer on every step, while the environment runs"),
    "score": ("Scores", "answer once an episode, or a group of episodes, is complete"),
    "objective": ("Objectives", "what a reward network is fitted to"),
    "model": ("Models and learners", "rewards and policies that come from data"),
    "loop": ("Loops", "change a reward while an agent trains"),
    "measure": ("Measures", "tell what a reward or a policy is worth"),
    "study": ("Studies", "claims of others, measured in miniature"),
}
SECTION = re.compile(r"^(Args|Returns|Raises|Attributes|Note|Yields|Warns):$", re.MULTILINE)
TITLES = {"Args": "Arguments", "Attributes": "Fields"}
ITEM = re.compile(r"^(\*{0,2}[\w., *]+?)(?: \([^)]*\))?: (.*)$", re.DOTALL)
EMPTY = "no measurement"


@cache
def known() -> dict[str, Method]:
    """All methods; asking loads torch, so it is asked once."""
    return methods()


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Let the sidebar name each method under its sort."""
    pages: list[object] = [f"{FOLDER}index.md"]
    for sort, (title, _) in SORTS.items():
        tags = [tag for tag, one in known().items() if one.sort == sort]
        if tags:
            pages.append({title: [{tag: f"{FOLDER}{tag}.md"} for tag in sorted(tags)]})
    for entry in config.nav or ():
        if entry.get("Methods") == FOLDER:
            entry["Methods"] = pages
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """One page a method, and the table of all."""
    files.append(File.generated(config, f"{FOLDER}index.md", content=table()))
    for tag, one in known().items():
        files.append(File.generated(config, f"{FOLDER}{tag}.md", content=page(one)))
    return files


def table() -> str:
    """Every method in one table a sort."""
    states = [one.state for one in known().values() if one.state]
    counted = ", ".join(
        f"{states.count(state)} {state}" for state in ("shown", "not shown", "contradicted")
    )
    lines = [
        "# Methods",
        "",
        f"{len(known())} methods, {len(states)} of them measured in miniature: {counted}. A null",
        "result stays in the list. The same in a terminal: `rewardwrap methods`, `rewardwrap methods TAG`;",
        "all measurements on one page: [evidence](../results/evidence.md).",
    ]
    for sort, (title, what) in SORTS.items():
        chosen = [one for one in known().values() if one.sort == sort]
        if not chosen:
            continue
        lines += [
            "",
            f"## {title}",
            "",
            f"They {what}." if sort != "study" else f"{what.capitalize()}.",
            "",
        ]
        lines += ["| method | what it does |", "|---|---|"]
        lines += [f"| [`{o.tag}`]({o.tag}.md)<br>{badge(o)} | {cell(o.does)} |" for o in chosen]
    return "\n".join(lines) + "\n"


def page(one: Method) -> str:
    """One method: formula, use, evidence, source."""
    formula, said = split_formula(one.does)
    lines = [f"# {one.tag}", "", f"{badge(one)} {chip(one.sort)} {chip('clock: ' + one.clock)}", ""]
    if formula:
        lines += [f'<p class="formula">{html.escape(formula)}</p>', ""]
    lines += [said, ""]
    if one.text:
        lines += [prose(one.text), ""]
    lines += ["## How to use it", "", f"From a shell: {shell(one.command)}", ""]
    if one.example:
        lines += ["```python", one.example, "```", ""]
    if link := documented(one):
        lines += [f"In the reference: {link}.", ""]
    lines += [
        "## Evidence",
        "",
        *evidence(one),
        "",
        "## Source",
        "",
        one.source or "Common practice.",
        "",
    ]
    return "\n".join(lines)


def split_formula(does: str) -> tuple[str, str]:
    """The formula that a first sentence begins with, and the sentence with it."""
    found = re.match(r"``(.+?)``", does)
    return (found.group(1), does) if found else ("", does)


def evidence(one: Method) -> list[str]:
    """What was claimed, what was seen, and the command that shows it."""
    if not one.state:
        return ["Nothing was measured of it alone: it is arithmetic, and its tests are its proof."]
    rows = f"../results/evidence/{one.tag}.json"
    return [
        f"**Claim.** {one.claim}",
        "",
        f"**Seen** ({one.seeds} seeds, [all rows]({rows})): {one.seen}.",
        "",
        f"Again: `{one.evidence}`",
    ]


def prose(text: str) -> str:
    """A docstring's body: its paragraphs, and its sections as lists."""
    parts = SECTION.split(text)
    lines = [paragraphs(parts[0])]
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        # a section ends where the text is no longer indented
        body, rest = re.match(r"((?:\n?[ ]+.*|\n)*)(.*)", body, re.DOTALL).groups()  # type: ignore[union-attr]
        lines += [f"**{TITLES.get(name, name)}**", "", items(body), paragraphs(rest)]
    return "\n".join(lines)


def paragraphs(text: str) -> str:
    """Text as it stands; indented blocks stay code."""
    return text.strip("\n") + "\n"


def items(body: str) -> str:
    """``name: what`` of each entry of a section as a list."""
    entries: list[str] = []
    for line in textwrap.dedent(body.strip("\n")).splitlines():
        if line.startswith(" ") and entries:
            entries[-1] += " " + line.strip()
        elif line.strip():
            entries.append(line.strip())
    shown = []
    for entry in entries:
        found = ITEM.match(entry)
        shown.append(f"- `{found.group(1)}`: {found.group(2)}" if found else f"- {entry}")
    return "\n".join(shown) + "\n"


def documented(one: Method) -> str:
    """A link into the reference, for what has a class with a public name."""
    import rewardwrap as rw
    from rewardwrap.core.registry import registered

    cls = registered().get(one.tag)
    if cls is None or cls.__name__ not in rw.__all__:
        return ""
    return f"[`rw.{cls.__name__}`][{cls.__module__}.{cls.__name__}]"


def shell(command: str) -> str:
    """A command; one that is not there is said."""
    if command == "none yet":
        return "none; use it from Python."
    return command if "`" in command else f"`{command}`"


def badge(one: Method) -> str:
    """The verdict as a coloured word."""
    state = one.state or "not measured"
    return f'<span class="badge {state.replace(" ", "-")}">{state}</span>'


def chip(text: str) -> str:
    """A fact of one word."""
    return f'<span class="badge">{html.escape(text)}</span>'


def cell(text: str) -> str:
    """Text of a table's cell: a bar would end it."""
    return text.replace("|", "\\|")
