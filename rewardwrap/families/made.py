"""One reward of each family: who makes it, from what, and what that costs before the first training.

| family | reward | made from |
|---|---|---|
| environment | the environment's own | nothing |
| normalised | the same in units of its returns, the control for scale | nothing |
| potential | ``env + gamma Phi(s') - Phi(s)`` | the recipe's potential |
| preferences | a Bradley-Terry model | answers about clips of the log |
| demonstrations | PWIL | whole episodes of the demonstrator |
| intrinsic | ``env + 0.1 RND`` or, over finitely many states, ``env + 0.1 / sqrt(N(s))`` | nothing |
| written | code from templates over named fields | the log, whose order it must keep |
| designed | a few paying states, by linear programs | the dynamics, where they are written out |
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from gymnasium import spaces

from rewardwrap.api.fit import fit
from rewardwrap.core.errors import ConfigError, RewardwrapError
from rewardwrap.core.reward import Reward
from rewardwrap.families.ground import SEED, Ground
from rewardwrap.files import write_whole
from rewardwrap.llm.client import Message, Request
from rewardwrap.rewards.disk import save

LABELS, LENGTH = 500, 25
"""Answers about pairs of clips, and the steps of a clip."""
WEIGHT = 0.1
"""Of a bonus beside the environment's own reward."""
ASKED: tuple[Message, ...] = (
    {"role": "user", "content": "templates read the task from the scene"},
)
OWN = "written.py"
"""Reward code of the user's, in the folder of the families, that takes the place of templates."""
TRIES = 16
"""Rewards that are written before none is taken."""


@dataclass(frozen=True)
class Family:
    """One way to come to a reward, on one task.

    Args:
        name: Of the family.
        choice: What `rewardwrap compare --reward` takes: a word or a file; None where there is none.
        source: From what it was made, or why it could not be.
        samples: Steps of the environment that were used up before the first training.
        labels: Answers, demonstrations or stored episodes that somebody had to give.
    """

    name: str
    choice: str | None
    source: str
    samples: int = 0
    labels: int = 0


def made(ground: Ground, say: Callable[[str], None] = lambda line: None) -> list[Family]:
    """Every family, made once: the same folder gives the same rewards again.

    Args:
        ground: The task.
        say: Called with one line for each that is made.

    Raises:
        ConfigError: The folder holds those of another task.
    """
    ground.folder.mkdir(parents=True, exist_ok=True)
    file, task = ground.folder / "families.json", ground.task
    kept: Mapping[str, Any] = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    if kept and kept["task"] != task:
        raise ConfigError(
            f"families in {ground.folder} must be of this task, {task}, got {kept['task']}. "
            "Give another --out."
        )
    known = {name: Family(**row) for name, row in kept.get("families", {}).items()}
    if (ground.folder / OWN).is_file():  # somebody may have laid it there since
        known.pop("written", None)
    found = []
    for name, make in MAKERS.items():
        family = known.get(name)
        if family is None or family.choice is None:
            try:
                family = make(ground)
            except RewardwrapError as error:  # the sentence why there is none of it on this task
                family = Family(name, None, str(error))
            say(f"{name}: {family.source}")
            known[name] = family
            rows = {key: asdict(each) for key, each in known.items()}
            write_whole(file, json.dumps({"task": task, "families": rows}, indent=2))
        found.append(family)
    return found


def _environment(ground: Ground) -> Family:
    return Family("environment", "env", "the environment itself")


def _normalised(ground: Ground) -> Family:
    return Family("normalised", "normalised", "its reward in units of its returns")


def _potential(ground: Ground) -> Family:
    from rewardwrap.training.choice import chosen_reward

    chosen_reward("potential", ground.env, catalog=ground.catalog)
    return Family("potential", "potential", "the potential of its recipe")


def _preferences(ground: Ground) -> Family:
    from rewardwrap.rewards.learned import Learned

    place = ground.folder / "preferences" / "model"
    length = min(LENGTH, int(np.median(ground.log.lengths)))
    model = fit(
        "preferences",
        ground.log,
        teacher="oracle",
        pairs=LABELS,
        length=length,
        seed=SEED,
        out=place,
    )
    held = model.metrics["heldout"]["pair_accuracy"]
    return Family(
        "preferences",
        _saved(Learned(str(place)), ground, "preferences"),
        f"{LABELS} answers by the true return of clips of {length} steps, {held:.0%} right on held-out ones",
        ground.trained + ground.pool.steps,
        LABELS,
    )


