"""Pages from templates: where they are and what they may use.

Every template begins with ``{% include "head.html.jinja" %}``, which takes ``title`` and, where set,
``rules`` (style of this page alone), ``scripted`` (curves are read out under the cursor and tables sorted),
``refresh`` (seconds) and ``served`` (the address of a style sheet, for pages that a server sends; the
others carry theirs).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from rewardwrap.pages.palette import STRATEGIES
from rewardwrap.pages.words import number, signed


def environment(folder: Path, **filters: Callable[..., Any]) -> Environment:
    """The templates of a folder, on top of those that all pages share.

    Args:
        folder: Where a page's own templates lie.
        filters: Beside ``number``, ``signed``, ``json`` and ``breakable``.
    """
    found = Environment(
        loader=FileSystemLoader([folder, Path(__file__).parent]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals.update(palette=STRATEGIES, refresh=None, rules="", served="", scripted=False)
    found.filters.update(number=number, signed=signed, json=_json, breakable=_breakable, **filters)
    return found


def _breakable(name: str) -> Markup:
    """A name that may break after an underscore, a dash or a dot."""
    return Markup(re.sub(r"([_.-])", r"\1<wbr>", str(escape(name))))


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)
