"""A reward as what a state is worth: what `Potential` takes beside fields and functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rewardwrap.core import tree
from rewardwrap.core.config import from_config
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.info import Info
from rewardwrap.core.registry import registered
from rewardwrap.core.reward import Affine, Named, Pointwise, Reward
from rewardwrap.core.task import Task
from rewardwrap.core.transitions import Transitions
from rewardwrap.rewards.env import Constant, Function
from rewardwrap.rewards.field import Field
from rewardwrap.rewards.native import Native

OF_A_STATE = {"obs", "next_obs", "info"}


def standing_worth(phi: Any, owner: str) -> Reward | None:
    """``phi`` as a reward, where it is one or the configuration of one; None where it is neither.

    Raises:
        ConfigError: A reward that looks at more than the state which was entered.
    """
    if isinstance(phi, Mapping) and len(phi) == 1 and set(phi) <= set(registered()):
        (fields,) = phi.values()
        # weights by field name are numbers
        phi = phi if isinstance(fields, int | float) else from_config(phi)
    if not isinstance(phi, Reward):
        return None
    for node in phi.walk():
        if not _reads_states(node):
            raise ConfigError(
                f"{owner}: a reward as phi must read observations and info alone, got {type(node).__name__}. "
                "Use fields, functions of obs and info, and what is computed from them; name the whole."
            )
    return phi


def _reads_states(node: Reward) -> bool:
    if isinstance(node, Function):
        return set(node.called.signature.columns) <= OF_A_STATE
    plain = isinstance(node, Field | Native | Constant | Pointwise | Affine)
    return plain and node.memoryless and not node.learns and not isinstance(node, Named)


def standing(task: Task, obs: Any, info: Info) -> Transitions:
    """Rows that stand in a state: whatever a reward reads of observations and info is that state's."""
    lanes = tree.size(obs)
    never = np.zeros(lanes, bool)
    return Transitions(
        obs=obs, action=np.zeros(lanes), next_obs=obs, reward=np.zeros(lanes), terminated=never,
        truncated=never, first=never, info=info, info_before=info, training=False, task=task,
        starts=False, ends=False,
    )  # fmt: skip
