"""A process for reward code that nobody has read yet: what it may not do, the kernel refuses."""

from rewardwrap.sandbox.errors import REASONS, Reason, SandboxError
from rewardwrap.sandbox.isolation import describe

__all__ = ["REASONS", "Reason", "SandboxError", "describe"]
