"""YAML that remembers its lines, so that an error can point into the file."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from rewardwrap_envs.errors import MarkedYamlError

KeyPath: TypeAlias = tuple[Any, ...]
Lines: TypeAlias = dict[KeyPath, int]

_MOST_ENTRIES = 100_000
_LARGEST = 8 << 20
_DEEPEST = 100


class _Loader(yaml.SafeLoader):
    """Stops where lists and mappings lie deeper in each other than anybody writes them."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self.depth += 1
        self._require_shallow(self.depth)
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1

    def fetch_flow_collection_start(self, token: Any) -> None:
        # the scanner looks back at every open bracket, so it must not get to thousands of them
        self._require_shallow(self.flow_level)
        super().fetch_flow_collection_start(token)

    def _require_shallow(self, depth: int) -> None:
        if depth > _DEEPEST:
            sentence = f"lists and mappings lie more than {_DEEPEST} deep in each other"
            raise yaml.composer.ComposerError(None, None, sentence, self.get_mark())


def load(path: str | PathLike[str]) -> tuple[Any, Lines]:
    """Read a YAML file and where each of its entries stands.

    Only plain data is built (`yaml.SafeLoader`): reading a file never runs code. Merge keys
    (``<<: *defaults``) work; a key written twice in one mapping is refused, because YAML would
    silently keep the last.

    Args:
        path: a UTF-8 file with one YAML document.

    Returns:
        The data, and for each key path, e.g. ``("fields", "torso_z", "unit")`` or
        ``("wrappers", 0)``, its 1-based line. ``()`` is the document itself.

    Raises:
        MarkedYamlError: the file is no YAML, holds a key twice, or an entry contains itself.
    """
    file = Path(path)
    if file.stat().st_size > _LARGEST:
        raise MarkedYamlError(
            f"{path}: the file must have at most {_LARGEST:,} bytes, got {file.stat().st_size:,}. "
            "Check that it is the one you mean."
        )
    return parse(file.read_text(encoding="utf-8"), name=str(path))


def parse(text: str, *, name: str = "<text>") -> tuple[Any, Lines]:
    """Read YAML from a string; see `load`.

    Args:
        text: one YAML document.
        name: what errors call the text, usually a file name.

    >>> data, lines = parse("a: 1\\nb:\\n  c: 2\\n")
    >>> data["b"]["c"], lines["b", "c"]
    (2, 3)
    """
    loader = _Loader(text)
    lines: Lines = {}
    try:
        node = loader.get_single_node()
        if node is None:
            return None, {(): 1}
        _mark(loader, node, (), lines, name=name, above=())
        return loader.construct_document(node), lines
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = name if mark is None else f"{name}:{mark.line + 1}"
        raise MarkedYamlError(
            f"{place}: the text must be valid YAML, got a problem: {error.problem}. "
            "Check indentation, colons and quotes there."
        ) from error
    except yaml.YAMLError as error:
        raise MarkedYamlError(f"{name}: the text must be valid YAML, got {error}.") from error
    finally:
        loader.dispose()


def place(path: str | PathLike[str], lines: Mapping[KeyPath, int], *keys: Any) -> str:
    """Return ``file.yml:12`` for an entry, or for the nearest entry above it that has a line.

    >>> place("hopper.yml", {(): 1, ("fields",): 7}, "fields", "torso_z")
    'hopper.yml:7'
    """
    for length in range(len(keys), -1, -1):
        if keys[:length] in lines:
            return f"{path}:{lines[keys[:length]]}"
    return str(path)


def _mark(
    loader: yaml.SafeLoader,
    node: yaml.Node,
    keys: KeyPath,
    lines: Lines,
    *,
    name: str,
    above: tuple[int, ...],
) -> None:
    """Note the line of `node` and of everything below it; lines already noted stay."""
    here = node.start_mark.line + 1
    if id(node) in above:
        raise MarkedYamlError(
            f"{name}:{here}: an entry must not contain itself, got a reference to an anchor "
            "around it. Write the entry out."
        )
    if len(lines) > _MOST_ENTRIES:
        raise MarkedYamlError(
            f"{name}: the text must hold at most {_MOST_ENTRIES} entries, got more. "
            "Repeat fewer anchors."
        )
    lines.setdefault(keys, here)
    above = (*above, id(node))
    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            _mark(loader, item, (*keys, number), lines, name=name, above=above)
    elif isinstance(node, yaml.MappingNode):
        _mark_mapping(loader, node, keys, lines, name=name, above=above)


def _mark_mapping(
    loader: yaml.SafeLoader,
    node: yaml.MappingNode,
    keys: KeyPath,
    lines: Lines,
    *,
    name: str,
    above: tuple[int, ...],
) -> None:
    written: dict[Any, int] = {}
    merged: list[yaml.Node] = []
    for key_node, value in node.value:
        line = key_node.start_mark.line + 1
        if key_node.tag == "tag:yaml.org,2002:merge":
            merged += value.value if isinstance(value, yaml.SequenceNode) else [value]
            continue
        if not isinstance(key_node, yaml.ScalarNode):
            raise MarkedYamlError(
                f"{name}:{line}: a key must be a word or a number, got a list or mapping. "
                "Quote it if it is meant as text."
            )
        key = loader.construct_object(key_node)
        if key in written:
            raise MarkedYamlError(
                f"{name}:{line}: a key must be written once, got {key!r} again (first in line "
                f"{written[key]}). Delete one of them."
            )
        written[key] = line
        lines.setdefault((*keys, key), line)
        _mark(loader, value, (*keys, key), lines, name=name, above=above)
    # After the explicit keys: what is written here wins over what is merged in.
    for mapping in merged:
        _mark(loader, mapping, keys, lines, name=name, above=above)
