"""Which run is being trained by whom, so that several processes can share one store.

A claim is the file ``claims/<run id>``, made with ``O_CREAT | O_EXCL`` and touched at every beat. One
that missed three beats, or whose process on this host is gone, is stale and may be taken over. Claims
save work and decide nothing: two writers of one run are settled by the store's rename, so a claim
taken over too early costs a training and no result.

Works on POSIX file systems, shared ones included; ages are read off the file system's own clock.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rewardwrap.core.errors import RewardwrapError
from rewardwrap.limits import parsed

BEAT = 10.0
"""Seconds between two signs of life."""
MISSED = 3
"""Beats without a sign of life after which a claim is stale."""


class Claimed(RewardwrapError):
    """Another process is training this run."""


class Claims:
    """The claims below one folder.

    Args:
        folder: Where; made when needed, gone when empty.
        beat: Seconds between two signs of life; the same for all who share the store.
    """

    def __init__(self, folder: Path, *, beat: float = BEAT) -> None:
        self.folder, self.beat = folder, beat

    @contextmanager
    def holding(self, run_id: str) -> Iterator[None]:
        """Hold a run while the block lasts.

        Raises:
            Claimed: A live process holds it.
        """
        token = uuid.uuid4().hex
        self._take(run_id, token)
        stop = threading.Event()
        beats = threading.Thread(target=self._beat, args=(run_id, stop), daemon=True)
        beats.start()
        try:
            yield
        finally:
            stop.set()
            beats.join()
            self._release(run_id, token)

    def holder(self, run_id: str) -> str | None:
        """``host, process 12`` where a live process holds the run, else None."""
        file = self.folder / run_id
        try:
            written, seen = file.read_text(encoding="utf-8"), file.stat().st_mtime
        except OSError:
            return None
        host, pid, _ = _owner(written)
        if host == socket.gethostname() and pid and not is_alive(pid):
            return None
        if self._now() - seen > MISSED * self.beat:
            return None
        return f"{host or 'a process'}, process {pid}"

    def sweep(self) -> None:
        """Remove the claims that nobody keeps alive."""
        for file in list(self.folder.glob("[!.]*")):
            if self.holder(file.name) is None:
                self._put_aside(file.name)
        for file in list(self.folder.glob(".*")):
            file.unlink(missing_ok=True)  # of somebody killed while asking; nobody misses it
        with suppress(OSError):
            self.folder.rmdir()

    def _take(self, run_id: str, token: str) -> None:
        for _ in range(100):  # each round but the last ends because someone else was faster
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                handle = os.open(self.folder / run_id, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
            except FileExistsError:
                holder = self.holder(run_id)
                if holder is not None:
                    raise Claimed(
                        f"run {run_id} must be free, got one that {holder} is training. "
                        "Wait for it, or end that process."
                    ) from None
                self._put_aside(run_id)
            except FileNotFoundError:
                continue  # the folder went between two calls: its last claim was released
            else:
                with os.fdopen(handle, "w") as file:
                    owner = {"host": socket.gethostname(), "pid": os.getpid(), "token": token}
                    json.dump(owner, file)
                return
        raise Claimed(f"run {run_id} must be free, got 100 others in between. Try again.")

    def _put_aside(self, run_id: str) -> None:
        """Remove a stale claim; of several who try, one rename succeeds."""
        aside = self.folder / f".stale-{uuid.uuid4().hex}"
        try:
            (self.folder / run_id).rename(aside)
        except FileNotFoundError:
            return
        aside.unlink(missing_ok=True)

    def _beat(self, run_id: str, stop: threading.Event) -> None:
        while not stop.wait(self.beat):
            try:
                os.utime(self.folder / run_id)
            except OSError:
                continue  # the disk is away or the claim was taken over: the rename will tell

    def _release(self, run_id: str, token: str) -> None:
        file = self.folder / run_id
        try:
            if _owner(file.read_text(encoding="utf-8"))[2] == token:
                file.unlink()
            self.folder.rmdir()
        except OSError:
            return  # taken over, or others still hold theirs

    def _now(self) -> float:
        """The time by the file system's clock, which other hosts share."""
        probe = self.folder / f".clock-{uuid.uuid4().hex}"
        try:
            probe.touch()
            return probe.stat().st_mtime
        except OSError:
            return time.time()
        finally:
            probe.unlink(missing_ok=True)


def is_alive(pid: int) -> bool:
    """Whether a process of this host is running."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    """Whether it has ended and its parent has not noticed yet (Linux; elsewhere no)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] in ("Z", "X")


def _owner(written: str) -> tuple[str, int, str]:
    """Host, process and token; empty while the claim is only half written."""
    try:
        found = parsed(written)
        return str(found["host"]), int(found["pid"]), str(found["token"])
    except (ValueError, KeyError, TypeError):
        return "", 0, ""
