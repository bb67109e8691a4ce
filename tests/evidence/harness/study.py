"""A script of evidence, read and checked."""

from __future__ import annotations

import ast
import hashlib
import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType

from tests.evidence.harness.judging import STATES, Row, State

FOLDER = Path(__file__).parents[1]
PACKAGE = "tests.evidence"
SAID = {"CLAIM", "SOURCE", "BUDGET", "SEEDS", "OBJECT", "USE", "EXAMPLE"}


@dataclass(frozen=True)
class Study:
    """One script."""

    tag: str

    @cached_property
    def module(self) -> ModuleType:
        return importlib.import_module(f"{PACKAGE}.{self.tag}")

    @property
    def claim(self) -> str:
        return str(self.module.CLAIM)

    @property
    def source(self) -> str:
        return str(self.module.SOURCE)

    @property
    def seeds(self) -> int:
        return int(getattr(self.module, "SEEDS", 5))

    @property
    def documented(self) -> str:
        """``"module:name"`` of the class that says what the method does; empty for a tagged one."""
        return str(getattr(self.module, "OBJECT", ""))

    @property
    def use(self) -> str:
        """The command that uses a method without a tag."""
        return str(getattr(self.module, "USE", ""))

    @property
    def example(self) -> str:
        """Python lines for a method that no class documents."""
        return str(getattr(self.module, "EXAMPLE", "")).rstrip()

    @cached_property
    def digest(self) -> str:
        """Of what decides a row, in the script and in the worlds it imports: not of its claim, of its
        verdict or of where the things it imports lie."""
        text = "".join(_deciding(path) for path in _texts(FOLDER / f"{self.tag}.py"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def run(self, seed: int, *, small: bool = False) -> Row:
        """One row.

        Raises:
            TypeError: The script returns something else than numbers by name.
        """
        row = self.module.run(seed, small=small)
        if not isinstance(row, dict) or not all(isinstance(key, str) for key in row):
            raise TypeError(f"{self.tag}: run must return numbers by name, got {row!r}.")
        return {key: float(value) for key, value in row.items()}

    def verdict(self, rows: Sequence[Row]) -> tuple[State, str]:
        """What the rows say.

        Raises:
            ValueError: The script says something that is no verdict.
        """
        state, sentence = self.module.verdict(rows)
        if state not in STATES or not sentence:
            raise ValueError(f"{self.tag}: verdict must be one of {STATES}, got {state!r}.")
        return state, sentence


def studies(only: Sequence[str] = ()) -> list[Study]:
    """Those named, or all.

    Raises:
        LookupError: There is no such script.
    """
    known = sorted(path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_"))
    if unknown := sorted(set(only) - set(known)):
        raise LookupError(
            f"ONLY must name scripts of {PACKAGE}, got {', '.join(unknown)}. Known: {', '.join(known)}."
        )
    return [Study(tag) for tag in known if not only or tag in only]


def _texts(path: Path) -> list[Path]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    named = {
        node.module.removeprefix(PACKAGE).replace(".", "/")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{PACKAGE}.worlds")
    }
    return [path, *sorted(FOLDER / f"{name.lstrip('/')}.py" for name in named)]


def _deciding(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    kept = [node for node in ast.parse(text).body if not _is_said(node)]
    return "".join("".join((ast.get_source_segment(text, node) or "").split()) for node in kept)


def _is_said(node: ast.stmt) -> bool:
    """Whether a statement tells about the rows or fetches names, and so changes none."""
    if isinstance(node, ast.Assign):
        return any(isinstance(name, ast.Name) and name.id in SAID for name in node.targets)
    is_verdict = isinstance(node, ast.FunctionDef) and node.name == "verdict"
    return is_verdict or isinstance(node, ast.Import | ast.ImportFrom | ast.Expr)
