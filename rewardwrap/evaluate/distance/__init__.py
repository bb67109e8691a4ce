"""How far two rewards lie apart as tasks: `rewardwrap distance`."""
