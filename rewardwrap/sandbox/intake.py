"""From a file or a text to a source that may run: size, digest, the gate's word, approval.

Differences between two sources and files of winners stand here too, since they share header and digest; and
what a person sees who approves: nothing runs out of the picture, and what deceives eyes is said.
"""

from __future__ import annotations

import difflib
import functools
import hashlib
import io
import json
import os
import re
import tokenize
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rewardwrap.core.errors import ConfigError
from rewardwrap.files import write_whole
from rewardwrap.limits import parsed
from rewardwrap.sandbox import channel
from rewardwrap.sandbox.errors import SandboxError, clean
from rewardwrap.sandbox.process import Died, Process
from rewardwrap.sandbox.reading import Reading
from rewardwrap.sandbox.wires import Late

MAX_BYTES = 65_536
MARK = "# rewardwrap: "
"""Starts every line of the header of a file that was exported."""

APPROVED = ".approved.json"
READING_SECONDS = 5.0
READING_MEMORY = 256 << 20

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


def read_source(source: str | Path) -> tuple[str, str]:
    """The text and where it lies, ``""`` if nowhere.

    Raises:
        ConfigError: A path without a readable file, or no text at all.
    """
    if not isinstance(source, str | os.PathLike):
        raise ConfigError(
            f"CodeReward: source must be text or a path, got {type(source).__name__}. "
            "Write the code as a string, or give pathlib.Path('reward.py')."
        )
    if isinstance(source, str) and not (
        "\n" not in source.strip() and source.strip().endswith(".py")
    ):
        return source, ""
    path = Path(source)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        return content.decode("utf-8"), str(path)
    except OSError as error:
        raise ConfigError(
            f"reward code must be a file that can be read, got {path} ({error.strerror}). Check the path."
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"reward code must be UTF-8 text, got {path} ({error.reason}). Save it as UTF-8."
        ) from error


def require_size(source: str) -> None:
    """Refuse a source that is longer than any reward.

    Raises:
        SandboxError: It is.
    """
    size = len(source.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        raise SandboxError(
            f"reward code must have at most {MAX_BYTES} bytes, got {size}. Keep the reward alone.",
            reason="gate",
        )


def digest(source: str) -> str:
    """SHA-256 of the code, without the header of an exported file and empty lines around it."""
    code = body(source).strip("\n") + "\n"
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).hexdigest()


def body(source: str) -> str:
    """The code without the header of an exported file."""
    lines = source.splitlines(keepends=True)
    start = 0
    while start < len(lines) and lines[start].startswith(MARK.rstrip()):
        start += 1
    return "".join(lines[start:])


def provenance(source: str) -> dict[str, str]:
    """What the header of an exported file says."""
    found = {}
    for line in source.splitlines():
        if not line.startswith(MARK):
            break
        key, _, value = line.removeprefix(MARK).partition(": ")
        found[key] = value
    return found


def difference(old: str, new: str, *, names: tuple[str, str] = ("before", "now")) -> str:
    """A unified diff, empty where both are the same."""
    lines = difflib.unified_diff(lines_of(body(old)), lines_of(body(new)), *names, lineterm="", n=3)
    return "\n".join(lines)


@functools.lru_cache(maxsize=256)
def reading_of(source: str) -> Reading:
    """Components, fields and the gate's verdict, from a locked process: text can kill a parser."""
    process = Process("readings", memory=READING_MEMORY)
    try:
        said = process.ask(channel.LOAD, source, READING_SECONDS)
    except (Died, Late) as error:
        how = str(error) or f"no end after {READING_SECONDS:g} s"
        return Reading(
            refusal=f"the source must be Python that can be parsed, got a parser that failed ({how})",
            parses=False,
        )
    finally:
        process.close()
    found = json.loads(said)
    components = found["components"]
    return Reading(
        components=None if components is None else tuple(components),
        fields=[(line, place, name) for line, place, name in found["fields"]],
        refusal=None if found["refusal"] is None else clean(found["refusal"]),
        line=found["line"],
        parses=found["parses"],
        sums=bool(found["sums"]),
        text=found["text"],
        keeps=None if found["keeps"] is None else tuple(found["keeps"]),
        tree=found["tree"],
    )


def require_passing(source: str) -> Reading:
    """The reading of a source that the strict gate lets through.

    Raises:
        SandboxError: It does not; the sentence has the line.
    """
    reading = reading_of(source)
    if reading.refusal is not None:
        where = f"line {reading.line}: " if reading.line else ""
        raise SandboxError(
            f"reward code: {where}{reading.refusal}.", reason="gate", line=reading.line
        )
    return reading


def approval_of(file: str | Path) -> dict[str, Any] | None:
    """What was approved beside a file: ``sha256``, ``approved`` (time) and ``source``; None if nothing."""
    record = Path(f"{file}{APPROVED}")
    if not record.is_file():
        return None
    try:
        found = parsed(record.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{record} must be JSON, got {error}. Approve the file again: rewardwrap review {file} --approve."
        ) from error
    if not isinstance(found, dict) or not isinstance(found.get("sha256"), str):
        raise ConfigError(
            f"{record} must hold sha256, got none. "
            f"Approve the file again: rewardwrap review {file} --approve."
        )
    return found


def approve(file: str | Path, source: str) -> Path:
    """Record that a person has read this source."""
    record = Path(f"{file}{APPROVED}")
    written = {
        "sha256": digest(source),
        "approved": datetime.now(UTC).isoformat(timespec="seconds"),
        "source": body(source),
    }
    write_whole(record, json.dumps(written, indent=2) + "\n")
    return record


def require_approval(sha256: str, file: str) -> None:
    """Refuse what nobody approved.

    Raises:
        SandboxError: No approval, or one of another text.
    """
    if not file:
        raise SandboxError(
            "reward code must be approved before it runs, got text without a file. "
            "Write it to a file and run: rewardwrap review FILE --approve.",
            reason="gate",
        )
    found = approval_of(file)
    if found is None or found["sha256"] != sha256:
        state = "no approval" if found is None else f"an approval of {found['sha256'][:12]}"
        raise SandboxError(
            f"reward code must be approved before it runs, got {state} for {sha256[:12]}. "
            f"Read it and run: rewardwrap review {file} --approve.",
            reason="gate",
        )


def export(source: str, path: str | Path, facts: Mapping[str, object]) -> Path:
    """Write a winner as a plain file: a header that says where it comes from, then the code.

    Args:
        source: The code.
        path: The file; replaced whole.
        facts: What the header says, e.g. environment, task, provider, score. One line each.
    """
    code = body(source)
    header = {"sha256": digest(code), **facts}
    lines = [f"{MARK}{key}: {' '.join(str(value).split())}" for key, value in header.items()]
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_whole(target, "\n".join(lines) + "\n" + code.rstrip("\n") + "\n")
    return target


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
