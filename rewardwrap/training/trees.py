"""Episodes that branch: leaves of one tree share what they saw and did up to where they part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rewardwrap.data import EpisodeStore
from rewardwrap.data.branches import leaves
from rewardwrap.training.recording import player


def grow_tree(
    env: str,
    policy: str = "random",
    *,
    depth: int = 4,
    branching: int = 2,
    steps: int = 10,
    starts: int = 16,
    seed: int = 0,
    env_kwargs: Mapping[str, Any] | None = None,
) -> EpisodeStore:
    """Play from each start, and part again and again: every ``steps`` steps into ``branching`` ways.

    Answers about two leaves of one tree are about the steps in which they differ: what they share
    cancels in ``R(b) - R(a)``. ``depth=1`` grows chains, whole episodes of one start that share nothing.

    A branch is come back to by resetting with the same seed and doing the same again; the observations
    and rewards must then be the same to the last bit. A leaf that ends early stands once, however many
    would have grown from it.

    Args:
        env: A recipe, a gymnasium id or ``"module:Id"``.
        policy: Who plays, by chance: ``"random"``, ``"module:function"`` or the folder of a run.
        depth: Partings, with the first one at the start.
        branching: Ways at each of them; ``branching ** depth`` leaves grow from a start.
        steps: Between two partings.
        starts: Trees.
        seed: The i-th start is reset with ``seed + i``.
        env_kwargs: Arguments of the environment.

    Raises:
        ConfigError: Fewer than two leaves.
        DataError: The environment cannot be brought back, ends by time before the leaves do, or the
            policy does the same each time.

    Source: Qiu et al., Reward generalization in RLHF: a topological perspective, 2024,
        arXiv:2402.10184. Deviation: where the authors continue a text, an episode is replayed.

    Example:
        >>> import rewardwrap as rw
        >>> rw.grow_tree("Pendulum-v1", depth=2, steps=5, starts=3)
        EpisodeStore(12 episodes, 120 steps)
    """
    who = player(policy, env, seed=seed, env_kwargs=env_kwargs, by_chance=True)
    observed, acted = who.spaces
    try:
        grown = list(leaves(who, depth, branching, steps, starts, seed=seed))
    finally:
        who.close()
    return EpisodeStore.from_episodes(grown, observation_space=observed, action_space=acted)
