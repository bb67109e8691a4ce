"""Whether a reward model can be trusted: `rewardwrap validate`."""
