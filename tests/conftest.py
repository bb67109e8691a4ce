"""What every test shares: seeded generators, and rewards that exist for tests alone."""

from __future__ import annotations

import os

# one thread in this process and in every worker it starts: the machine is shared
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
from hypothesis import settings

# a loaded machine is no bug
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)
