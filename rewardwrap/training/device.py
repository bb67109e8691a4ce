"""Where a policy is trained, and on how many threads."""

from __future__ import annotations

import os

from rewardwrap.core.errors import ConfigError


def use_one_thread(policy: str) -> None:
    """One thread for small networks, unless ``OMP_NUM_THREADS`` says otherwise.

    Two threads on a busy two-core machine made a CartPole training ten times slower.
    """
    import torch

    if policy.startswith("Mlp") and "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(1)


def device_of(name: str, policy: str) -> str:
    """The device a policy is trained on.

    Raises:
        ConfigError: torch does not know it, or does not find it.
    """
    import torch

    try:
        torch.device("cpu" if name == "auto" else name)
    except RuntimeError:
        raise ConfigError(
            f'device must be one that torch knows, got "{name}". Write auto, cpu, cuda or cuda:1.'
        ) from None
    # SB3 takes the processor instead and says nothing
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise ConfigError(
            f'device must be one that torch finds, got "{name}" on a machine without CUDA. Leave it out, or '
            'take "cpu"; `rewardwrap doctor` says what there is.'
        )
    return "cpu" if name == "auto" and policy.startswith("Mlp") else name
