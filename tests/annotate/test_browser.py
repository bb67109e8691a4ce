"""The labelling page in a real browser: keys, undo, reload, tabs, labelers, an outage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rewardwrap.annotate.page import Page
from rewardwrap.annotate.serve import Labelling, running
from rewardwrap.data import EpisodeStore

READY = "#desk[data-assignment]:not([data-assignment=''])"
PAIRS = 12

Open = Callable[..., Any]


@pytest.fixture
def served(swings: EpisodeStore, tmp_path: Path) -> Iterator[tuple[Page, str]]:
    labelling = Labelling(swings, tmp_path / "j.sqlite", pairs=PAIRS, length=10, repeats=0)
    with labelling.page() as page, running(page) as url:
        yield page, url


@pytest.fixture
def visit(browser: Any, served: tuple[Page, str]) -> Iterator[Open]:
    """Opens the page as somebody; whatever the page complains about fails the test."""
    contexts, complaints = [], []

    def opening(name: str = "Ann", *, context: Any = None, **options: Any) -> Any:
        if context is None:
            context = browser.new_context(**options)
            context.set_default_timeout(20_000)
            contexts.append(context)
        tab = context.new_page()
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("console", lambda m: m.type in ("error", "warning") and complaints.append(m.text))
        tab.on(
            "request",
            lambda r: r.url.startswith(served[1]) or complaints.append(f"fetched {r.url}"),
        )
        tab.goto(f"{served[1]}?labeler={name}")
        tab.wait_for_selector(READY)
        return tab

    yield opening
    for context in contexts:
        context.close()
    # the browser logs the outage of the one test that has one
    assert not [c for c in complaints if "503" not in c]


def on_show(tab: Any) -> str:
    tab.wait_for_selector(READY)
    return str(tab.get_attribute("#desk", "data-assignment"))


def press(tab: Any, key: str) -> None:
    """Press a key and wait until another pair is on show, or all are done."""
    before = on_show(tab)
    tab.keyboard.press(key)
    tab.wait_for_function(
        "before => { const d = document.getElementById('desk').dataset;"
        " return d.finished === 'true' || (d.assignment && d.assignment !== before); }",
        arg=before,
    )


def choices(page: Page) -> list[str]:
    rows = page.desk.database.read(
        "SELECT j.choice, p.a_left FROM judgment j JOIN pair p ON p.id = j.pair ORDER BY j.id"
    )
    sides = [{"a": "right left", "b": "left right"}.get(r["choice"], r["choice"]) for r in rows]
    return [s.split()[row["a_left"]] if " " in s else s for s, row in zip(sides, rows, strict=True)]


def test_every_key_writes_what_it_says(served: tuple[Page, str], visit: Open) -> None:
    tab = visit()
    for key in ("ArrowLeft", "ArrowRight", "ArrowDown", "=", "s", "S"):
        press(tab, key)
    assert choices(served[0]) == ["left", "right", "equal", "equal", "skip", "skip"]
    assert tab.inner_text("#progress").startswith("4 of 12 answered")
    rows = served[0].desk.database.read("SELECT ms, ui_version FROM judgment")
    assert all(row["ms"] is not None for row in rows)
    assert all("+" in row["ui_version"] for row in rows)


def test_buttons_do_what_keys_do(served: tuple[Page, str], visit: Open) -> None:
    tab = visit()
    for side in ("left", "equal", "right", "skip"):
        before = on_show(tab)
        tab.click(f"button[data-side={side}]")
        tab.wait_for_selector(f"{READY}:not([data-assignment='{before}'])")
    assert choices(served[0]) == ["left", "equal", "right", "skip"]
    # a focused button is pressed by the space bar, which pauses elsewhere
    tab.focus("button[data-side=left]")
    press(tab, "Space")
    assert choices(served[0])[-1] == "left"
    assert tab.get_attribute("#pause", "aria-pressed") == "false"


def test_undo_shows_the_same_pair_again(served: tuple[Page, str], visit: Open) -> None:
    tab = visit()
    label = tab.get_attribute("#left canvas", "aria-label")
    assert tab.is_disabled("#undo")
    press(tab, "ArrowLeft")
    press(tab, "ArrowLeft")
    press(tab, "u")
    press(tab, "u")
    assert "You took this answer back" in tab.inner_text("#note")
    assert tab.get_attribute("#left canvas", "aria-label") == label
    press(tab, "ArrowRight")
    press(tab, "ArrowRight")
    assert choices(served[0]) == ["left", "left", "undone", "undone", "right", "right"]
    assert tab.inner_text("#progress").startswith("2 of 12 answered")


def test_a_reload_in_mid_pair_shows_the_same_pair(served: tuple[Page, str], visit: Open) -> None:
    tab = visit()
    press(tab, "ArrowLeft")
    before = on_show(tab)
    tab.reload()
    assert on_show(tab) == before
    assert choices(served[0]) == ["left"]
    # even while an answer is on its way
    tab.keyboard.press("ArrowRight")
    tab.reload()
    on_show(tab)
    said = choices(served[0])
    assert said in (["left"], ["left", "right"])
    press(tab, "=")
    assert choices(served[0]) == [*said, "equal"]


def test_two_tabs_give_one_answer(served: tuple[Page, str], visit: Open) -> None:
    one = visit()
    other = visit(context=one.context)
    assert on_show(one) == on_show(other)
    press(one, "ArrowLeft")
    press(other, "ArrowRight")
    assert "It stands" in other.inner_text("#said")
    assert choices(served[0]) == ["left"]
    assert on_show(one) == on_show(other)
    for _ in range(PAIRS - 1):
        press(one, "ArrowLeft")
    press(other, "ArrowRight")
    assert choices(served[0]) == ["left"] * PAIRS
    assert other.is_visible("#finished")


def test_two_labelers_share_the_work(served: tuple[Page, str], visit: Open) -> None:
    ann, bob = visit("Ann"), visit("Bob")
    for _ in range(3):
        press(ann, "ArrowLeft")
        press(bob, "ArrowRight")
    rows = served[0].desk.database.read("SELECT pair, labeler FROM judgment")
    assert len({row["pair"] for row in rows}) == 6
    assert "3 by you" in bob.inner_text("#progress")


def test_answers_wait_while_the_server_is_gone(served: tuple[Page, str], visit: Open) -> None:
    tab = visit()
    before = on_show(tab)
    tab.route(
        "**/api/judge",
        lambda route: route.fulfill(status=503, json={"error": "the disk is full"}),
    )
    trouble = tab.locator("#trouble:not([hidden])", has_text="the disk is full")
    for _ in range(5):  # a press that a busy machine loses is pressed again, as a person would
        tab.keyboard.press("ArrowLeft")
        tab.wait_for_timeout(1000)
        if trouble.count():
            break
    trouble.wait_for()
    # the answer reaches the file, but its reply is lost
    served[0].desk.record(before, "left", ms=1, session=1, ui_version="lost reply")
    tab.keyboard.press("ArrowRight")  # not taken while one is on its way
    tab.unroute("**/api/judge")
    tab.wait_for_selector(f"{READY}:not([data-assignment='{before}'])")
    assert tab.is_hidden("#trouble")
    assert choices(served[0]) == ["left"]


def test_space_pauses_numbers_set_the_speed_and_the_slider_moves(visit: Open) -> None:
    tab = visit()
    tab.keyboard.press("Space")
    assert tab.get_attribute("#pause", "aria-pressed") == "true"
    tab.focus("#scrub")
    tab.keyboard.press("Home")
    tab.keyboard.press("ArrowRight")
    assert tab.input_value("#scrub") == "1"
    tab.keyboard.press("3")
    assert tab.get_attribute("[data-speed='2']", "aria-pressed") == "true"
    tab.evaluate("document.activeElement.blur()")
    tab.keyboard.press("Space")
    tab.wait_for_function("() => Number(document.getElementById('scrub').value) > 2")


def test_a_page_fits_a_phone_and_honours_reduced_motion(visit: Open) -> None:
    tab = visit(viewport={"width": 360, "height": 740}, reduced_motion="reduce", has_touch=True)
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert tab.get_attribute("#pause", "aria-pressed") == "true"
    tab.wait_for_timeout(300)
    assert tab.input_value("#scrub") == "0"
    before = on_show(tab)
    tab.tap("button[data-side=right]")
    tab.wait_for_selector(f"{READY}:not([data-assignment='{before}'])")


def test_a_labeler_says_a_name_and_sees_the_end(
    served: tuple[Page, str], visit: Open, browser: Any
) -> None:
    tab = browser.new_page()
    tab.goto(served[1])
    # the page puts the cursor there by itself, a moment after it is loaded
    tab.wait_for_selector("input:focus")
    tab.keyboard.type("Zoë")
    tab.keyboard.press("Enter")
    tab.wait_for_selector(READY)
    assert "Zoë" in tab.inner_text(".who")
    for _ in range(PAIRS):
        press(tab, "ArrowLeft")
    assert tab.is_visible("#finished")
    assert tab.evaluate("document.activeElement.textContent") == "All done, thank you."
    press_undo = tab.locator("#undo")
    press_undo.click()
    tab.wait_for_selector(READY)
    tab.close()


def test_the_page_names_neither_reward_nor_policy(visit: Open) -> None:
    tab = visit()
    text = tab.content().lower()
    assert "policy" not in text
    assert "pendulum" not in text
    assert text.count("reward") == 0
    assert tab.get_attribute("#said", "aria-live") == "polite"
    for button in tab.query_selector_all("button"):
        assert button.inner_text().strip()
