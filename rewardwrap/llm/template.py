"""The designer that comes along: dense rewards from a recipe's fields, without a key or a network.

It knows no environment. It matches the words of the task with the names and descriptions of the
fields, and fills templates (get high, get low, be fast, be near zero, make progress) with the fields
that match best. Its rewards are often wrong, as a model's are; the stages after it find out which.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import numpy as np
from gymnasium import spaces

from rewardwrap.llm.client import Completion, Request, Usage, estimate_tokens
from rewardwrap.llm.prompt import Scene
from rewardwrap_envs import Field

WANTS = {
    "high": "up upward upwards above high higher raise lift height top climb reach jump maximise",
    "low": "down below low lower drop descend bottom lie minimise",
    "fast": "swing rock pump fast speed spin move momentum energy run quickly drive",
    "forward": "forward forwards right ahead walk run hop swim drive advance travel reach goal",
    "still": "balance upright hold steady stand still centre center stable straight zero",
}
"""What a task may want, and the words that say so."""
SUITS = {
    "high": "height high above z position",
    "low": "cosine distance depth",
    "fast": "velocity speed angular",
    "forward": "forward x position velocity right along",
    "still": "angle angular velocity pole position pitch",
}
"""The words of fields that serve each."""
TEMPLATES = {
    "high": "{scaled}",
    "low": "-{scaled}",
    "fast": "np.abs({scaled})",
    "forward": "{ahead}",
    "still": "np.exp(-np.square({scaled} * 4.0))",
}
EFFORT = "-0.05 * np.mean(np.square(action), axis=1)"
TIME = "np.full(len(action), -1.0)"
"""Every other design charges for time: where episodes end at the goal, a reward that is positive at every
step pays for not getting there; where they end in a fall, a negative one pays for falling."""


@dataclass(frozen=True)
class Idea:
    """One term: what a field should do.

    Args:
        want: A key of `TEMPLATES`.
        field: Name of the field.
        score: Words that agree.
    """

    want: str
    field: str
    score: float

    @property
    def name(self) -> str:
        """Of the term."""
        return f"{self.want}_{self.field}"


class TemplateDesigner:
    """A `ChatClient` that fills templates.

    Args:
        scene: The environment.
        task: What the agent should do, in words.
    """

    model = "template"

    def __init__(self, scene: Scene, task: str) -> None:
        self._scene = scene
        self._ideas = sorted(_ideas(scene, task), key=lambda idea: (-idea.score, idea.name))

    def complete(self, request: Request) -> Completion:
        """A reward of one to three terms; the request's seed chooses them, 0 the likeliest."""
        rng = np.random.default_rng(request.seed)
        chosen = self._choose(rng, greedy=request.seed == 0)
        text = self._text(chosen, hurry=request.seed % 2 == 1)
        usage = Usage(estimate_tokens(request.messages), len(text) // 3, estimated=True)
        return Completion(text, usage, model=self.model)

    def _choose(self, rng: np.random.Generator, *, greedy: bool) -> list[Idea]:
        if greedy:
            return self._ideas[:1]
        scores = np.array([idea.score for idea in self._ideas])
        weights = np.exp(scores - scores.max())
        count = min(int(rng.integers(1, 4)), len(self._ideas))
        picked = rng.choice(len(self._ideas), count, replace=False, p=weights / weights.sum())
        found: dict[str, Idea] = {}
        for index in picked:
            # two wishes for one field would fight each other
            found.setdefault(self._ideas[index].field, self._ideas[index])
        return list(found.values())

    def _text(self, ideas: list[Idea], *, hurry: bool) -> str:
        fields = self._scene.recipe.fields
        lines = [f"    {idea.name} = {_expression(idea, fields[idea.field])}" for idea in ideas]
        names = [idea.name for idea in ideas]
        if isinstance(self._scene.action_space, spaces.Box) and self._scene.action_space.shape:
            lines.append(f"    effort = {EFFORT}")
            names.append("effort")
        if hurry:
            lines.append(f"    time = {TIME}")
            names.append("time")
        total, terms = " + ".join(names), ", ".join(f'"{name}": {name}' for name in names)
        plan = "; ".join(f"{idea.field} should be {idea.want}" for idea in ideas)
        body = "\n".join(lines)
        return (
            f"{plan}.\n\n```python\ndef reward(obs, action, next_obs, info):\n{body}\n"
            f"    return {total}, {{{terms}}}\n```\n"
        )


class ParameterDesigner(TemplateDesigner):
    """The same wishes as a table of targets."""

    def _text(self, ideas: list[Idea], *, hurry: bool) -> str:
        fields = self._scene.recipe.fields
        table = {idea.name: _row(idea, fields[idea.field]) for idea in ideas}
        return f"```json\n{json.dumps(table, indent=1)}\n```\n"


class FactorDesigner(TemplateDesigner):
    """The fields that match best, as factors without weights."""

    MOST = 5

    def _text(self, ideas: list[Idea], *, hurry: bool) -> str:
        names = list(dict.fromkeys(idea.field for idea in [*ideas, *self._ideas]))[: self.MOST]
        fields = self._scene.recipe.fields
        lines = [f'        "{name}": {_scaled(name, fields[name])},' for name in names]
        if isinstance(self._scene.action_space, spaces.Box) and self._scene.action_space.shape:
            lines.append('        "effort": np.mean(np.square(action), axis=1),')
        body = "\n".join(lines)
        return (
            "```python\ndef reward(obs, action, next_obs, info):\n"
            f"    factors = {{\n{body}\n    }}\n    return sum(factors.values()), factors\n```\n"
        )


def _row(idea: Idea, field: Field) -> dict[str, object]:
    """The target that the wish means: an end of the range, its middle, or half of its speed."""
    centre, half = _scale(field)
    ends = {"high": 1.0, "low": -1.0, "fast": 0.5, "forward": 0.5, "still": 0.0}
    target = centre + ends[idea.want] * half
    return {"of": idea.field, "target": target, "scale": half, "norm": "smooth_abs", "weight": 1.0}


def _ideas(scene: Scene, task: str) -> list[Idea]:
    said = _words(task)
    found = []
    for name in scene.fields:
        field = scene.recipe.fields[name]
        if field.info is not None and not field.reset:
            continue  # there is no value before the first step
        spoken = _words(f"{name.replace('_', ' ')} {field.description}")
        for want, template_words in WANTS.items():
            wish = len(said & _words(template_words))
            fit = len(spoken & _words(SUITS[want]))
            found.append(Idea(want, name, 1.0 * wish + 0.7 * fit + 1.5 * len(said & spoken)))
    return found


def _expression(idea: Idea, field: Field) -> str:
    half, scaled = _scale(field)[1], _scaled(idea.field, field)
    change = f"(next_obs.{idea.field} - obs.{idea.field}) * {20.0 / half:g}"
    # a velocity is wanted itself, a position only as progress
    ahead = scaled if "/s" in field.unit else f"np.clip({change}, -1.0, 1.0)"
    return TEMPLATES[idea.want].format(scaled=scaled, ahead=ahead)


def _scaled(name: str, field: Field) -> str:
    """The field in units of half its range, 0 in the middle."""
    centre, half = _scale(field)
    shift = f" - {centre:g}" if centre else ""
    return f"((next_obs.{name}{shift}) / {half:g})"


def _scale(field: Field) -> tuple[float, float]:
    """Middle and half width of the range; (0, 1) where it is unknown."""
    low, high = field.low, field.high
    if low is None or high is None:
        return 0.0, float(max(abs(low or 0.0), abs(high or 0.0)) or 1.0)
    return (low + high) / 2.0, (high - low) / 2.0 or 1.0


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+", text.lower()))
