"""Imports point downwards, between rooms and between files, and nothing stands without a road to it.

The rule over files: **no circle of files anywhere**. Every import counts: at the top of a file, inside
a function, where postponing it only hides the circle, and under ``TYPE_CHECKING``, since a type is
knowledge too. A package's ``__init__`` is an edge only where a name is imported from it.

The rule over rooms: `ROOMS` lists every file and folder of ``rewardwrap/``, lowest first, and a room
reads only from itself and from those before it. What is not in the list fails.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = [
    "core",
    "statistics",
    "pages",
    "files",
    "limits",
    "sandbox",
    "calculus",
    "rewards",
    "scores",
    "adapters",
    "data",
    "annotate",
    "nets",
    "loops",
    "evaluate",
    "design",
    "training",
    "compare",
    "api",
    "llm",
    "families",
    "testing",
    "doctor",
    "commands",
    "cli",
    "__main__",
]
"""design.md, section 3; what is not built yet has its place already."""
HEAVY = {"torch", "stable_baselines3", "gymnasium", "scipy", "matplotlib", "rich", "safetensors"}

Graph = dict[str, set[str]]


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def nodes(path: Path) -> list[ast.AST]:
    """What may import or name a module: read once for all the rules."""
    kept = (ast.Import, ast.ImportFrom, ast.Constant)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, kept)]


def imported(path: Path) -> set[str]:
    """Every module or name that a file imports, wherever it does."""
    found = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def edges(names: set[str], files: dict[str, Path]) -> set[str]:
    """The files behind imported names: a module itself, or the one that a name is taken from."""
    owners = {name if name in files else name.rpartition(".")[0] for name in names}
    return owners & set(files)


@cache
def house() -> Graph:
    """File -> the files it imports, by what follows ``rewardwrap.``; ``""`` is the public face."""
    files = {name_of(path): path for path in modules("rewardwrap")}
    graph = {name: edges(imported(path), files) - {name} for name, path in files.items()}

    def short(name: str) -> str:
        return name.partition(".")[2]

    return {short(name): set(map(short, below)) for name, below in graph.items()}


def circles(graph: Graph) -> list[set[str]]:
    """Strongly connected components of two files or more."""
    reach = {name: reached(graph, [name]) for name in graph}
    found: list[set[str]] = []
    for name in sorted(graph):
        around = {other for other in reach[name] if name in reach[other]}
        if len(around) > 1 and around not in found:
            found.append(around)
    return found


def reached(graph: Graph, roots: list[str]) -> set[str]:
    """What can be walked to from the roots, by at least one step."""
    seen: set[str] = set()
    todo = [below for root in roots for below in graph[root]]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += graph[name]
    return seen


def test_circles_are_found_through_several_files() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [{"a", "b", "c"}]
    assert not circles({"a": {"b", "c"}, "b": {"c"}, "c": set()})


def test_imports_count_wherever_they_stand(tmp_path: Path) -> None:
    file = tmp_path / "any.py"
    file.write_text(
        "import a.b\nif TYPE_CHECKING:\n    from c import d\n\ndef f():\n    from e.g import h\n"
    )
    assert imported(file) == {"a.b", "c.d", "e.g.h"}
    assert edges({"e.g.h", "a.b", "numpy"}, {"e.g": file, "a.b": file}) == {"e.g", "a.b"}


def test_no_circle_of_files() -> None:
    assert circles(house()) == []


def test_every_room_has_its_place() -> None:
    assert {name.partition(".")[0] for name in house() if name} <= set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_reads_from_itself_and_from_those_below(room: str) -> None:
    allowed = set(ROOMS[: ROOMS.index(room) + 1])
    if room in ("commands", "cli", "__main__"):
        allowed |= {""}
    above = {
        f"{name} -> {below or 'rewardwrap'}"
        for name, imports in house().items()
        if name.partition(".")[0] == room
        for below in imports
        if not {below, below.partition(".")[0]} & allowed
    }
    assert not above


ROOTS = ["", "cli", "__main__", "testing", "sandbox.worker", "sandbox.zygote"]
"""Where a stranger enters: the public names, the commands, the contract; processes of their own."""
ROADLESS: dict[str, str] = {}
"""Module that nothing in the product reaches yet -> the road it waits for; shrinks, never grows."""


def roads() -> Graph:
    """The house, with modules that are named by a string; a package is no road to what it names.

    The public face is: its names are the promise. A command is loaded by its name.
    """
    graph = {name: set(below) for name, below in house().items()}
    for path in modules("rewardwrap"):
        name = name_of(path).partition(".")[2]
        if path.name == "__init__.py" and name:
            continue
        for node in nodes(path):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                house_name, _, module = node.value.partition(".")
                graph[name] |= {module} & set(graph) if house_name == "rewardwrap" else set()
    return graph


def test_nothing_stands_without_a_road() -> None:
    graph = roads()
    commands = [name for name in graph if name.startswith("commands.")]
    seen = reached(graph, ROOTS + commands) | {*ROOTS, *commands}
    packages = {".".join(name.split(".")[:depth]) for name in seen for depth in (1, 2)}
    assert set(graph) - seen - packages == set(ROADLESS)


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
