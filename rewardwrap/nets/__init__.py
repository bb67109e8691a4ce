"""Rewards from data: networks, one trainer, an objective in each file, models on disk.

Names load on first use, since all of them need torch.
"""

from importlib import import_module as _import_module
from typing import Any

_lazy: dict[str, str] = {
    "BradleyTerry": "objectives.bradley_terry",
    "Differences": "objectives.prdp",
    "Fit": "trainer",
    "ImplicitReward": "implicit",
    "ListWise": "objectives.rankings",
    "Outcome": "objectives.outcome",
    "Process": "objectives.outcome",
    "Regression": "objectives.regression",
    "Registry": "registry",
    "RewardNet": "network",
    "SelfEvolved": "objectives.ser",
    "Surf": "objectives.surf",
    "Table": "tables",
    "TReg": "objectives.treg",
    "feature_net": "features",
    "fit": "trainer",
    "fit_preferences": "preference_recipe",
    "fit_regression": "reward_recipe",
    "freeze": "folder",
    "load_model": "folder",
    "pairs_table": "tables",
    "renorm": "objectives.outcome",
    "returns_to_go": "returns",
    "rows_table": "tables",
    "save_model": "folder",
}
"""Public name -> the module of this folder that defines it."""

__all__ = list(_lazy)


def __getattr__(name: str) -> Any:
    if name in _lazy:
        return getattr(_import_module(f"rewardwrap.nets.{_lazy[name]}"), name)
    raise AttributeError(f"module 'rewardwrap.nets' has no attribute {name!r}")
