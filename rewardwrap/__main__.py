"""``python -m rewardwrap``."""

import sys

from rewardwrap.cli import main

sys.exit(main())
