from __future__ import annotations

import io
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure
from rich.console import Console

from rewardwrap.compare.document import read
from rewardwrap.compare.report import render, write
from rewardwrap.compare.results import Comparison
from rewardwrap.compare.summary import console_table, print_summary

Lake = Callable[..., Comparison]
_VOID = {"meta", "br", "wbr", "use", "path", "rect"}


class _Page(HTMLParser):
    """Collects the text and complains about tags that do not nest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def written(comparison: Comparison, **options: Any) -> str:
    """With no more than an empty figure, where a test reads only the words."""
    return render(comparison, {"learning_curves": Figure()}, **options)


@pytest.fixture(scope="module")
def page(lake: Lake) -> _Page:
    return _Page(render(lake()))


def said(page: _Page) -> str:
    return re.sub(r"\s+", " ", " ".join(page.text))


def test_the_page_nests(page: _Page) -> None:
    assert page.open == []


def test_the_page_needs_no_network(page: _Page) -> None:
    for name, value in page.attributes:
        if name in ("src", "href", "xlink:href", "action", "data"):
            assert value.startswith("#")
    assert "@import" not in said(page)
    assert not re.search(r"url\((?!#)", " ".join(value for _, value in page.attributes))


def test_ids_are_unique_on_the_page(page: _Page) -> None:
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))


def test_the_verdict_comes_before_the_numbers(page: _Page) -> None:
    text = said(page)
    assert text.index("potential is best") < text.index("The numbers")


def test_the_report_says_what_each_strategy_did(page: _Page) -> None:
    text = said(page)
    for sentence in (
        "process cheats: its own reward rose from",
        "it loiters",
        "refined does not cheat and does not do the task",
        "env does the task in 3 of 10 seeds",
        "potential does the task in 10 of 10 seeds",
        "compare each dashed curve with its own past",
    ):
        assert sentence in text


def test_the_report_says_how_to_repeat_it(page: _Page) -> None:
    text = said(page)
    for part in ("rewardwrap compare FrozenLake-8x8 --seeds 10", "gamma", "numpy", "abc"):
        assert part in text


def test_every_table_has_column_headers(page: _Page) -> None:
    assert ("scope", "col") in page.attributes
    assert ("scope", "row") in page.attributes


def test_every_figure_has_a_label_for_screen_readers(page: _Page) -> None:
    labels = [value for name, value in page.attributes if name == "aria-label"]
    assert len(labels) >= 12
    assert all(labels)


def test_what_users_wrote_is_escaped(lake: Lake) -> None:
    evil = "<script>alert(1)</script>"
    html = render(
        lake(seeds=1, strategies=("env",), env=evil, command=evil, rewards={"env": {evil: evil}})
    )
    assert "<script>alert" not in html
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize("threshold", [None, 1.0])
def test_small_comparisons_are_rendered(lake: Lake, seeds: int, threshold: float | None) -> None:
    text = said(_Page(render(lake(seeds=seeds, threshold=threshold))))
    assert f"{seeds} seed{'s' if seeds > 1 else ''} each" in text


def test_failed_runs_are_listed_with_their_last_words(lake: Lake) -> None:
    failed = frozenset({("env", 0), ("process", 0), ("process", 1)})
    text = said(_Page(render(lake(seeds=2, failed=failed))))
    assert "3 of 8 runs failed" in text
    assert "ValueError: nan" in text


def test_a_comparison_without_runs_is_still_a_report(lake: Lake) -> None:
    failed = frozenset({("env", 0), ("potential", 0)})
    text = said(_Page(render(lake(seeds=1, strategies=("env", "potential"), failed=failed))))
    assert "No run finished" in text


def test_a_report_is_rebuilt_from_its_file_alone(lake: Lake, tmp_path: Path) -> None:
    path = write(lake(seeds=2, strategies=("env", "potential")), tmp_path)
    before = path.read_text()
    path.unlink()
    assert write(read(tmp_path), tmp_path).read_text() == before


def test_the_table_has_a_row_for_each_strategy(lake: Lake) -> None:
    failed = frozenset({("env", 0), ("env", 1)})
    assert console_table(lake(seeds=2, failed=failed)).row_count == 4


def test_the_terminal_shows_the_verdict_and_no_markup_of_the_user(lake: Lake) -> None:
    out = io.StringIO()
    run = lake(seeds=2, strategies=("[red]x", "env"))
    print_summary(Console(file=out, width=200), run)
    assert "[red]x" in out.getvalue()
    print_summary(Console(file=out, width=200), lake())
    for part in ("10/10", "CHEATS", "potential is best", "better than env"):
        assert part in out.getvalue()


def test_films_are_shown_or_what_kept_them_away(lake: Lake) -> None:
    films = [
        {"strategy": "env", "src": "data:video/mp4;base64,AAAA", "caption": "Its best run."},
        {"strategy": "potential", "problem": "no pictures here"},
    ]
    page = _Page(written(lake(seeds=1), films=films))
    assert ("src", "data:video/mp4;base64,AAAA") in page.attributes
    assert "no pictures here" in said(page)
    assert page.open == []


def test_the_chance_to_beat_the_baseline_has_an_interval(page: _Page) -> None:
    assert re.search(r"0\.\d\d \[0\.\d\d, [01]\.\d\d\]", said(page))


def test_remarks_stand_below_the_verdict(lake: Lake) -> None:
    text = said(_Page(written(lake(seeds=1, remarks=("Tuned with 7 trials each.",)))))
    assert "Tuned with 7 trials each." in text


def test_tuning_is_told_with_its_numbers_and_for_strategies_that_have_none(lake: Lake) -> None:
    def told(**fields: object) -> dict[str, object]:
        usual = {"words": "", "plan": {}, "chosen": {}, "score": 3.5, "trials": [{"score": None}]}
        return {**usual, **fields}

    tuning = {
        "sentence": "Every strategy was tuned with 1 trial.",
        "sampler": "Optuna TPE",
        "objective": "mean area",
        "strategies": {"env": told(words="It has no weight.")},
    }
    page = written(lake(seeds=2, tuning=tuning))
    assert "How the strategies were tuned" in page
    assert "<b>env.</b> It has no weight." in page
    assert "Failed trials" not in page
    potential = told(plan={"phi": 1.0}, chosen={"phi": 2.5})
    tuning["strategies"] = {"env": told(words="It has no weight."), "potential": potential}
    page = written(lake(seeds=2, tuning=tuning))
    row = page[page.index(">phi</td>") :].split("</tr>")[0]
    assert re.findall(r"<td>(.*?)</td>", row) == ["1.0", "2.50", "–", "3.50", "1"]
