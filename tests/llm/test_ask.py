"""Several requests at once."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from rewardwrap.core.errors import ConfigError
from rewardwrap.llm.ask import ask_all
from rewardwrap.llm.budget import BudgetExceeded
from rewardwrap.llm.client import CallableClient, ProviderError, Request
from rewardwrap.llm.recorded import CUT, RecordedClient, recordings_for


def requests(count: int) -> list[Request]:
    return [
        Request(({"role": "user", "content": str(i)},), label=f"round-1-sample-{i}")
        for i in range(count)
    ]


@pytest.mark.parametrize("at_once", [1, 3, 20])
def test_every_answer_comes_once_and_no_more_run_than_allowed(at_once: int) -> None:
    running, most = 0, 0
    lock = threading.Lock()

    def answer(request: Request) -> str:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.005)
        with lock:
            running -= 1
        return request.messages[0]["content"]

    seen: list[str] = []
    ask_all(
        CallableClient(answer),
        requests(12),
        at_once=at_once,
        on_answer=lambda request, found: seen.append(found.text),
    )
    assert sorted(seen, key=int) == [str(i) for i in range(12)]
    assert most <= at_once


def asked_of(failing: dict[str, Exception]) -> tuple[list[str], list[str], list[str]]:
    """What was asked, what was answered, and which got no answer, of ten requests one by one."""
    asked: list[str] = []
    seen: list[str] = []
    lost: list[str] = []

    def answer(request: Request) -> str:
        asked.append(request.messages[0]["content"])
        if asked[-1] in failing:
            raise failing[asked[-1]]
        return asked[-1]

    try:
        found = ask_all(
            CallableClient(answer),
            requests(10),
            at_once=1,
            on_answer=lambda request, found: seen.append(found.text),
        )
        lost = [request.messages[0]["content"] for request, _ in found]
    except (ProviderError, BudgetExceeded) as error:
        lost = [str(error)]
    return asked, seen, lost


def test_one_failed_request_ends_nothing() -> None:
    asked, seen, lost = asked_of({name: ProviderError("busy") for name in ("0", "5", "9")})
    assert asked == [str(i) for i in range(10)]
    assert seen == ["1", "2", "3", "4", "6", "7", "8"]
    assert lost == ["0", "5", "9"]


def test_where_nobody_answers_the_rest_is_not_asked() -> None:
    everyone = {str(i): ProviderError("no network") for i in range(10)}
    assert asked_of(everyone) == (["0", "1"], [], ["no network"])


def test_a_budget_that_is_used_up_stops_new_requests_and_keeps_the_answers_that_came() -> None:
    asked, seen, lost = asked_of({"2": BudgetExceeded("no more")})
    assert (asked, seen, lost) == (["0", "1", "2"], ["0", "1"], ["no more"])


def test_recordings_are_found_by_label(tmp_path: Path) -> None:
    (tmp_path / "round-1-sample-0.md").write_text("hello")
    (tmp_path / "round-1-sample-1.md").write_text(CUT + "\nhel")
    client = RecordedClient(tmp_path)
    whole, cut, *_ = requests(3)
    assert client.complete(whole).text == "hello"
    assert client.complete(cut).finish_reason == "length"
    with pytest.raises(ProviderError, match="none for round-1-sample-2"):
        client.complete(requests(3)[2])


def test_an_empty_folder_of_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="must hold round-1-sample-1.md"):
        RecordedClient(tmp_path)
    with pytest.raises(ConfigError, match="must have recordings"):
        recordings_for("Nobody-v0")
