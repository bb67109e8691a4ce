"""What happens where a reward is made with arguments that it does not take: a sentence, not a traceback."""

from __future__ import annotations

import difflib
import inspect
from typing import TYPE_CHECKING, Any

from rewardwrap.core.errors import ConfigError


class Made(type):
    """The class of reward classes: refuses arguments by name, with what is near and what there is."""

    if not TYPE_CHECKING:  # a type checker reads the constructor itself

        def __call__(cls, *args: Any, **kwargs: Any) -> Any:
            try:
                return super().__call__(*args, **kwargs)
            except TypeError as error:
                signature = cls.__signature__
                try:
                    signature.bind(*args, **kwargs)
                except TypeError as misfit:
                    raise _refused(cls, signature, misfit, kwargs) from None
                raise error

        @property
        def __signature__(cls) -> inspect.Signature:
            """The constructor's: help and notebooks would see ``(*args, **kwargs)``."""
            found = inspect.signature(cls.__init__)
            return found.replace(parameters=list(found.parameters.values())[1:])


def _refused(
    cls: type, signature: inspect.Signature, misfit: TypeError, given: dict[str, Any]
) -> ConfigError:
    known = list(signature.parameters)
    unknown = next((name for name in given if name not in known), None)
    near = [] if unknown is None else difflib.get_close_matches(unknown, known, n=1)
    guess = f"Did you mean {near[0]}? " if near else ""
    shown = ", ".join(_shown(p) for p in signature.parameters.values()) or "no argument"
    return ConfigError(
        f"{cls.__name__} must be made with arguments it has, got {misfit}. {guess}It takes {shown}."
    )


def _shown(parameter: inspect.Parameter) -> str:
    default = parameter.default
    plain = default is None or isinstance(default, bool | int | float | str | tuple)
    return f"{parameter.name}={default!r}" if plain else parameter.name
