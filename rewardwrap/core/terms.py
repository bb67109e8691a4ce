"""The terms of a reward: what is recorded under which name."""

from __future__ import annotations

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.reward import SHAPED, TRUE, Affine, Named, Reward, Sum


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
        if not isinstance(term, Named) and term.tag != TRUE:
            term = Named(_free(_default_name(term), taken), term)
            taken.add(term.name)
        labelled.append(term)
    return Sum(tuple(labelled)) if isinstance(reward, Sum) else labelled[0]


def _default_name(term: Reward) -> str:
    core = term
    while isinstance(core, Affine):
        core = core.base
    return "env_rescaled" if core.tag == TRUE else core.tag or type(core).__name__.lower()


def _free(name: str, taken: set[str]) -> str:
    number = 2
    candidate = name
    while candidate in taken:
        candidate, number = f"{name}_{number}", number + 1
    return candidate
