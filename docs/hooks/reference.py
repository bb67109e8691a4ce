"""The reference: every public name on a page; a name without a sentence of its own stops the build."""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from itertools import pairwise
from types import ModuleType
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

import rewardwrap as rw

FOLDER = "reference/"
WIDTH = 88
"""Of a line of code."""
ROOMS = {
    "questions": (
        "Questions",
        "What `rewardwrap` is asked, from Python. Each gives an object that shows itself.",
    ),
    "hosts": ("Hosts", "Where a reward is paid, and who looks that the learner receives it."),
    "rewards": (
        "Rewards",
        "What is paid on a step. One class a method, and all of them add and multiply.",
    ),
    "core": (
        "Algebra and types",
        "What every reward is made of, and what a reward of your own sees.",
    ),
    "scores": ("Scores", "What a whole episode is worth, or a group of episodes that began alike."),
    "loops": ("Loops", "What changes a reward while an agent trains."),
    "data": ("Data", "Episodes, fragments, answers, and who recorded them."),
    "nets": ("Networks", "Reward models, their recipes and their folder."),
    "objectives": ("Objectives", "What a reward network is fitted to."),
    "design": ("Design", "Rewards computed from a task's dynamics."),
    "evaluate": (
        "Evaluation",
        "Distances, regret, audits, certificates, and figures of reward models.",
    ),
    "statistics": ("Statistics", "Intervals, tests and aggregates: functions of arrays."),
    "testing": ("Testing", "The contract of a method, and toy environments with known answers."),
    "sandbox": ("Sandbox", "A locked process for code that nobody has read."),
    "errors": ("Errors", "All of them are `rw.RewardwrapError`, and each says the way out."),
}
HOMES = {
    "rewardwrap.api": "questions",
    "rewardwrap.compare": "questions",
    "rewardwrap.families": "questions",
    "rewardwrap.adapters": "hosts",
    "rewardwrap.rewards.disk": "core",
    "rewardwrap.rewards": "rewards",
    "rewardwrap.core.errors": "errors",
    "rewardwrap.sandbox.errors": "errors",
    "rewardwrap.core": "core",
    "rewardwrap.scores": "scores",
    "rewardwrap.loops": "loops",
    "rewardwrap.data": "data",
    "rewardwrap.training": "data",
    "rewardwrap.design": "design",
}
"""The page of a name at the top, by the module that defines it; the longest that fits counts."""
MODULES = {
    "data": "rewardwrap.data",
    "objectives": "rewardwrap.nets.objectives",
    "nets": "rewardwrap.nets",
    "scores": "rewardwrap.scores",
    "design": "rewardwrap.design",
    "evaluate": "rewardwrap.evaluate",
    "statistics": "rewardwrap.statistics",
    "testing": "rewardwrap.testing",
    "sandbox": "rewardwrap.sandbox",
}


