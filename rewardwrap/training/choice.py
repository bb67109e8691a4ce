"""The rewards that people write on a command line or in a plan."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import rewardwrap_envs
from rewardwrap.core.config import Path as Keys
from rewardwrap.core.config import from_config
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.reward import Reward
from rewardwrap.rewards.env import EnvReward
from rewardwrap.rewards.normalize import Normalize
from rewardwrap.rewards.potential import Potential
from rewardwrap_envs import marked_yaml
from rewardwrap_envs.errors import MarkedYamlError
from rewardwrap_envs.trust import require_trusted

NORMALISED = "normalised"
SUFFIXES = (".yml", ".yaml", ".json")


def chosen_reward(
    choice: Any,
    env: str,
    *,
    catalog: tuple[str, ...] = (),
    folder: Path | None = None,
    keys: Keys = (),
    gamma: float | None = None,
) -> Reward:
    """Build what was chosen.

    Args:
        choice: ``"env"``; ``"potential"``: the environment's own reward plus the potential of its
            recipe; ``"normalised"``: the environment's own reward through `Normalize`, the control
            for rewards of another scale; the name of a reward file or of the folder of a saved one; a
            reward written in one line of YAML; its data; a reward; or a function.
        env: Name of the environment.
        catalog: Folders with recipes of one's own.
        folder: What file names are relative to; None: where the program runs.
        keys: Where the choice stands in its file; errors carry it.
        gamma: Discount of the agent, where it is known: the time scale of ``"normalised"``.

    Raises:
        ConfigError: None of these, or the recipe has no potential.
    """
    if isinstance(choice, os.PathLike):
        choice = str(Path(choice).absolute())
    if not isinstance(choice, str):
        return from_config(choice, path=keys)
    text = choice.strip()
    if text == "potential":
        return _default_potential(env, catalog, keys)
    if text == NORMALISED:
        return Normalize(EnvReward()) if gamma is None else Normalize(EnvReward(), gamma=gamma)
    if text[:1] in ("{", "["):
        try:
            data, _ = marked_yaml.parse(text, name="a reward in one line")
        except MarkedYamlError as error:
            raise ConfigError(str(error), path=keys) from error
        return from_config(data, path=keys)
    from rewardwrap.rewards.disk import is_saved, read_reward

    file = Path(text) if folder is None else folder / text
    if text.endswith(SUFFIXES) or is_saved(file):
        return read_reward(file)
    return from_config(text, path=keys)


def _default_potential(env: str, catalog: tuple[str, ...], keys: Keys) -> Reward:
    recipe = rewardwrap_envs.find(env, catalog)
    if recipe is None or recipe.potential is None:
        lacks = "no recipe" if recipe is None else "a recipe without one"
        raise ConfigError(
            f'"potential" must stand for the potential of the recipe, got {lacks} for {env}. '
            "Write one: {potential: {phi: ...}} in a file.",
            path=keys,
        )
    if recipe.path is not None:
        require_trusted({"potential": recipe.potential}, recipe.path, error=ConfigError)
    phi = recipe.potential if isinstance(recipe.potential, str) else dict(recipe.potential)
    return EnvReward() + Potential(phi).named("potential")
