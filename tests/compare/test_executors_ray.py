from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rewardwrap.compare import campaign
from rewardwrap.compare.executors import Outcome, RayExecutor, executor_named
from rewardwrap.compare.executors.ray import OPTIONS, compute
from rewardwrap.compare.plan import plan_from
from rewardwrap.compare.run import execute
from rewardwrap.compare.spec import Spec, run_id
from rewardwrap.compare.store import Store
from rewardwrap.core.errors import ConfigError, MissingExtra

ray = pytest.importorskip("ray")


def _specs(**changes: Any) -> list[Spec]:
    data = {
        "env": "FrozenLake-8x8",
        "algo": "ppo",
        "steps": 512,
        "seeds": 1,
        "strategies": {"env": "env", "potential": "potential"},
        "evaluation": {"every": 512, "episodes": 1},
    }
    return plan_from({**data, **changes}).specs()


@pytest.fixture
def no_ray() -> Iterator[None]:
    """No Ray before and none afterwards."""
    assert not ray.is_initialized()
    yield
    ray.shutdown()


def _conduct(specs: list[Spec], store: Store, executor: RayExecutor) -> tuple[list[Outcome], Any]:
    ended: list[Outcome] = []
    failures = campaign.conduct(specs, store, executor, on_end=ended.append)
    return ended, failures


@pytest.mark.usefixtures("no_ray")
def test_a_cluster_of_this_machine_computes_what_is_missing_and_ends(tmp_path: Path) -> None:
    specs = _specs()
    specs.append(
        {**specs[0], "reward": {"function": "tests_no_such_module:f"}, "strategy": "broken"}
    )
    store, steps = Store(tmp_path / "runs"), Counter[str]()
    execute(specs[0], store)
    executor = RayExecutor(store, 1, on_step=lambda name, step: steps.update([name]))
    ended, failures = _conduct(specs, store, executor)
    assert sorted(o.spec["strategy"] for o in ended) == ["broken", "potential"]
    assert [(f.strategy, f.seed) for f in failures] == [("broken", 0)]
    assert "importable" in failures[0].message
    names = sorted(path.name for path in store.root.iterdir() if path.name[0] not in ".ic")
    assert names == sorted(run_id(spec) for spec in specs[:2])
    assert not list(store.root.glob(".tmp-*"))
    assert not ray.is_initialized()

    # the run is the one that this process computes
    other = Store(tmp_path / "here")
    execute(specs[1], other)
    one, two = (s.summary(run_id(specs[1])) for s in (store, other))
    assert one["true_return"] == two["true_return"]
    assert one["episodes"] == two["episodes"]
    assert set(steps) <= {run_id(specs[1])}


def test_an_address_where_nothing_answers_is_a_sentence_within_seconds(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # not listening
        address = "127.0.0.1:%d" % taken.getsockname()[1]  # noqa: UP031
        started = time.monotonic()
        with pytest.raises(
            ConfigError, match=f"--address must be .* got {address}: Connection refused"
        ):
            executor_named("ray", Store(tmp_path), address=address)
        assert time.monotonic() - started < 15
    with pytest.raises(ConfigError, match="got nonsense: no host:port"):
        executor_named("ray", Store(tmp_path), address="nonsense")


@pytest.mark.parametrize(
    ("said", "got"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "a server that is no Ray"),
        (b"", "a server that is no Ray"),
        (None, "timed out"),
    ],
)
def test_a_server_that_is_no_cluster_is_a_sentence_within_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: bytes | None, got: str
) -> None:
    monkeypatch.setattr("rewardwrap.compare.executors.ray.TIMEOUT", 0.5)
    monkeypatch.delenv("RAY_USE_TLS", raising=False)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            client, _ = server.accept()
            with client:
                client.recv(64)
                client.sendall(said or b"")

        thread = threading.Thread(target=answer if said is not None else lambda: None)
        thread.start()
        address = f"127.0.0.1:{server.getsockname()[1]}"
        started = time.monotonic()
        with pytest.raises(ConfigError, match=f"--address must be .* got {address}: {got}"):
            executor_named("ray", Store(tmp_path), address=address)
        assert time.monotonic() - started < 15
        thread.join()


def test_without_ray_the_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtra, match=r'--executor ray must have ray.*"rewardwrap\[ray\]"'):
        executor_named("ray", Store(tmp_path))


@pytest.mark.slow
@pytest.mark.usefixtures("no_ray")
@pytest.mark.parametrize("replaced", [False, True])
def test_a_killed_node_loses_no_run_and_only_its_own_is_computed_again(
    tmp_path: Path, replaced: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ray._private import services
    from ray.cluster_utils import Cluster

    # Ray turns an address on loopback into the one that other machines see, where nothing listens
    monkeypatch.setattr(services, "resolve_ip_for_localhost", lambda host: host)

    specs = _specs(seeds=4, steps=10_240, evaluation={"every": 4096, "episodes": 2})
    store, trace = Store(tmp_path / "runs"), tmp_path / "trace"
    trace.mkdir()
    local = {"node_ip_address": "127.0.0.1"}
    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False, **local}
    )
    nodes = [cluster.add_node(num_cpus=1, **local) for _ in range(2)]
    executor = RayExecutor(store, address=cluster.address)
    original = compute

    def traced(spec: Spec, root: str, steps: str, folder: str) -> Any:
        name = f"{run_id(spec)} {os.getpid()} {time.time()}"
        (Path(str(trace)) / name).touch()
        return original(spec, root, steps, folder)

    executor._task = ray.remote(**OPTIONS)(traced)
    ended: list[Outcome] = []
    in_flight: set[str] = set()
    started = time.monotonic()

    def kill(outcome: Outcome) -> None:
        ended.append(outcome)
        if len(ended) == 2:
            deadline = time.monotonic() + 30
            while len(_executions(trace)) < 4 and time.monotonic() < deadline:
                time.sleep(0.1)  # until both nodes are at work again
            time.sleep(1.0)
            in_flight.update(name for name in _executions(trace) if not store.is_finished(name))
            cluster.remove_node(nodes[0], allow_graceful=False)
            if replaced:
                cluster.add_node(num_cpus=1, **local)

    try:
        failures = campaign.conduct(specs, store, executor, on_end=kill)
    finally:
        ray.shutdown()
        cluster.shutdown()
    print(f"{time.monotonic() - started:.1f} s")
    assert failures == []
    names = [path.name for path in store.root.iterdir() if (path / "done.json").is_file()]
    assert sorted(names) == sorted(run_id(spec) for spec in specs)
    assert len(ended) == len(specs)
    assert Counter(run_id(outcome.spec) for outcome in ended).most_common(1)[0][1] == 1
    counts = _executions(trace)
    again = {name for name, count in counts.items() if count > 1}
    assert set(counts) == set(names)
    assert again
    assert again <= in_flight
    assert sum(counts.values()) <= len(specs) + len(in_flight)


def _executions(trace: Path) -> Counter[str]:
    return Counter(path.name.split()[0] for path in trace.iterdir())
