"""A finished training: its curve, its agent, its folder."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rewardwrap.pages.frames import Shown
from rewardwrap.training.folder import BEST, LAST, FolderError, RunFolder
from rewardwrap.training.luggage import Luggage

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rewardwrap.training.agent import Agent
    from rewardwrap.training.evaluation import Evaluation

FloatArray = NDArray[np.float64]


class Run(Shown):
    """One training, as `rw.train` returns it; ``rw.Run(folder)`` reads one that was trained before.

    Args:
        folder: ``<out>/<algo>/<env>_<n>``.
        agent: What was trained, where it is at hand.
        luggage: What its reward and environment need beside their names.
        finished: False where it was interrupted.

    Attributes:
        folder: Everything that was written; ``rewardwrap eval`` and ``rewardwrap audit`` take it.
        finished: Whether it was trained to the end.

    Raises:
        FolderError: It is not the folder of a training.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        agent: Agent | None = None,
        luggage: Luggage | None = None,
        finished: bool = True,
    ) -> None:
        self.folder = Path(folder)
        self.finished = finished
        self._files = RunFolder(self.folder)
        self._agent, self._luggage = agent, luggage or Luggage()
        self._asked = self._files.args()

    @property
    def env(self) -> str:
        """Name of the environment."""
        return str(self._asked["env"])

    @property
    def algo(self) -> str:
        """Name of the algorithm."""
        return str(self._asked["algo"])

    @property
    def steps(self) -> NDArray[np.int64]:
        """Environment steps of the evaluations, ``(E,)``."""
        return np.asarray(self._column("timesteps"), np.int64)

    @property
    def true_returns(self) -> FloatArray:
        """Mean true return at each evaluation, ``(E,)``."""
        return self._means("results")

    @property
    def shaped_returns(self) -> FloatArray:
        """Mean return of the same episodes under the trained reward, ``(E,)``."""
        return self._means("shaped")

    @property
    def episodes(self) -> FloatArray:
        """True return of every evaluation episode, ``(E, episodes)``."""
        return np.asarray(self._column("results"), np.float64)

    @property
    def stopped(self) -> str | None:
        """Why it ended before its steps were used up; None where it did not."""
        return self._files.stopped()

    @property
    def model(self) -> Any:
        """The learner of stable-baselines3, as it was when the training ended."""
        if self._agent is None:
            self._agent = self._read(LAST)
            self._agent.close()
        return self._agent.model

    def evaluate(
        self,
        *,
        which: str = BEST,
        episodes: int | None = None,
        seed: int | None = None,
        deterministic: bool | None = None,
    ) -> Evaluation:
        """Play the best agent, by default the very episodes of the training's evaluations.

        Args:
            which: ``"best"`` or ``"last"``.
            episodes: How many.
            seed: Of the first episode.
            deterministic: Whether the policy plays its mode.

        Returns:
            ``.true`` and ``.shaped`` return, ``.lengths`` and ``.terms`` of each episode.
        """
        from dataclasses import replace

        from rewardwrap.training import bundle, evaluation

        with self._luggage.at_hand():
            folder = self._files.bundle(which)
            changes = {"episodes": episodes, "seed": seed, "deterministic": deterministic}
            given: dict[str, Any] = {
                name: value for name, value in changes.items() if value is not None
            }
            usual = evaluation.Protocol(
                **bundle.document(folder, trust=self._trusted)["evaluation"]
            )
            protocol = replace(usual, **given)
            agent = self._read(which)
            env = agent.eval_env(protocol.width)
            found = evaluation.evaluate(agent.model, env, protocol)
            env.close()
            agent.close()
        return found

    def video(self, file: str | Path | None = None, *, which: str = BEST) -> Path:
        """Film the first evaluation episode; what it writes plays in every browser.

        Args:
            file: To write; None: ``agent.mp4`` in the run's folder.
            which: ``"best"`` or ``"last"``.

        Raises:
            MissingExtra: imageio or its ffmpeg is not installed.
            NoPictures: The environment does not draw itself, or only this program knows it.
        """
        from rewardwrap.training import bundle, films

        films.require("a film")
        place = self._files.bundle(which)
        with self._luggage.at_hand():
            protocol = bundle.document(place, trust=self._trusted)["evaluation"]
        file = self.folder / "agent.mp4" if file is None else Path(file)
        played = films.film(
            place, file, seed=protocol["seed"], deterministic=protocol["deterministic"],
            trust=self._trusted,
        )  # fmt: skip
        if "problem" in played:
            raise films.NoPictures(
                f"a run must be one that can be filmed, got: {played['problem']}."
            )
        return file

    def plot(self, axes: Axes | None = None) -> Axes:
        """Draw the true return of every evaluation; returns the matplotlib axes."""
        from rewardwrap.pages.drawing import drawing, steps_axis
        from rewardwrap.pages.palette import STRATEGIES

        if axes is None:
            with drawing(5.4, 3.5) as (_, made):
                return self.plot(made)
        colour = STRATEGIES[1][0]
        low, high = self.episodes.min(axis=1), self.episodes.max(axis=1)
        axes.fill_between(self.steps, low, high, color=colour, alpha=0.15, linewidth=0)
        axes.plot(self.steps, self.true_returns, color=colour, linewidth=2)
        steps_axis(axes, int(self.steps[-1]))
        axes.set_ylabel("true return")
        axes.set_title(f"{self.env}, {self.algo}", loc="left")
        return axes

    def _title(self) -> str:
        early = "" if self.stopped is None else f", stopped early: {self.stopped}"
        state = early if self.finished else ", interrupted"
        return f"Run {self.folder}: {self.algo} on {self.env}{state}"

    def _columns(self) -> dict[str, Sequence[Any]]:
        return {
            "step": self.steps.tolist(),
            "true": self.true_returns.tolist(),
            "shaped": self.shaped_returns.tolist(),
        }

    def _column(self, name: str) -> Any:
        found = self._files.evaluations()
        if not found:
            raise FolderError(
                f"{self.folder} must hold an evaluation, got none yet. Train for longer, or set eval_freq."
            )
        return found[name]

    def _means(self, name: str) -> FloatArray:
        return np.asarray(self._column(name).mean(axis=1), np.float64)

    def at_hand(self) -> AbstractContextManager[None]:
        """While it lasts, what the run's reward and environment need can be found by name."""
        return self._luggage.at_hand()

    @property
    def _trusted(self) -> tuple[str, ...]:
        """What this program trained, it may read again."""
        from rewardwrap_envs.trust import references

        if self._agent is None:
            return ()
        settings = self._agent.settings
        named = {"env": settings.env, "reward": settings.reward, "row": settings.row}
        return tuple(references(named))

    def _read(self, which: str) -> Agent:
        from rewardwrap.training import bundle

        with self._luggage.at_hand():
            return bundle.read(self._files.bundle(which), trust=self._trusted)
