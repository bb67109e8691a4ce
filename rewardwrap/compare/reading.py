"""A plan as plain data that knows its file, so that every error points at a line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from rewardwrap.core.errors import ConfigError
from rewardwrap_envs import marked_yaml
from rewardwrap_envs.errors import near_misses

KEYS = (
    "algo",
    "backend",
    "catalog",
    "checkpoint",
    "device",
    "env",
    "env_kwargs",
    "envs",
    "evaluation",
    "hyperparameters",
    "limit",
    "primary",
    "seeds",
    "steps",
    "stop",
    "strategies",
    "suite",
    "threshold",
)
_KINDS = {
    dict: "a mapping",
    list: "a list",
    str: "text",
    bool: "true or false",
    int: "a whole number",
}


class PlanError(ConfigError):
    """A plan that does not say what it must; starts with ``file.yml:LINE:``."""


class Reader:
    """Takes values out of a plan.

    Args:
        data: The plan.
        path: Its file.
        lines: Where its keys stand.
        env: The environment it is read for, where the file names several.
        own: Keys that stand under that environment.

    Raises:
        PlanError: No mapping, or a key that nobody knows.
    """

    def __init__(
        self,
        data: Any,
        path: Path | None,
        lines: marked_yaml.Lines,
        *,
        env: str | None = None,
        own: tuple[str, ...] = (),
    ) -> None:
        self.path, self.lines, self.env, self.own = path, lines, env, own
        if not isinstance(data, Mapping):
            self.refuse(f"a plan must be a mapping, got {data!r}. Write `key: value` lines.")
        self.data: Mapping[str, Any] = data
        self.only(data, KEYS)

    def refuse(self, message: str, *keys: Any) -> NoReturn:
        """Raise a `PlanError` that points at the line of these keys."""
        if self.env is not None and keys and (keys[0] in self.own or keys[0] == "env"):
            keys = ("envs", self.env, *(keys if keys[0] != "env" else ()))
        if self.env is not None and self.env not in message:
            message = f"{self.env}: {message}"
        place = "" if self.path is None else marked_yaml.place(self.path, self.lines, *keys) + ": "
        raise PlanError(place + message, path=keys)

    def only(self, data: Mapping[str, Any], known: Any, *above: str) -> None:
        """Refuse keys that nobody knows."""
        for key in data:
            if key not in known:
                hint = near_misses(str(key), known)
                self.refuse(f'a plan must use known keys, got "{key}". {hint}', *above, key)

    def take(self, key: str, kind: Any, *default: Any) -> Any:
        """The value of a key, or the default; without a default the key must be there."""
        value = self.data.get(key)
        if value is None:
            if not default:
                self.refuse(f'a plan must have the key "{key}", got none. Add `{key}: ...`.')
            return default[0]
        return self.require(value, kind, key)

    def require(self, value: Any, kind: Any, *keys: str) -> Any:
        """The value, if it is of that kind; whole numbers must be above 0, seeds may be 0."""
        fits = isinstance(value, (int, float) if kind is float else kind)
        if not fits or (isinstance(value, bool) and kind is not bool):
            name = _KINDS.get(kind, "a number")
            self.refuse(f'"{keys[-1]}" must be {name}, got {value!r}. Correct it.', *keys)
        if kind is int and value < (0 if keys[-1] == "seed" else 1):
            self.refuse(f'"{keys[-1]}" must be above 0, got {value}. Correct it.', *keys)
        return value

    def near(self, folder: str) -> Path:
        """A path that the plan names relative to itself."""
        return Path(folder) if self.path is None else self.path.parent / folder
