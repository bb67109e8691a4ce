"""The terms of a reward: what is recorded under which name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rewardwrap.core.errors import ConfigError, UnknownName
from rewardwrap.core.reward import SHAPED, TRUE, Affine, Named, Reward, Sum, affine, field_names


def term_names(reward: Reward) -> tuple[str, ...]:
    """Names of the recorded terms, outermost first.

    Raises:
        ConfigError: Two terms share a name.
    """
    names = [node.name for node in reward.walk() if isinstance(node, Named)]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ConfigError(
            f"term names must differ, got {', '.join(sorted(twice))} twice. Rename one with .named()."
        )
    return tuple(names)


def with_every_term_named(reward: Reward) -> Reward:
    """Give each unnamed addend its tag as name, so that nothing that is paid goes unrecorded."""
    terms = reward.terms if isinstance(reward, Sum) else (reward,)
    taken = set(term_names(reward)) | {TRUE, SHAPED}
    labelled = []
    for term in terms:
        if not isinstance(term, Named) and not _is_true(term):
            term = Named(_free(_default_name(term), taken), term)
            taken.add(term.name)
        labelled.append(term)
    return Sum(tuple(labelled)) if isinstance(reward, Sum) else labelled[0]


def _is_true(term: Reward) -> bool:
    """Whether a term is the true reward itself, which every run records."""
    return term.tag == TRUE and getattr(term, "part", None) is None


def _default_name(term: Reward) -> str:
    core = term
    while isinstance(core, Affine):
        core = core.base
    if core.tag == TRUE:
        return "env_rescaled" if _is_true(core) else f"part_{core.part}"  # type: ignore[attr-defined]
    return core.tag or type(core).__name__.lower()


def _free(name: str, taken: set[str]) -> str:
    number = 2
    candidate = name
    while candidate in taken:
        candidate, number = f"{name}_{number}", number + 1
    return candidate


def with_weight(reward: Reward, name: str, weight: float) -> Reward:
    """The reward with another weight on one of its terms, wherever in the tree the term stands.

    Raises:
        UnknownName: No term has that name.
        ConfigError: The weight is no finite number, the term is no weight times a reward, or something
            around it has learned from what it paid so far.
    """
    named = with_every_term_named(reward)
    if name not in term_names(named):
        raise UnknownName("term", name, term_names(named))
    return _with_weight(named, name, weight)


def _with_weight(node: Reward, name: str, weight: float) -> Reward:
    if isinstance(node, Named) and node.name == name:
        return Named(name, _weighted(node.base, weight))
    if name not in (n.name for n in node.walk() if isinstance(n, Named)):
        return node
    if node.learns or node.stochastic or node.state_arrays():
        raise ConfigError(
            f'term "{name}" must stand outside what learns to get another weight, got it inside '
            f"{type(node).__name__}. Use set_reward instead."
        )
    changed: dict[str, Any] = {}
    for field in field_names(type(node)):
        value = getattr(node, field)
        if isinstance(value, Reward):
            changed[field] = _with_weight(value, name, weight)
        elif isinstance(value, tuple) and any(isinstance(part, Reward) for part in value):
            changed[field] = tuple(
                _with_weight(part, name, weight) if isinstance(part, Reward) else part
                for part in value
            )
    return replace(node, **changed)  # type: ignore[type-var]


def _weighted(base: Reward, weight: float) -> Reward:
    plain = isinstance(base, Affine) and base.shift == 0.0 and base.low is base.high is None
    if plain:
        assert isinstance(base, Affine)
        return replace(base, scale=weight)
    # a number times a sum or a named term was folded into its parts: which weight was it?
    if isinstance(base, Affine | Sum | Named):
        raise ConfigError(
            f"a term must be a weight times a reward to get another weight, got {base!r}. "
            "Use set_reward instead."
        )
    return affine(base, scale=weight)
