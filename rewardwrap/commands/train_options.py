"""What ``rewardwrap train`` is asked, the settings that this means, and what a resumed run refuses."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rewardwrap.commands.arguments import (
    add_backend,
    add_json,
    add_limit,
    add_score,
    add_seed,
    add_stopping,
    key_values,
    whole_number,
)
from rewardwrap.commands.asked import add_task, asked
from rewardwrap.commands.show import add_show
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.plain import load_function

if TYPE_CHECKING:
    from rewardwrap.core.reward import Reward
    from rewardwrap.training.agent import Settings
    from rewardwrap.training.session import Course


STOPPING = ("stop_at", "patience", "minutes")
"""How long: said anew each time, as ``-n`` is, or a run that stopped early would stop at once."""
OBEYED = {
    "resume", "n_timesteps", "verbose", "progress", "env", "env_flag", "gym_packages", "video",
    "render", *STOPPING,
}  # fmt: skip
"""What ``--resume`` reads, the environment to find the run; all the rest stands in the folder of the run."""


class Noted(argparse.Action):
    """Stores a value and that it was given: ``--seed 0`` is not the same as no ``--seed``."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        setattr(namespace, self.dest, values)
        namespace.given = {**getattr(namespace, "given", {}), self.dest: option_string}


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.register("action", None, Noted)
    add_task(parser)
    parser.add_argument("--algo", default="ppo", help="algorithm (default: ppo)")
    parser.add_argument(
        "--reward",
        default="env",
        help="env, potential (the recipe's, on top of env), a reward file, or one line of YAML",
    )
    parser.add_argument(
        "--demos",
        metavar="DIR",
        help="learn the reward from these episodes (`rewardwrap record`) while the agent learns from it",
    )
    parser.add_argument(
        "--form",
        default="logit",
        help="of --demos: logit, gail, airl, fairl or, off-policy, sqil (default: logit)",
    )
    parser.add_argument(
        "--cooper",
        metavar="MODEL",
        help="pay a reward model that goes on learning, from the episodes --rule is certain of",
    )
    parser.add_argument(
        "--rule",
        metavar="module:function",
        help="of --cooper: episode -> 1 succeeded, 0 did not, NaN cannot tell",
    )
    add_score(parser)
    parser.add_argument("-n", "--n-timesteps", type=whole_number, help="default: the preset's")
    add_limit(parser, "bootstrap")
    add_seed(parser)
    add_json(parser)
    parser.add_argument("--eval-freq", type=whole_number, help="default: a 20th, at most 25000")
    parser.add_argument("--eval-episodes", type=whole_number, default=5)
    parser.add_argument("--n-eval-envs", type=whole_number, help="default: one for each episode")
    add_stopping(parser)
    parser.add_argument("--eval-reward", choices=("true", "shaped"), default="true")
    parser.add_argument("--save-freq", type=int, default=-1, help="default: as --eval-freq")
    parser.add_argument(
        *("--out", "-f", "--log-folder"), type=Path, default=Path("logs"), metavar="DIR",
        help="folder of all runs; -f and --log-folder are RL Zoo's names for it (default: logs)",
    )  # fmt: skip
    parser.add_argument("-tb", "--tensorboard-log", help="default: the run's folder")
    add_backend(parser, "dummy")
    parser.add_argument("--device", default="auto")
    parser.add_argument("-params", "--hyperparams", nargs="+", default=[], metavar="K:V")
    parser.add_argument("-conf", "--conf-file", help="hyperparameters in RL Zoo's format")
    parser.add_argument(
        "--noise",
        type=float,
        default=0.0,
        metavar="SIGMA",
        help="Gaussian noise on each frame the policy sees, for `rewardwrap certify` (default: 0)",
    )
    parser.add_argument(
        "--noise-scale",
        type=float,
        nargs="+",
        default=[],
        metavar="FACTOR",
        help="factors of --noise for each number of a frame (default: 1)",
    )
    parser.add_argument(
        "--auxiliary", metavar="HEAD,HEAD",
        help="heads that train the body of ppo or a2c too, reward,state; with weights reward:1,state:0.1",
    )  # fmt: skip
    parser.add_argument(
        "--audit",
        action="store_true",
        help="record every step for `rewardwrap audit RUN`, and say what stands out",
    )
    parser.add_argument("--verbose", type=int, choices=(0, 1, 2), default=1)
    parser.add_argument("-P", "--progress", action="store_true", help="show a progress bar")
    add_show(parser, default="agent.mp4")
    parser.add_argument(
        "--start", "-i", "--trained-agent", metavar="RUN",
        help="the agent of this run goes on under --reward, with its normaliser and replay buffer; steps "
        "count from 0",
    )  # fmt: skip
    parser.add_argument(
        "--resume",
        nargs="?",
        const="",
        metavar="RUN",
        help="go on from the last checkpoint of a run (default: the newest of --algo and ENV)",
    )


