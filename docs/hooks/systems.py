"""Published systems: each gets a heading, so that it can be found and linked, and its state as a badge."""

from __future__ import annotations

import re

from mkdocs.structure.pages import Page

PAGE = "systems.md"
LINE = re.compile(
    r"^\*\*(?P<name>S\d+ .+?)\*\*(?: \((?P<link>.+?)\))?: (?P<state>[a-z ]+)$", re.MULTILINE
)
CLASSES = {"shown": "shown", "part": "not-shown"}


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Turn the bold line of each system into a heading and a line below it."""
    if page.file.src_uri != PAGE:
        return markdown
    page.meta["hide"] = ["navigation"]
    return LINE.sub(headed, markdown)


def headed(found: re.Match[str]) -> str:
    """A heading, its state and its source."""
    state = found["state"]
    badge = f'<span class="badge {CLASSES.get(state, "")}">{state}</span>'
    return f"## {found['name']}\n\n{badge} {found['link'] or ''}"
