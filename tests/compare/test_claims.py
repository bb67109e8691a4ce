from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rewardwrap.compare.claims import MISSED, Claimed, Claims


def _written(folder: Path, *, host: str = "elsewhere", pid: int = 1, age: float = 0.0) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / "a"
    file.write_text(json.dumps({"host": host, "pid": pid, "token": "x"}))
    os.utime(file, (time.time() - age, time.time() - age))
    return file


def test_a_run_is_held_by_one(tmp_path: Path) -> None:
    claims = Claims(tmp_path / "claims")
    with claims.holding("a"):
        assert f"process {os.getpid()}" in str(claims.holder("a"))
        taken = pytest.raises(Claimed, match="run a must be free, got one that .* is training")
        with taken, Claims(tmp_path / "claims").holding("a"):
            pass
        with claims.holding("b"):
            pass
    assert claims.holder("a") is None
    assert list(tmp_path.iterdir()) == []


def test_a_live_claim_of_another_host_is_kept_and_a_stale_one_taken_over(tmp_path: Path) -> None:
    claims = Claims(tmp_path / "claims", beat=200.0)
    _written(claims.folder, age=MISSED * 200.0 - 100)
    with pytest.raises(Claimed), claims.holding("a"):
        pass
    _written(claims.folder, age=MISSED * 200.0 + 100)
    with claims.holding("a"):
        assert socket.gethostname() in (claims.folder / "a").read_text()
    assert not claims.folder.exists()


def test_the_heart_of_a_claim_beats(tmp_path: Path) -> None:
    claims = Claims(tmp_path / "claims", beat=0.05)
    with claims.holding("a"):
        first = (claims.folder / "a").stat().st_mtime_ns
        end = time.monotonic() + 60
        while (claims.folder / "a").stat().st_mtime_ns == first:
            assert time.monotonic() < end
            time.sleep(0.02)


def test_the_claim_of_a_process_that_is_gone_is_stale_at_once(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from rewardwrap.compare.claims import Claims\n"
        "with Claims(Path(sys.argv[1])).holding('a'): os.kill(os.getpid(), 9)"
    )
    folder = tmp_path / "claims"
    subprocess.run([sys.executable, "-c", code, str(folder)], check=False)
    assert (folder / "a").is_file()
    claims = Claims(folder)
    assert claims.holder("a") is None
    claims.sweep()
    assert not folder.exists()


def test_a_claim_that_was_taken_over_is_not_released_by_its_first_holder(tmp_path: Path) -> None:
    claims = Claims(tmp_path / "claims")
    with claims.holding("a"):
        _written(claims.folder)
    assert (claims.folder / "a").is_file()


def test_a_claim_cut_short_counts_by_its_age(tmp_path: Path) -> None:
    claims = Claims(tmp_path / "claims", beat=1.0)
    _written(claims.folder).write_text("{")
    assert claims.holder("a") is not None
    os.utime(claims.folder / "a", (0, 0))
    assert claims.holder("a") is None
