"""The reports in a real browser: nothing from the network, no error, no sideways scrolling on a phone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rewardwrap.compare import report, suite_report
from rewardwrap.compare.results import Comparison, Run
from rewardwrap.compare.suite import Suite
from rewardwrap.compare.suites import Scale

Lake = Callable[..., Comparison]


@pytest.fixture(scope="module")
def pages(lake: Lake, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    long_name = "a_strategy_with_a_name_that_goes_on_and_on_and_on"
    found = {"one": report.render(lake(seeds=4)), "many": suite_report.render(_suite(long_name))}
    for name, html in found.items():
        (folder / f"{name}.html").write_text(html)
    return {name: folder / f"{name}.html" for name in found}


def _suite(name: str) -> Suite:
    def comparison(env: str) -> Comparison:
        rng, points = np.random.default_rng(0), np.array([0, 50, 100])
        runs = [
            Run(s, seed, points, curve, curve, curve)
            for s in ("env", name)
            for seed in range(3)
            for curve in [rng.random(3) * 10]
        ]
        return Comparison(env, "ppo", 100, 5.0, ("env", name), tuple(runs))

    envs = ("SomeEnvironment-v1", "AnotherEnvironmentWithALongName-v0")
    return Suite(
        tuple(map(comparison, envs)), dict.fromkeys(envs, Scale(0.0, 10.0, "us")),
        command="rewardwrap compare --env SomeEnvironment-v1 --out " + "x" * 120,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["one", "many"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1200])
def test_a_report_opens_clean(
    browser: Any, pages: dict[str, Path], name: str, scheme: str, width: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 844}, color_scheme=scheme)
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(pages[name].as_uri())
    assert said == []
    assert asked == [pages[name].as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    light = sum(int(part) for part in ground[4:-1].split(",")) > 380
    assert light is (scheme == "light")
    assert page.locator("figure svg").count() >= 4
    # a label that leaves its figure would be cut off or lie on its neighbour
    assert page.evaluate(INSIDE) == []
    page.close()


INSIDE = """() => [...document.querySelectorAll("figure")].flatMap(figure => {
  const box = figure.getBoundingClientRect();
  return [...figure.querySelectorAll("svg text")].filter(text => {
    const own = text.getBoundingClientRect();
    return own.right > box.right + 2 || own.left < box.left - 2;
  }).map(text => text.textContent);
})"""


def test_shaped_curves_are_dashed_and_true_ones_solid(browser: Any, pages: dict[str, Path]) -> None:
    page = browser.new_page()
    page.goto(pages["one"].as_uri())
    figure = page.locator("svg[aria-label^='True and shaped']").nth(1)
    dashes = figure.evaluate(
        "svg => [...svg.querySelectorAll('[id*=line2d] path')]"
        ".filter(path => path.getTotalLength() > 100)"
        ".map(path => getComputedStyle(path).strokeDasharray)"
    )
    assert "none" in dashes
    assert any(dash not in ("none", "") for dash in dashes)
    page.close()


def test_a_report_prints_light_and_whole(
    browser: Any, pages: dict[str, Path], tmp_path: Path
) -> None:
    page = browser.new_page(color_scheme="dark")
    page.goto(pages["many"].as_uri())
    page.emulate_media(media="print")
    ink = page.evaluate("getComputedStyle(document.body).color")
    assert sum(int(part) for part in ink[4:-1].split(",")) < 200
    printed = page.pdf(path=str(tmp_path / "report.pdf"), format="A4")
    assert printed.count(b"/Type /Page\n") + printed.count(b"/Type /Page ") >= 2
    assert page.locator("details summary").first.is_visible()
    page.close()


def test_a_curve_is_read_out_and_a_seed_put_forward(browser: Any, pages: dict[str, Path]) -> None:
    page = browser.new_page(viewport={"width": 1200, "height": 844})
    page.goto(pages["one"].as_uri())
    svg = page.locator("figure:has(script.read-out) svg").first
    svg.scroll_into_view_if_needed()
    box = svg.bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    told = page.locator("figure:has(script.read-out) output").first
    assert told.is_visible()
    assert told.locator("span").first.inner_text().replace("\n", " ").startswith("step")
    assert [row for row in told.inner_text().split("\n") if row == "potential"]
    rule = svg.locator("path.rule").get_attribute("d")
    assert rule.startswith("M")
    page.mouse.move(2, 2)
    assert told.is_hidden()
    # the row of a seed puts its curve forward in every figure that has it
    page.locator("details summary").first.click()
    page.locator("tr[data-strategy=potential][data-seed='2']").hover()
    assert svg.locator("path.front").get_attribute("d").startswith("M")
    page.close()


def test_the_read_out_stands_where_the_curve_is_drawn(browser: Any, pages: dict[str, Path]) -> None:
    """The seed that the script draws lies on the one that matplotlib drew."""
    page = browser.new_page()
    page.goto(pages["one"].as_uri())
    page.locator("details summary").first.click()
    page.locator("tr[data-strategy=potential][data-seed='2']").hover()
    far = page.evaluate("""() => {
      const svg = document.querySelector("figure:has(script.read-out) svg");
      const ends = (path) => [path.getPointAtLength(0), path.getPointAtLength(path.getTotalLength())];
      const mine = ends(svg.querySelector("path.front"));
      return Math.min(...[...svg.querySelectorAll("[id*=line2d] path")]
        .filter(path => path.getTotalLength() > 100)
        .map(path => Math.max(...ends(path).map((p, i) => Math.hypot(p.x - mine[i].x, p.y - mine[i].y)))));
    }""")
    assert far < 0.05
    page.close()


def test_tables_are_sorted_by_number(browser: Any, pages: dict[str, Path]) -> None:
    page = browser.new_page()
    page.goto(pages["one"].as_uri())
    table = page.locator("table.sortable").first
    before = table.locator("tbody th").all_inner_texts()
    shaped = table.locator("thead th", has_text="Final shaped")
    column = 7

    def values() -> list[float]:
        cells = table.locator(f"tbody tr td:nth-of-type({column})").all_inner_texts()
        return [float(cell.replace(",", "")) for cell in cells]

    shaped.locator("button").click()
    assert values() == sorted(values())
    assert shaped.get_attribute("aria-sort") == "ascending"
    shaped.locator("button").click()
    assert values() == sorted(values(), reverse=True)
    assert sorted(table.locator("tbody th").all_inner_texts()) == sorted(before)
    page.close()


def test_text_is_of_one_size_in_every_figure(browser: Any, pages: dict[str, Path]) -> None:
    page = browser.new_page(viewport={"width": 1200, "height": 844})
    for name in ("one", "many"):
        page.goto(pages[name].as_uri())
        sizes = page.evaluate(
            "[...document.querySelectorAll('figure svg')].map("
            "svg => svg.getBoundingClientRect().width / svg.viewBox.baseVal.width)"
        )
        assert max(sizes) - min(sizes) < 0.02
    page.close()


OVERLAP = """() => [...document.querySelectorAll("figure svg")].flatMap(svg => {
  const boxes = [...svg.querySelectorAll("text")].filter(t => getComputedStyle(t).fontWeight >= 600)
    .map(t => [t.textContent, t.getBoundingClientRect()]);
  return boxes.flatMap(([a, p], i) => boxes.slice(i + 1).filter(([, q]) =>
    p.left < q.right - 1 && q.left < p.right - 1 && p.top < q.bottom - 3 && q.top < p.bottom - 3
  ).map(([b]) => a + " on " + b));
})"""


def test_direct_labels_never_lie_on_each_other(browser: Any, lake: Lake, tmp_path: Path) -> None:
    names = ("env", "potential", "process", "refined")
    runs = tuple(
        Run(f"{name}{i}", run.seed, run.steps, run.true_return, run.shaped_return, run.length, run.terms)
        for i in range(2)
        for name in names
        for run in lake(seeds=2).of(name)
    )  # fmt: skip
    eight = Comparison(
        "Lake", "ppo", 40_000, 0.5, tuple(dict.fromkeys(r.strategy for r in runs)), runs
    )
    file = tmp_path / "eight.html"
    file.write_text(report.render(eight))
    page = browser.new_page(viewport={"width": 1200, "height": 844})
    page.goto(file.as_uri())
    assert page.evaluate(OVERLAP) == []
    page.close()
