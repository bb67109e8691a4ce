"""Who stands above and below our wrapper: what can be said of a stack without a step.

SB3's ``env_is_wrapped`` is the one call that takes our code to an environment in another process: a
class with an ``isinstance`` of its own answers there, once, and leaves what it saw as an attribute.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
from gymnasium.vector import VectorEnv, VectorWrapper
from gymnasium.wrappers import vector as vector_wrappers
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper, VecMonitor, VecNormalize

from rewardwrap.adapters.host import Host
from rewardwrap.core.errors import StackError
from rewardwrap.core.reward import Reward
from rewardwrap.rewards.truncation import pays_at_end

_CHANGING = (
    gym.RewardWrapper,
    gym.wrappers.NormalizeReward,
    vector_wrappers.TransformReward,
    vector_wrappers.NormalizeReward,
)
_LAYERS = "rewardwrap_layers"


@dataclass(frozen=True)
class Layer:
    """What is known of one layer by looking at it; plain data, which travels between processes.

    Args:
        name: Name of its class.
        ours: Whether it pays a composed reward.
        late: Whether that reward pays something at an episode's end, so that it must see the end.
        changes: Whether it is made to change rewards.
        lives: Whether it makes an episode of each life.
        restarts: Whether it begins the next episode inside a step.
        limits: Whether it cuts episodes.
    """

    name: str
    ours: bool = False
    late: bool = False
    changes: bool = False
    lives: bool = False
    restarts: bool = False
    limits: bool = False


def look(layer: Any) -> Layer:
    """What one layer of any host is."""
    cls = type(layer)
    if isinstance(layer, Host):
        return Layer(cls.__name__, ours=True, late=owes_at_end(layer.reward))
    normalises = isinstance(layer, VecNormalize) and layer.norm_reward
    return Layer(
        cls.__name__,
        changes=isinstance(layer, _CHANGING) or normalises,
        lives=any(base.__name__ == "EpisodicLifeEnv" for base in cls.__mro__)
        or getattr(layer, "terminal_on_life_loss", False) is True,
        restarts=isinstance(layer, gym.wrappers.Autoreset),
        limits=isinstance(layer, gym.wrappers.TimeLimit),
    )


def owes_at_end(reward: Reward) -> bool:
    """Whether a reward pays something on the last step of an episode that it must see to pay."""
    return any(
        pays_at_end(node) or getattr(node, "on_truncation", None) == "terminal"
        for node in reward.walk()
    )


def host_layers(env: Any) -> list[Any]:
    """The layers of a host that this process holds, outermost first, without its lanes."""
    found: list[Any] = [env]
    while isinstance(found[-1], gym.Wrapper | VectorWrapper | VecEnvWrapper):
        found.append(found[-1].venv if isinstance(found[-1], VecEnvWrapper) else found[-1].env)
    return found


def columns(env: Any, *, lanes: bool = True) -> list[list[Layer]]:
    """All layers from the outermost to the environment, once for each kind of lane.

    Args:
        env: Any host.
        lanes: Whether to look into the lanes too.
    """
    hosts = host_layers(env)
    above = [look(layer) for layer in hosts]
    below: list[list[Layer]] = []
    if lanes and isinstance(hosts[-1], VecEnv):
        there = visit(hosts[-1], Describe)
        below = hosts[-1].get_attr(_LAYERS, indices=there) if there else []
    elif lanes and isinstance(hosts[-1], VectorEnv):
        below = [[look(x) for x in host_layers(lane)] for lane in getattr(hosts[-1], "envs", ())]
    kinds = [list(kind) for kind in dict.fromkeys(tuple(layers) for layers in below)]
    return [above + kind for kind in kinds] or [above]


class Visit(type):
    """A class that visits the first layer which is asked whether it is an instance."""

    def __instancecheck__(cls, layer: Any) -> bool:
        cls.visit(layer)  # type: ignore[attr-defined]
        return True


class Describe(metaclass=Visit):
    """Leaves the looks of all layers of a lane on the lane."""

    @staticmethod
    def visit(env: Any) -> None:
        """Look."""
        setattr(env, _LAYERS, [look(layer) for layer in host_layers(env)])


def visit(venv: VecEnv, visitor: type) -> list[int]:
    """Send a visitor to every lane; which of them let it in.

    SB3 shows a visitor wrappers alone: there is nothing to see on a bare environment.
    """
    try:
        visited = venv.env_is_wrapped(visitor)
    except (AttributeError, NotImplementedError):
        return []
    return [i for i, there in enumerate(visited) if there]


def refuse_layers(env: Any, *, above: Sequence[Any] = ()) -> None:
    """Refuse a stack in which a layer must change what is paid or what is recorded.

    Args:
        env: Any host, or a lane.
        above: Layers that stand above it elsewhere.

    Raises:
        StackError: The layer is named, with the cure.
    """
    for column in columns(env):
        layers = [*map(look, above), *column]
        ours = [i for i, layer in enumerate(layers) if layer.ours]
        if len(ours) > 1:
            names = ", ".join(layers[i].name for i in ours)
            raise StackError(
                f"a stack must hold one rewardwrap wrapper, got {len(ours)} ({names}). The inner one's "
                "shaped reward would be the outer one's true one. Compose with + and wrap once."
            )
        if ours:
            for layer in layers[: ours[0]]:
                _refuse_above(layer, layers[ours[0]])
            for layer in layers[ours[0] + 1 :]:
                _refuse_below(layer, layers[ours[0]].name)


def refuse_unread(env: VecEnv, learner: str) -> None:
    """Refuse a stack whose Monitor hides what is paid from a learner that plays by `evaluate_policy`.

    Raises:
        StackError: A VecMonitor stands below the reward, where that function looks first.
    """
    kinds = [layer for layer in host_layers(env) if isinstance(layer, Host | VecMonitor)]
    if kinds and isinstance(kinds[0], Host) and len(kinds) > 1:
        raise StackError(
            f"{learner} must learn from the return of the composed reward, got a VecMonitor below it, "
            "whose return it reads. Put it above: VecMonitor(rw.wrap(venv, reward))."
        )


def _refuse_above(layer: Layer, ours: Layer) -> None:
    # VecNormalize above is how SB3 scales for on-policy learners, and it is asked for outright
    if layer.changes and layer.name != VecNormalize.__name__:
        raise changed_above(layer.name, ours.name)
    if layer.limits and ours.late:
        raise cut_above(layer.name, ours.name)


def _refuse_below(layer: Layer, ours: str) -> None:
    if layer.lives:
        raise lives_below(layer.name, ours)
    if layer.restarts:
        raise restart_below(layer.name, ours)
    if layer.changes:
        raise changed_below(layer.name, ours)


def changed_above(layer: str, ours: str, detail: str = "") -> StackError:
    """A layer above ours pays something else."""
    return StackError(
        f"no layer may change the composed reward, got {layer} above {ours}{detail}. "
        "Put its transform into the reward, e.g. .clip(-1, 1), or wrap above it."
    )


def changed_below(layer: str, ours: str, detail: str = "") -> StackError:
    """A layer below ours hides the environment's own reward."""
    cure = "Put its transform into the reward, e.g. .clip(-1, 1)."
    if layer == VecNormalize.__name__:
        cure = "Wrap first and normalise after: VecNormalize(rw.wrap(venv, reward))."
    return StackError(
        f"the true return must come from the environment itself, got {layer} below {ours}{detail}. {cure}"
    )


def lives_below(layer: str, ours: str) -> StackError:
    """A layer below ours makes episodes of lives."""
    return StackError(
        f"the true return must be that of the whole game, got {layer} below {ours}, which ends an "
        "episode while the game goes on: every return would be that of one life. Put the reward below "
        f"it, EpisodicLifeEnv(rw.wrap(env, reward)): then the game's return is the true one; or leave "
        "it out, terminal_on_life_loss=False."
    )


def restart_below(layer: str, ours: str) -> StackError:
    """A layer below ours begins the next episode inside a step."""
    return StackError(
        f"{ours} must see where an episode begins, got {layer} below it, which resets inside a step and "
        f"hands the reset on as a transition. Put it above: {layer}(rw.wrap(env, reward))."
    )


def cut_above(layer: str, ours: str) -> StackError:
    """A layer above ours ends episodes whose reward is owed at the end."""
    return StackError(
        f"a reward that pays at an episode's end must see the end, got {layer} above {ours}, which cuts "
        f"episodes unseen. Put it below: rw.wrap({layer}(env, ...), reward)."
    )
