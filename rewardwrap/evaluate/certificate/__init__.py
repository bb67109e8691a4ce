"""What an agent's return is at least, with a stated confidence: `rewardwrap certify`."""
