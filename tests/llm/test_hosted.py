"""The real SDK against a real server on the loopback interface."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from rewardwrap.core.errors import ConfigError, MissingExtra
from rewardwrap.llm.client import ProviderError, Request
from rewardwrap.llm.extraction import NoCode, code_in
from rewardwrap.llm.hosted import OpenAIClient

SECRET = "sk-very-secret-0123456789"
ANSWERS = Path(__file__).parent / "answers"
ASKED = Request(({"role": "user", "content": "hello"},), temperature=0.3, max_tokens=9, seed=4)


def completion(text: str = "hi", **changes: Any) -> dict[str, Any]:
    choice = {"index": 0, "finish_reason": "stop"}
    message = {"role": "assistant", "content": text}
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": "tiny-1",
        "choices": [{**choice, "message": message}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6},
        **changes,
    }


class Server(ThreadingHTTPServer):
    """Answers with what `script` holds: ``(status, headers, body)``, the last one again and again."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: list[tuple[int, dict[str, str], Any]] = [(200, {}, completion())]
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.wait, self.closing = 0.0, threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.asked.append(json.loads(body))
        self.server.headers.append({name.lower(): text for name, text in self.headers.items()})
        script = self.server.script
        status, headers, content = script.pop(0) if len(script) > 1 else script[0]
        self.server.closing.wait(self.server.wait)
        text = content if isinstance(content, str) else json.dumps(content)
        try:
            self.send_response(status)
            for name, value in {"content-type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())
        except BrokenPipeError:
            pass

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.closing.set()
    made.shutdown()
    made.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", SECRET)


def client(server: Server, **changes: Any) -> OpenAIClient:
    options = {"timeout": 60.0, "retries": 2, "key_variable": "TEST_KEY", **changes}
    return OpenAIClient("tiny", base_url=server.url, **options)


def test_a_question_is_sent_whole_and_the_answer_read_whole(server: Server) -> None:
    answer = client(server).complete(ASKED)
    assert (answer.text, answer.finish_reason, answer.model) == ("hi", "stop", "tiny-1")
    assert (answer.usage.prompt, answer.usage.completion) == (5, 1)
    (asked,) = server.asked
    assert asked["messages"] == [{"role": "user", "content": "hello"}]
    assert (asked["temperature"], asked["max_tokens"], asked["seed"]) == (0.3, 9, 4)
    assert asked["model"] == "tiny"
    assert "n" not in asked


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again_when_it_says(server: Server, status: int) -> None:
    server.script = [(status, {"retry-after": "0"}, {"error": {"message": "busy"}})] * 2
    server.script.append((200, {}, completion("at last")))
    assert client(server).complete(ASKED).text == "at last"
    assert len(server.asked) == 3


def test_a_server_that_stays_busy_is_an_error_in_a_sentence(server: Server) -> None:
    server.script = [(429, {"retry-after": "0"}, {"error": {"message": "quota used up"}})]
    with pytest.raises(ProviderError, match="status 429: .*quota used up"):
        client(server).complete(ASKED)
    assert len(server.asked) == 3


def test_a_provider_that_never_answers_is_given_up_in_time(server: Server) -> None:
    server.wait = 120.0
    started = time.monotonic()
    with pytest.raises(ProviderError, match=r"must answer within 0\.2 s"):
        client(server, timeout=0.2, retries=0).complete(ASKED)
    assert time.monotonic() - started < 60


def test_a_server_that_is_not_there_is_an_error_in_a_sentence() -> None:
    gone = OpenAIClient("m", base_url="http://127.0.0.1:9/v1", key_variable="TEST_KEY", retries=0)
    with pytest.raises(ProviderError, match="must be reachable"):
        gone.complete(ASKED)


@pytest.mark.parametrize(
    "body",
    ['{"id": "1", "choi', "<html>no</html>", "{}", '{"choices": []}'],
)
def test_an_answer_that_is_none_is_an_error_in_a_sentence(server: Server, body: str) -> None:
    server.script = [(200, {}, body)]
    with pytest.raises(ProviderError, match="the provider must answer with"):
        client(server, retries=0).complete(ASKED)


def test_missing_usage_is_estimated_and_says_so(server: Server) -> None:
    server.script = [(200, {}, completion("four", usage=None))]
    answer = client(server).complete(ASKED)
    assert answer.usage.estimated
    assert answer.usage.completion > 0


def test_an_empty_answer_is_empty_text(server: Server) -> None:
    message = {"role": "assistant", "content": None}
    choice = {"index": 0, "finish_reason": "content_filter", "message": message}
    server.script = [(200, {}, completion(choices=[choice]))]
    answer = client(server).complete(ASKED)
    assert (answer.text, answer.finish_reason) == ("", "content_filter")


def refused(said: str, **body: Any) -> tuple[int, dict[str, str], Any]:
    return 400, {}, {"error": {"message": said, "type": "invalid_request_error", **body}}


def test_what_a_server_does_not_know_is_renamed_or_left_out_from_then_on(server: Server) -> None:
    use = (
        "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead."
    )
    only = "Unsupported value: 'temperature' does not support 0.3 with this model."
    server.script = [
        refused(use, param="max_tokens", code="unsupported_parameter"),
        refused(only),
        (200, {}, completion("at last")),
    ]
    asks = client(server)
    assert asks.complete(ASKED).text == asks.complete(ASKED).text == "at last"
    assert len(server.asked) == 4
    last = server.asked[-1]
    assert last["max_completion_tokens"] == 9
    assert last["seed"] == 4
    assert not {"max_tokens", "temperature"} & set(last)


def test_options_are_sent_under_the_names_that_were_given(server: Server) -> None:
    client(server, names={"max_tokens": "n_predict", "seed": None}).complete(ASKED)
    assert server.asked[0]["n_predict"] == 9
    assert not {"max_tokens", "seed"} & set(server.asked[0])
    with pytest.raises(ConfigError, match="names must be of .*got top_p"):
        client(server, names={"top_p": None})


def test_a_request_that_is_wrong_otherwise_is_an_error_in_a_sentence(server: Server) -> None:
    server.script = [refused("context too long", param="messages")]
    with pytest.raises(ProviderError, match="status 400: .*context too long"):
        client(server).complete(ASKED)
    assert len(server.asked) == 1


def test_an_answer_in_parts_is_its_text_without_its_thoughts(server: Server) -> None:
    parts = [
        {"type": "thinking", "thinking": "hm"},
        {"type": "text", "text": "a"},
        {"type": "text", "text": "b"},
    ]
    message = {"role": "assistant", "content": parts}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    usage = {"prompt_tokens": None, "completion_tokens": None, "total_tokens": None}
    server.script = [(200, {}, completion(choices=[choice], usage=usage))]
    answer = client(server).complete(ASKED)
    assert answer.text == "ab"
    assert answer.usage.estimated


def test_a_refusal_and_a_call_of_a_tool_are_told_apart_from_silence(server: Server) -> None:
    message = {"role": "assistant", "content": None, "refusal": "I will not"}
    server.script = [
        (200, {}, completion(choices=[{"index": 0, "finish_reason": "stop", "message": message}]))
    ]
    assert client(server).complete(ASKED).finish_reason == "refusal"
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    choice = {"index": 0, "finish_reason": "tool_calls", "message": message}
    server.script = [(200, {}, completion(choices=[choice]))]
    assert client(server).complete(ASKED).finish_reason == "tool_calls"


def test_the_key_goes_to_the_server_and_nowhere_else(server: Server) -> None:
    answer = client(server).complete(ASKED)
    assert server.headers[0]["authorization"] == f"Bearer {SECRET}"
    assert SECRET not in repr(answer) + json.dumps(answer.raw)
    server.script = [(401, {}, {"error": {"message": f"Incorrect API key: {SECRET}"}})]
    with pytest.raises(ProviderError) as caught:
        client(server).complete(ASKED)
    error: BaseException | None = caught.value
    assert SECRET not in str(error)
    assert "[key]" in str(error)


def test_a_server_elsewhere_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_KEY")
    with pytest.raises(ConfigError, match="environment variable TEST_KEY"):
        OpenAIClient("m", key_variable="TEST_KEY")
    OpenAIClient("m", base_url="http://localhost:11434/v1", key_variable="TEST_KEY")


def test_without_the_package_the_error_names_the_pip_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "openai", None)
    with pytest.raises(MissingExtra, match=r"rewardwrap\[llm\]"):
        OpenAIClient("m", base_url="http://localhost/v1")


@pytest.mark.parametrize(
    ("name", "tokens", "ends"),
    [("llama-cpp", (611, 48), "stop"), ("anthropic-compatible", (702, 61), "stop"),
     ("anthropic-messages", (702, 58), "stop")],
)  # fmt: skip
def test_answers_as_other_servers_write_them_are_read(
    server: Server, name: str, tokens: tuple[int, int], ends: str
) -> None:
    """Written in those servers' manner; no server was asked."""
    server.script = [(200, {}, (ANSWERS / f"{name}.json").read_text("utf-8"))]
    answer = client(server).complete(ASKED)
    assert code_in(answer).startswith("def reward(obs, action, next_obs, info):")
    assert (answer.usage.prompt, answer.usage.completion) == tokens
    assert (answer.finish_reason, answer.usage.estimated) == (ends, False)


def test_reasoning_that_used_up_the_tokens_is_said_and_not_taken_for_code(server: Server) -> None:
    server.script = [(200, {}, (ANSWERS / "llama-cpp-cut.json").read_text("utf-8"))]
    answer = client(server).complete(ASKED)
    assert (answer.text, answer.finish_reason) == ("", "length")
    with pytest.raises(NoCode, match="max-tokens"):
        code_in(answer)
