"""A judge of one's own from what judges said and why: what ``rewardwrap fit judge`` does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rewardwrap.core.errors import ConfigError

if TYPE_CHECKING:
    from rewardwrap.data import EpisodeStore
    from rewardwrap.nets.judge_recipe import FittedJudge


def train_judge(
    data: str | Path | EpisodeStore,
    answers: str | Path | Sequence[str | Path],
    *,
    verified: str | Path | Sequence[str | Path] = (),
    out: str | Path | None = None,
    env: str | None = None,
    catalog: Sequence[str | Path] = (),
    epochs: int = 150,
    rounds: int = 150,
    seed: int = 0,
) -> FittedJudge:
    """Teach a small judge by traces of checks, then by verdicts that are known to be right.

    It reads principles in words it was taught, composes them in ways it was not, quotes what it goes by, and
    costs nothing to ask. Without ``verified`` it repeats its teacher, faults included. The second stage is
    kept where it is at least as often right on questions set aside for that.

    Args:
        data: Episodes, or their folder.
        answers: Of `rw.judge` with a rubric, ``out=...jsonl``; their traces lie beside them.
        verified: Answers that are right, in the same form (people's, a rule's); or ``"reward"``, where the
            principle asks for what the logged reward pays.
        out: Where the judge goes; `rw.judge` takes it as ``by="model:FOLDER"``. None writes nothing.
        env: Recipe that names the fields; None: what the answers or the episodes say they are of.
        catalog: Folders with recipes of your own.
        epochs: Of the first stage.
        rounds: Of the second.
        seed: Of draws and of the split.

    Raises:
        RewardwrapError: No traces, answers without a principle, too few verified ones.

    Example:
        >>> import rewardwrap as rw
        >>> said = rw.judge("episodes", "prefer low energy", out="said.jsonl")  # doctest: +SKIP
        >>> own = rw.train_judge("episodes", "said.jsonl", verified="reward", out="j")  # doctest: +SKIP
        >>> more = rw.judge("episodes", "Prefer low energy.", by="model:j")  # doctest: +SKIP
    """
    from rewardwrap.api.fit import _episodes
    from rewardwrap.api.judge import _task
    from rewardwrap.nets.judge_recipe import fit_judge

    said, right = (
        [each] if isinstance(each, str | Path) else list(each) for each in (answers, verified)
    )
    wrong = [str(p) for p in said if Path(p).suffix != ".jsonl"]
    if not said or wrong:
        raise ConfigError(
            f"answers must be .jsonl files that rewardwrap judge wrote, got {', '.join(wrong) or 'none'}. "
            "Judge with --out ANSWERS.jsonl."
        )
    store = _episodes(data)
    task = _task(store, env or _shown(said[0]), catalog)
    fitted = fit_judge(
        store, said, verified=right, task=task, seed=seed, epochs=epochs, rounds=rounds
    )  # fmt: skip
    if out is not None:
        fitted.save(out)
    return fitted


def _shown(answers: str | Path) -> str | None:
    """The environment whose fields the judge was shown, as its answers say."""
    from rewardwrap.limits import parsed

    path = Path(answers)
    if not path.is_file():
        raise ConfigError(
            f"answers must be a file, got {path}. Judge first: rewardwrap judge DATA ... --out."
        )
    with path.open(encoding="utf-8") as file:
        return parsed(file.readline() or "{}").get("env") or None
