"""The subcommands of ``rewardwrap``, one file for each; nothing heavy loads before one runs."""
