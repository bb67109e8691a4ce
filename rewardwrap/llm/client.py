"""What asks a language model: one request, one completion, whoever answers.

Everything else in this package speaks `ChatClient`; a provider is one small class. Several samples are
several requests, because ``n > 1`` is not portable across servers that speak the same protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from rewardwrap.core.errors import ConfigError, RewardwrapError

Message: TypeAlias = Mapping[str, str]
"""``{"role": "system" | "user" | "assistant", "content": text}``."""


class ProviderError(RewardwrapError, RuntimeError):
    """A provider that does not answer, or answers with an error."""


@dataclass(frozen=True)
class Request:
    """One question.

    Args:
        messages: The conversation so far.
        temperature: Randomness of the answer, >= 0.
        max_tokens: Longest answer in tokens, > 0.
        seed: Tells the samples of one question apart; servers that know seeds repeat themselves.
        version: Version of the prompt template that made the messages.
        label: Place in a search, e.g. ``round-1-sample-2``; recordings are found by it.
    """

    messages: tuple[Message, ...]
    temperature: float = 1.0
    max_tokens: int = 2048
    seed: int = 0
    version: str = ""
    label: str = ""

    def __post_init__(self) -> None:
        if not self.messages:
            raise ConfigError("a request must have messages, got none. Write a prompt.")
        if self.max_tokens < 1:
            raise ConfigError(
                f"max_tokens must be above 0, got {self.max_tokens}. 2048 fits a reward."
            )
        if not 0 <= self.temperature <= 2:
            raise ConfigError(
                f"temperature must lie in [0, 2], got {self.temperature}. 1 gives varied samples."
            )


@dataclass(frozen=True)
class Usage:
    """Tokens that an answer cost.

    Args:
        prompt: Tokens of the question.
        completion: Tokens of the answer.
        estimated: The server did not say; counted from the characters.
    """

    prompt: int
    completion: int
    estimated: bool = False

    @property
    def total(self) -> int:
        """Both together."""
        return self.prompt + self.completion


@dataclass(frozen=True)
class Completion:
    """One answer.

    Args:
        text: What was said; may be empty.
        usage: Tokens.
        finish_reason: ``"stop"``, ``"length"`` (cut off), ``"content_filter"`` ...
        model: The model that answered, by its own name.
        cached: Whether it was read from disk instead of asked for.
        raw: The server's whole answer, as plain data.
    """

    text: str
    usage: Usage
    finish_reason: str = "stop"
    model: str = ""
    cached: bool = False
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def whole(self) -> bool:
        """Whether something was said, to its end."""
        return bool(self.text.strip()) and self.finish_reason == "stop"


class ChatClient(Protocol):
    """Whoever answers."""

    @property
    def model(self) -> str:
        """The name under which prices are looked up and answers are cached."""
        ...

    def complete(self, request: Request) -> Completion:
        """Answer one request.

        Raises:
            ProviderError: No answer came.
        """
        ...


class CallableClient:
    """A function of the request is the model: the way in for clients of one's own.

    Args:
        answer: Returns the text.
        model: Its name.

    Example:
        >>> client = CallableClient(lambda request: request.messages[-1]["content"].upper())
        >>> client.complete(Request(({"role": "user", "content": "hello"},))).text
        'HELLO'
    """

    def __init__(self, answer: Callable[[Request], str], model: str = "callable") -> None:
        self._answer, self.model = answer, model

    def complete(self, request: Request) -> Completion:
        """What the function returns, with estimated tokens."""
        text = self._answer(request)
        usage = Usage(estimate_tokens(request.messages), len(text) // 3, estimated=True)
        return Completion(text, usage, model=self.model)


def estimate_tokens(messages: Sequence[Message]) -> int:
    """Tokens of a conversation, estimated high: a token is rarely shorter than three characters.

    >>> estimate_tokens([{"role": "user", "content": "a" * 300}])
    104
    """
    return sum(4 + -(-len(message["content"]) // 3) for message in messages)
