"""Pages to watch on, in a real browser: a planner that follows a sentence, and a word between rounds."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from rewardwrap.core.errors import ConfigError
from rewardwrap.llm.grammar import translated
from rewardwrap.llm.live import Live
from rewardwrap.llm.prompt import Scene
from rewardwrap.llm.watching import Watched

SMALL = {"horizon": 6, "samples": 8, "elites": 3, "iterations": 1}
DRAWN = "() => [...document.querySelectorAll('canvas')].map(c => c.width > 300 && c.getContext('2d')" \
    ".getImageData(0, 0, c.width, c.height).data.some(x => x > 0))"  # fmt: skip


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[[str], Any]]:
    """Opens an address; whatever the page complains about fails the test, refused sentences aside."""
    context = browser.new_context()
    context.set_default_timeout(30_000)
    complaints: list[str] = []

    def opening(url: str) -> Any:
        tab = context.new_page()
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("console", lambda m: m.type in ("error", "warning") and complaints.append(m.text))
        tab.on("request", lambda r: r.url.startswith(url) or complaints.append(f"fetched {r.url}"))
        tab.goto(url)
        return tab

    yield opening
    context.close()
    assert not [c for c in complaints if "409" not in c]


@pytest.fixture
def live(pendulum: Scene) -> Live:
    return Live(pendulum, lambda words: translated(words, pendulum), "pole upright", **SMALL)


def test_a_sentence_changes_the_table_between_two_steps_and_a_bad_one_changes_nothing(
    live: Live,
) -> None:
    live.act()
    assert [(t["of"], t["target"]) for t in live.now()["terms"]] == [("pole_cos", 1.0)]
    assert "pole_sin 0.5" in live.say("pole sin at 0.5")["said"]
    live.act()
    now = live.now()
    assert (now["step"], [t["of"] for t in now["terms"]]) == (2, ["pole_sin"])
    assert now["clip"]["kind"] == "scene"
    with pytest.raises(ConfigError, match="juggle"):
        live.say("juggle")
    assert live.sentence == "pole sin at 0.5"


def test_an_edited_sentence_is_played_at_once_in_a_browser(live: Live, visit: Any) -> None:
    with live.served() as url:
        tab = visit(url)
        tab.wait_for_function("() => Number(document.body.dataset.step) >= 5")
        assert tab.locator("#terms td").first.inner_text() == "pole_cos"
        assert all(tab.evaluate(DRAWN))
        tab.fill("#sentence", "pole sin at 0.5")
        tab.press("#sentence", "Enter")
        tab.wait_for_function(
            "() => document.querySelector('#terms td').textContent === 'pole_sin'"
        )
        assert tab.locator("#answer").inner_text() == "Asked for: pole_sin 0.5"
        tab.fill("#sentence", "juggle three balls")
        tab.click("button")
        tab.wait_for_selector("#answer.trouble")
        assert "juggle three balls" in tab.locator("#answer").inner_text()
        before = int(tab.evaluate("document.body.dataset.step"))
        tab.wait_for_function(f"() => Number(document.body.dataset.step) > {before + 5}")
        assert tab.locator("#terms td").first.inner_text() == "pole_sin"


def test_pages_answer_to_their_token_alone_and_to_text() -> None:
    page = Watched(
        "live.html.jinja",
        lambda: {"env": "<b>x", "sentence": '"'},
        lambda w: {"w": w},
        lambda t: {"said": t},
    )
    client = TestClient(page.application(), base_url="http://localhost")
    assert client.get("/wrong/").status_code == 403
    html = client.get(f"/{page.token}/")
    assert "<b>x" not in html.text
    assert "unsafe" not in html.headers["content-security-policy"]
    assert client.get(f"/{page.token}/told/now").json() == {"w": "now"}
    assert client.post(f"/{page.token}/api/say", json={"text": " a  b "}).json() == {"said": "a b"}
    assert client.post(f"/{page.token}/api/say", json={"text": 3}).status_code == 400


@pytest.mark.slow
def test_a_sentence_typed_beside_the_films_stands_in_the_next_prompt(
    visit: Any, tmp_path: Path
) -> None:
    """``write --review``: two rounds of Pendulum, with a person between them."""
    out = tmp_path / "written"
    words = ["write", "Pendulum-v1", "hold the pole upright", "--review", "--rounds", "2", "--samples", "2",
             "-n", "64", "--seeds", "1", "--final-seeds", "0", "--jobs", "1", "--out", str(out),
             "-params", "n_steps:32", "batch_size:32", "n_envs:1"]  # fmt: skip
    run = subprocess.Popen(
        [sys.executable, "-m", "rewardwrap", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert run.stdout is not None
    said: list[str] = []
    for line in run.stdout:
        said.append(line)
        if "http://127.0.0.1" in line:
            break
    else:
        pytest.fail("".join(said))
    tab = visit(line[line.index("http") :].strip())
    tab.wait_for_function("() => Number(document.body.dataset.films) >= 1")
    tab.wait_for_timeout(300)
    assert all(tab.evaluate(DRAWN))
    films = tab.locator("figure figcaption").all_inner_texts()
    assert all(text.startswith("r1s") and "true score" in text for text in films)
    tab.fill("#sentence", "It spins like a propeller.")
    tab.click("button")
    tab.wait_for_function("() => document.body.dataset.said === '1'")
    assert tab.locator("#answer").inner_text() == "The next prompt says: It spins like a propeller."
    rest = run.stdout.read()
    run.stdout.close()
    assert run.wait(timeout=300) == 0, rest
    events = [json.loads(row) for row in (out / "run.jsonl").read_text().splitlines()]
    assert [(e["round"], e["text"]) for e in events if e["event"] == "words"] == [
        (1, "It spins like a propeller.")
    ]
    assert any(e["event"] == "proposed" and e["id"].startswith("r2") for e in events)
