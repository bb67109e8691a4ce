"""A bonus for what an agent cannot foretell of what it can change."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Any, ClassVar

from rewardwrap.core.registry import register
from rewardwrap.rewards.curiosity import Nets, Sizes, Student
from rewardwrap.rewards.inverse import inverse_loss, inverse_nets
from rewardwrap.rewards.limits import require_number
from rewardwrap.rewards.reading import Seen
from rewardwrap.rewards.weights import beside


@register("icm")
class ICM(Student):
    """``eta/2 |h(phi(s), a) - phi(s')|^2``: the error of a forward model in features of the agent.

    ``phi`` is learned with an inverse model, ``g(phi(s), phi(s')) -> a``, so it sees what helps to tell
    the action and is blind to what actions do not reach. The loss is ``(1 - beta) L_inverse + beta
    L_forward``. Noise that an action calls, a television with a remote control, is still new for ever.

    Args:
        hidden: Units of the hidden layer of each network.
        features: Numbers of phi.
        eta: Scale of the bonus, before it is normalised.
        beta: Weight of the forward loss, in [0, 1].
        every: Steps of all lanes together between two updates; about a rollout.
        rate: Learning rate.
        seed: Of the first weights and of the order of what is learned.
        normalise: Whether to divide by the running deviation of the discounted sum.
        gamma: Discount of that sum, in [0, 1].

    Raises:
        ConfigError: A number outside its range; observations or actions that are no numbers.

    Source: Pathak et al., "Curiosity-driven exploration by self-supervised prediction", 2017,
        arXiv 1705.05363, equations 2 to 7. Deviations: Box actions are told by squared error; the
        images pass one fixed random convolution first.

    Example:
        >>> import rewardwrap as rw
        >>> venv = rw.make("MountainCar-v0", rw.EnvReward() + 0.1 * rw.ICM().clip(0, 1), n_envs=8)
    """

    reads: ClassVar[tuple[str, ...]] = ("obs", "action", "next_obs")
    sizes: ClassVar[tuple[str, ...]] = ("hidden", "features")

    _: KW_ONLY
    hidden: int = 64
    features: int = 32
    eta: float = 1.0
    beta: float = 0.2

    def __post_init__(self) -> None:
        super().__post_init__()
        require_number(self, "eta", "Use 1.", low=0.0)
        require_number(self, "beta", "The paper has 0.2.", low=0.0, high=1.0)

    def learned(self, width: int, actions: int) -> Sizes:
        forward = (self.features + actions, self.hidden, self.features)
        return {**inverse_nets(width, actions, self.hidden, self.features), "forward": forward}

    def novelty(self, nets: Nets, seen: Seen) -> Any:
        told = nets["forward"](beside(nets["phi"](seen.x), seen.a))
        return 0.5 * self.eta * ((told - nets["phi"](seen.y)) ** 2).sum(-1)

    def loss(self, nets: Nets, seen: Seen) -> Any:
        told = nets["forward"](beside(nets["phi"](seen.x), seen.a))
        forward = 0.5 * ((told - nets["phi"](seen.y)) ** 2).sum(-1).mean()
        inverse = inverse_loss(nets, seen, self.mind.reader)
        return (1.0 - self.beta) * inverse + self.beta * forward
