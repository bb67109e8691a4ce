"""What the model is told: the environment as a class with names, units and ranges, the rules, the task.

The class stands in for the environment's source code, which would show the reward that is to be written
(Text2Reward, 2309.11489, shows environments this way; Eureka, 2310.12931, shows pruned source).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import gymnasium
import jinja2
from gymnasium import spaces

from rewardwrap.core.errors import ConfigError
from rewardwrap.llm.client import Message, Request
from rewardwrap_envs import Recipe

VERSION = "3"
"""Part of every cache key: a changed template asks anew."""
OWN_TERMS = "reward_"
"""Info entries that begin so are the environment's own reward terms: never shown, never allowed."""

_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(str(Path(str(files("rewardwrap.llm") / "prompts")))),
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
    keep_trailing_newline=True,
)


@dataclass(frozen=True)
class Scene:
    """An environment as the model sees it.

    Args:
        recipe: Names, units and ranges.
        action_space: For the signature.
        limit: Steps after which an episode is cut, or None.
    """

    recipe: Recipe
    action_space: spaces.Space[Any]
    limit: int | None

    @property
    def fields(self) -> list[str]:
        """Names that a reward may use: all but the environment's own reward terms."""
        return [name for name in self.recipe.fields if not name.startswith(OWN_TERMS)]

    @property
    def forbidden(self) -> list[str]:
        """Names that would give the true reward away."""
        return [name for name in self.recipe.fields if name.startswith(OWN_TERMS)]


def scene_of(env: str, recipe: Recipe | None) -> Scene:
    """Look at the environment once.

    Raises:
        ConfigError: It has no recipe, so nothing has a name.
    """
    if recipe is None or not recipe.fields:
        raise ConfigError(
            f"an environment to write rewards for must have named fields, got {env}, which has "
            "none. Write a recipe for it (docs/contributing.md) and give --catalog DIR."
        )
    made = recipe.build()
    try:
        spec: gymnasium.envs.registration.EnvSpec | None = made.spec
        return Scene(recipe, made.action_space, spec.max_episode_steps if spec else None)
    finally:
        made.close()


def abstraction(scene: Scene) -> str:
    """The environment as a class: one line for each field, with unit, range and meaning."""
    recipe = scene.recipe
    lines = [f"class {_class_name(recipe.name)}:", f'    """{recipe.summary}"""', ""]
    for name in scene.fields:
        field = recipe.fields[name]
        unit = "no unit" if field.unit == "1" else field.unit
        bounds = _range(field.low, field.high)
        where = "info, next step only" if field.info and not field.reset else ""
        notes = ", ".join(part for part in (unit, bounds, where) if part)
        lines.append(f"    {name}: float  # [{notes}] {field.description}")
    lines += ["", f"    action: {_action(scene.action_space)}"]
    return "\n".join(lines)


def first_request(scene: Scene, task: str, *, ask: Request, hint: str = "") -> Request:
    """The opening question; `ask` carries sampling, seed and label."""
    fields = scene.fields
    system = render(
        "system.jinja", example=fields[0], action_shape=action_shape(scene.action_space)
    )
    user = render(
        "task.jinja", abstraction=abstraction(scene), ending=_ending(scene), task=task, hint=hint
    )
    messages = ({"role": "system", "content": system}, {"role": "user", "content": user})
    return replace(ask, messages=messages, version=VERSION)


def next_request(
    first: Request,
    *,
    ask: Request,
    code: str = "",
    report: str = "",
    failures: list[str] | None = None,
    words: str = "",
) -> Request:
    """The question of a later round: the opening, the best code so far, and what became of it.

    Args:
        first: The opening.
        ask: Sampling, seed and label.
        code: Best candidate's source.
        report: What its training showed.
        failures: One sentence for each rejected candidate.
        words: What a person said about the behaviour.
    """
    said = render(
        "next_round.jinja", code=code, report=report, failures=failures or [], words=words
    )
    extra: tuple[Message, ...] = ({"role": "user", "content": said},)
    return replace(ask, messages=(*first.messages, *extra), version=VERSION)


def render(template: str, **values: Any) -> str:
    """Fill one of the templates in ``prompts/``."""
    return _TEMPLATES.get_template(template).render(**values)


def _class_name(name: str) -> str:
    words = "".join(part if part.isalnum() else " " for part in name).split()
    return "".join(word[:1].upper() + word[1:] for word in words)


def _range(low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return ""
    ends = (f"{low:g}" if low is not None else "-inf", f"{high:g}" if high is not None else "inf")
    return f"{ends[0]} to {ends[1]}"


def _action(space: spaces.Space[Any]) -> str:
    if isinstance(space, spaces.Discrete):
        return f"int  # one of {space.n} choices, from {space.start}"
    if isinstance(space, spaces.Box):
        bounds = _range(float(space.low.min()), float(space.high.max()))
        return f"np.ndarray  # {space.shape[0] if space.shape else 1} numbers, each {bounds}"
    return f"object  # {space}"


def action_shape(space: spaces.Space[Any]) -> str:
    """Of a batch of actions, in words."""
    return f"(n, {space.shape[0]})" if isinstance(space, spaces.Box) and space.shape else "(n,)"


def _ending(scene: Scene) -> str:
    limit = f"cut after {scene.limit} steps" if scene.limit else "without a time limit"
    return f"{limit}; they may end earlier as the field descriptions say."
