"""Reward code as a person reads it: nothing runs out of the picture, and what deceives eyes is said."""

from __future__ import annotations

import io
import re
import tokenize
import unicodedata
from collections.abc import Iterator

TAB = "\N{RIGHTWARDS ARROW TO BAR}   "
LONG, GAP = 96, 8
"""A line that is longer, or holds so many blanks between two words, may go on where nobody looks."""

LOOKALIKES = dict(
    zip(
        "аеорсухіјѕԁԛԝһкмтвнАВЕКМНОРСТХІЈЅαορνυικτχηωγΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
        "aeopcyxijsdqwhkmtbhABEKMHOPCTXIJSaopvuiktxnwyABEZHIKMNOPTYX",
        strict=True,
    )
)
"""Cyrillic and Greek letters that are drawn like Latin ones (Unicode TR 39, confusables)."""


def lines_of(source: str) -> list[str]:
    """The lines as Python counts them: a form feed or U+2028 ends none."""
    return re.split("\r\n|\r|\n", source)


def pieces(line: str, width: int = LONG) -> list[str]:
    """The line in pieces of at most ``width`` characters, each of which shows itself.

    Tabs are arrows; characters that are not drawn, turn the text around or move a cursor are written out
    by number; letters that look like Latin ones are followed by their number.
    """
    shown = "".join(map(_seen, line))
    return [shown[at : at + width] for at in range(0, len(shown), width)] or [""]


def _seen(character: str) -> str:
    if character == "\t":
        return TAB
    if not character.isprintable() or _hides(character):
        return f"<U+{ord(character):04X}>"
    return f"{character}<U+{ord(character):04X}>" if _deceives(character) else character


def _hides(character: str) -> bool:
    """Whether nothing is drawn for it, or something that is taken for a blank."""
    return character != " " and (
        unicodedata.category(character) in ("Zs", "Cf", "Cc", "Mn", "Me")
        or character in "\u115f\u1160\u3164\uffa0\u2800"
    )


def _deceives(character: str) -> bool:
    """Whether it is drawn like an ASCII character, or becomes one when Python reads a name."""
    plain = unicodedata.normalize("NFKC", character)
    becomes = plain.isascii() and f"a{character}".isidentifier()
    return not character.isascii() and (character in LOOKALIKES or becomes)


def remarks(line: str) -> Iterator[str]:
    """What a reader of this line may overlook, in sentences."""
    if len(line.expandtabs()) > LONG:
        yield f"it is {len(line.expandtabs())} characters long; the rest stands below it, after an arrow"
    if re.search(rf"\S\s{{{GAP},}}\S", line):
        yield "it goes on after a gap"
    if _has_semicolon(line):
        yield "it holds more than one statement (;)"
    if "\t" in line:
        yield "it holds tabs, drawn as arrows"
    hidden = [c for c in dict.fromkeys(line) if c != "\t" and (not c.isprintable() or _hides(c))]
    if hidden:
        yield f"it holds characters that are not seen: {', '.join(map(_named, hidden))}"
    alike = [c for c in dict.fromkeys(line) if _deceives(c) and c not in hidden]
    if alike:
        listed = ", ".join(f"{_named(c)} looks like {_looks(c)!r}" for c in alike)
        yield f"it holds letters that are not what they look like: {listed}"


def _looks(character: str) -> str:
    return LOOKALIKES.get(character) or unicodedata.normalize("NFKC", character)


def _named(character: str) -> str:
    return f"U+{ord(character):04X} {unicodedata.name(character, 'without a name')}"


def _has_semicolon(line: str) -> bool:
    """Whether one stands outside text and comments; where the line alone is no Python, any one counts."""
    if ";" not in line:
        return False
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(line.strip()).readline))
    except (tokenize.TokenError, SyntaxError):
        return True
    return any(token.type == tokenize.OP and token.string == ";" for token in tokens)
