"""Suites of small tasks: what is asked in words, and when a person would count it as done.

A case is done when the mean of each named field over the last third of an episode lies in its interval, and
the episode had not ended before. The rule stands in the suite and never reads what is judged by it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from rewardwrap.core.errors import UnknownName
from rewardwrap.core.transitions import FloatArray

if TYPE_CHECKING:
    from rewardwrap.core.reward import Reward

FOLDER = Path(str(files("rewardwrap.llm") / "suites"))
SUITES = ("l2r", "text2reward")
TABLE, SKILLS = "table", "skills"
LANES, ROLLOUT = 4, 256
FALLEN = -20.0
"""What a step costs in a plan that has ended the episode."""


@dataclass(frozen=True)
class Case:
    """One task.

    Args:
        name: Of it.
        env: Recipe.
        sentence: What is asked.
        success: Field -> (low, high) of its mean over the last third.
        expert: A person's reward as code, or ``"env"``; of ``text2reward``.
        words: What a person said after the first round; "": nothing.
    """

    name: str
    env: str
    sentence: str
    success: Mapping[str, tuple[float, float]]
    expert: str = ""
    words: str = ""


@dataclass(frozen=True)
class Suite:
    """Cases, and the fixed skills of each environment.

    Args:
        cases: In order.
        skills: Environment -> skill -> sentence.
    """

    cases: tuple[Case, ...]
    skills: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def chosen(self, names: Sequence[str]) -> list[Case]:
        """Some of the cases, or all.

        Raises:
            UnknownName: There is none of that name.
        """
        known = {case.name: case for case in self.cases}
        for name in names:
            if name not in known:
                raise UnknownName("task", name, list(known))
        return [known[name] for name in names] if names else list(self.cases)

    def skill(self, case: Case) -> str:
        """The fixed skill whose name the sentence says; standing still where it says none."""
        own = self.skills[case.env]
        return next((s for s in own if s in case.sentence), "stand")


@lru_cache
def read_suite(name: str) -> Suite:
    """A suite that comes along.

    Raises:
        UnknownName: No such suite.
    """
    if name not in SUITES:
        raise UnknownName("suite", name, list(SUITES))
    found = yaml.safe_load((FOLDER / f"{name}.yml").read_text(encoding="utf-8"))
    cases = tuple(
        Case(
            **{**row, "success": {k: (float(v[0]), float(v[1])) for k, v in row["success"].items()}}
        )
        for row in found["cases"]
    )
    return Suite(cases, found.get("skills", {}))


def tail_means(fields: Mapping[str, FloatArray], names: Sequence[str]) -> dict[str, float]:
    """Mean of each field over the last third of an episode.

    >>> tail_means({"x": np.arange(6.0)}, ["x"])
    {'x': 4.5}
    """
    return {name: float(np.mean(fields[name][-max(1, len(fields[name]) // 3) :])) for name in names}


def done(case: Case, means: Mapping[str, float], *, whole: bool) -> bool:
    """Whether an episode did the task; ``whole``: it had not ended before."""
    return whole and all(low <= means[n] <= high for n, (low, high) in case.success.items())


def planned(
    suite: Suite, case: Case, *, by: str, seed: int, steps: int, **planner: Any
) -> dict[str, Any]:
    """A planner plays the table of the sentence, or the fixed skill that its words name.

    Source: Yu et al., Language to Rewards, 2023, arXiv:2306.08647: the baseline there has a language model
        write code over primitive skills. Deviation: a skill is chosen by a word, and planned like the table.
    """
    sentence = case.sentence if by == TABLE else suite.skills[case.env][suite.skill(case)]
    played = play_sentence(case.env, sentence, seed=seed, steps=steps, **planner)
    means = tail_means(played.fields, list(case.success))
    ok = done(case, means, whole=len(played.true) == steps)
    return {
        "case": case.name, "by": by, "seed": seed, "done": ok, "played": len(played.true),
        "sentence": sentence, "means": means,
    }  # fmt: skip


def play_sentence(env: str, sentence: str, *, seed: int, steps: int, **planner: Any) -> Any:
    """A planner plays what the grammar makes of a sentence."""
    import rewardwrap_envs
    from rewardwrap.llm.grammar import translated
    from rewardwrap.llm.parameters import reward_of
    from rewardwrap.llm.planning import play
    from rewardwrap.llm.prompt import scene_of

    scene = scene_of(env, rewardwrap_envs.find(env, ()))
    reward = reward_of(translated(sentence, scene))
    return play(scene.recipe, reward, steps=steps, seed=seed, fallen=FALLEN, **planner)


def rewards_of(case: Case) -> dict[str, Reward]:
    """``round 1``, ``round 2`` where a person said what was wrong, and ``expert``.

    Raises:
        RewardwrapError: A recorded answer without code, or code that the gate refuses.
    """
    from rewardwrap.llm.client import Request
    from rewardwrap.llm.extraction import code_in
    from rewardwrap.llm.recorded import RecordedClient
    from rewardwrap.rewards.code import CodeReward
    from rewardwrap.rewards.env import EnvReward

    client = RecordedClient(FOLDER / "text2reward" / case.name)
    found: dict[str, Reward] = {}
    for number in (1, 2) if case.words else (1,):
        ask = Request(
            ({"role": "user", "content": case.sentence},), label=f"round-{number}-sample-1"
        )
        found[f"round {number}"] = CodeReward(code_in(client.complete(ask)))
    found["expert"] = EnvReward() if case.expert == "env" else CodeReward(case.expert)
    return found


def trained(
    case: Case,
    reward: Reward,
    *,
    by: str,
    steps: int,
    seed: int,
    episodes: int = 10,
    length: int = 200,
) -> dict[str, Any]:
    """A PPO agent is paid a reward and plays ``episodes``; the share of them that did the task."""
    from stable_baselines3 import PPO

    import rewardwrap_envs
    from rewardwrap.adapters.build import make

    limit = {"max_episode_steps": length}
    venv = make(case.env, reward, n_envs=LANES, seed=seed, env_kwargs=limit)
    agent = PPO("MlpPolicy", venv, seed=seed, n_steps=ROLLOUT, device="cpu")
    agent.learn(steps)
    venv.close()
    recipe = rewardwrap_envs.recipe(case.env)
    env, oks, seen = recipe.build(), [], []
    for episode in range(episodes):
        obs, info = env.reset(seed=10_000 + 100 * seed + episode)
        fields: dict[str, list[float]] = {name: [] for name in case.success}
        terminated = truncated = False
        while not (terminated or truncated) and len(next(iter(fields.values()))) < length:
            action, _ = agent.predict(obs, deterministic=True)
            obs, _, terminated, truncated, info = env.step(action)
            for name in fields:
                fields[name].append(float(recipe.fields[name].read(obs, info, radix=recipe.radix)))
        means = tail_means({k: np.array(v) for k, v in fields.items()}, list(fields))
        seen.append(means)
        oks.append(done(case, means, whole=not terminated))
    env.close()
    return {
        "case": case.name, "by": by, "seed": seed, "done": float(np.mean(oks)), "steps": steps,
        "means": {n: float(np.mean([m[n] for m in seen])) for n in case.success},
    }  # fmt: skip
