"""A person's word between rounds: films of candidates side by side, and a sentence for the next prompt."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from rewardwrap.adapters.acting import Acting
from rewardwrap.adapters.sb3 import RewardVecEnv
from rewardwrap.annotate.clips import Clips
from rewardwrap.annotate.serve import running
from rewardwrap.core import tree
from rewardwrap.core.episode import Episode
from rewardwrap.core.errors import ConfigError
from rewardwrap.data import EpisodeStore
from rewardwrap.llm.candidate import Candidate
from rewardwrap.llm.watching import Watched
from rewardwrap.training import bundle

MOST_STEPS = 300
"""Of a film."""


@dataclass
class Review:
    """Shows what candidates lead to, and waits for a sentence.

    Args:
        env: Name of the recipe.
        task: In words.
        bundle_of: A candidate -> the folder of an agent that was trained on it, or None.
        ready: Gets the address of the page.
        port: Of it; 0: any.
        catalog: Folders with recipes of one's own.

    Source: the human feedback of Ma et al., Eureka, 2023, arXiv:2310.12931, section 4.4, and of Xie et al.,
        Text2Reward, 2023, arXiv:2309.11489: a person watches policies and says what to change.
    """

    env: str
    task: str
    bundle_of: Callable[[Candidate], Path | None]
    ready: Callable[[str], None] = print
    port: int = 0
    catalog: tuple[str, ...] = ()
    _said: list[str] = field(default_factory=list)

    def __call__(self, number: int, candidates: Sequence[Candidate]) -> str:
        """The sentence about a round; empty where the person says nothing."""
        shown = [(c, folder) for c in candidates if (folder := self.bundle_of(c)) is not None]
        store = (
            EpisodeStore.from_episodes([film(folder, self.env) for _, folder in shown])
            if shown
            else None
        )
        clips = Clips(store, self.env, catalog=self.catalog) if store is not None else None
        over = threading.Event()

        def said(text: str) -> dict[str, Any]:
            if over.is_set():
                raise ConfigError(
                    "a round must be judged once, got another sentence. Watch the next one."
                )
            self._said.append(text)
            over.set()
            known = (
                f"The next prompt says: {text}" if text else "The search goes on without a word."
            )
            return {"said": known, "over": True}

        def told(which: str) -> Any:
            if clips is None or store is None or not which.isdigit() or int(which) >= len(shown):
                raise ConfigError(
                    f"a film must be one of {len(shown)}, got {which}. Reload the page."
                )
            content = clips.show(int(which), 0, int(store.lengths[int(which)]))
            if content["kind"] == "film":  # pictures: their numbers are left to the label page
                raise ConfigError(
                    f"{self.env} must have a drawing, got pictures. Use rewardwrap label."
                )
            return content

        def values() -> dict[str, Any]:
            rows = [
                {"clip": i, "id": c.id, "score": _score(c), "source": c.source}
                for i, (c, _) in enumerate(shown)
            ]
            return {"env": self.env, "task": self.task, "round": number, "candidates": rows}

        with running(Watched("review.html.jinja", values, told, said), self.port) as url:
            self.ready(url)
            over.wait()
            over_and_sent.wait(0.5)
        return self._said[-1]


over_and_sent = threading.Event()
"""Never set: leaves the reply the time to go out before the page goes."""


def film(folder: Path, env: str, *, seed: int = 0) -> Episode:
    """One episode of a trained agent, as it looked: observations before any normalisation."""
    agent = bundle.read(folder)
    venv = agent.eval_env(1)
    host: Any = venv
    while not isinstance(host, RewardVecEnv):
        host = host.venv
    venv.seed(seed)
    act = Acting(agent.model, venv, deterministic=True)
    seen: list[Any] = []
    actions: list[Any] = []
    paid: list[float] = []
    obs, done = venv.reset(), False
    while not done and len(paid) < MOST_STEPS:
        obs, _, dones, _ = venv.step(act(obs))
        last, done = host.last_step, bool(dones[0])
        seen += [tree.copy(tree.take(last.obs, 0))] if not seen else []
        seen.append(tree.copy(tree.take(last.next_obs, 0)))
        actions.append(np.array(last.action[0]))
        paid.append(float(last.reward[0]))
        act.ended(dones)
    terminated = bool(last.terminated[0])
    venv.close()
    agent.close()
    ends = np.arange(len(paid)) == len(paid) - 1
    return Episode(
        tree.stack(seen), np.array(actions), np.array(paid), ends & terminated, ends & (not terminated),
        {}, source=env,
    )  # fmt: skip


def _score(candidate: Candidate) -> str:
    for name in ("full", "short"):
        value = getattr(candidate, name)
        if value is not None:
            return f"true score {value:.4g}" + (
                " after a short training" if name == "short" else ""
            )
    return candidate.reason
