"""What a fit gives back: a network, and everything that is known of how it came about."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rewardwrap.data import EpisodeStore
from rewardwrap.nets.network import RewardNet
from rewardwrap.nets.trainer import Fit

HELD_OUT = 0.2


@dataclass(frozen=True)
class Fitted:
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

    net: RewardNet
    objective: str
    metrics: dict[str, Any]
    fit: Fit
    temperature: float = 1.0
    data: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)

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


def data_of(store: EpisodeStore) -> dict[str, Any]:
    """What model.json says of the data."""
    return {"fingerprint": store.fingerprint(), "episodes": len(store), "steps": store.steps}


def settings_of(net: RewardNet, seed: int, **more: Any) -> dict[str, Any]:
    """What model.json says of the fit."""
    return {"seed": seed, "hidden": list(net.hidden), "members": net.members, **more}
