"""Finding our adapter in a stack of other people's wrappers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper

from rewardwrap.adapters.host import require_same_discount
from rewardwrap.adapters.sb3 import RewardVecEnv
from rewardwrap.adapters.single import RewardWrapper
from rewardwrap.core.errors import StackError
from rewardwrap.core.transitions import FloatArray


class InnerAdapter:
    """Wrappers inside a VecEnv's lanes, read through ``infos`` and ``get_attr``.

    The reward itself stays where it is: a function without a name cannot leave its process, and to ask
    for it ends the worker.
    """

    def __init__(self, venv: VecEnv) -> None:
        self._venv = venv
        self.description: str = venv.get_attr("description", indices=[0])[0]
        self.at_limits: str | None = venv.get_attr("at_limits", indices=[0])[0]
        self.term_names: tuple[str, ...] = venv.get_attr("term_names", indices=[0])[0]

    def require_discount(self, gamma: float | None) -> None:
        """`Host.require_discount` in every lane; refused here, since an error there ends a worker."""
        if gamma is None:
            return
        for own in self._venv.get_attr("discount"):
            require_same_discount(own, gamma)
        self._venv.env_method("require_discount", gamma)

    def models(self) -> list[str]:
        """`Host.models`, of the first lane."""
        found: list[str] = self._venv.get_attr("models", indices=[0])[0]
        return found

    def filled(self) -> dict[tuple[int, int], int]:
        """`Host.filled`, of all lanes."""
        return {key: n for lane in self._venv.get_attr("filled") for key, n in lane.items()}

    def collected(self, shown: Mapping[str, Any]) -> tuple[list[dict[str, Any]], Any] | None:
        """The step's ``infos`` and ``dones``, from what a learner shows its callbacks.

        Raises:
            StackError: It shows none, as ARS does.
        """
        if "infos" not in shown:
            raise StackError(
                "a learner must show its steps where the reward is paid in the lanes, got one that plays by "
                "evaluate_policy (ARS). Pay all lanes at once: rw.make(env_id, reward)."
            )
        return shown["infos"], shown["dones"]

    def lane_terms(self, infos: list[dict[str, Any]]) -> FloatArray:
        """Last step's terms, ``(n_envs, k)``."""
        return np.array([[info["reward_terms"][n] for n in self.term_names] for info in infos])


class OuterAdapter:
    """A `RewardVecEnv` somewhere in the stack, whose terms are arrays already."""

    def __init__(self, adapter: RewardVecEnv) -> None:
        self.adapter = adapter
        self._last = adapter.ended
        self.description = adapter.description
        self.at_limits = adapter.at_limits
        self.term_names = adapter.term_names

    def require_discount(self, gamma: float | None) -> None:
        """`Host.require_discount`."""
        self.adapter.require_discount(gamma)

    def models(self) -> list[str]:
        """`Host.models`."""
        return self.adapter.models

    def filled(self) -> dict[tuple[int, int], int]:
        """`Host.filled`."""
        return self.adapter.filled

    def collected(self, shown: Mapping[str, Any]) -> tuple[list[dict[str, Any]], Any] | None:
        """The step's ``infos`` and ``dones``; None where the step was shown before.

        ARS shows its callbacks no step, and calls them once for every lane.
        """
        if "infos" in shown:
            return shown["infos"], shown["dones"]
        last, self._last = self._last, self.adapter.ended
        return None if self._last is last else self._last

    def lane_terms(self, infos: list[dict[str, Any]]) -> FloatArray:
        """Last step's terms, ``(n_envs, k)``."""
        return self.adapter.reward_terms


def layers(venv: VecEnv) -> list[VecEnv]:
    """The VecEnv layers, outermost first."""
    found = [venv]
    while isinstance(found[-1], VecEnvWrapper):
        found.append(found[-1].venv)
    return found


def find_adapter(venv: VecEnv) -> InnerAdapter | OuterAdapter | None:
    """The outermost rewardwrap adapter of a stack, or None."""
    for layer in layers(venv):
        if isinstance(layer, RewardVecEnv):
            return OuterAdapter(layer)
    if venv.env_is_wrapped(RewardWrapper, indices=[0])[0]:
        return InnerAdapter(venv)
    return None


def reported_versions(venv: VecEnv) -> list[str]:
    """The version of the reward that each worker holds; one entry where the reward is outside them."""
    adapter = find_adapter(venv)
    if isinstance(adapter, InnerAdapter):
        return list(venv.get_attr("reward_version"))
    return []
