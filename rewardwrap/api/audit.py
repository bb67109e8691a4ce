"""What a reward paid for: what ``rewardwrap audit`` asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rewardwrap.api.run import Run
from rewardwrap.core.errors import ConfigError
from rewardwrap.evaluate.audit import page
from rewardwrap.evaluate.audit.finding import Finding
from rewardwrap.evaluate.audit.runs import Source, read_run
from rewardwrap.pages.frames import Shown
from rewardwrap.training.luggage import env_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PAGE = "audit.html"


class Audited(Shown):
    """What an audit found.

    Args:
        source: The record and what it was recorded of.
        page: Where the page was written.

    Attributes:
        record: Everything that was recorded.
        page: The HTML page.
    """

    def __init__(self, source: Source, page: Path) -> None:
        self._source = source
        self.record, self.page = source.record, page

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What stands out, bugs first."""
        return tuple(self.record.findings)

    @property
    def headline(self) -> str:
        """One sentence: how much there is to look at."""
        return page.headline(self.record)

    def to_dict(self) -> dict[str, Any]:
        """What ``rewardwrap audit --json`` prints."""
        names = ("signal", "what", "evidence", "where", "look", "bug")
        return {
            "page": self.page,
            "headline": self.headline,
            "episodes": self.record.episodes,
            "findings": [{name: getattr(f, name) for name in names} for f in self.findings],
            "notes": self.record.notes,
        }

    def plot(self) -> Axes:
        """Draw true and shaped return of every episode; returns the matplotlib axes."""
        from rewardwrap.evaluate.audit.figures import returns

        axes: Axes = returns(self.record).axes[0]
        return axes

    def _title(self) -> str:
        return f"Audit: {self.headline} Page: {self.page}"

    def _columns(self) -> dict[str, Sequence[Any]]:
        return {
            "signal": [found.signal for found in self.findings],
            "what": [found.what for found in self.findings],
        }


def audit(
    what: Any,
    reward: Any = None,
    *,
    episodes: int = 30,
    seed: int = 0,
    gamma: float | None = None,
    fields: Sequence[str] = (),
    env_kwargs: Mapping[str, Any] | None = None,
    catalog: Iterable[str | Path] = (),
    out: str | Path | None = None,
) -> Audited:
    """Look for signs that a reward is paid for something else than the task, and write one page.

    Args:
        what: A `Run` or the folder of one; or with ``reward`` the environment in which it is paid to random
            and scripted behaviour: a recipe, a gymnasium id, an environment, its class or what makes it.
        reward: A reward, a function, a configuration or a file.
        episodes: Of each behaviour, for a reward.
        seed: For a reward.
        gamma: For a reward; None takes the recipe's.
        fields: Two observation fields, for the surfaces.
        env_kwargs: Arguments of the environment.
        catalog: Folders with recipes of your own.
        out: The page; None: ``RUN/audit.html``, for a reward ``audit.html`` here.

    Raises:
        RewardwrapError: Neither the folder of a run, nor an environment with a reward.

    Example:
        >>> import rewardwrap as rw
        >>> found = rw.audit("CartPole-v1", rw.EnvReward(), episodes=4)  # doctest: +SKIP
        >>> found.headline  # doctest: +SKIP
        'Nothing stands out in 8 episodes.'
    """
    if reward is None:
        source, default = _of_run(what), None
    else:
        source = source_of(
            what, reward, episodes=episodes, seed=seed, gamma=gamma, env_kwargs=env_kwargs,
            catalog=tuple(str(Path(folder).absolute()) for folder in catalog),
        )  # fmt: skip
        default = Path(PAGE)
    place = default or (what.folder if isinstance(what, Run) else Path(what)) / PAGE
    return Audited(source, page.write(source, place if out is None else Path(out), fields=fields))


def source_of(
    env: Any,
    reward: Any,
    *,
    episodes: int = 30,
    seed: int = 0,
    gamma: float | None = None,
    env_kwargs: Mapping[str, Any] | None = None,
    catalog: tuple[str, ...] = (),
) -> Source:
    """Pay a reward to random and scripted behaviour."""
    from rewardwrap.evaluate.audit.play import audit_reward
    from rewardwrap.training.agent import require_env
    from rewardwrap.training.choice import chosen_reward

    if isinstance(episodes, bool) or not isinstance(episodes, int) or episodes < 1:
        raise ConfigError(f"episodes must be a whole number from 1, got {episodes!r}. 30 is usual.")
    name, kwargs = env_name(env), dict(env_kwargs or {})
    require_env(name, catalog)
    built = chosen_reward(reward, name, catalog=catalog)
    record = audit_reward(
        name, built, episodes=episodes, seed=seed, gamma=gamma, catalog=catalog, env_kwargs=kwargs
    )
    return Source(record, name, built, catalog, kwargs)


def _of_run(what: Any) -> Source:
    if isinstance(what, Run):
        with what.at_hand():
            return read_run(what.folder)
    if not isinstance(what, str | Path) or not Path(what).is_dir():
        raise ConfigError(
            f"audit must have a run or its folder, or an environment and a reward, got {what!r} alone. Write "
            'rw.audit("CartPole-v1", reward).'
        )
    return read_run(Path(what))
