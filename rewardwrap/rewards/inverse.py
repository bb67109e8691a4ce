"""Features of what an agent can change: learned by telling the action from the states around it."""

from __future__ import annotations

from typing import Any

from rewardwrap.rewards.curiosity import Nets, Sizes
from rewardwrap.rewards.reading import Reader, Seen, groups
from rewardwrap.rewards.weights import beside


def inverse_nets(width: int, actions: int, hidden: int, features: int) -> Sizes:
    """``phi(s)``, and ``g(phi(s), phi(s'))``, which tells the action."""
    return {
        "phi": (width, hidden, features),
        "inverse": (2 * features, hidden, actions),
    }


def inverse_loss(nets: Nets, seen: Seen, reader: Reader) -> Any:
    """How wrong ``g`` is: cross-entropy of digits, squared error of numbers, summed over an action.

    What no action reaches does not help to tell it, so phi has no use for it. Gradients go into
    ``g`` and ``phi``.
    """
    from torch.nn import functional

    told = nets["inverse"](beside(nets["phi"](seen.x), nets["phi"](seen.y)))
    wrong: Any = 0.0
    for begin, end, digit in groups(reader.columns["action"]):
        guess, truth = told[:, begin:end], seen.a[:, begin:end]
        if digit:
            wrong = wrong + functional.cross_entropy(guess, truth)
        else:
            wrong = wrong + ((guess - truth) ** 2).mean()
    return wrong
