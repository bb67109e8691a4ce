"""The rules of a recipe file: which keys it has, of what kind, and what each error says."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from rewardwrap_envs import marked_yaml
from rewardwrap_envs.entry import Bounds, Field, Range, Recipe, Returns
from rewardwrap_envs.errors import RecipeError, near_misses
from rewardwrap_envs.layers import Layer, read_layers

_REQUIRED: Any = object()
_NAMES: dict[type, str] = {
    str: "text",
    float: "a number",
    int: "a whole number",
    bool: "true or false",
    dict: "a mapping (`key: value` lines)",
    list: "a list",
}


class Section:
    """One mapping of a YAML file, read key by key; every error starts with ``file.yml:LINE:``.

    Args:
        path: the file, for errors.
        lines: from `marked_yaml.load`.
        data: the mapping.
        keys: where in the file it stands.
    """

    def __init__(
        self,
        path: Path | str,
        lines: marked_yaml.Lines,
        data: Any,
        keys: marked_yaml.KeyPath = (),
    ) -> None:
        self.path, self.lines, self.keys = path, lines, keys
        self.data: Mapping[str, Any] = {} if data is None else data
        if not isinstance(self.data, Mapping):
            self.refuse(f"{self.title} must be a mapping, got {data!r}. Write `key: value` lines.")

    @property
    def title(self) -> str:
        """The name errors give to this mapping."""
        return ".".join(map(str, self.keys)) or "the file"

    def refuse(self, message: str, *keys: Any) -> NoReturn:
        """Raise a `RecipeError` that points at an entry of this mapping."""
        where = marked_yaml.place(self.path, self.lines, *self.keys, *keys)
        raise RecipeError(f"{where}: {message}")

    def only(self, known: Iterable[str]) -> None:
        """Refuse keys that mean nothing here."""
        names = list(known)
        for key in self.data:
            if key not in names:
                hint = near_misses(str(key), names)
                self.refuse(f'{self.title} must use known keys, got "{key}". {hint}', key)

    def take(self, key: str, kind: type, default: Any = _REQUIRED) -> Any:
        """Return an entry of the given kind; an empty entry counts as missing."""
        value = self.data.get(key)
        if value is None:
            if default is _REQUIRED:
                self.refuse(f'{self.title} must have the key "{key}", got none. Add `{key}: ...`.')
            return default
        fits = isinstance(value, (int, float) if kind is float else kind)
        if not fits or (isinstance(value, bool) and kind is not bool):
            self.refuse(f'"{key}" must be {_NAMES[kind]}, got {value!r}. {_hint(kind, value)}', key)
        if kind is float and not math.isfinite(value):
            self.refuse(f'"{key}" must be finite, got {value!r}. Leave it empty if unknown.', key)
        return float(value) if kind is float else value

    def section(self, key: str) -> Section:
        """Return an entry that is itself a mapping; a missing one is empty."""
        return Section(self.path, self.lines, self.data.get(key), (*self.keys, key))


def read(path: Path) -> Recipe:
    """Read one recipe file.

    Raises:
        RecipeError: ``file.yml:LINE:`` and which rule is broken.
        MarkedYamlError: the file is no YAML, or writes a key twice.
    """
    data, lines = marked_yaml.load(path)
    top = Section(path, lines, data)
    top.only([*Recipe.__dataclass_fields__.keys() - {"path"}])
    fields = {name: _field(top.section("fields"), name) for name in top.section("fields").data}
    recipe = Recipe(
        name=top.take("name", str, top.take("id", str)),
        id=top.take("id", str),
        summary=top.take("summary", str),
        suite=top.take("suite", str),
        make=top.take("make", dict, {}),
        wrappers=_wrappers(top),
        fields=fields,
        width=top.take("width", int, None),
        radix=tuple(_numbers(top, "radix")),
        gamma=top.take("gamma", float, 0.99),
        success=_success(top),
        returns=_returns(top),
        bounds=_bounds(top),
        threshold=top.take("threshold", float, None),
        potential=_potential(top, fields),
        mirror=_mirror(top, fields),
        tags=tuple(str(tag) for tag in top.take("tags", list, [])),
        path=path,
    )
    _check_together(top, recipe)
    return recipe


def _hint(kind: type, value: Any) -> str:
    if kind is float and isinstance(value, str):
        return "Write powers of ten with a dot and a sign, as in 1.0e-3."
    return "Correct the value."


def _numbers(top: Section, key: str) -> list[int]:
    values: list[Any] = top.take(key, list, [])
    if any(not isinstance(value, int) or isinstance(value, bool) or value < 1 for value in values):
        top.refuse(f'"{key}" must list whole numbers above 0, got {values!r}. Correct it.', key)
    return values


def _field(fields: Section, name: str) -> Field:
    entry = fields.section(name)
    entry.only([*Field.__dataclass_fields__.keys() - {"name"}])
    made = Field(
        name=name,
        unit=entry.take("unit", str),
        description=entry.take("description", str),
        index=entry.take("index", int, None),
        info=entry.take("info", str, None),
        key=entry.take("key", str, None),
        scale=entry.take("scale", float, 1.0),
        offset=entry.take("offset", float, 0.0),
        low=entry.take("low", float, None),
        high=entry.take("high", float, None),
        reset=entry.take("reset", bool, True),
        check=entry.take("check", str, None),
        verified=entry.take("verified", bool, None),
    )
    if made.index is None and made.info is None:
        entry.refuse(f"field {name!r} must say where it is, got neither index nor info. Add one.")
    if made.info is not None and made.key is not None:
        entry.refuse(f"field {name!r} must be in info or in the observation, got both. Drop one.")
    if made.index is not None and made.index < 0:
        entry.refuse(f'"index" must count from 0, got {made.index}. Correct it.', "index")
    return made


def _wrappers(top: Section) -> dict[str, tuple[Layer, ...]]:
    section = top.section("wrappers")
    section.only(["all", "train", "eval"])
    return {
        split: read_layers(value, where=marked_yaml.place(top.path, top.lines, "wrappers", split))
        for split, value in section.data.items()
    }


def _success(top: Section) -> dict[str, Any] | None:
    section = top.section("success")
    section.only(["true_return_at_least", "info"])
    if not section.data:
        return None
    if len(section.data) != 1:
        section.refuse(f"success must be one rule, got {dict(section.data)}. Keep one.")
    if "info" in section.data:
        return {"info": section.take("info", str)}
    return {"true_return_at_least": section.take("true_return_at_least", float)}


def _returns(top: Section) -> Returns:
    section = top.section("returns")
    section.only(["random", "reference", "source"])
    made = Returns(
        random=section.take("random", float, None),
        reference=section.take("reference", float, None),
        source=section.take("source", str, ""),
    )
    if not made.source and (made.random, made.reference) != (None, None):
        section.refuse("returns must name their source, got none. Add `source: ...`.")
    return made


def _bounds(top: Section) -> Bounds:
    section = top.section("bounds")
    section.only(["step", "episode"])
    return Bounds(**{key: _range(section, key) for key in section.data})


def _range(section: Section, key: str) -> Range:
    ends = section.take(key, list, [None, None])
    numbers = all(
        end is None or (isinstance(end, int | float) and not isinstance(end, bool)) for end in ends
    )
    if len(ends) != 2 or not numbers or not all(map(math.isfinite, filter(None, ends))):
        section.refuse(
            f'"{key}" must be [least, most], got {ends!r}. Use null for a side without a bound.',
            key,
        )
    low, high = (None if end is None else float(end) for end in ends)
    if low is not None and high is not None and low > high:
        section.refuse(f'"{key}" must be [least, most], got {ends!r}. Swap them.', key)
    return low, high


def _potential(top: Section, fields: Mapping[str, Field]) -> dict[str, float] | str | None:
    named = top.data.get("potential")
    if isinstance(named, str):
        if not re.fullmatch(r"[\w.]+:\w+", named):
            top.refuse(
                f'"potential" must be a mapping of fields or a function, got {named!r}. '
                'Write "module:function".',
                "potential",
            )
        return named
    section = top.section("potential")
    section.only([*fields, "bias"])
    return {name: section.take(name, float) for name in section.data} or None


def _mirror(top: Section, fields: Mapping[str, Field]) -> tuple[str, ...]:
    names = top.take("mirror", list, [])
    for name in names:
        if (
            name not in fields
            or fields[name].index is None
            or fields[name].info
            or fields[name].key
        ):
            top.refuse(
                f'"mirror" must list fields of the flat observation, got {name!r}. '
                f"{near_misses(str(name), fields)}",
                "mirror",
            )
    return tuple(names)


def _check_together(top: Section, recipe: Recipe) -> None:
    """Rules that need more than one key."""
    if not 0.0 <= recipe.gamma <= 1.0:
        top.refuse(f'"gamma" must lie in [0, 1], got {recipe.gamma}. Use e.g. 0.99.', "gamma")
    size = len(recipe.radix) if recipe.radix else recipe.width
    for name, entry in recipe.fields.items():
        if entry.index is None or entry.info is not None or entry.key is not None:
            continue
        if size is None:
            top.refuse(
                f"field {name!r} must be bounded by the observation, got no size. "
                "Add `width:` (Box) or `radix:` (Discrete).",
                *("fields", name),
            )
        if entry.index >= size:
            top.refuse(
                f'"index" must be below {size}, got {entry.index} in field {name!r}. '
                "Correct the index, `width` or `radix`.",
                *("fields", name, "index"),
            )