@dataclass(frozen=True)
class Entry:
    """One public name: how users write it, where it is defined, what it says first."""

    room: str
    written: str
    path: str
    says: str
    call: str = ""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Let the sidebar name the pages."""
    pages: list[object] = [f"{FOLDER}index.md"]
    pages += [{title: f"{FOLDER}{room}.md"} for room, (title, _) in ROOMS.items()]
    for entry in config.nav or ():
        if entry.get("Reference") == FOLDER:
            entry["Reference"] = pages
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """One page a room, and an index of all names."""
    files.append(File.generated(config, f"{FOLDER}index.md", content=index()))
    for room in ROOMS:
        files.append(File.generated(config, f"{FOLDER}{room}.md", content=page(room)))
    return files


@cache
def entries() -> tuple[Entry, ...]:
    """Every public name, each once.

    Raises:
        PluginError: One of them has no docstring, or no page.
    """
    found: dict[str, Entry] = {}
    for name in sorted(set(rw.__all__), key=str.casefold):
        thing = getattr(rw, name)
        if not isinstance(thing, ModuleType):
            add(found, home(thing, name), f"rw.{name}", thing, name)
        elif callable(thing):
            path = f"{type(thing).__module__}.{type(thing).__qualname__}.__call__"
            found[path] = Entry("questions", f"rw.{name}", path, first(type(thing).__call__, name))
    for room, module in MODULES.items():
        names = import_module(module)
        short = module.replace("rewardwrap", "rw", 1)
        for name in sorted(names.__all__, key=str.casefold):
            thing = getattr(names, name)
            if not isinstance(thing, ModuleType):
                add(found, room, f"{short}.{name}", thing, name, within=names)
    return tuple(found.values())


def add(
    found: dict[str, Entry],
    room: str,
    written: str,
    thing: Any,
    name: str,
    *,
    within: ModuleType = rw,
) -> None:
    """Note a name at the first place that has it."""
    module = getattr(thing, "__module__", None)
    if isinstance(thing, type) or inspect.isroutine(thing):
        path, says = f"{module}.{thing.__qualname__}", first(thing, written)
        call = called(thing, written) if isinstance(thing, type) else ""
    else:
        path = f"{defined_in(name, within)}.{name}"
        says, call = after_assignment(path, written), ""
    found.setdefault(path, Entry(room, written, path, says, call))


def home(thing: Any, name: str) -> str:
    """The page of a name at the top."""
    module = thing.__module__
    fitting = [prefix for prefix in HOMES if f"{module}.".startswith(f"{prefix}.")]
    if not fitting:
        raise PluginError(
            f"rw.{name} has no page in the reference: add {module} to docs/hooks/reference.py."
        )
    return HOMES[max(fitting, key=len)]


def first(thing: Any, written: str) -> str:
    """The first sentence of a docstring; what a dataclass or a parent wrote is none."""
    own = thing.__dict__.get("__doc__") if isinstance(thing, type) else thing.__doc__
    text = inspect.cleandoc(own or "")
    if not text or text.startswith(f"{getattr(thing, '__name__', '')}("):
        raise PluginError(f"{written} has no docstring: every public name says what it is.")
    return text.partition("\n\n")[0].replace("\n", " ")


def called(cls: type, written: str) -> str:
    """How a class is called. Its decorator makes the constructor, so a reader of files alone sees none."""
    if issubclass(cls, BaseException):
        return ""
    parameters = inspect.signature(cls).parameters.values()
    bare = [one.replace(annotation=one.empty) for one in parameters]
    shown = str(inspect.Signature(bare)).replace("<factory>", "...")
    if len(written + shown) <= WIDTH:
        return written + shown
    starred = any(one.kind is one.KEYWORD_ONLY for one in bare)
    lines = [f"    {part},\n" for part in split(bare, starred)]
    return f"{written}(\n{''.join(lines)})"


def split(parameters: list[inspect.Parameter], starred: bool) -> Iterator[str]:
    """Each parameter as it is written, and the star before those that need their names."""
    for one in parameters:
        if starred and one.kind is one.KEYWORD_ONLY:
            starred = False
            yield "*"
        yield str(one).replace("<factory>", "...")


def defined_in(name: str, within: ModuleType) -> str:
    """The module that a name without a module, a constant or an alias of types, comes from."""
    for statement in ast.walk(ast.parse(inspect.getsource(within))):
        if isinstance(statement, ast.ImportFrom) and any(a.name == name for a in statement.names):
            return str(statement.module)
    return within.__name__


def after_assignment(path: str, written: str) -> str:
    """The string below an assignment."""
    module, _, name = path.rpartition(".")
    body = ast.parse(inspect.getsource(import_module(module))).body
    for statement, below in pairwise(body):
        if name in targets(statement) and isinstance(below, ast.Expr):
            return str(ast.literal_eval(below.value)).partition("\n\n")[0].replace("\n", " ")
    raise PluginError(f"{written} has no docstring: every public name says what it is.")


def targets(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement assigns."""
    found = (
        statement.targets
        if isinstance(statement, ast.Assign)
        else [getattr(statement, "target", None)]
    )
    yield from (one.id for one in found if isinstance(one, ast.Name))


def index() -> str:
    """All names with their first sentence."""
    lines = [
        "# Reference",
        "",
        f"{len(entries())} public names. `import rewardwrap as rw`; each is a promise, see",
    ]
    lines += ["[what stays stable](../stability.md). The commands: `rewardwrap --help`."]
    for room, (title, what) in ROOMS.items():
        lines += ["", f"## {title}", "", what, "", "| name | |", "|---|---|"]
        lines += [
            f"| [`{one.written}`][{one.path}] | {one.says.replace('|', chr(92) + '|')} |"
            for one in entries()
            if one.room == room
        ]
    return "\n".join(lines) + "\n"


def page(room: str) -> str:
    """One room, a heading for each name."""
    title, what = ROOMS[room]
    lines = [f"# {title}", "", what, ""]
    for one in entries():
        if one.room == room:
            lines += [
                f"::: {one.path}",
                "    options:",
                f'      heading: "{one.written}"',
                f'      toc_label: "{one.written}"',
                f"      extra: {{call: {json.dumps(one.call)}}}",
                "",
            ]
    return "\n".join(lines)
