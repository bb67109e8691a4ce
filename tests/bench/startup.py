"""What starting costs, in processor time of interpreters taken in turn: ``python -m tests.bench.startup``.

The last row is a comparison of six finished runs that is asked for again: nothing is trained.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile

import numpy as np

STARTS = {
    "import numpy, gymnasium": ("-c", "import numpy, gymnasium"),
    "the same again": ("-c", "import numpy, gymnasium"),
    "import rewardwrap": ("-c", "import rewardwrap"),
    "rw.make of a potential": (
        "-c",
        "import rewardwrap as rw; rw.make('CartPole-v1', rw.Potential('pole_angle', gamma=1))",
    ),
    "rewardwrap --help": ("-m", "rewardwrap", "--help"),
}
FINISHED = (
    "-m", "rewardwrap", "compare", "FrozenLake-8x8", "--reward", "env", "--reward", "potential",
    "--seeds", "3", "-n", "1024", "--eval-freq", "512", "--out",
)  # fmt: skip


def seconds(arguments: tuple[str, ...]) -> float:
    """Processor time of one interpreter."""
    before = os.times()
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
    after = os.times()
    return sum(after[2:4]) - sum(before[2:4])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20, help="of each (default: 20)")
    times = parser.parse_args().times
    with tempfile.TemporaryDirectory() as folder:
        starts = {**STARTS, "a finished comparison": (*FINISHED, folder)}
        seconds(starts["a finished comparison"])
        taken = {name: [] for name in starts}
        for _ in range(times):
            for name, arguments in starts.items():
                taken[name].append(seconds(arguments))
    base = np.median(taken["import numpy, gymnasium"])
    for name, found in taken.items():
        print(f"{name:26} {np.median(found):.3f} s  {np.median(found) / base:.2f}")


if __name__ == "__main__":
    main()