def _demonstrations(ground: Ground) -> Family:
    from rewardwrap.nets.demonstration_recipe import fit_matched
    from rewardwrap.rewards.pwil import PWIL

    demos = ground.demonstrations
    place = ground.folder / "demonstrations" / "model"
    with warnings.catch_warnings():  # they were played here, so their ends are what they say
        warnings.filterwarnings("ignore", message="demonstrations must tell ends from time limits")
        fit_matched(demos, method="pwil").save(place)
    returns = demos.returns()
    return Family(
        "demonstrations",
        _saved(PWIL(str(place)), ground, "demonstrations"),
        f"{len(demos)} episodes of mean return {returns.mean():.4g}",
        ground.trained + demos.steps,
        len(demos),
    )


def _intrinsic(ground: Ground) -> Family:
    from rewardwrap.rewards.counts import Counts
    from rewardwrap.rewards.env import EnvReward
    from rewardwrap.rewards.rnd import RND

    built = ground.recipe.build()
    finite = isinstance(built.observation_space, spaces.Discrete)
    built.close()
    bonus, what = (Counts(), "1 / sqrt(N(s))") if finite else (RND(), "errors of distillation")
    reward = EnvReward() + WEIGHT * bonus.named("bonus")
    return Family(
        "intrinsic", _saved(reward, ground, "intrinsic"), f"its reward + {WEIGHT} of {what}"
    )


def _written(ground: Ground) -> Family:
    from rewardwrap.llm.candidate import Candidate
    from rewardwrap.llm.extraction import code_in
    from rewardwrap.llm.stages import Stages
    from rewardwrap.llm.template import TemplateDesigner

    own = ground.folder / OWN
    pool = ground.pool
    cost = ground.trained + pool.steps
    stages = Stages(ground.scene, pool)
    if own.is_file():
        source = own.read_text(encoding="utf-8")
        return Family(
            "written",
            _saved(stages.reward(source), ground, "written"),
            f"{own.name}, which lay there",
        )
    writer = TemplateDesigner(ground.scene, ground.recipe.summary)
    reasons: dict[str, str] = {}
    for seed in range(TRIES):
        source = code_in(writer.complete(Request(ASKED, seed=seed)))
        if source in reasons:
            continue
        candidate = Candidate(f"r1s{seed + 1}", 1, seed + 1, source)
        stages.judge(candidate)
        if candidate.alive:
            share = (
                ""
                if candidate.order is None
                else f", {candidate.order:.0%} of stored pairs in order"
            )
            kept = _saved(stages.reward(source), ground, "written")
            return Family(
                "written", kept, f"the first of {len(reasons) + 1} templates that passed{share}", cost,
                len(pool.episodes),
            )  # fmt: skip
        reasons[source] = f"{candidate.stage}: {candidate.reason}"
    last = list(reasons.values())[-1]
    return Family(
        "written",
        None,
        f"none of {len(reasons)} templates passed ({last})",
        cost,
        len(pool.episodes),
    )


def _designed(ground: Ground) -> Family:
    from rewardwrap.design.exprd import design

    found = design(ground.env, env_kwargs=ground.env_kwargs, catalog=ground.catalog)
    return Family(
        "designed",
        _saved(found.reward, ground, "designed"),
        f"pays in {len(found.states)} states, policy regret {found.regret.value:g}",
    )


def _saved(reward: Reward, ground: Ground, name: str) -> str:
    """The folder of a saved reward, as a strategy."""
    return str(save(reward, (ground.folder / name / "reward").absolute()))


MAKERS: Mapping[str, Callable[[Ground], Family]] = {
    "environment": _environment,
    "normalised": _normalised,
    "potential": _potential,
    "preferences": _preferences,
    "demonstrations": _demonstrations,
    "intrinsic": _intrinsic,
    "written": _written,
    "designed": _designed,
}
"""In the order of the table."""
