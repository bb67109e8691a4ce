"""The application without a browser: who is let in, what a message does, what an outage says."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from rewardwrap.annotate.page import Page, share
from rewardwrap.annotate.serve import Labelling
from rewardwrap.core.errors import ConfigError
from rewardwrap.data import EpisodeStore

testclient = pytest.importorskip("starlette.testclient")
HERE = "http://127.0.0.1:8000"


@pytest.fixture
def page(swings: EpisodeStore, tmp_path: Path) -> Iterator[Page]:
    with Labelling(swings, tmp_path / "j.sqlite", pairs=6, length=10).page() as made:
        yield made


@pytest.fixture
def client(page: Page) -> Iterator[Any]:
    with testclient.TestClient(page.application(), base_url=HERE) as made:
        yield made


def opened(client: Any, page: Page, name: str = "Ann") -> dict[str, Any]:
    reply = client.post(f"/{page.token}/api/open", json={"labeler": name})
    assert reply.status_code == 200, reply.text
    state: dict[str, Any] = reply.json()
    return state


def test_whoever_lacks_the_token_is_refused(client: Any, page: Page) -> None:
    assert client.get(f"/{page.token}/").status_code == 200
    for path in (
        "/",
        "/wrong/",
        f"/{page.token[:-1]}/",
        f"/x{page.token}/",
        "/wrong/api/state?session=1",
    ):
        reply = client.get(path)
        assert reply.status_code == 403
        assert page.token not in reply.text
    assert client.post("/wrong/api/open", json={"labeler": "Eve"}).status_code == 403
    assert not page.desk.database.read("SELECT * FROM labeler")


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "", "192.168.0.7", "127.0.0.1.evil.example"]
)
def test_other_host_names_are_refused(client: Any, page: Page, host: str) -> None:
    assert client.get(f"/{page.token}/", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost:9", "127.0.0.1", "[::1]:80"])
def test_a_tunnel_to_this_machine_is_let_in(client: Any, page: Page, host: str) -> None:
    assert client.get(f"/{page.token}/", headers={"host": host}).status_code == 200


def test_other_origins_and_forms_are_refused(client: Any, page: Page) -> None:
    path = f"/{page.token}/api/open"
    foreign = {"origin": "https://evil.example"}
    assert client.post(path, json={"labeler": "Eve"}, headers=foreign).status_code == 421
    assert client.post(path, data={"labeler": "Eve"}).status_code == 400
    assert client.post(path, json={"labeler": "E" * 20_000}).status_code == 400
    assert client.get(f"/{page.token}/../../etc/passwd").status_code in (403, 404)


def test_every_reply_forbids_foreign_and_inline_scripts(client: Any, page: Page) -> None:
    for path in (f"/{page.token}/?labeler=Ann", f"/{page.token}/label.js", "/wrong"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["referrer-policy"] == "no-referrer"
    html = client.get(f"/{page.token}/", params={"labeler": "<script>x</script>"}).text
    assert "<script>x" not in html
    assert html.count("<script") == 2
    assert "http" not in html.replace("http-equiv", "")


def test_a_name_is_asked_for_once(client: Any, page: Page) -> None:
    assert "Your name" in client.get(f"/{page.token}/").text
    assert "Your name" not in client.get(f"/{page.token}/", params={"labeler": "Ann"}).text


def test_an_answer_is_in_the_file_when_the_reply_comes(client: Any, page: Page) -> None:
    state = opened(client, page)
    work = state["work"][0]
    message = {"session": state["session"], "assignment": work["assignment"], "side": "left"}
    reply = client.post(f"/{page.token}/api/judge", json={**message, "ms": 1234})
    after = reply.json()
    with sqlite3.connect(page.desk.database.path) as other:
        assert other.execute("SELECT ms FROM judgment").fetchall() == [(1234,)]
    other.close()
    assert after["receipt"] == {"judgment": 1, "side": "left", "before": False}
    assert after["progress"] == {"done": 1, "own": 1, "target": 6}
    assert after["work"][0] == state["work"][1]
    undone = client.post(
        f"/{page.token}/api/undo", json={"session": state["session"], "judgment": after["undo"]}
    ).json()
    assert (undone["work"][0]["left"], undone["work"][0]["again"]) == (work["left"], True)


def test_clips_are_sent_by_number_and_unknown_ones_are_not(client: Any, page: Page) -> None:
    work = opened(client, page)["work"][0]
    shown = client.get(f"/{page.token}/clip/{work['left']}").json()
    assert shown["kind"] == "scene"
    reply = client.get(f"/{page.token}/clip/999")
    assert (reply.status_code, reply.json()["error"][:26]) == (409, "a clip must be in the file")


@pytest.mark.parametrize("message", [[], {}, {"session": "x"}, {"session": 1, "assignment": "a"}])
def test_messages_that_are_none_are_refused_with_a_reply(
    client: Any, page: Page, message: Any
) -> None:
    assert client.post(f"/{page.token}/api/judge", json=message).status_code == 400
    raw = {"content-type": "application/json"}
    assert client.post(f"/{page.token}/api/judge", content="{", headers=raw).status_code == 400


@pytest.mark.parametrize(
    "odd",
    [10**30, -(10**30), -1, 1e400, float("nan"), 1.5, True, None, [], {}, "1" + "0" * 30, "9" * 5000,
     "\ud800", "\u0663", "1_0", "../../etc/passwd", "a\x00b", ""],
)  # fmt: skip
def test_absurd_ids_are_refused_with_a_sentence(client: Any, page: Page, odd: Any) -> None:
    session = opened(client, page)["session"]
    kind = {"content-type": "application/json"}
    messages = [
        ("judge", {"session": odd, "assignment": "x", "side": "left"}),
        ("judge", {"session": session, "assignment": odd, "side": "left", "ms": 1}),
        ("judge", {"session": session, "assignment": "x", "side": odd, "ms": 1}),
        ("undo", {"session": session, "judgment": odd}),
        ("undo", {"session": odd, "judgment": 1}),
    ]
    replies = [
        client.post(f"/{page.token}/api/{where}", content=json.dumps(message), headers=kind)
        for where, message in messages
    ]
    path = quote(str(odd).encode("utf-8", "surrogatepass"), safe="")
    replies += [client.get(f"/{page.token}/clip/{path}{end}") for end in ("", "/sheet")]
    replies += [client.get(f"/{page.token}/api/state?session={path}")]
    for reply in replies:
        assert 400 <= reply.status_code < 500, reply.text
        assert reply.json()["error"].endswith((".", "Reload.")), reply.text
        assert len(reply.text) < 200


def test_a_message_that_says_no_size_is_refused(client: Any, page: Page) -> None:
    for size in ("abc", "-5", "1" * 30):
        headers = {"content-type": "application/json", "content-length": size}
        reply = client.post(f"/{page.token}/api/open", content=b"{}", headers=headers)
        assert reply.status_code == 400


def test_a_full_disk_is_an_answer_to_try_again(
    client: Any, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = opened(client, page)

    def full(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(page.desk, "record", full)
    message = {
        "session": state["session"],
        "assignment": state["work"][0]["assignment"],
        "side": "left",
    }
    reply = client.post(f"/{page.token}/api/judge", json=message)
    assert (reply.status_code, reply.json()) == (503, {"error": "database or disk is full"})
    monkeypatch.undo()
    assert client.post(f"/{page.token}/api/judge", json=message).status_code == 200


def test_the_summary_shows_who_did_what(client: Any, page: Page) -> None:
    assert "Nobody has answered yet" in client.get(f"/{page.token}/summary").text
    state = opened(client, page, "Änn & Bob")
    assignment = state["work"][0]["assignment"]
    message = {"session": state["session"], "assignment": assignment, "side": "equal", "ms": 1500}
    client.post(f"/{page.token}/api/judge", json=message)
    text = client.get(f"/{page.token}/summary").text
    assert "1 of 6 pairs answered" in text
    assert "Änn &amp; Bob" in text
    assert "1.5 s" in text


def test_the_same_file_goes_on_with_more_pairs_and_the_same_token(
    swings: EpisodeStore, tmp_path: Path
) -> None:
    path = tmp_path / "j.sqlite"
    with Labelling(swings, path, pairs=6, length=10).page() as first:
        token = first.token
    with Labelling(swings, path, length=10).page() as again:
        assert again.token == token
        assert again.desk.goal() == 6
    with Labelling(swings, path, pairs=9, length=10).page() as more:
        assert len(more.desk.database.read("SELECT * FROM pair")) == 9


def test_numbers_out_of_range_get_a_sentence(swings: EpisodeStore, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"repeats must lie in \[0, 0.5\], got 2"):
        Labelling(swings, tmp_path / "j", repeats=2)
    with pytest.raises(ConfigError, match="overlap must be at least 1, got 0"):
        Labelling(swings, tmp_path / "j", overlap=0)
    assert share(0.915) == "92 %"
