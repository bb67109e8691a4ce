"""What a fit gives back: a network, and everything that is known of how it came about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from rewardwrap.data import DataError, EpisodeStore
from rewardwrap.data.checks import named_leaves
from rewardwrap.data.splits import contents, groups_of
from rewardwrap.nets.paid import PaidNet
from rewardwrap.nets.trainer import Fit
from rewardwrap.pages.frames import Shown
from rewardwrap.rewards.gaps import MISSING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HELD_OUT = 0.2
MOST_CONTENTS = 20_000


@dataclass(frozen=True, repr=False)
class Fitted(Shown):
    """A network and everything that is known of how it came about.

    Args:
        net: The network.
        objective: Its name.
        metrics: What metrics.json will say.
        fit: History of the training.
        temperature: Of differences of returns as logits.
        data: Fingerprint and size of the data.
        settings: What it was fitted with.
    """

    net: PaidNet
    objective: str
    metrics: dict[str, Any]
    fit: Fit
    temperature: float = 1.0
    data: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)

    def plot(self) -> Axes:
        """Draw the losses over the epochs; returns the matplotlib axes."""
        from rewardwrap.pages.drawing import drawing
        from rewardwrap.pages.palette import STRATEGIES

        with drawing(5.4, 3.1) as (_, axes):
            names = [n for n, v in self.fit.history[0].items() if isinstance(v, float)]
            for place, name in enumerate(names):
                curve = [record[name] for record in self.fit.history]
                axes.plot(curve, color=STRATEGIES[1 + place % 7][0], label=name)
            axes.set_xlabel("epoch")
            axes.legend(frameon=False)
            return axes

    def _title(self) -> str:
        return (
            f"{self.objective}: {self.fit.epochs} epochs in {self.fit.seconds:.1f} s, best "
            f"{self.fit.best + 1}; figures of episodes"
        )

    def _columns(self) -> dict[str, Sequence[Any]]:
        names = list(self.metrics["heldout"])
        sides = {"train": "train", "held out": "heldout", "null": "null"}
        return {
            "figure": names,
            **{title: [self.metrics[side].get(n) for n in names] for title, side in sides.items()},
        }

    def save(self, folder: Any) -> Any:
        """Write the model folder."""
        from rewardwrap.nets.folder import save_model

        return save_model(
            self.net,
            folder,
            objective=self.objective,
            metrics=self.metrics,
            data=self.data,
            settings=self.settings,
            temperature=self.temperature,
        )


def require_finite(store: EpisodeStore, reads: Sequence[str]) -> None:
    """Refuse episodes with holes, before minutes are spent on them; missing rewards are no holes.

    Raises:
        DataError: An input that is not finite, or an infinite reward.
    """
    columns = [("reward", np.nan_to_num(store.reward, posinf=np.inf, neginf=-np.inf))]
    for name, read in (("obs", {"obs", "next_obs"}), ("action", {"action"})):
        if read & set(reads):
            columns += named_leaves(getattr(store, name), name)
    for name, column in columns:
        whole = np.isfinite(column)
        bad = ~np.asarray(whole.all(axis=tuple(range(1, whole.ndim))))
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            shown = np.ravel(column[row])
            # an episode has one more observation than steps
            begins = store.first_step + (np.arange(len(store)) if name.startswith("obs") else 0)
            episode = int(np.searchsorted(begins, row, side="right")) - 1
            raise DataError(
                f"{name} must be finite to be fitted, got {shown[~np.isfinite(shown)][0]} in step "
                f"{row - begins[episode]} of episode {store.ids[episode]} ({bad.sum()} of "
                f"{len(bad)} rows). Drop those episodes, or fill the gaps before ingesting."
            )


def require_unfilled(store: EpisodeStore, what: str) -> None:
    """Refuse demonstrations whose numbers were filled, for what reads a state without its step.

    Raises:
        DataError: Names the columns.
    """
    flags = [name for name, gap in store.info.items() if name.endswith(MISSING) and gap.any()]
    if flags:
        raise DataError(
            f"{what} must be found in frames that were seen whole, got numbers that were filled "
            f"({', '.join(flags)}). Leave those columns or episodes out when ingesting."
        )


def watched_apart(train: EpisodeStore, seed: int) -> tuple[EpisodeStore, EpisodeStore]:
    """Episodes to fit, and some to stop by; the same store twice where there are too few."""
    enough = len(np.unique(groups_of(train))) >= 5
    return train.split(0.15, seed=seed) if enough else (train, train)


def data_of(store: EpisodeStore) -> dict[str, Any]:
    """What model.json says of the data."""
    found: dict[str, Any] = {
        "fingerprint": store.fingerprint(),
        "episodes": len(store),
        "steps": store.steps,
    }
    if len(store) <= MOST_CONTENTS:
        # so that a gate knows the episodes of the fit again, under whatever name they come
        found["contents"] = dict(zip(store.ids.tolist(), contents(store).tolist(), strict=True))
    return found


def settings_of(net: PaidNet, seed: int, **more: Any) -> dict[str, Any]:
    """What model.json says of the fit."""
    return {"seed": seed, "hidden": net.describe()["hidden"], "members": net.members, **more}
