"""Layers of a policy as an actor of stable-baselines3, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.policies import ActorCriticPolicy
from torch import Tensor, nn

from rewardwrap.core.errors import StackError
from rewardwrap.rewards.inputs import Inputs
from rewardwrap.rewards.parts import plain_space

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "silu": nn.SiLU, "tanh": nn.Tanh}


@dataclass(frozen=True)
class Actor:
    """A policy as its layers.

    Args:
        layers: ``(in, out)`` and ``(out,)`` each, from raw observations to logits or mean actions.
        activation: Between them.
        log_sd: ``(A,)`` of a Gaussian policy, in the environment's unit; None for a softmax.
    """

    layers: list[tuple[Tensor, Tensor]]
    activation: str
    log_sd: Tensor | None

    @property
    def hidden(self) -> list[int]:
        """Sizes of all layers but the last."""
        return [len(bias) for _, bias in self.layers[:-1]]


def spaces_of_env(env: Any) -> tuple[Any, Any]:
    """Observation and action space of an environment or of its id."""
    if not isinstance(env, str):
        return env.observation_space, env.action_space
    import gymnasium as gym

    made = gym.make(env)
    found = made.observation_space, made.action_space
    made.close()
    return found


def policy_inputs(observed: Any, acted: Any) -> Inputs:
    """What a policy of these spaces sees and does.

    Raises:
        StackError: Observations that are no single Box, nor a Discrete from 0 on.
    """
    digits = isinstance(observed, spaces.Discrete) and observed.start == 0
    if not isinstance(observed, spaces.Box) and not digits:
        raise StackError(
            "a policy of stable-baselines3 must see one Box, or a Discrete that begins at 0, got "
            f"{observed}. Flatten observations first."
        )
    plain = {"obs": plain_space(observed), "action": plain_space(acted)}
    return Inputs.of(plain, ("obs", "action"))


def actor_critic(observed: Any, acted: Any, actor: Actor) -> ActorCriticPolicy:
    """An ``MlpPolicy`` that acts by these layers; its critic is one untrained layer."""
    made = ActorCriticPolicy(
        observed,
        acted,
        lambda _: 0.0,
        net_arch={"pi": actor.hidden, "vf": []},
        activation_fn=ACTIVATIONS[actor.activation],
    )
    with torch.no_grad():
        for (weight, bias), layer in zip(actor.layers, _linear(made), strict=True):
            layer.weight.copy_(weight.T)
            layer.bias.copy_(bias)
        if actor.log_sd is not None:
            made.log_std.copy_(actor.log_sd)
    return made.eval()


def actor_of(model: Any) -> Actor:
    """The layers that a PPO or A2C agent acts by.

    Raises:
        StackError: Another policy than an MlpPolicy without state-dependent exploration.
    """
    policy = model.policy
    between = list(getattr(getattr(policy, "mlp_extractor", None), "policy_net", ()))
    kinds = {type(m) for m in between if not isinstance(m, nn.Linear)}
    names = [name for name, kind in ACTIVATIONS.items() if kinds <= {kind}]
    if not isinstance(policy, ActorCriticPolicy) or policy.use_sde or not names:
        raise StackError(
            f"an implicit reward must come from PPO or A2C with an MlpPolicy, got {type(policy).__name__}. "
            "Train one of those."
        )
    layers = [(layer.weight.detach().T, layer.bias.detach()) for layer in _linear(policy)]
    gaussian = isinstance(policy.action_space, spaces.Box)
    return Actor(layers, names[0], policy.log_std.detach() if gaussian else None)


def _linear(policy: ActorCriticPolicy) -> list[nn.Linear]:
    """What an actor is made of, from its features to its logits or means."""
    parts = [policy.mlp_extractor.policy_net, policy.action_net]
    return [m for part in parts for m in part.modules() if isinstance(m, nn.Linear)]
