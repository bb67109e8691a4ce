"""Each layer bites alone, together they are what `describe` says, and neither root nor privileges matter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import rewardwrap as rw
from rewardwrap.sandbox import channel, describe
from rewardwrap.sandbox.isolation import require_tier, tier_of
from rewardwrap.sandbox.lock import LAYERS
from rewardwrap.sandbox.process import Died, Process
from rewardwrap.sandbox.syscalls import ALLOW, KILL, TABLES, packed, program

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the layers are Linux's"),
    pytest.mark.filterwarnings("ignore:reward code was restarted"),
]
ALL = set(LAYERS)
ROOT = os.geteuid() == 0 if hasattr(os, "geteuid") else False


def tried(name: str, only: set[str]) -> str:
    """What comes of trying something in a worker with these layers alone."""
    process = Process("trials", skip=sorted(ALL - only))
    try:
        return process.ask(channel.CALL, name, 20.0)
    except Died as died:
        return f"killed by {died.signal}"
    finally:
        process.close()


@pytest.mark.parametrize("name", ["open", "socket", "fork", "signal"])
def test_without_layers_everything_works(name):
    assert tried(name, set()) == "done"


@pytest.mark.parametrize(
    ("layer", "name", "how"),
    [
        ("seccomp", "open", "PermissionError"),
        ("seccomp", "socket", "killed by 31"),
        ("seccomp", "fork", "killed by 31"),
        ("seccomp", "signal", "killed by 31"),
        ("landlock", "open", "PermissionError"),
        ("landlock", "signal", "PermissionError"),
        ("limits", "open", "Too many open files"),
        ("limits", "socket", "Too many open files"),
        pytest.param(
            "user", "signal", "PermissionError", marks=pytest.mark.skipif(not ROOT, reason="root")
        ),
    ],
)
def test_each_layer_bites_alone(layer, name, how):
    assert how in tried(name, {layer})


def test_the_limit_on_processes_binds_root_only_as_nobody():
    assert "Resource temporarily unavailable" in tried("fork", {"limits", "user"})
    assert tried("fork", {"user"}) == "done"


def test_namespaces_hide_the_loopback():
    process = Process("trials", skip=sorted(ALL - {"namespaces"}))
    try:
        if "namespaces" not in process.layers:
            pytest.skip("no namespaces here")
        devices = Path(f"/proc/{process.pid}/net/dev").read_text()
        received = [line.split()[1] for line in devices.splitlines()[2:]]
        assert set(received) <= {"0"}
    finally:
        process.close()


def test_a_worker_has_no_privilege_no_environment_and_no_other_files():
    process = Process("rewards")
    try:
        status = dict(
            line.split(":\t", 1)
            for line in Path(f"/proc/{process.pid}/status").read_text().splitlines()
        )
        assert status["Seccomp"] == "2"
        assert status["NoNewPrivs"] == "1"
        assert status["Threads"] == "1"
        assert {int(status[f"Cap{which}"], 16) for which in ("Prm", "Eff", "Inh", "Amb")} == {0}
        if ROOT:
            assert set(status["Uid"].split()) == {"65534"}
            links = [os.readlink(p) for p in Path(f"/proc/{process.pid}/fd").iterdir()]
            blocks = {f"/memfd:rewardwrap-{name} (deleted)" for name in ("requests", "answers")}
            assert set(links) <= {"/dev/null", "anon_inode:[eventfd]"} | blocks
            assert "HOME" not in Path(f"/proc/{process.pid}/environ").read_text()
    finally:
        process.close()


def test_describe_names_the_tier_and_the_layers_that_hold():
    found = describe()
    assert found["tier"] == tier_of(found["layers"]) in ("strong", "medium", "process-only")
    assert found["open"] == ()
    assert set(found["blocked"]) == {"open", "socket", "fork", "signal"}


def test_below_the_tier_it_refuses_and_says_what_is_missing():
    for layers, tier in ((("limits",), "process-only"), (("seccomp",), "medium")):
        assert tier_of(layers) == tier
        with pytest.raises(
            rw.SandboxError,
            match=f'must be strong, got {tier} .*is missing .switched off.* here is tier="{tier}"',
        ):
            require_tier("strong", layers, {"landlock": "switched off"})
        require_tier(tier, layers, {})


def test_a_machine_without_landlock_is_told_so_and_which_tier_it_has():
    with pytest.raises(rw.SandboxError) as caught:
        require_tier("strong", ("seccomp",), {"landlock": "Landlock is switched off"})
    assert "landlock is missing (Landlock is switched off)" in str(caught.value)
    assert 'tier="medium"' in str(caught.value)
    assert "allow_weaker" not in str(caught.value)
    assert describe()["lacking"] == {}


@pytest.mark.parametrize("machine", sorted(TABLES))
def test_the_filter_program_is_well_formed(machine):
    code = program(TABLES[machine], read_from=5, write_to=(1, 2, 6))
    assert len(packed(code)) == 8 * len(code)
    assert code[-1] == (6, 0, 0, KILL)
    for at, (kind, yes, no, operand) in enumerate(code):
        if kind in (0x15, 0x35, 0x45):
            assert at + 1 + max(yes, no) < len(code)
        if kind == 6:
            assert operand in (ALLOW, KILL) or operand >> 16 == 5


UNPRIVILEGED = """
import ctypes, json, os, struct, sys
os.setgroups([])
libc = ctypes.CDLL(None, use_errno=True)
for number in range(64):
    libc.prctl(24, number, 0, 0, 0)
