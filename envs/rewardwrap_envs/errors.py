"""What can go wrong with environments and their recipes.

EnvsError
├── MarkedYamlError   (ValueError)    a YAML file does not parse, or writes a key twice
├── RecipeError       (ValueError)    a recipe breaks a rule, or does not fit its environment
├── UnknownRecipe     (LookupError)   no recipe of that name
├── UnknownField      (LookupError)   no field of that name in a recipe
└── MissingPackage    (ImportError)   the environment needs an optional package
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class EnvsError(Exception):
    """Any error raised on purpose by this package."""


class MarkedYamlError(EnvsError, ValueError):
    """A YAML file does not parse, or writes a key twice."""


class RecipeError(EnvsError, ValueError):
    """A recipe breaks a rule, or does not fit its environment."""


class UnknownRecipe(EnvsError, LookupError):
    """No recipe of that name."""


class UnknownField(EnvsError, LookupError):
    """No field of that name in a recipe."""


class MissingPackage(EnvsError, ImportError):
    """The environment needs an optional package."""


def near_misses(name: str, known: Iterable[str]) -> str:
    """Return the sentence that helps after a misspelt name.

    Args:
        name: what was written.
        known: what could have been written.

    Returns:
        ``'Did you mean "a" or "b"?'`` where something is close, else ``'Known: a, b, c.'``.

    >>> near_misses("Hoper-v5", ["Hopper-v5", "Ant-v5"])
    'Did you mean "Hopper-v5"?'
    """
    names = sorted(known)
    lower = {other.lower(): other for other in names}
    close = [lower[n] for n in difflib.get_close_matches(name.lower(), lower, n=3, cutoff=0.6)]
    if close:
        return "Did you mean " + " or ".join(f'"{other}"' for other in close) + "?"
    return f"Known: {', '.join(names)}." if names else "Nothing is known here."
