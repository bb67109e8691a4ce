"""The catalogue: every recipe this package, other packages and the user know.

A recipe is one YAML file. The shipped ones lie in ``recipes/``; a package adds its own through the
entry-point group ``rewardwrap.recipes`` (a module whose folder holds the files), a user through a
folder. Later ones win: user, then other packages, then shipped.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import TypeAlias

from rewardwrap_envs import schema
from rewardwrap_envs.entry import Field, Recipe, Returns
from rewardwrap_envs.errors import RecipeError, UnknownRecipe, near_misses
from rewardwrap_envs.installed import installed_folders

__all__ = ["Field", "Recipe", "Returns", "find", "recipe", "recipes"]

Folder: TypeAlias = str | PathLike[str]

ENTRY_POINTS = "rewardwrap.recipes"
_SHIPPED = Path(__file__).parent / "recipes"


def recipes(*extra_dirs: Folder) -> dict[str, Recipe]:
    """Return every recipe by name.

    Args:
        *extra_dirs: folders whose ``*.yml`` are recipes too; they win over the shipped ones.

    Raises:
        RecipeError: a file breaks a rule, a folder does not exist, or two files of one folder
            claim the same name.
    """
    found: dict[str, Recipe] = {}
    for folder in (_SHIPPED, *installed_folders(ENTRY_POINTS), *map(Path, extra_dirs)):
        found |= _folder(folder)
    return found


def recipe(name: str, catalog: Iterable[Folder] = ()) -> Recipe:
    """Return the recipe of that name.

    Args:
        name: e.g. ``Hopper-v5``, ``FrozenLake-8x8``, ``ALE/Freeway-ram-v5``.
        catalog: extra folders of recipes.

    Raises:
        UnknownRecipe: with near misses.

    >>> recipe("Hopper-v5").field("torso_z").unit
    'm'
    """
    found = find(name, catalog)
    if found is not None:
        return found
    known = recipes(*catalog)
    raise UnknownRecipe(
        f'No recipe "{name}". {near_misses(name, known)} '
        "A new environment is one YAML file in a folder of your own (--catalog DIR)."
    )


def find(name: str, catalog: Iterable[Folder] = ()) -> Recipe | None:
    """Return the recipe of that name, or None.

    Of the shipped files only those that say the name are read: to parse all of them takes longer than a
    finished comparison takes to be read.
    """
    found: dict[str, Recipe] = {}
    for folder in (*installed_folders(ENTRY_POINTS), *map(Path, catalog)):
        found |= _folder(folder)
    if name in found:
        return found[name]
    for path in sorted(_SHIPPED.glob("*.yml")):
        stat = path.stat()
        if name in _text(path, stat.st_mtime_ns, stat.st_size):
            made = _read(path, stat.st_mtime_ns, stat.st_size)
            if made.name == name:
                return made
    return None


def _folder(folder: Path) -> dict[str, Recipe]:
    if not folder.is_dir():
        raise RecipeError(
            f"catalog must be a folder of *.yml recipes, got {str(folder)!r}. Check the path."
        )
    found: dict[str, Recipe] = {}
    for path in sorted(folder.glob("*.yml")):
        stat = path.stat()
        made = _read(path, stat.st_mtime_ns, stat.st_size)
        if made.name in found:
            raise RecipeError(
                f"{path}: a recipe name must be unique in its folder, got {made.name!r} as in "
                f"{found[made.name].path}. Give one of them a `name:` of its own."
            )
        found[made.name] = made
    return found


@functools.lru_cache(maxsize=1024)
def _text(path: Path, modified: int, size: int) -> str:
    return path.read_text(encoding="utf-8")


@functools.lru_cache(maxsize=1024)
def _read(path: Path, modified: int, size: int) -> Recipe:
    """Read a file once per version of it: recipes are frozen, so they can be shared."""
    return schema.read(path)