if sys.argv[1] == "user":
    os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
else:
    assert libc.syscall(126, struct.pack("=Ii", 0x20080522, 0), bytes(24)) == 0
import rewardwrap as rw
from tests.sandbox.corpus import CALM, GOOD, attacks, listener, run
from rewardwrap.sandbox import describe
names = set(sys.argv[2].split(",")) if sys.argv[2] != "all" else {a.name for a in attacks()}
good = rw.CodeReward(GOOD, tier="medium", confine="process")
with listener() as (port, hits):
    found = [run(a, port, good) for a in attacks() if a.name in names]
told = [[o.attack.name, o.verdict, o.harm, o.verdict in o.attack.verdicts] for o in found]
print(json.dumps([describe()["tier"], told, hits]))
"""
IN_AN_OPEN_FOLDER = """
set -e
closed="$1"; inner="$2"; aside="$3"; shift 3
mount --bind "$closed/$inner" "$aside"
mount -t tmpfs -o mode=755 tmpfs "$closed"
mkdir "$closed/$inner"
mount --bind "$aside" "$closed/$inner"
exec "$@"
"""
SAMPLE = (
    "open_read", "fork", "raw_socket_inet", "raw_kill_parent", "raw_clone", "raw_ptrace", "parent_mem",
    "loop_at_call", "huge_array", "raw_setuid", "returns_nan", "memset_on_obs",
)  # fmt: skip


def openly(command: list[str], aside: Path) -> list[str]:
    """The command, with the interpreter's folder open to every user in a mount namespace of its own."""
    interpreter = Path(sys.executable).resolve()
    closed = [p for p in interpreter.parents if p.stat().st_mode & 0o5 != 0o5]
    if not closed:
        return command
    inner = interpreter.relative_to(closed[-1]).parts[0]
    moved = [
        "unshare",
        "-m",
        "sh",
        "-c",
        IN_AN_OPEN_FOLDER,
        "sh",
        str(closed[-1]),
        inner,
        str(aside),
    ]
    if len(closed) > 1 or subprocess.run([*moved, "true"], capture_output=True).returncode != 0:
        pytest.skip(
            "another user may not read this interpreter, and no mount namespace can change that"
        )
    return [*moved, *command]


@pytest.mark.skipif(not ROOT, reason="drops the rights of root")
@pytest.mark.parametrize("who", ["nothing left", "user"])
@pytest.mark.parametrize("names", [",".join(SAMPLE), pytest.param("all", marks=pytest.mark.slow)])
def test_it_holds_without_privileges_too(who, names, tmp_path):
    command = [sys.executable, "-W", "ignore", "-c", UNPRIVILEGED, who, names]
    if who == "user":
        command = openly(command, tmp_path)
    root = Path(__file__).parents[2]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]
    tier, found, hits = json.loads(done.stdout.splitlines()[-1])
    assert tier in ("strong", "medium")
    assert hits == []
    assert set(SAMPLE) <= {name for name, *_ in found}
    assert [(name, harm) for name, _, harm, _ in found if harm] == []
    assert [(name, verdict) for name, verdict, _, expected in found if not expected] == []
