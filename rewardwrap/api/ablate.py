"""Which parts of a reward model's recipe matter: a grid of fits, judged by the same held-out episodes."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rewardwrap.core.errors import ConfigError, UnknownName

if TYPE_CHECKING:
    from rewardwrap.core.transitions import FloatArray
    from rewardwrap.data import EpisodeStore
    from rewardwrap.nets.fitted import Fitted

USUAL: Mapping[str, str] = {
    "head": "2", "width": "64", "activation": "relu", "members": "1", "data": "1", "inputs": "obs+action",
    "kind": "bt", "experts": "1",
}  # fmt: skip
"""Part of a recipe -> what it is where the grid does not say: layers, their width, ..."""
KINDS = {"bt": "preferences", "outcome": "outcome", "judge": "preferences"}
RETURN = "true_return"
FIGURES = ("pair_accuracy", "best_of_4", "auc", "ece", "log_loss")
PAIRS, HELD = 500, 0.25
LEAK = 0.999


@dataclass(frozen=True)
class Recipe:
    """One cell of the grid and its figures of held-out episodes, a list over seeds each."""

    recipe: dict[str, str]
    figures: dict[str, list[float]]

    def mean(self, figure: str) -> float:
        """Over the seeds."""
        return float(np.mean(self.figures[figure]))


@dataclass(frozen=True)
class Ablation:
    """All recipes, the best first.

    Args:
        recipes: By mean pair accuracy.
        best: The model of the best one's first seed.
        paid_truly: True returns of agents that were paid by the environment itself, where agents were
            trained; of as many steps and the same seeds.
    """

    recipes: list[Recipe]
    best: Fitted
    paid_truly: list[float]

    def behind(self, recipe: Recipe) -> tuple[float, float]:
        """How far a recipe lies behind the best, paired over the seeds: mean and standard error."""
        best, own = (np.array(r.figures["pair_accuracy"]) for r in (self.recipes[0], recipe))
        gap = best - own
        error = gap.std(ddof=1) / np.sqrt(len(gap)) if len(gap) > 1 else float("nan")
        return float(gap.mean()), float(error)

    def save(self, folder: Path) -> None:
        """Write ``ablation.json`` and the best model in ``best/``."""
        from rewardwrap.files import write_whole

        folder.mkdir(parents=True, exist_ok=True)
        rows = [asdict(recipe) for recipe in self.recipes]
        text = json.dumps({"recipes": rows, "paid_truly": self.paid_truly}, indent=2)
        write_whole(folder / "ablation.json", text)
        self.best.save(folder / "best")


def ablate(
    data: str | Path | EpisodeStore,
    grid: Mapping[str, Sequence[str]],
    *,
    teacher: str = "oracle",
    pairs: int = 300,
    length: int = 25,
    column: str | None = None,
    seeds: Sequence[int] = (0, 1, 2),
    epochs: int | None = None,
    principle: str | None = None,
    by: Any = "scripted",
    rl: str | None = None,
    rl_steps: int = 8192,
    progress: Callable[[dict[str, str]], None] | None = None,
) -> Ablation:
    """Fit every recipe of a grid and judge all of them by the same episodes.

    Args:
        data: Episodes with logged rewards, or their folder.
        grid: Part -> values, as text: ``head`` (layers), ``width``, ``activation``, ``members``, ``data``
            (share of the training episodes), ``inputs`` (``obs+action``), ``kind`` (``bt``, ``outcome``,
            ``judge``), ``experts`` (among which a gate chooses for each step).
        teacher: Who answers, for ``bt``.
        pairs: Answered questions, for ``bt`` and ``judge``.
        length: Steps of a clip.
        column: Of ``info``, with the outcome; it is also what the AUC is of. Else: above the median return.
        seeds: Of the splits and fits; each recipe meets the same ones.
        epochs: Of a fit, at most.
        principle: What is better, in words, for ``judge``; see `rw.judge`.
        by: Who judges.
        rl: Environment in which PPO is trained on every model, so that the table ends in true returns.
        rl_steps: Of each training.
        progress: Called with every recipe before it is fitted.

    Raises:
        ConfigError: An empty grid, a value that means nothing, or a label that an input gives away.
        UnknownName: A part or kind that does not exist.

    Source: BaseReward, 2025, arXiv:2509.16127 (the parts of a recipe); SWE-RM, 2025, arXiv:2512.21919 (AUC
        and calibration beside accuracy).
    """
    from rewardwrap.data import EpisodeStore

    cells = _cells(grid)
    if any(KINDS[cell["kind"]] == "outcome" for cell in cells) and column is None:
        raise ConfigError(
            "ablate: kind=outcome must know the column of the outcome, got none. Give --label info:COLUMN."
        )
    if any(cell["kind"] == "judge" for cell in cells) and principle is None:
        raise ConfigError(
            "ablate: kind=judge must know what is better, got no principle. Give --principle TEXT."
        )
    store = data if isinstance(data, EpisodeStore) else EpisodeStore.load(Path(data))
    if column is not None:
        _require_no_leak(store, column)
    models: list[Fitted] = []
    found = []
    for cell in cells:
        if progress is not None:
            progress(cell)
        figures: dict[str, list[float]] = {
            name: [] for name in (*FIGURES, *([RETURN] if rl else []))
        }
        for number in seeds:
            train, held = store.split(HELD, seed=number)
            shown = _shown(cell, train, number)
            own = _labels(cell, shown, teacher, pairs, length, column, principle, by, number)
            fitted = _fitted(cell, shown, own, number, epochs)
            for name, value in _figures(fitted, held, length, column, number).items():
                figures[name].append(value)
            if rl is not None:
                figures[RETURN].append(_trained(rl, fitted, rl_steps, number))
            if number == seeds[0]:
                models.append(fitted)
        found.append(Recipe(cell, figures))
    order = sorted(range(len(found)), key=lambda i: -found[i].mean("pair_accuracy"))
    truly = [_trained(rl, None, rl_steps, number) for number in seeds] if rl else []
    return Ablation([found[i] for i in order], models[order[0]], truly)


def _cells(grid: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    if not grid or not all(grid.values()):
        raise ConfigError("ablate: grid must name a part and its values, got none. E.g. head=1,2.")
    for name in grid:
        if name not in USUAL:
            raise UnknownName("part of a recipe", name, USUAL)
    cells = [
        {**USUAL, **dict(zip(grid, values, strict=True))} for values in product(*grid.values())
    ]
    for cell in cells:
        if cell["kind"] not in KINDS:
            raise UnknownName("kind of model", cell["kind"], KINDS)
        whole = all(cell[name].isdecimal() for name in ("head", "width", "members", "experts"))
        if not whole or not 0 < _number(cell["data"]) <= 1:
            raise ConfigError(
                "ablate: head, width, members and experts must be whole numbers and data lie in (0, 1], got "
                f"{cell['head']}, {cell['width']}, {cell['members']}, {cell['experts']} and {cell['data']}. "
                "Correct the grid."
            )
    return cells


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _shown(cell: Mapping[str, str], train: EpisodeStore, seed: int) -> EpisodeStore:
    """The share of the training episodes that a recipe is fitted to."""
    count = max(4, round(_number(cell["data"]) * len(train)))
    return train.select(np.random.default_rng(seed).permutation(len(train))[:count])


def _labels(
    cell: Mapping[str, str], shown: EpisodeStore, teacher: str, pairs: int, length: int,
    column: str | None, principle: str | None, by: Any, seed: int,
) -> dict[str, Any]:  # fmt: skip
    """What a kind of model is fitted to, as `fit` takes it."""
    if KINDS[cell["kind"]] == "outcome":
        return {"column": column}
    asked = max(10, round(_number(cell["data"]) * pairs))
    if cell["kind"] == "bt":
        return {"teacher": teacher, "pairs": asked, "length": length}
    from rewardwrap.api.judge import judge
    from rewardwrap.data.answers import read_answers

    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "answers.jsonl"
        judge(shown, principle, by=by, out=table, pairs=asked, length=length, seed=seed)
        return {"teacher": read_answers(table, shown)}


def _fitted(
    cell: Mapping[str, str], shown: EpisodeStore, own: Mapping[str, Any], seed: int, epochs: int | None
) -> Fitted:  # fmt: skip
    from rewardwrap.api.fit import fit

    return fit(
        KINDS[cell["kind"]], shown, reads=tuple(cell["inputs"].split("+")), activation=cell["activation"],
        hidden=(int(cell["width"]),) * int(cell["head"]), members=int(cell["members"]),
        experts=int(cell["experts"]), seed=seed, epochs=epochs, **own,
    )  # fmt: skip


def _trained(env: str, fitted: Fitted | None, steps: int, seed: int) -> float:
    """True return of an agent that a model paid, or the environment itself."""
    from rewardwrap.rewards.env import EnvReward
    from rewardwrap.rewards.learned import Learned
    from rewardwrap.training.brief import brief_return

    if fitted is None:
        return brief_return(env, EnvReward(), steps, seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        fitted.save(Path(folder) / "model")
        return brief_return(env, Learned(str(Path(folder) / "model")), steps, seed=seed)


def _figures(
    fitted: Fitted, held: EpisodeStore, length: int, column: str | None, seed: int
) -> dict[str, float]:
    from rewardwrap.annotate.teachers import Teacher, answers, random_pairs
    from rewardwrap.nets.measures import pair_measures
    from rewardwrap.statistics.ranking import auc

    judged, _ = answers(Teacher(), random_pairs(held, length), PAIRS, seed=seed)
    measured = pair_measures(fitted.net, judged, fitted.temperature)
    paid = fitted.net.freeze()(held.transitions())
    said = np.where(judged.a.mask, paid[judged.a.rows], 0.0).sum(axis=1)
    true = judged.a.returns()
    whole = len(said) - len(said) % 4
    fours = [values[:whole].reshape(-1, 4) for values in (said, true)]
    chosen = fours[0].argmax(axis=1) == fours[1].argmax(axis=1)
    totals = np.add.reduceat(paid, held.first_step) / held.lengths
    last = held.first_step + held.lengths - 1
    good = held.info[column][last] >= 0.5 if column else held.returns() > np.median(held.returns())
    both = 0 < good.sum() < len(good)
    return {
        "pair_accuracy": measured["pair_accuracy"], "best_of_4": float(chosen.mean()),
        "auc": float(auc(totals, good.astype(float))) if both else 0.5, "ece": measured["ece"],
        "log_loss": measured["log_loss"],
    }  # fmt: skip


def _require_no_leak(store: EpisodeStore, column: str) -> None:
    """Refuse an outcome that one input says by itself."""
    if column not in store.info:
        raise UnknownName("column of info", column, store.info)
    label = store.info[column][store.first_step + store.lengths - 1]
    obs = store.transitions().obs
    if not isinstance(obs, np.ndarray) or np.ptp(label) == 0:
        return
    means: FloatArray = (
        np.add.reduceat(obs.reshape(len(obs), -1).astype(np.float64), store.first_step, axis=0)
        / store.lengths[:, None]
    )
    spread = means.std(axis=0)
    gap = label - label.mean()
    with_label = (means - means.mean(axis=0)).T @ gap / len(gap)
    alike = np.abs(with_label) > LEAK * np.maximum(spread, 1e-300) * gap.std()
    for place in np.flatnonzero(alike & (spread > 0)):
        raise ConfigError(
            f'ablate: the outcome "{column}" must not stand among the inputs, got obs[{place}], which says '
            "it by itself. Leave that column out before ingesting."
        )
