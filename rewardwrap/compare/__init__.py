"""Which reward makes agents do the task: plans, runs, verdicts, reports.

The package itself is the question: ``rw.compare(env, {name: reward})`` trains and judges.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    from gymnasium import Env

    from rewardwrap.compare.reported import Reported, ReportedSuite


class Compare(ModuleType):
    """A package that can be called: whoever imports a file of it sets ``rw.compare`` to the package."""

    @overload
    def __call__(
        self,
        env: str | Env[Any, Any] | Callable[..., Any],
        strategies: Mapping[str, Any],
        *,
        algo: str = "ppo",
        seeds: int | Iterable[int] = 10,
        steps: int | None = None,
        jobs: int | None = None,
        out: str | Path | None = None,
        threshold: float | None = None,
        primary: str | None = None,
        limit: str | None = None,
        eval_freq: int | None = None,
        eval_episodes: int | None = None,
        hyperparameters: Mapping[str, Any] | None = None,
        env_kwargs: Mapping[str, Any] | None = None,
        stop_at: float | None = None,
        patience: int | None = None,
        minutes: float | None = None,
        tune: int = 0,
        videos: bool = False,
        track: Iterable[str] = (),
        device: str | None = None,
        backend: str | None = None,
        catalog: Iterable[str | Path] = (),
        verbose: bool = False,
    ) -> Reported: ...
    @overload
    def __call__(
        self,
        env: list[Any] | tuple[Any, ...],
        strategies: Mapping[str, Any],
        *,
        algo: str = "ppo",
        seeds: int | Iterable[int] = 10,
        steps: int | None = None,
        jobs: int | None = None,
        out: str | Path | None = None,
        threshold: float | None = None,
        primary: str | None = None,
        limit: str | None = None,
        eval_freq: int | None = None,
        eval_episodes: int | None = None,
        hyperparameters: Mapping[str, Any] | None = None,
        env_kwargs: Mapping[str, Any] | None = None,
        stop_at: float | None = None,
        patience: int | None = None,
        minutes: float | None = None,
        tune: int = 0,
        videos: bool = False,
        track: Iterable[str] = (),
        device: str | None = None,
        backend: str | None = None,
        catalog: Iterable[str | Path] = (),
        verbose: bool = False,
    ) -> ReportedSuite: ...
    def __call__(
        self,
        env: Any,
        strategies: Mapping[str, Any],
        *,
        algo: str = "ppo",
        seeds: int | Iterable[int] = 10,
        steps: int | None = None,
        jobs: int | None = None,
        out: str | Path | None = None,
        threshold: float | None = None,
        primary: str | None = None,
        limit: str | None = None,
        eval_freq: int | None = None,
        eval_episodes: int | None = None,
        hyperparameters: Mapping[str, Any] | None = None,
        env_kwargs: Mapping[str, Any] | None = None,
        stop_at: float | None = None,
        patience: int | None = None,
        minutes: float | None = None,
        tune: int = 0,
        videos: bool = False,
        track: Iterable[str] = (),
        device: str | None = None,
        backend: str | None = None,
        catalog: Iterable[str | Path] = (),
        verbose: bool = False,
    ) -> Reported | ReportedSuite:
        """Train the same algorithm on several rewards, several seeds each, and judge by the true return.

        The same runs, files and verdict as ``rewardwrap compare``. A finished run is never trained twice.

        Args:
            env: A recipe, a gymnasium id, ``"module:Id"``, an environment, its class or a function that
                makes it; or a list of these, which are compared on one scale.
            strategies: Name -> reward: a reward, a function (a lambda too), a configuration, the path of a
                file, or ``"env"``, ``"potential"``, ``"normalised"``. Functions, classes and
                environments of the running program travel to the local workers by cloudpickle; in the
                store they stand as ``unnamed:...``, and nothing of them is written down.
            algo: ``"ppo"``, ``"sac"``, ...
            seeds: How many, from 0, or a list.
            steps: Environment steps of each training; None takes the preset's.
            jobs: Processes; None: cores.
            out: Folder; None: ``comparisons/<env>-<algo>``.
            threshold: True return that counts as doing the task.
            primary: What decides, ``"done"`` or ``"area"``; None: by the task.
            limit: What a time limit is, ``"bootstrap"`` or ``"end"``; see `rw.wrap`.
            eval_freq: Steps between two evaluations.
            eval_episodes: Of each evaluation.
            hyperparameters: What wins over the preset.
            env_kwargs: Arguments of the environment.
            stop_at: True return of an evaluation that ends a training early. From there on its agent
                learns nothing more, so its curve stays where it is.
            patience: Evaluations in a row without a better true return that end it.
            minutes: On the clock, of each training, that end it.
            tune: Trials of each strategy on the numbers of its own reward before the comparison, by
                Optuna; with seeds of their own.
            videos: Film the best policy of each strategy.
            track: Write finished runs to ``"mlflow"`` or ``"wandb"`` too.
            device: As in torch; None is the processor for MLP policies.
            backend: What steps the lanes of every run, of training and evaluation; see `rw.make`.
            catalog: Folders with recipes of your own.
            verbose: Print what the command prints.

        Returns:
            The comparison: ``.to_dict()`` is its ``comparison.json``, ``.folder`` where everything lies.
            Of several environments: ``found[env]`` is one of them, ``.to_dict()`` is ``suite.json``.

        Raises:
            RewardwrapError: Something that cannot work, before anything is trained.

        Example:
            >>> import rewardwrap as rw
            >>> found = rw.compare(  # doctest: +SKIP
            ...     "CartPole-v1",
            ...     {"env": "env", "upright": rw.EnvReward() + rw.function(lambda obs: -abs(obs[2]))},
            ...     seeds=3, steps=5000,
            ... )
        """
        from rewardwrap.compare.front import asked, reported

        request = asked(
            env, strategies, algo=algo, seeds=seeds, steps=steps, jobs=jobs, out=out,
            threshold=threshold, primary=primary, limit=limit, eval_freq=eval_freq,
            eval_episodes=eval_episodes, hyperparameters=hyperparameters, env_kwargs=env_kwargs,
            catalog=catalog, stop={"at": stop_at, "patience": patience, "minutes": minutes},
            tune=tune, videos=videos, track=track, device=device, backend=backend,
        )  # fmt: skip
        return reported(request, verbose=verbose)


sys.modules[__name__].__class__ = Compare
