"""What every test shares: seeded generators, and rewards that exist for tests alone."""

from __future__ import annotations

import os
import signal

# one thread in this process and in every worker it starts: the machine is shared
os.environ.setdefault("OMP_NUM_THREADS", "1")
# a shell makes what it runs in the background deaf to Ctrl-C, which some tests send
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

import numpy as np
import pytest
from hypothesis import settings

# a loaded machine is no bug
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)
