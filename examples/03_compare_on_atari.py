"""Does a potential help on Freeway? Five seeds each say, with an interval.

    python examples/03_compare_on_atari.py --steps 60000

The potential is the chicken's height, read from the console's memory by the recipe.
"""

import argparse

from rewardwrap.cli import main

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--steps", default="60000")
parser.add_argument("--seeds", default="5")
parser.add_argument("--eval-episodes", default="2")
parser.add_argument("--out", default="runs/freeway")
options, more = parser.parse_known_args()

raise SystemExit(
    main(
        f"compare ALE/Freeway-ram-v5 --algo ppo --reward env --reward potential -n {options.steps} "
        f"--seeds {options.seeds} --eval-freq {max(1, int(options.steps) // 5)} "
        f"--eval-episodes {options.eval_episodes} --jobs 2 --out {options.out}".split()
        + more  # whatever else the command knows
    )
)
