"""What a reward's best policy is worth on the task itself: `rewardwrap regret`."""
