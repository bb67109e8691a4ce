"""What a reviewer sees is what Python reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewardwrap.sandbox.intake import lines_of, pieces, remarks


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("x = 1" + " " * 400 + "; x = 0", "405 characters|more than one statement|after a gap"),
        ("x = 1; y = 2", "more than one statement"),
        ("\tx = 1", "tabs"),
        ("x = 1  # \u202e 2 = x", "U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("x\u200b = 1", "U+200B ZERO WIDTH SPACE"),
        ("x =\xa01", "U+00A0 NO-BREAK SPACE"),
        ("\u0430ction = 1", "CYRILLIC SMALL LETTER A looks like 'a'"),
        ("\uff45xec = 1", "looks like 'e'"),
        ("x = 1 \x0c", "U+000C"),
        ("x\u3164 = 1", "U+3164"),
    ],
)
def test_what_deceives_eyes_is_said(line, words):
    said = " ".join(remarks(line))
    for part in words.replace("405", "412").split("|"):
        assert part in said


@pytest.mark.parametrize(
    "line",
    ["x = 'a; b'", "x = 1  # no; not here", "# 3 m\xb2, \xe9t\xe9", "    return a, {'a': a}", ""],
)
def test_plain_lines_are_left_alone(line):
    assert list(remarks(line)) == []
    assert "".join(pieces(line)) == line


@given(st.text(max_size=300))
def test_everything_of_a_line_is_printable_and_narrow(line):
    shown = pieces(line, 40)
    assert all(piece.isprintable() and len(piece) <= 40 for piece in shown)
    assert "\u202e" not in "".join(shown)


def test_lines_are_counted_as_python_counts_them():
    source = "a = 1\x0c\u2028# still the first\r\nb = 2\rc = 3\n"
    assert lines_of(source) == ["a = 1\x0c\u2028# still the first", "b = 2", "c = 3", ""]
