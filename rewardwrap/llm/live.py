"""A planner that plays a sentence while it is edited: what a word changes is seen at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from rewardwrap.adapters.tasks import task_of_recipe
from rewardwrap.annotate.clips import Clips
from rewardwrap.annotate.serve import running
from rewardwrap.core.episode import Episode
from rewardwrap.core.errors import ConfigError, RewardwrapError
from rewardwrap.data import EpisodeStore
from rewardwrap.llm.parameters import Table, reward_of
from rewardwrap.llm.planning import score_of
from rewardwrap.llm.prompt import Scene
from rewardwrap.llm.watching import Watched
from rewardwrap_policies.errors import PoliciesError
from rewardwrap_policies.planner import CEMPlanner

SHOWN = 40
"""Last steps that are drawn, so that a body is seen to travel."""
Translate = Callable[[str], Table]


class Live:
    """An environment, a planner and a table that may change between two steps.

    Args:
        scene: The environment.
        translate: A sentence -> its table, or an error that says why there is none.
        sentence: To begin with.
        seed: Of resets and planner.
        pause: Seconds between steps, at least.
        **planner: Of `CEMPlanner`.

    Raises:
        ConfigError: A sentence that cannot be translated.
        PlannerError: An environment that cannot be planned in.
    """

    def __init__(
        self, scene: Scene, translate: Translate, sentence: str, *, seed: int = 0, pause: float = 0.02,
        **planner: Any,
    ) -> None:  # fmt: skip
        self.scene, self.translate, self.sentence, self.pause = scene, translate, sentence, pause
        self.table = translate(sentence)
        self.step = 0
        self._recipe = scene.recipe
        self._task = task_of_recipe(self._recipe, gamma=self._recipe.gamma)
        self._env = self._recipe.build()
        self._seed = seed
        obs, info = self._env.reset(seed=seed)
        self._planner = CEMPlanner(self._env, self._score(self.table), seed=seed, **planner)
        self._obs, self._info, self._seen = obs, info, [np.array(obs)]
        self._over, self._turn = threading.Event(), threading.Lock()
        self._failed: Exception | None = None

    def act(self) -> None:
        """One step; a fall begins a new episode."""
        with self._turn:
            obs, _, terminated, truncated, info = self._env.step(self._planner.act(self._obs))
            self._seen.append(np.array(obs))
            if terminated or truncated:
                self._seed += 1
                obs, info = self._env.reset(seed=self._seed)
                self._planner.forget()
                self._seen = [np.array(obs)]
            self._obs, self._info, self.step = obs, info, self.step + 1
            del self._seen[:-SHOWN]

    def say(self, text: str) -> dict[str, Any]:
        """Another sentence, from the next step on; the old one stays where it cannot be translated."""
        table = self.translate(text)
        score = self._score(table)
        with self._turn:
            self.table, self.sentence = table, text
            self._planner.aim(score)
        named = ", ".join(f"{t.of} {t.target:g}" for t in table.values())
        return {"said": f"Asked for: {named}", "over": False}

    def now(self) -> dict[str, Any]:
        """What it looks like, and each term's field beside its target."""
        if self._failed is not None:
            raise ConfigError(
                f"the planner must go on, got {self._failed}. Give the command again."
            )
        with self._turn:
            seen, table, step = np.array(self._seen), dict(self.table), self.step
            obs, info = self._obs, self._info
        ends = np.arange(len(seen) - 1) == len(seen) - 2
        if len(seen) < 2:
            seen, ends = np.repeat(seen, 2, axis=0), np.ones(1, bool)
        steps = len(seen) - 1
        nothing = np.zeros((steps, *(self.scene.action_space.shape or ())))
        shown = Episode(seen, nothing, np.zeros(steps), np.zeros(steps, bool), ends, {})
        clip = self._clips(shown).show(0, 0, steps)
        fields = self._recipe.fields
        terms = [
            {"of": t.of, "target": t.target, "unit": fields[t.of].unit if t.of in fields else "",
             "is": float(fields[t.of].read(obs, info, radix=self._recipe.radix)) if t.of in fields else None}
            for t in table.values()
        ]  # fmt: skip
        return {"clip": clip, "terms": terms, "step": step}

    @contextmanager
    def served(self, port: int = 0) -> Iterator[str]:
        """Plays in a thread and serves the page; yields its address."""
        page = Watched(
            "live.html.jinja",
            lambda: {"env": self._recipe.id, "sentence": self.sentence},
            lambda _: self.now(),
            self.say,
        )
        thread = threading.Thread(target=self._go_on, daemon=True)
        try:
            with running(page, port) as url:
                thread.start()
                yield url
        finally:
            self._over.set()
            if thread.is_alive():
                thread.join()
            self._env.close()

    def _go_on(self) -> None:
        while not self._over.wait(self.pause):
            try:
                self.act()
            except (RewardwrapError, PoliciesError, ValueError, RuntimeError) as error:
                # the page says it, instead of standing still
                self._failed = error
                return

    def _score(self, table: Table) -> Any:
        return score_of(reward_of(table), self._task)

    def _clips(self, episode: Episode) -> Clips:
        """The drawing of this environment, made once and shown other numbers since."""
        store = EpisodeStore.from_episodes([episode])
        made: Clips | None = getattr(self, "_drawn", None)
        if made is None:
            made = self._drawn = Clips(store, self._recipe.id)
        made.store = store
        return made
