"""A reward model from logged episodes: what ``rewardwrap fit`` does."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rewardwrap.core.errors import ConfigError, UnknownName

if TYPE_CHECKING:
    from rewardwrap.data import EpisodeStore, Preferences
    from rewardwrap.nets.fitted import Fitted
    from rewardwrap.nets.objectives.contract import Labels

USUAL: dict[str, tuple[str, Labels]] = {
    "regression": ("regression", "rewards"),
    "returns": ("regression", "rewards"),
    "preferences": ("bradley_terry", "pairs"),
    "outcome": ("outcome", "outcomes"),
    "process": ("process", "marks"),
    "principles": ("abstaining", "principles"),
}
"""What is fitted -> the objective where none is named, and what it learns from."""
JUDGEMENTS = (".sqlite", ".sqlite3", ".db", ".parquet", ".csv", ".tsv", ".jsonl", ".json")
DYNAMICS = "dynamics"
VERIFIERS = ("preferences", "outcome", "process")
HELD_OUT = 0.2
PEOPLE = 3
"""Members of an ensemble on preferences, where nobody says."""


def fit(
    what: str,
    data: str | Path | EpisodeStore,
    *,
    out: str | Path | None = None,
    column: str | None = None,
    labels: str | Path | None = None,
    teacher: str | Path | Preferences = "oracle",
    pairs: int = 500,
    length: int | None = None,
    topology: str = "random",
    flips: float | None = None,
    ties: float = 0.0,
    signs: Mapping[str, int] | None = None,
    bound: float | None = None,
    gamma: float = 0.99,
    head: str = "linear",
    loss: str = "square",
    objective: str | None = None,
    objective_kwargs: Mapping[str, Any] | None = None,
    reads: Sequence[str] = ("obs", "action"),
    hidden: Sequence[int] = (64, 64),
    activation: str = "relu",
    members: int | None = None,
    experts: int = 1,
    top: int = 1,
    heldout: float | None = None,
    epochs: int | None = None,
    patience: int | None = None,
    seed: int = 0,
    require: Mapping[str, float] | None = None,
    progress: Callable[[int, dict[str, float]], None] | None = None,
) -> Fitted:
    """Fit a reward model; its figures are of whole episodes that the fit has not seen.

    Args:
        what: ``"regression"``: logged rewards; ``"returns"``: the return that follows a step, a potential;
            ``"preferences"``; ``"outcome"``: whether an episode succeeded; ``"process"``: whether a step
            was good, in [0, 1]; ``"principles"``: several yes-or-no answers about clips;
            ``"dynamics"``: what follows a step, for `rw.ModelEnv`.
        data: Episodes, or their folder.
        out: Where the model goes; `rw.Learned` and ``{learned: MODEL}`` take it. None writes nothing.
        column: Of ``info``, with the outcome or the marks; an outcome may be ``"terminated"`` too.
        labels: For principles: a table with a column for each (`rewardwrap.data.principle_table`).
        teacher: For preferences: ``"oracle"``, ``"mistake"``, ``"noisy"``, ``"skip"``, ``"myopic"`` or
            ``"equal"``, which answer from the logged reward; principles in words (`rw.StatedPrinciples`); a
            file of judgements; or `Preferences`.
        pairs: Answered questions, for preferences.
        length: Steps of a clip, for preferences; where left out, of the median answer, or 25.
        topology: ``"tree"`` asks about whole episodes that went on from one start (`rw.grow_tree`).
        flips: Share of wrong answers to expect; None: the teacher's own.
        ties: Davidson's nu; 0 takes ties as soft labels.
        signs: For few preferences: weigh these columns of info alone, 1 more is better, -1 less, 0 unknown.
        bound: Keep the reward of a step within this.
        gamma: Discount of the agent, for returns.
        head: ``"linear"``, ``"gaussian"`` or ``"quantile"``, for regression and returns.
        loss: ``"square"`` or ``"huber"``, for regression.
        objective: Another loss for the same labels.
        objective_kwargs: Its settings.
        reads: Inputs, some of ``obs, action, next_obs, terminated``.
        hidden: Sizes of the hidden layers.
        activation: ``"relu"``, ``"silu"`` or ``"tanh"``.
        members: Of the ensemble; None: 3 for preferences, else 1.
        experts: Networks among which a gate chooses for each step, for preferences, outcome and process.
        top: How many of them a step is sent to.
        heldout: Share of episodes that are held out; None: a fifth, or with ``require`` as many as a
            judgement needs (20), up to half.
        epochs: At most so many.
        patience: Epochs without a better loss.
        seed: Of split, first weights and order.
        require: Bounds on the held-out figures, e.g. ``{"r2": 0.95}``; ``metrics["gate"]`` says whether they
            were kept by 20 episodes or more, and `rw.Learned` with ``require="gate"`` refuses the model
            otherwise.
        progress: Called with each epoch and its losses.

    Raises:
        RewardwrapError: Data or settings that cannot work.

    Example:
        >>> import rewardwrap as rw
        >>> fitted = rw.fit("regression", "episodes", out="model")  # doctest: +SKIP
        >>> reward = rw.Learned("model")  # doctest: +SKIP
    """
    if what == DYNAMICS:
        share = HELD_OUT if heldout is None else heldout
        return _dynamics(data, out, hidden, members, epochs, patience, share, seed, progress)
    if what not in USUAL:
        raise UnknownName("model to fit", what, [*USUAL, DYNAMICS])
    if (column is None) != (what not in ("outcome", "process")):
        needs = "name a column of info" if column is None else "be left out"
        raise ConfigError(
            f"column must {needs} for {what}, got {column!r}. Outcomes and marks stand in one."
        )
    if (labels is None) != (what != "principles"):
        needs = "name a table of answers" if labels is None else "be left out"
        raise ConfigError(
            f"labels must {needs} for {what}, got {labels!r}. Principles alone have one."
        )
    store = _episodes(data)
    options: dict[str, Any] = {
        "reads": tuple(reads),
        "hidden": tuple(hidden),
        "activation": activation,
        "seed": seed,
        "heldout": (_held(store) if require else HELD_OUT) if heldout is None else heldout,
        "members": members or (PEOPLE if what == "preferences" else 1),
        "progress": progress,
    }
    options |= {k: v for k, v in {"epochs": epochs, "patience": patience}.items() if v is not None}
    if (experts, top) != (1, 1):
        options |= {"experts": experts, "top": top}
    settings: dict[str, Any] = {}
    tag = objective or USUAL[what][0]
    if tag == "bradley_terry":
        settings = _bradley_terry(teacher, flips, ties)
    elif tag == "regression" and what == "regression":
        settings = {"loss": loss}
    options["objective"] = _objective(what, tag, {**settings, **(objective_kwargs or {})})
    if "experts" in options:
        _require_mixable(what, tag, options["objective"], signs)
    if what == "preferences":
        asked = _answers(teacher, store, pairs)
        fitted = _preferences(
            store,
            **asked,
            length=length,
            topology=topology,
            bound=bound,
            signs=signs or {},
            **options,
        )
    elif what == "principles":
        from rewardwrap.nets.principle_recipe import fit_principles

        fitted = fit_principles(store, Path(str(labels)), **options)
    elif what in ("outcome", "process"):
        fitted = _success(store, column, **options)
    else:
        discount = gamma if what == "returns" else None
        fitted = _regression(store, gamma=discount, head=head, **options)
    if require:
        _judge(fitted, require)
    if out is not None:
        fitted.save(Path(out))
    return fitted


def _dynamics(
    data: str | Path | EpisodeStore, out: str | Path | None, hidden: Sequence[int],
    members: int | None, epochs: int | None, patience: int | None, heldout: float, seed: int,
    progress: Callable[[int, dict[str, float]], None] | None,
) -> Fitted:  # fmt: skip
    from rewardwrap.nets.dynamics import fit_dynamics

    given: dict[str, Any] = {"members": members, "epochs": epochs, "patience": patience}
    fitted = fit_dynamics(
        _episodes(data), hidden=tuple(hidden), heldout=heldout, seed=seed, progress=progress,
        **{name: value for name, value in given.items() if value is not None},
    )  # fmt: skip
    if out is not None:
        fitted.save(Path(out))
    return fitted


def _require_mixable(what: str, tag: str, objective: Any, signs: Any) -> None:
    if what not in VERIFIERS:
        raise ConfigError(
            f"experts must be of a verifier ({', '.join(VERIFIERS)}), got {what}. Leave experts out."
        )
    if signs or hasattr(objective, "network"):
        raise ConfigError(
            f"experts must be of the usual network, got {'signs' if signs else tag}: "
            f"{'a weighing of columns' if signs else tag} fits a network of its own. Leave experts out."
        )


def _held(store: EpisodeStore) -> float:
    """The share that is held out to be judged by, never more than half."""
    from rewardwrap.data.splits import groups_of
    from rewardwrap.rewards.judgement import LEAST

    groups = int(groups_of(store).max(initial=0)) + 1
    return min(0.5, max(HELD_OUT, LEAST / groups))


def _judge(fitted: Fitted, bounds: Mapping[str, float]) -> None:
    from rewardwrap.rewards.judgement import judged

    metrics = fitted.metrics
    held, count = metrics["heldout"], len(metrics["episodes"]["heldout"])
    found = judged(held, bounds, data=fitted.data["fingerprint"], episodes=count)
    metrics["gate"] = asdict(found)


def judgements(path: Path, store: EpisodeStore) -> Preferences:
    """Preferences that people gave: of ``rewardwrap label``, or a table of answers.

    Raises:
        ConfigError: No such file.
    """
    from rewardwrap.data import Preferences

    if not path.is_file():
        raise ConfigError(f"judgements must exist, got {path}. Make them with rewardwrap label.")
    from rewardwrap.annotate.judgements import is_exported, read_exported

    if is_exported(path):
        return read_exported(path, store)
    from rewardwrap.data.answers import SUFFIXES, read_answers
    from rewardwrap.data.saved_labels import is_saved

    if path.suffix == ".parquet" and is_saved(path):
        return Preferences.load(path, store)
    if path.suffix in SUFFIXES:
        return read_answers(path, store)
    from rewardwrap.annotate.judgements import read

    return read(path, store)


def _episodes(data: str | Path | EpisodeStore) -> EpisodeStore:
    from rewardwrap.data import EpisodeStore

    if isinstance(data, EpisodeStore):
        return data
    if not isinstance(data, str | Path):
        raise ConfigError(
            f"data must be episodes or their folder, got {type(data).__name__}. Write "
            "rw.EpisodeStore.from_episodes(...), or the folder that `rewardwrap ingest` wrote."
        )
    return EpisodeStore.load(Path(data))


def _objective(what: str, tag: str, settings: Mapping[str, Any]) -> Any:
    from rewardwrap.nets.objectives import objective_of

    return objective_of(tag, USUAL[what][1], dict(settings))


def _bradley_terry(
    given: str | Path | Preferences, flips: float | None, ties: float
) -> dict[str, Any]:
    from rewardwrap.annotate.teachers import teacher

    synthetic = isinstance(given, str) and not _is_file(given)
    own = min(teacher(str(given)).mistake, 0.49) if synthetic else 0.0
    wrong = own if flips is None else flips
    return {"flips": 0.0 if ties else wrong, "ties": ties}


def _answers(given: str | Path | Preferences, store: EpisodeStore, pairs: int) -> dict[str, Any]:
    from rewardwrap.annotate.teachers import teacher

    if not isinstance(given, str | Path):
        return {"preferences": given}
    if _is_file(given):
        return {"preferences": judgements(Path(given), store)}
    return {"teacher": teacher(str(given)), "name": str(given), "pairs": pairs}


def _is_file(given: str | Path) -> bool:
    known = Path(given).suffix in JUDGEMENTS
    if not known and os.path.isfile(given):
        raise ConfigError(
            f"a file of answers must end in {', '.join(JUDGEMENTS)}, got {given}. Unpack it, or export a "
            "table."
        )
    return known


def _preferences(store: EpisodeStore, **options: Any) -> Fitted:
    from rewardwrap.nets.preference_recipe import fit_preferences

    return fit_preferences(store, **options)


def _success(store: EpisodeStore, column: str | None, **options: Any) -> Fitted:
    from rewardwrap.nets.success_recipe import fit_success

    assert column is not None
    return fit_success(store, column, **options)


def _regression(store: EpisodeStore, **options: Any) -> Fitted:
    from rewardwrap.nets.reward_recipe import fit_regression

    return fit_regression(store, **options)
