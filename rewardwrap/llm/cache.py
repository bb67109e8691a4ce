"""Answers on disk under what was asked: a search costs once, and repeats without a network."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from rewardwrap.core.errors import ConfigError
from rewardwrap.files import write_whole
from rewardwrap.limits import parsed
from rewardwrap.llm.client import Completion, ProviderError, Request, Usage


def key_of(request: Request, model: str) -> str:
    """sha256 of the canonical request: model, messages, sampling and the prompt's version."""
    asked = {
        "model": model,
        "messages": [dict(message) for message in request.messages],
        "temperature": request.temperature,
        "max_tokens": request.max_tokens,
        "seed": request.seed,
        "version": request.version,
    }
    canonical = json.dumps(asked, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


class Cached:
    """Answers on disk; asks nobody.

    Args:
        folder: One JSON file for each answer.
        model: Name under which answers are kept.
    """

    def __init__(self, folder: str | Path, *, model: str) -> None:
        self.folder, self.model = Path(folder), model
        if not model:
            raise ConfigError("a cache must know its model, got none. Name the model that answers.")

    def find(self, request: Request) -> Completion | None:
        """The answer on disk, or None."""
        file = self.folder / f"{key_of(request, self.model)}.json"
        if not file.is_file():
            return None
        try:
            kept = parsed(file.read_text(encoding="utf-8"))
            usage = Usage(**kept["usage"])
            return Completion(
                kept["text"],
                usage,
                kept["finish_reason"],
                kept["model"],
                cached=True,
                raw=kept["raw"],
            )
        except (ValueError, KeyError, TypeError) as error:
            raise ProviderError(
                f"{file.name} must hold a recorded answer, got a file that cannot be read "
                f"({error}). Delete it to ask again."
            ) from error

    def complete(self, request: Request) -> Completion:
        """The answer on disk: a replay.

        Raises:
            ProviderError: It was never given.
        """
        found = self.find(request)
        if found is None:
            raise ProviderError(
                f"a replay must hold every answer, got a request that was not recorded "
                f"({key_of(request, self.model)[:12]}). Ask a provider for it (--cache-use cache)."
            )
        return found

    def keep(self, request: Request, answer: Completion) -> Path:
        """Write one answer; what was asked lies beside it, for readers."""
        content = {
            "asked": [dict(message) for message in request.messages],
            "seed": request.seed,
            "text": answer.text,
            "usage": {
                "prompt": answer.usage.prompt,
                "completion": answer.usage.completion,
                "estimated": answer.usage.estimated,
            },
            "finish_reason": answer.finish_reason,
            "model": answer.model,
            "raw": dict(answer.raw),
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / f"{key_of(request, self.model)}.json"
        write_whole(file, json.dumps(content, indent=1, ensure_ascii=False))
        return file
