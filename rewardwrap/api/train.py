"""Train one agent on a reward: what ``rewardwrap train`` does, for a program."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rewardwrap_envs
from rewardwrap.adapters.backends import require_backend
from rewardwrap.adapters.build import Limit
from rewardwrap.api.run import Run
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.reward import Reward
from rewardwrap.pages.bars import steps_shown
from rewardwrap.training.choice import chosen_reward
from rewardwrap.training.luggage import Luggage, env_name
from rewardwrap.training.scores import whole_groups

if TYPE_CHECKING:
    from stable_baselines3.common.callbacks import BaseCallback

    from rewardwrap.training.agent import Agent, Settings
    from rewardwrap.training.evaluation import Evaluation
    from rewardwrap.training.folder import RunFolder
    from rewardwrap.training.session import Course

LONGEST_GAP = 25_000
"""Steps between two evaluations where nobody says."""


def train(
    env: Any,
    algo: str = "ppo",
    reward: Any = "env",
    *,
    steps: int | None = None,
    seed: int = 0,
    out: str | Path = "logs",
    hyperparameters: Mapping[str, Any] | None = None,
    env_kwargs: Mapping[str, Any] | None = None,
    eval_freq: int | None = None,
    eval_episodes: int = 5,
    backend: str = "dummy",
    vec_env: str | None = None,
    limit: Limit = "bootstrap",
    device: str = "auto",
    noise: float = 0.0,
    audit: bool = False,
    auxiliary: Iterable[str] | Mapping[str, float] = (),
    catalog: Iterable[str | Path] = (),
    stop_at: float | None = None,
    patience: int | None = None,
    minutes: float | None = None,
    start: Run | str | Path | None = None,
    progress: bool = False,
    callbacks: Iterable[BaseCallback] = (),
    on_point: Callable[[int, Evaluation, bool], None] | None = None,
) -> Run:
    """Train an agent; it is paid ``reward`` and evaluated, and chosen, by the environment's own return.

    The same folder as ``rewardwrap train``. The reward learns from new: what it had learned before stays out.

    Args:
        env: A recipe, a gymnasium id, ``"module:Id"``, an environment, its class or a function that makes it.
        algo: ``"ppo"``, ``"sac"``, ...
        reward: A reward, a function, a configuration, the path of a file, or ``"env"``, ``"potential"``
            or ``"normalised"``. A function that cannot be imported is carried under a name that says so.
        steps: Environment steps; None takes the preset's.
        seed: Of learner and environments, from 0.
        out: Folder of all runs; this one goes to ``<out>/<algo>/<env>_<n>``.
        hyperparameters: What wins over the preset, in the words of RL Zoo.
        env_kwargs: Arguments of the environment.
        eval_freq: Steps between two evaluations; None: a 20th of ``steps``, at most 25,000.
        eval_episodes: Of each evaluation.
        backend: What steps the lanes, of training and evaluation; see `rw.make`.
        vec_env: RL Zoo's word for it.
        limit: What a time limit is, ``"bootstrap"`` or ``"end"``; see `rw.wrap`.
        device: As in torch; ``"auto"`` is the processor for MLP policies.
        noise: Standard deviation of noise on each frame that the policy sees, for `rw.certify`.
        audit: Record every step for `rw.audit`.
        auxiliary: ``("reward", "state")``, heads that train the body of PPO or A2C too; see `rw.Auxiliary`.
        catalog: Folders with recipes of your own.
        stop_at: Mean true return of an evaluation that ends the training.
        patience: Evaluations in a row without a better mean true return that end it.
        minutes: On the clock, that end it.
        start: A run, or its folder, whose agent goes on under this reward: policy, normaliser and replay
            buffer are kept, the reward is new and the steps count from 0. For the stages of a curriculum.
        progress: Show a bar, with the time that is left.
        callbacks: Further callbacks of stable-baselines3.
        on_point: Called with step, evaluation and whether it is the best so far.

    Raises:
        RewardwrapError: Something that cannot work, before the first step.

    Example:
        >>> import rewardwrap as rw
        >>> upright = rw.EnvReward() + 0.1 * rw.function(lambda obs: -abs(obs[2])).named("upright")
        >>> run = rw.train("CartPole-v1", reward=upright, steps=2000, out="logs")  # doctest: +SKIP
        >>> run.true_returns[-1]  # doctest: +SKIP
        56.4
    """
    from rewardwrap.training.session import Session

    callbacks = _callbacks(callbacks)
    name = env_name(env)
    folders = _absolute(catalog)
    built = chosen_reward(reward, name, catalog=folders)
    luggage = Luggage.of([built], name)
    with luggage.at_hand():
        settings = settings_for(
            name, algo, built, steps=steps, seed=seed, hyperparameters=hyperparameters,
            env_kwargs=env_kwargs, catalog=folders, backend=require_backend(backend, vec_env),
            limit=limit, device=device, noise=noise, auxiliary=auxiliary,
        )  # fmt: skip
        course = course_for(
            int(settings.row["n_timesteps"]), eval_freq=eval_freq, eval_episodes=eval_episodes,
            stop_at=stop_at, patience=patience, minutes=minutes,
        )  # fmt: skip
        asked = {
            "env": name, "algo": algo, "reward": settings.reward, "n_timesteps": course.steps,
            "seed": seed, "eval_freq": course.eval_freq, "save_freq": course.save_freq,
            "eval_episodes": eval_episodes, "n_eval_envs": None, "eval_reward": "true",
            "tensorboard_log": None, "audit": audit, "stop_at": stop_at, "patience": patience,
            "minutes": minutes, "auxiliary": dict(settings.auxiliary),
        }  # fmt: skip
        before = start.folder if isinstance(start, Run) else start
        agent, folder = begin(settings, Path(out), asked, start=before)
        further = [*callbacks, *(_audit(folder) if audit else ())]
        with steps_shown(course.steps, shown=progress) as moving:
            finished = Session(
                agent, folder, course, callbacks=further, on_point=on_point, on_progress=moving
            ).run()
        agent.close()
    return Run(folder.path, agent=agent, luggage=luggage, finished=finished)


def settings_for(
    env: str,
    algo: str,
    reward: Reward,
    *,
    steps: int | None = None,
    seed: int = 0,
    hyperparameters: Mapping[str, Any] | Sequence[str] | None = None,
    presets: Iterable[str] = (),
    env_kwargs: Mapping[str, Any] | None = None,
    catalog: tuple[str, ...] = (),
    backend: str = "dummy",
    limit: Limit = "bootstrap",
    device: str = "auto",
    noise: float = 0.0,
    noise_scale: tuple[float, ...] = (),
    auxiliary: Iterable[str] | Mapping[str, float] = (),
) -> Settings:
    """The preset of an algorithm on an environment, with what was asked for.

    Raises:
        UnknownName: An environment, algorithm, reward or field nobody knows.
    """
    import rewardwrap_policies
    from rewardwrap.training.agent import Settings, require_env
    from rewardwrap.training.auxiliary import read_heads

    require_env(env, catalog)
    require_whole("steps", steps, least=1)
    require_whole("seed", seed, least=0)
    if isinstance(noise, bool) or not isinstance(noise, int | float) or not noise >= 0:
        raise ConfigError(f"noise must be a number from 0, got {noise!r}. 0 is none.")
    if hyperparameters and not isinstance(hyperparameters, Mapping | list | tuple):
        raise ConfigError(
            f'hyperparameters must be a mapping, got {hyperparameters!r}. Write {{"n_steps": 256}}.'
        )
    recipe = rewardwrap_envs.find(env, catalog)
    known = env if recipe is None else recipe.id
    preset = rewardwrap_policies.hyperparameters(algo, env, list(presets), env_id=known)
    preset = rewardwrap_policies.override(preset, hyperparameters or {})
    row = whole_groups(preset.row, [reward], hyperparameters)
    return Settings(
        env=env,
        algo=preset.algo,
        reward=reward.to_config(),
        row={**row, "n_timesteps": steps or preset.n_timesteps},
        seed=seed,
        env_kwargs=dict(env_kwargs or {}),
        catalog=catalog,
        backend=backend,
        limit=limit,
        device=device,
        noise=noise,
        noise_scale=noise_scale,
        auxiliary=read_heads(auxiliary) if auxiliary else {},
    )


def course_for(
    steps: int,
    *,
    eval_freq: int | None = None,
    save_freq: int = -1,
    eval_episodes: int = 5,
    n_eval_envs: int | None = None,
    eval_reward: str = "true",
    stop_at: float | None = None,
    patience: int | None = None,
    minutes: float | None = None,
) -> Course:
    """How long and how often."""
    from rewardwrap.training.evaluation import Protocol
    from rewardwrap.training.session import Course
    from rewardwrap.training.stopping import Stopping

    require_whole("eval_freq", eval_freq, least=1)
    require_whole("eval_episodes", eval_episodes, least=1)
    every = eval_freq or max(1, min(LONGEST_GAP, steps // 20))
    return Course(
        steps=steps,
        eval_freq=every,
        save_freq=save_freq if save_freq > 0 else every,
        protocol=Protocol(eval_episodes, lanes=n_eval_envs),
        chooses=eval_reward,
        stopping=Stopping(at=stop_at, patience=patience, minutes=minutes),
    )


def begin(
    settings: Settings,
    out: Path,
    asked: Mapping[str, Any],
    *,
    command: str = "rw.train(...)",
    pays: Callable[[RunFolder], Reward] | None = None,
    verbose: int = 0,
    tensorboard_log: str | None = None,
    start: str | Path | None = None,
) -> tuple[Agent, RunFolder]:
    """Refuse what cannot work, then make the folder, write down what was asked for, and build.

    Args:
        settings: What is trained.
        out: Folder of all runs.
        asked: The arguments, as ``args.yml`` keeps them.
        command: What was typed.
        pays: Makes the reward in the folder of the run, where a loop changes it; None: the settings'.
        verbose: As in SB3.
        tensorboard_log: As in SB3.
        start: A run or bundle whose agent goes on; None: a new one.
    """
    from rewardwrap.training.agent import build
    from rewardwrap.training.folder import RunFolder
    from rewardwrap.training.refusal import refuse_unfit
    from rewardwrap.training.stages import next_stage, require_stage

    if start is not None:
        require_stage(Path(start), settings)
    refuse_unfit(settings)
    folder = RunFolder.new(out, settings.algo, settings.env)
    folder.write_start(settings.env, row=settings.row, args=asked, command=command)
    log = tensorboard_log or str(folder.path)
    reward = None if pays is None else pays(folder)
    if reward is not None:
        settings = replace(settings, reward=reward.to_config())
    if start is not None:
        return next_stage(
            Path(start), settings, reward=reward, verbose=verbose, tensorboard_log=log
        ), folder
    return build(settings, reward=reward, verbose=verbose, tensorboard_log=log), folder


def _callbacks(given: Any) -> tuple[BaseCallback, ...]:
    """What was given as callbacks; a single one, too."""
    from stable_baselines3.common.callbacks import BaseCallback

    found = tuple(given) if isinstance(given, list | tuple) else (given,)
    for each in found:
        if not isinstance(each, BaseCallback):
            what = f"the class {each.__name__}" if isinstance(each, type) else type(each).__name__
            raise ConfigError(
                f"callbacks must be callbacks of stable-baselines3, got {what}. "
                "Write callbacks=[MyCallback()]."
            )
    return found


def require_whole(name: str, value: Any, *, least: int) -> None:
    """Refuse anything but a whole number from ``least``; None stands for the default."""
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigError(f"{name} must be a whole number from {least}, got {value!r}. Correct it.")


def _absolute(catalog: Iterable[str | Path]) -> tuple[str, ...]:
    return tuple(str(Path(folder).absolute()) for folder in catalog)


def _audit(folder: RunFolder) -> list[BaseCallback]:
    from rewardwrap.evaluate.audit.live import Audit

    return [Audit(folder.path)]
