"""Recorded answers as text files: what tests and demonstrations replay, readable by people.

``round-1-sample-2.md`` holds the answer to the request of that label.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from rewardwrap.core.errors import ConfigError
from rewardwrap.llm.client import Completion, ProviderError, Request, Usage, estimate_tokens

OWN = Path(str(files("rewardwrap.llm") / "recordings"))
"""Recordings that come along, one folder for each environment."""
CUT = "<!-- finish_reason: length -->"
"""First line of a recording of an answer that was cut off."""


class RecordedClient:
    """Answers by label from a folder.

    Args:
        folder: ``<label>.md`` files.

    Raises:
        ConfigError: There are none.
    """

    model = "replay"

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        if not any(self.folder.glob("*.md")):
            raise ConfigError(
                f"a folder of recordings must hold round-1-sample-1.md and so on, "
                f"got {self.folder}. Name another one (--recordings DIR)."
            )

    def complete(self, request: Request) -> Completion:
        """The recorded answer.

        Raises:
            ProviderError: None of that label was recorded.
        """
        file = self.folder / f"{request.label}.md"
        if not file.is_file():
            raise ProviderError(
                f"a replay must hold every answer, got none for {request.label}. "
                f"Ask for fewer rounds or samples, or record {file.name}."
            )
        text = file.read_text(encoding="utf-8")
        reason = "stop"
        if text.startswith(CUT):
            text, reason = text[len(CUT) :].lstrip("\n"), "length"
        usage = Usage(estimate_tokens(request.messages), -(-len(text) // 3), estimated=True)
        return Completion(text, usage, reason, self.model)


def recordings_for(env: str) -> Path:
    """The folder that comes along for an environment.

    Raises:
        ConfigError: There is none.
    """
    folder = OWN / env.replace("/", "-").lower()
    if not folder.is_dir():
        known = ", ".join(sorted(path.name for path in OWN.iterdir() if path.is_dir()))
        raise ConfigError(
            f"a replay for {env} must have recordings, got none. Recorded: {known}. "
            "Name a folder of your own (--recordings DIR)."
        )
    return folder
