"""The text of a CSV file: encoding, comments, delimiter, decimal comma. Recognised or named.

A file is read as utf-8, else as what its byte order mark says, else as Windows-1252, which is said.
Lines that begin with ``#`` or ``%`` are comments; where no other header is there, the last of those
above the numbers is the header, as ``numpy.savetxt`` writes it.
"""

from __future__ import annotations

import codecs
import csv
import re
from dataclasses import dataclass
from typing import Any

from rewardwrap.data.errors import DataError
from rewardwrap.data.reading import Note

SEPARATORS = (",", ";", "\t", "|")
WORDS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "space": " "}
SAMPLE = 200
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(nan|inf(inity)?)", re.IGNORECASE)
_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
_POINT = re.compile(r"[+-]?\d*\.\d+([eE][+-]?\d+)?")
_BOTH = re.compile(r"[+-]?\d{1,3}([.,]\d{3})*[.,]\d+")


@dataclass(frozen=True)
class Text:
    """A CSV file that pyarrow can read.

    Args:
        content: utf-8, header first, without comments.
        sep: What stands between cells.
        decimal: What stands in numbers.
        notes: What was recognised.
    """

    content: bytes
    sep: str
    decimal: str
    notes: list[Note]


def recognised(path: Any, raw: bytes, *, sep: str | None, decimal: str | None) -> Text:
    """See the module.

    Raises:
        DataError: No header, no lines, or numbers that may mean two things.
    """
    notes: list[Note] = []
    content = _without_comments(_utf8(path, raw, notes), notes)
    stated = re.match(rb"(?i)sep=(.)\r?\n", content)
    if stated is not None:
        # what Excel writes above the header
        content, sep = content[stated.end() :], sep or stated[1].decode()
    head = content[: 1 << 18].decode("utf-8", errors="replace")
    lines = [line for line in head.splitlines()[: SAMPLE + 1] if line.strip()]
    if not lines:
        raise DataError(
            f"{path} must be a CSV table with a header and equally many cells in each line, got "
            "an empty file. Check the export."
        )
    between = _separator(path, lines, sep, notes)
    rows = list(csv.reader(lines, delimiter=between))
    # a sample may end inside a line
    names, cells = rows[0], [cell.strip() for row in rows[1:-1] or rows[1:] for cell in row]
    if all(_NUMBER.fullmatch(name.strip()) for name in names):
        raise DataError(
            f"{path} must begin with a header that names its columns, got the line "
            f"{lines[0][:60]!r}. Write one, e.g. episode,step,obs_0,action_0,reward."
        )
    point = _decimal(path, between, cells, decimal, notes)
    return Text(content, between, point, notes)


def _utf8(path: Any, raw: bytes, notes: list[Note]) -> bytes:
    found = next((name for mark, name in _MARKS if raw.startswith(mark)), None)
    try:
        if found is not None:
            text = raw.decode(found)
            if found != "utf-8-sig":
                notes.append(Note("encoding", f"read as {found}", 1, "note"))
            return text.encode()
        raw.decode("utf-8")
        _require_no_zeros(path, raw)
        return raw
    except UnicodeDecodeError as error:
        _require_no_zeros(path, raw)
        text = raw.decode("cp1252", errors="replace")
        sentence = f"not UTF-8 (byte {error.start}): read as Windows-1252; save it as UTF-8"
        notes.append(Note("encoding", sentence, 1))
        return text.encode()


def _require_no_zeros(path: Any, raw: bytes) -> None:
    """No encoding of one byte a letter has zeros; UTF-16 and UTF-32 have many, a crash leaves a tail."""
    at = raw.find(b"\0")
    if at >= 0:
        what = "UTF-16 or UTF-32 without a mark, or no table. Save it as UTF-8" if at < 4096 else \
            "a crash may have left them. Take them out"  # fmt: skip
        raise DataError(f"{path} must be text, got bytes of 0 from byte {at}: {what}.")


def _without_comments(content: bytes, notes: list[Note]) -> bytes:
    if not re.search(rb"(?m)^[#%]", content):
        return content
    lines = content.split(b"\n")
    comments = [line for line in lines if line[:1] in (b"#", b"%")]
    rest = [line for line in lines if line[:1] not in (b"#", b"%")]
    first = next((line for line in rest if line.strip()), b"").decode("utf-8", "replace")
    above = lines[: lines.index(comments[-1]) + 1]
    cells = re.split(r"[,;\t| ]+", first.strip())
    if cells and all(_is_datum(cell) for cell in cells if cell):
        # the columns' names stand in a comment
        head = [line for line in above if line in comments][-1].lstrip(b"#% ")
        rest, comments = [head, *rest], comments[:-1]
    sentence = f"{len(comments)} comment lines were passed over"
    if comments:
        notes.append(Note("comments", sentence, len(comments), "note"))
    return b"\n".join(rest)


def _is_datum(cell: str) -> bool:
    """A number or a truth: nothing that names a column."""
    return bool(_NUMBER.fullmatch(cell.replace(",", "."))) or cell.lower() in ("true", "false")


def _separator(path: Any, lines: list[str], given: str | None, notes: list[Note]) -> str:
    if given is not None:
        sep = WORDS.get(given, given)
        if len(sep) != 1:
            raise DataError(f"--sep must be one character, got {given!r}. Write e.g. --sep ';'.")
        return sep
    counts = {sep: _columns(lines[0], sep) for sep in SEPARATORS}
    most = max(counts.values())
    best = [sep for sep in SEPARATORS if counts[sep] == most]
    if most == 1 and len(lines[0].split()) > 1:
        if any("  " in line for line in lines):
            raise DataError(
                f"{path} must have one separator between cells, got several spaces. "
                "Write commas instead."
            )
        best = [" "]
    # with as many of two kinds, the one that also cuts the next line alike
    sep = next((s for s in best if len(lines) < 2 or _columns(lines[1], s) == most), best[0])
    if sep != ",":
        name = {"\t": "tabs", ";": "semicolons", "|": "bars", " ": "spaces"}[sep]
        notes.append(Note("separator", f"cells are separated by {name}", 1, "note"))
    return sep


def _columns(line: str, sep: str) -> int:
    return len(next(csv.reader([line], delimiter=sep), []))


def _decimal(path: Any, sep: str, cells: list[str], given: str | None, notes: list[Note]) -> str:
    if given is not None:
        if given not in (",", "."):
            raise DataError(f"--decimal must be , or ., got {given!r}. Write e.g. --decimal ','.")
        return given
    both = next((c for c in cells if "," in c and "." in c and _BOTH.fullmatch(c)), None)
    if both is not None:
        raise DataError(
            f"{path} must write numbers without thousands marks, got {both!r}. "
            "Export it without them."
        )
    commas = [cell for cell in cells if _COMMA.fullmatch(cell)]
    points = [cell for cell in cells if _POINT.fullmatch(cell)]
    if not commas:
        return "."
    thousands = all(re.fullmatch(r"[+-]?[1-9]\d{0,2},\d{3}", cell) for cell in commas)
    if points or thousands:
        raise DataError(
            f"{path} must write all numbers alike, got {commas[0]!r}"
            f"{f' and {points[0]!r}' if points else ', which may be a thousand'}. "
            "Say what stands in numbers: --decimal ',' or --decimal '.'."
        )
    notes.append(Note("decimal comma", f"numbers have a decimal comma, as {commas[0]}", 1, "note"))
    return ","
