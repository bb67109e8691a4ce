"""Imports point one way: core <- rewards <- adapters <- the rest; the leaf packages know no rewards."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = [
    "core",
    "files",
    "statistics",
    "sandbox",
    "rewards",
    "adapters",
    "data",
    "annotate",
    "training",
    "compare",
    "nets",
    "loops",
    "evaluate",
    "llm",
    "testing",
    "doctor",
]
HEAVY = {"torch", "stable_baselines3", "gymnasium", "scipy", "matplotlib", "rich", "safetensors"}


def imported(path: Path) -> set[str]:
    """Every module a file imports, functions included; names under TYPE_CHECKING left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    found = set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def layer_of(module: str) -> int | None:
    parts = module.split(".")
    if parts[0] != "rewardwrap" or len(parts) == 1:
        return None
    return LAYERS.index(parts[1]) if parts[1] in LAYERS else None


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("path", modules("rewardwrap"), ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_imports_from_its_own_layer_or_below(path: Path) -> None:
    own = layer_of(".".join(path.relative_to(ROOT).with_suffix("").parts))
    if own is None:
        return
    above = {m for m in imported(path) if (layer_of(m) or 0) > own}
    assert not above, f"{path.name} imports {sorted(above)}"


@pytest.mark.parametrize("path", modules("rewardwrap/core"), ids=lambda p: p.name)
def test_the_core_needs_numpy_alone(path: Path) -> None:
    roots = {module.partition(".")[0] for module in imported(path)}
    assert not roots & HEAVY
    assert not roots & {"rewardwrap_envs", "rewardwrap_policies"}


@pytest.mark.parametrize("path", modules("envs") + modules("policies"), ids=lambda p: p.name)
def test_the_leaf_packages_know_no_rewards(path: Path) -> None:
    assert "rewardwrap" not in {module.partition(".")[0] for module in imported(path)}


@pytest.mark.parametrize("command", ["import rewardwrap", "from rewardwrap.cli import main"])
def test_the_first_import_loads_neither_torch_nor_sb3(command: str) -> None:
    code = f"import sys; {command}; print(*sorted({HEAVY!r} & set(sys.modules)))"
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"torch", "stable_baselines3", "scipy", "matplotlib"} & set(shown)
