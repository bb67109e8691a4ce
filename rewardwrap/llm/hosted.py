"""Any server that speaks OpenAI's chat protocol: hosted ones, vLLM, Ollama, llama.cpp.

The official SDK does the talking (retries with ``retry-after``, timeouts, connection reuse).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from rewardwrap.core.errors import ConfigError, extra
from rewardwrap.llm.client import Completion, ProviderError, Request, Usage, estimate_tokens

KEY = "OPENAI_API_KEY"
OPTIONS = ("temperature", "max_tokens", "seed")
NEWER = "max_completion_tokens"
STOPPED = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
}
"""Why a message of Anthropic ended -> OpenAI's word."""
SAID = (None, "text", "output_text")
LOCAL = ("http://localhost", "http://127.", "http://[::1]")


class OpenAIClient:
    """A model behind ``/v1/chat/completions``.

    Args:
        model: As the server calls it.
        base_url: Root of the API, e.g. ``http://localhost:11434/v1`` for Ollama; None: OpenAI's own.
        key_variable: Name of the environment variable that holds the key. The key itself is never
            stored, written or shown. Servers on this machine need none.
        timeout: Seconds for one attempt.
        retries: Attempts after the first, on 429, 5xx and lost connections; waits as the server says.
        names: What the server calls ``max_tokens``, ``seed`` and ``temperature``; None leaves one out. A
            server that refuses one by name is asked again: newer models of OpenAI's want
            ``max_completion_tokens``, reasoning models no temperature.

    Raises:
        ConfigError: No key is set for a server elsewhere.
        MissingExtra: The SDK is not installed.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        key_variable: str = KEY,
        timeout: float = 120.0,
        retries: int = 3,
        names: Mapping[str, str | None] | None = None,
    ) -> None:
        self._names: dict[str, str | None] = {**{name: name for name in OPTIONS}, **(names or {})}
        if unknown := sorted(set(self._names) - set(OPTIONS)):
            raise ConfigError(
                f"names must be of {', '.join(OPTIONS)}, got {', '.join(unknown)}. Leave the others out."
            )
        self.model = model
        self.base_url = base_url
        self._key = os.environ.get(key_variable, "")
        if not self._key and not (base_url or "").startswith(LOCAL):
            raise ConfigError(
                f"the provider must have a key, got none in the environment variable "
                f"{key_variable}. Set it, name another one (--key-variable), or use "
                "--provider template, which needs none."
            )
        self._sdk = extra("openai", needs="A hosted language model", install="llm")
        self._server = self._sdk.OpenAI(
            api_key=self._key or "none", base_url=base_url, timeout=timeout, max_retries=retries
        )
        self._timeout = timeout

    def complete(self, request: Request) -> Completion:
        """Ask; every failure is a `ProviderError` whose text does not hold the key."""
        sdk = self._sdk
        try:
            answer = self._asked(request)
        except sdk.APITimeoutError as error:
            raise ProviderError(
                f"the provider must answer within {self._timeout:g} s, got nothing. Raise the "
                "time limit (--timeout) or try again later; what is finished is kept."
            ) from error
        except sdk.APIConnectionError as error:
            raise ProviderError(
                f"the provider must be reachable, got: {self._clean(str(error.__cause__ or error))}. "
                "Check --base-url and the network."
            ) from None
        except sdk.APIStatusError as error:
            raise ProviderError(
                f"the provider must answer with a completion, got status {error.status_code}: "
                f"{self._clean(error.message)}. Check model, key and quota; what is finished is kept."
            ) from None
        except sdk.APIError as error:
            raise ProviderError(
                f"the provider must answer with a completion, got: {self._clean(str(error))}. "
                "Check that --base-url speaks OpenAI's chat protocol."
            ) from None
        except ValueError as error:  # a body that is no JSON
            raise ProviderError(
                f"the provider must answer with JSON, got: {self._clean(str(error))}. "
                "Check that --base-url speaks OpenAI's chat protocol."
            ) from None
        return self._completion(answer, request)

    def _asked(self, request: Request) -> Any:
        """The server's answer; without what it does not know, once it has said so."""
        while True:
            options = {
                name: getattr(request, ours)
                for ours, name in self._names.items()
                if name is not None
            }
            try:
                return self._server.chat.completions.create(
                    model=self.model,
                    messages=[dict(message) for message in request.messages],
                    **({"extra_body": options} if options else {}),
                )
            except self._sdk.BadRequestError as error:
                if not self._renamed(str(error.param or ""), error.message):
                    raise

    def _renamed(self, refused: str, said: str) -> bool:
        """Whether it was one of the options that a server refused, which is another from now on."""
        for ours, name in self._names.items():
            if name is None or not (refused == name or (not refused and f"'{name}'" in said)):
                continue
            other = ours == name == "max_tokens" and NEWER in said
            self._names[ours] = NEWER if other else None
            return True
        return False

    def _completion(self, answer: Any, request: Request) -> Completion:
        choices = getattr(answer, "choices", None)
        if not choices and isinstance(getattr(answer, "content", None), list):
            return self._of_messages(answer, request)
        if not choices:
            raise ProviderError(
                f"the provider must answer with a choice, got {self._clean(str(answer))[:200]!r}. "
                "Check that --base-url speaks OpenAI's chat protocol."
            )
        message = choices[0].message
        text = _text(message.content)
        told, refusal = answer.usage, getattr(message, "refusal", None)
        counted = told is not None and None not in (told.prompt_tokens, told.completion_tokens)
        usage = (
            Usage(told.prompt_tokens, told.completion_tokens)
            if counted
            else Usage(estimate_tokens(request.messages), -(-len(text) // 3), estimated=True)
        )
        return Completion(
            text,
            usage,
            finish_reason="refusal" if refusal and not text else choices[0].finish_reason or "stop",
            model=answer.model or self.model,
            raw=answer.model_dump(mode="json", warnings=False),
        )

    def _of_messages(self, answer: Any, request: Request) -> Completion:
        """An answer in the form of Anthropic's messages, as some gateways pass it on."""
        text, told = _text(answer.content), getattr(answer, "usage", None)
        counts = [getattr(told, name, None) for name in ("input_tokens", "output_tokens")]
        known = [int(count) for count in counts if count is not None]
        usage = (
            Usage(known[0], known[1])
            if len(known) == 2
            else Usage(estimate_tokens(request.messages), -(-len(text) // 3), estimated=True)
        )
        why = str(getattr(answer, "stop_reason", None) or "stop")
        return Completion(
            text, usage, finish_reason=STOPPED.get(why, why), model=answer.model or self.model,
            raw=answer.model_dump(mode="json", warnings=False),
        )  # fmt: skip

    def _clean(self, text: str) -> str:
        return text.replace(self._key, "[key]") if self._key else text


def _text(content: Any) -> str:
    """What was said: some servers answer in parts, of which thoughts are none."""
    if not isinstance(content, list):
        return content or ""
    parts = [part for part in content if isinstance(part, dict)]
    return "".join(str(part.get("text") or "") for part in parts if part.get("type") in SAID)
