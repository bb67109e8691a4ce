"""A translator without a model: sentences of a small grammar as tables of targets, and the rest refused.

```
sentence = clause { ("," | ";" | "and" | "with" | "while") clause }
clause   = MOVE [DIRECTION] "at" NUMBER SPEED     run backwards at 1.5 m/s
         | FIELD ["at" | "of"] NUMBER [UNIT]      torso z at 1.2 m, pole angle 0.1 rad
         | [PART] POSTURE                         upright, torso level, pole upright
         | "stand still" | "gently"               no velocity; little action
correction = "faster" | "slower" | "higher" | "lower" | clause
MOVE = run, walk, hop, move, go, drive, swim;  DIRECTION = forward(s), backward(s), up, down, left, right
```
The order of the clauses changes nothing. A wish without a number that needs one, a word that is not in the
grammar, and two numbers for one field are refused, never guessed.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from typing import Any

from gymnasium import spaces

from rewardwrap.core.errors import ConfigError
from rewardwrap.llm.client import Completion, Request, Usage, estimate_tokens
from rewardwrap.llm.parameters import Term
from rewardwrap.llm.prompt import Scene
from rewardwrap.rewards.track import ACTION

UNITS = {
    "m/s": ("m/s", 1.0), "km/h": ("m/s", 1 / 3.6), "cm/s": ("m/s", 0.01), "m": ("m", 1.0), "cm": ("m", 0.01),
    "rad": ("rad", 1.0), "deg": ("rad", 0.017453292519943295), "degrees": ("rad", 0.017453292519943295),
    "rad/s": ("rad/s", 1.0), "deg/s": ("rad/s", 0.017453292519943295), "": ("", 1.0),
}  # fmt: skip
SCALES = {"m/s": 1.0, "m": 0.1, "rad": 0.2, "rad/s": 1.0, "1": 0.2}
"""Error that counts as one, by unit."""
WAYS = {"": ("x", 1), "forward": ("x", 1), "backward": ("x", -1), "up": ("z", 1), "down": ("z", -1),
        "left": ("y", 1), "right": ("y", -1)}  # fmt: skip
_NUMBER = r"([+-]?\d+(?:\.\d+)?) ?([a-z]+(?:/[a-z])?|)"
_MOVE = re.compile(
    rf"(?:run|walk|hop|move|go|drive|swim) ?(forward|backward|up|down|left|right|)s? ?(?:at )?{_NUMBER}"
)
_AT = re.compile(rf"(?:(?:hold|keep|bring|the) )*([a-z][a-z0-9_ ]*?) (?:at |of |to )?{_NUMBER}")
_POSTURE = re.compile(r"(?:(?:hold|keep|stay|stand|be|the) )*([a-z_ ]*?) ?(upright|level|straight)")
_STILL = ("stand still", "stay still", "still", "do not move", "stop")
_EFFORT = ("gently", "little effort", "low effort", "little action")
_CHANGES = {"faster": 1.5, "slower": 1 / 1.5, "higher": 1.2, "lower": 1 / 1.2}
_SAID = re.compile(r"A person who watched it says: (.*?)\n\nChange ONE", re.DOTALL)
_TABLE = re.compile(r"```json\n(.*?)\n```", re.DOTALL)


class Grammar:
    """A `ChatClient` that answers the questions for tables by the grammar alone.

    Args:
        scene: The environment: names, units and ranges.
        task: The sentence.
    """

    model = "grammar"

    def __init__(self, scene: Scene, task: str) -> None:
        self._scene, self._task = scene, task

    def complete(self, request: Request) -> Completion:
        """The table of the sentence, or of a correction the one term.

        Raises:
            ConfigError: A clause that is not in the grammar, or cannot be meant here.
        """
        last = request.messages[-1]["content"]
        said, table = _SAID.search(last), _TABLE.search(last)
        if said and table:
            found = corrected(said[1], json.loads(table[1]), self._scene)
        else:
            found = {n: asdict(term) for n, term in translated(self._task, self._scene).items()}
        text = f"```json\n{json.dumps(found)}\n```"
        usage = Usage(estimate_tokens(request.messages), len(text) // 3, estimated=True)
        return Completion(text, usage, model=self.model)


def translated(sentence: str, scene: Scene) -> dict[str, Term]:
    """The table of a sentence, terms in the order of their names.

    Raises:
        ConfigError: A clause that is not in the grammar, or two for one field.
    """
    words = " ".join(sentence.lower().strip(" .").split())
    clauses = [c.strip() for c in re.split(r"[,;]| and | with | while ", words) if c.strip()]
    found: dict[str, Term] = {}
    for clause in clauses:
        name, term = _clause(clause, scene)
        if found.get(name, term) != term:
            raise ConfigError(
                f"a field must have one target, got two for {term.of} in {sentence!r}. Leave one out."
            )
        found[name] = term
    if not found:
        raise _unknown(sentence, scene)
    return dict(sorted(found.items()))


def corrected(words: str, table: dict[str, Any], scene: Scene) -> dict[str, Any]:
    """The one term that a correction changes."""
    change = " ".join(words.lower().strip(" .!").split())
    factor = _CHANGES.get(change)
    if factor is None:
        name, term = _clause(change, scene)
        return {name: asdict(term)}
    unit = "m/s" if change in ("faster", "slower") else "m"
    fields = scene.recipe.fields
    fitting = [
        n for n, row in table.items() if row["of"] in fields and fields[row["of"]].unit == unit
    ]
    if len(fitting) != 1 or not table[fitting[0]]["target"]:
        raise ConfigError(
            f'"{change}" must mean one term with a target in {unit}, got {len(fitting)}: '
            f"{', '.join(table)}. Say the number: run forwards at 2 m/s."
        )
    row = dict(table[fitting[0]])
    row["target"] = row["target"] * factor
    return {fitting[0]: row}


def _clause(clause: str, scene: Scene) -> tuple[str, Term]:
    moved, at, posture = (p.fullmatch(clause) for p in (_MOVE, _AT, _POSTURE))
    if clause in _EFFORT and isinstance(scene.action_space, spaces.Box):
        return "effort", Term(ACTION, norm="square", weight=0.05)
    if clause in _STILL:
        return _term(_velocity("x", clause, scene), 0.0, scene)
    if moved:
        axis, sign = WAYS[moved[1]]
        name = _velocity(axis, clause, scene)
        return _term(name, sign * _value(moved[2], moved[3], name, clause, scene), scene)
    if posture:
        return _term(*_upright(posture[1], clause, scene), scene)
    if at:
        name = at[1].replace(" ", "_")
        known = {"height": _height(scene), **{n: n for n in scene.fields}}
        if not known.get(name):
            raise _unknown(clause, scene)
        name = str(known[name])
        return _term(name, _value(at[2], at[3], name, clause, scene), scene)
    raise _unknown(clause, scene)


def _term(name: str, target: float, scene: Scene) -> tuple[str, Term]:
    unit = scene.recipe.fields[name].unit
    return name, Term(name, target, SCALES.get(unit, 1.0), "smooth_abs", 1.0)


def _value(number: str, unit: str, name: str, clause: str, scene: Scene) -> float:
    """A number in the unit of its field.

    Raises:
        ConfigError: Another unit.
    """
    has = scene.recipe.fields[name].unit
    own, factor = UNITS.get(unit, (unit, 1.0))
    if own not in ("", has):
        raise ConfigError(
            f'"{clause}" must be in the unit of {name}, {has}, got {unit}. Convert the number.'
        )
    return float(number) * factor


def _velocity(axis: str, clause: str, scene: Scene) -> str:
    """The velocity of the body along an axis, before the first step too."""
    fields = scene.recipe.fields
    speeds = [n for n in scene.fields if fields[n].unit == "m/s" and fields[n].info is None]
    along = [n for n in speeds if n.endswith(f"_{axis}_velocity")] or (
        speeds if axis == "x" else []
    )
    if len(along) != 1:
        raise _unknown(clause, scene)
    return along[0]


def _height(scene: Scene) -> str:
    found = [n for n in scene.fields if n.endswith("_z") and scene.recipe.fields[n].unit == "m"]
    return found[0] if len(found) == 1 else ""


def _upright(part: str, clause: str, scene: Scene) -> tuple[str, float]:
    """The field that says how upright a part is, and its value there."""
    fields, wanted = scene.recipe.fields, part.strip().replace(" ", "_")
    ways = [(n, 1.0) for n in scene.fields if "1 is upright" in fields[n].description]
    ways += [(n, 1.0) for n in scene.fields if n.endswith("quaternion_w")]
    ways += [
        (n, 0.0) for n in scene.fields
        if n in ("torso_angle", "pole_angle") or "from upright" in fields[n].description
    ]  # fmt: skip
    found = [way for way in ways if not wanted or way[0].startswith(f"{wanted}_")]
    if len(dict(found)) != 1:
        raise _unknown(clause, scene)
    return found[0]


def _unknown(clause: str, scene: Scene) -> ConfigError:
    names = ", ".join(name.replace("_", " ") for name in scene.fields[:12])
    return ConfigError(
        f"a clause must be one that the grammar has and {scene.recipe.name} can do, got {clause!r}. Write "
        f'e.g. "run forwards at 2 m/s", "torso upright", "height 1.2 m", "stand still", "gently", or a field '
        f"with a number: {names}. For free words name a model: --provider openai."
    )
