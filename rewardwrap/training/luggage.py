"""What a reward and an environment need beside their names: for this process, and for its workers.

A lambda, a function of a notebook, a class that the running program defines, an environment that it
registered: none of them can be imported by another process. They are packed by cloudpickle and handed to
the workers of this machine, which run what they are given anyway; nothing of them is written to disk.
"""

from __future__ import annotations

import base64
import hashlib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import Any

import gymnasium as gym

from rewardwrap.core import unnamed
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.plain import function_name
from rewardwrap.core.registry import REWARDS
from rewardwrap.core.reward import Reward, field_names
from rewardwrap.training.fingerprint import fingerprint

OWN = "rewardwrap"


@dataclass(frozen=True)
class Luggage:
    """Things without a name that another process can find.

    Args:
        functions: Name for the time being -> function.
        classes: Rewards that the program defines.
        envs: Environments that it registered.
    """

    functions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    classes: tuple[type[Reward], ...] = ()
    envs: tuple[Any, ...] = ()

    @classmethod
    def of(cls, rewards: Iterable[Reward], *envs: str) -> Luggage:
        """What these rewards, trained in these environments, need."""
        nodes = [node for reward in rewards for node in reward.walk()]
        held = [
            f
            for node in nodes
            for name in field_names(type(node))
            for f in _nameless(getattr(node, name))
        ]
        foreign = {type(node) for node in nodes if not _is_shipped(type(node).__module__)}
        specs = [gym.registry[env] for env in envs if env in gym.registry]
        carried = [
            spec
            for spec in specs
            if not _is_shipped(str(spec.entry_point).partition(":")[0], "gymnasium")
        ]
        return cls(
            {name_for(function): function for function in held},
            tuple(sorted(foreign, key=lambda each: each.tag)),
            tuple(carried),
        )

    def packed(self) -> dict[str, Any]:
        """As JSON carries it to a worker; empty where there is nothing to carry."""
        if not (self.functions or self.classes or self.envs):
            return {}
        import cloudpickle

        content = (dict(self.functions), self.classes, self.envs)
        try:
            pickled = cloudpickle.dumps(content)
        except (TypeError, AttributeError, ValueError, RuntimeError) as error:
            raise ConfigError(
                "functions, classes and environments of the program must be ones that cloudpickle can "
                f"carry to the workers, got: {error}. Open files, locks and devices inside the function."
            ) from error
        return {"path": list(sys.path), "content": base64.b64encode(pickled).decode()}

    @contextmanager
    def at_hand(self) -> Iterator[None]:
        """Make everything findable by name in this process."""
        for each in self.classes:
            if each.tag and each.tag not in REWARDS.known():
                REWARDS.add(each.tag, each)
        for spec in self.envs:
            gym.registry.setdefault(spec.id, spec)
        with unnamed.carrying(self.functions):
            yield


def unpacked(written: Mapping[str, Any]) -> Luggage:
    """What `Luggage.packed` wrote, in the process of a worker that this program started."""
    if not written:
        return Luggage()
    import cloudpickle

    sys.path.extend(place for place in written["path"] if place not in sys.path)
    return Luggage(*cloudpickle.loads(base64.b64decode(written["content"])))


def name_for(function: Callable[..., Any]) -> str:
    """The name that a function without one goes by: what it was called, and its fingerprint."""
    called = getattr(function, "__name__", type(function).__name__)
    plain = "".join(c for c in called if c.isalnum() or c == "_") or "function"
    return f"{unnamed.MODULE}:{plain}_{fingerprint(function)}"


def env_name(env: Any) -> str:
    """The id of an environment that was given as an object, a class or a factory.

    An object must know how it was made (``env.spec``); a class or factory is registered under
    ``given/<Name>-<fingerprint>`` for as long as the program runs.

    Raises:
        ConfigError: It is none of these, or an object that does not know how it was made.
    """
    if isinstance(env, str):
        return env
    if isinstance(env, gym.Env):
        return _of_object(env)
    if isinstance(env, Reward):
        raise ConfigError(
            f"env must come first and the reward after it, got {type(env).__name__} as env. Swap them."
        )
    if not callable(env):
        raise ConfigError(
            "env must be the id of an environment, an environment, its class or a function that makes "
            f'it, got {type(env).__name__}. Write e.g. "CartPole-v1".'
        )
    name = getattr(env, "__name__", type(env).__name__).strip("<>")
    made = f"given/{name}-{fingerprint(env)}"
    if made not in gym.registry:
        gym.register(made, entry_point=env, disable_env_checker=True)
    return made


def _of_object(env: gym.Env[Any, Any]) -> str:
    spec = env.spec
    if spec is None:
        raise ConfigError(
            "env must know how it was made, to be made again for every lane, got a "
            f"{type(env.unwrapped).__name__} without a spec. Give its class or a function that makes it: "
            "lambda: MyEnv(...)."
        )
    plain = gym.registry.get(spec.id)
    if plain is not None and spec.kwargs == plain.kwargs and not spec.additional_wrappers:
        return str(spec.id)
    made = f"given/{spec.id.replace('/', '-')}-{hashlib.sha256(spec.to_json().encode()).hexdigest()[:8]}"
    if made not in gym.registry:
        gym.register(made, entry_point=_Again(spec.to_json()), disable_env_checker=True)
    return made


@dataclass(frozen=True)
class _Again:
    """Makes an environment as its spec says."""

    spec: str

    def __call__(self, **kwargs: Any) -> gym.Env[Any, Any]:
        from gymnasium.envs.registration import EnvSpec

        return gym.make(EnvSpec.from_json(self.spec), **kwargs)


def _nameless(value: Any) -> Iterator[Callable[..., Any]]:
    if isinstance(value, Reward):
        return
    if getattr(value, "to_config", None) is not None:
        # a score writes itself, and may hold functions
        value = [getattr(value, f.name) for f in fields(value) if f.init]
    elif isinstance(value, Mapping):
        value = tuple(value.values())
    if isinstance(value, tuple | list):
        for item in value:
            yield from _nameless(item)
    elif callable(value):
        try:
            function_name(value)
        except ConfigError:
            yield value


def _is_shipped(module: str, *others: str) -> bool:
    return module.partition(".")[0] in (OWN, "rewardwrap_envs", *others)
