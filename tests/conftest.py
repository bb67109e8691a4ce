"""What every test shares: seeded generators, and rewards that exist for tests alone."""

from __future__ import annotations

import os
import shutil
import signal

# one thread in this process and in every worker it starts: the machine is shared
os.environ.setdefault("OMP_NUM_THREADS", "1")
# a shell makes what it runs in the background deaf to Ctrl-C, which some tests send
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

import multiprocessing
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

from rewardwrap.compare.executors.local import kept_workers
from tests.processes import NEEDED

# lanes and commands in processes of their own would each import torch anew
multiprocessing.set_forkserver_preload(NEEDED)
# a loaded machine is no bug
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of comparisons have one empty figure, where a test reads their words and files."""
    from matplotlib.figure import Figure

    from rewardwrap.compare import report, suite_report

    monkeypatch.setattr(report, "draw_all", lambda comparison: {"learning_curves": Figure()})
    monkeypatch.setattr(suite_report, "draw_suite", lambda suite: {"suite_profile": Figure()})


@pytest.fixture(autouse=True, scope="session")
def _kept_workers() -> Iterator[None]:
    """Comparisons of many tests share workers that have imported what trainings need."""
    with kept_workers():
        yield


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup() -> None:
    _forget_the_test()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call() -> None:
    _forget_the_test()


WRITTEN = (
    "PYTEST_CURRENT_TEST", "LD_LIBRARY_PATH", "TORCHINDUCTOR_CACHE_DIR", "RAY_CLIENT_MODE",
    "_MLFLOW_TELEMETRY_SESSION_ID", "KMP_DUPLICATE_LIB_OK", "KMP_INIT_AT_FORK",
)  # fmt: skip
"""What pytest, and libraries that are imported (cv2, torch, ray, mlflow, ot), write into the environment."""
BEGAN = dict(os.environ)


def _forget_the_test() -> None:
    """No worker would be started as another was, and so none handed on from one test to the next."""
    for name in WRITTEN:
        if name in BEGAN and name != "PYTEST_CURRENT_TEST":
            os.environ[name] = BEGAN[name]
        else:
            os.environ.pop(name, None)


CHROMIUM = next(
    (p for n in ("chromium", "google-chrome", "chrome") if (p := shutil.which(n))), None
)
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium without a window; skips where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("no chromium")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()
