"""What a network's number becomes before it is paid: the forms of a discriminator's reward."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

from rewardwrap.core.errors import UnknownName

LOWEST, HIGHEST = -10.0, 4.0
"""Where FAIRL's logit is cut: beyond 4 its reward falls by hundreds for one row."""


def softplus(logit: Any, xp: Any) -> Any:
    """``log(1 + e^l) = -log(1 - D)``, at least 0: GAIL's reward.

    >>> import numpy as np
    >>> softplus(np.array([-2.0, 0.0, 2.0]), np).round(4).tolist()
    [0.1269, 0.6931, 2.1269]
    """
    return xp.logaddexp(logit, xp.zeros_like(logit))


def fairl(logit: Any, xp: Any) -> Any:
    """``-l e^l`` for l within [-10, 4]: FAIRL's reward, the forward KL divergence.

    >>> import numpy as np
    >>> fairl(np.array([-2.0, 0.0, 2.0]), np).round(4).tolist()
    [0.2707, -0.0, -14.7781]
    """
    inside = xp.clip(logit, LOWEST, HIGHEST)
    return -inside * xp.exp(inside)


def sigmoid(logit: Any, xp: Any) -> Any:
    """``1 / (1 + e^-l)`` in [0, 1]: a verifier's chance.

    >>> import numpy as np
    >>> sigmoid(np.array([-2.0, 0.0, 2.0]), np).round(4).tolist()
    [0.1192, 0.5, 0.8808]
    """
    # tanh cannot overflow
    return 0.5 + 0.5 * xp.tanh(0.5 * logit)


OUTPUTS: MappingProxyType[str, Callable[[Any, Any], Any]] = MappingProxyType(
    {"softplus": softplus, "fairl": fairl, "sigmoid": sigmoid}
)
"""By the name in model.json; the second argument is ``numpy`` or ``torch``."""


def output_of(name: str | None) -> Callable[[Any, Any], Any] | None:
    """The function of a name, None for the number as it is.

    Raises:
        UnknownName: Nobody knows it.
    """
    if name is None:
        return None
    if name not in OUTPUTS:
        raise UnknownName("output", name, OUTPUTS)
    return OUTPUTS[name]
