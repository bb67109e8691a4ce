"""Every page has one head, one style sheet and one set of colours."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rewardwrap.pages.palette import STRATEGIES
from rewardwrap.pages.templates import environment

PACKAGE = Path(__file__).parents[2] / "rewardwrap"


def head(**values: object) -> str:
    pages = environment(PACKAGE / "pages")
    return pages.get_template("head.html.jinja").render(title='a "<b>"', **values)


def test_no_template_brings_a_head_of_its_own() -> None:
    templates = [p for p in PACKAGE.rglob("*.html.jinja") if "<body>" not in p.read_text()]
    assert len(templates) >= 6
    for path in PACKAGE.rglob("*.jinja"):
        if path.name != "head.html.jinja":
            assert not re.search(r"<!doctype|<head>|<style", path.read_text()), path


def test_colours_are_defined_in_one_place() -> None:
    for path in [*PACKAGE.rglob("*.css"), *PACKAGE.rglob("*.jinja")]:
        if path.name != "colours.css.jinja":
            defined = re.findall(r"--(paper|ground|ink|muted|line|s\d): *#", path.read_text())
            assert not defined, path


def test_a_page_carries_its_style_and_a_served_page_asks_for_it() -> None:
    own = head(rules=".mine { color: red }")
    assert ".mine { color: red }" in own
    assert "&#34;&lt;b&gt;" in own
    for light, dark in STRATEGIES:
        assert own.count(light) >= 2, "on the screen and on paper"
        assert dark in own
    served = head(served="label.css")
    assert "<style" not in served
    assert 'href="label.css"' in served


def test_a_page_says_when_to_load_it_again() -> None:
    assert "http-equiv" not in head()
    assert 'content="3"' in head(refresh=3)


@pytest.mark.parametrize(
    ("name", "shown"), [("a_b.c", "a_<wbr>b.<wbr>c"), ("<i>-", "&lt;i&gt;-<wbr>")]
)
def test_a_name_may_break_where_words_end(name: str, shown: str) -> None:
    page = environment(PACKAGE / "pages").from_string("{{ name | breakable }}")
    assert page.render(name=name) == shown
