"""Values as plain data, and functions as the names that find them again."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, Protocol, runtime_checkable

import numpy as np

from rewardwrap.core import unnamed
from rewardwrap.core.errors import ConfigError


@runtime_checkable
class Written(Protocol):
    """Something that writes itself down, as every reward does."""

    def to_config(self) -> dict[str, Any]: ...


def plain(value: Any, subject: str) -> Any:
    """A field's value as numbers, text, lists and mappings.

    Args:
        value: What the field holds; rewards write themselves.
        subject: How an error sentence calls the field.

    Raises:
        ConfigError: It has no such form.
    """
    if isinstance(value, Written):
        return value.to_config()
    if isinstance(value, Mapping):
        return {key: plain(item, subject) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item, subject) for item in value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if callable(value):
        return function_name(value, subject)
    raise ConfigError(
        f"{subject} must be plain data, got {type(value).__name__}. "
        "Use numbers, text, lists, rewards or a function named by module."
    )


def function_name(function: Callable[..., Any], subject: str = "function") -> str:
    """``"module:function"`` for a function that can be imported again, or the name it is carried under.

    Raises:
        ConfigError: It is a lambda, a closure or lives in ``__main__``.
    """
    module = getattr(function, "__module__", None)
    name = getattr(function, "__qualname__", "")
    if module and module != "__main__" and "<" not in name:
        spelled = f"{module}:{name}"
        try:
            if load_function(spelled) is function:
                return spelled
        except ConfigError:
            pass
    carried = unnamed.name_of(function)
    if carried is not None:
        return carried
    shown = f"{module}.{name}" if name else type(function).__name__
    raise ConfigError(
        f"{subject} must be a function that can be imported to be written down, got {shown}. "
        'Put it at the top of a module and name it "module:function"; training works with it as it is.'
    )


def load_function(spelled: str) -> Callable[..., Any]:
    """The function behind ``"module:function"``.

    Raises:
        ConfigError: No such module or function.
    """
    module_name, _, qualname = spelled.partition(":")
    if module_name == unnamed.MODULE:
        carried = unnamed.carried(spelled)
        if carried is None:
            raise ConfigError(unnamed.sentence(spelled))
        return carried
    try:
        if not all(part.isidentifier() for part in module_name.split(".")):
            raise ValueError(f"{module_name!r} is no name of a module")
        named: Any = importlib.import_module(module_name)
        found = named
        for part in qualname.split("."):
            if found is not named and isinstance(found, ModuleType):
                # "helper:os.system" would reach past the module that was vouched for
                raise ValueError(f"{part} lies in another module, {found.__name__}")
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(
            f'function must be an importable "module:function", got "{spelled}" ({error}). '
            "Check the spelling and that the module lies on the Python path."
        ) from error
    if not callable(found):
        raise ConfigError(
            f'"{spelled}" must be a function, got {type(found).__name__}. Name a callable.'
        )
    function: Callable[..., Any] = found
    return function
