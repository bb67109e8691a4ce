"""``python -m rewardwrap``."""

import sys

if not sys.flags.safe_path:
    # Python itself puts the current folder first, where a file named torch.py may lie
    del sys.path[0]

from rewardwrap.cli import main

sys.exit(main())