def settings_of(args: argparse.Namespace) -> Settings:
    """What the arguments ask for.

    Raises:
        UnknownName: An environment, algorithm, reward or field nobody knows.
    """
    from rewardwrap.api.train import settings_for
    from rewardwrap.training.agent import require_env

    about = asked(args)
    env, catalog = about.env, about.catalog
    require_env(env, catalog)
    return settings_for(
        env,
        args.algo,
        _paid(args, env, catalog),
        steps=args.n_timesteps,
        seed=args.seed,
        hyperparameters=args.hyperparams,
        presets=[args.conf_file] if args.conf_file else (),
        env_kwargs=about.kwargs,
        catalog=catalog,
        backend=args.backend,
        limit=args.limit,
        device=args.device,
        noise=args.noise,
        noise_scale=tuple(args.noise_scale),
        auxiliary=_heads(args.auxiliary),
    )


def _heads(text: str | None) -> dict[str, float]:
    """Weights of auxiliary heads, 1 where none is said."""
    named = [part if ":" in part else f"{part}:1" for part in (text or "").split(",") if part]
    if text is not None and not named:
        raise ConfigError(f"--auxiliary must name heads, got {text!r}. Write reward,state.")
    return key_values(named, "--auxiliary")


def _paid(args: argparse.Namespace, env: str, catalog: tuple[str, ...]) -> Reward:
    from rewardwrap.training.choice import chosen_reward
    from rewardwrap.training.scores import chosen_group

    if args.score is None:
        return chosen_reward(args.reward, env, catalog=catalog)
    limit = args.limit if "limit" in getattr(args, "given", {}) else None
    return chosen_group(args.score, group=args.group, limit=limit).named("score")


def course_of(args: Mapping[str, Any], steps: int) -> Course:
    """How long and how often, from arguments or from ``args.yml``."""
    from rewardwrap.api.train import course_for

    names = ("eval_freq", "save_freq", "eval_episodes", "n_eval_envs", "eval_reward")
    known: dict[str, Any] = {name: args[name] for name in names}
    known |= {name: args.get(name) for name in STOPPING}
    return course_for(steps, **known)


def refuse_two_rewards(args: argparse.Namespace) -> None:
    """Refuse demonstrations or scores that would not be all that pays, and words that need them."""
    given = getattr(args, "given", {})
    if args.score is not None and (args.demos is not None or "reward" in given):
        other = f"--reward {args.reward}" if "reward" in given else f"--demos {args.demos}"
        raise ConfigError(
            f"--score must be all that pays, got {other} too. Leave one out; a sum of both is a reward "
            "file with `grouped: {score: ...}` among its terms."
        )
    if args.score is None and "group" in given:
        raise ConfigError(
            f"--group must go with --score, got --group {args.group} alone. Name a score."
        )
    if args.demos is not None:
        from rewardwrap.data.exemplars import exemplars
        from rewardwrap.nets.objectives.adversarial import require_form

        if args.form != "sqil":
            require_form(args.form)
        exemplars(args.demos)
    if args.demos is not None and "reward" in given:
        raise ConfigError(
            f"--demos must be all that pays, got --reward {args.reward} too. Leave it out, or add "
            "loop.reward to it in Python."
        )
    if (args.cooper is None) != (args.rule is None):
        raise ConfigError(
            "--cooper MODEL and --rule module:function must go together, got "
            f"{'--rule' if args.cooper is None else '--cooper'} alone. Name both."
        )
    if args.cooper is not None and (args.demos or args.score or "reward" in given):
        raise ConfigError(
            "--cooper must be all that pays, got another reward too. Leave it out, or add loop.reward to it "
            "in Python."
        )
    if args.rule is not None:
        load_function(args.rule)
    if args.demos is None and "form" in given:
        raise ConfigError(f"--form must go with --demos DIR, got {args.form} alone. Name a folder.")


def refuse_ignored(args: argparse.Namespace, before: Mapping[str, Any]) -> None:
    """Refuse what a resumed training would not obey; what the run had anyway may be said again."""
    if args.audit:
        raise ConfigError(
            "--audit must follow a training from its start, got --resume. Leave it out: what the run "
            "recorded before stays in its folder."
        )
    given = {**getattr(args, "given", {})}
    given |= {"catalog": "--catalog"} if args.catalog else {}
    asked = plain(args)
    # runs from before there were more back ends
    before = {"backend": before.get("vec_env"), **before}
    ignored = [
        flag
        for name, flag in given.items()
        if name not in OBEYED and asked[name] != before.get(name)
    ]
    if args.env not in (None, before.get("env")):
        ignored.insert(0, f"the environment {args.env}")
    if ignored:
        raise ConfigError(
            f"--resume must go on with the settings of the run, got {', '.join(ignored)}. Leave them out, "
            "or start a new training with them; -n says how long to go on."
        )


def plain(args: argparse.Namespace) -> dict[str, Any]:
    """The arguments as ``args.yml`` keeps them."""
    found = {key: str(v) if isinstance(v, Path) else v for key, v in vars(args).items()}
    return {key: value for key, value in found.items() if key not in ("given", "answer")}
