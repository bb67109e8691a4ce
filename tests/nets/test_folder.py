"""Models on disk, and which of them is in use."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest

from rewardwrap.core.errors import ConfigError, UnknownName
from rewardwrap.nets.folder import freeze, load_model, save_model
from rewardwrap.nets.network import RewardNet, build
from rewardwrap.nets.paid import NetError
from rewardwrap.nets.registry import Registry
from rewardwrap.rewards.inputs import Inputs


def small(seed: int = 0) -> RewardNet:
    inputs = Inputs.of(
        {
            "obs": {"sort": "box", "shape": [3], "dtype": "float32"},
            "action": {"sort": "digits", "shape": [], "sizes": [2], "start": [0]},
        },
        ("obs", "action"),
    )
    return RewardNet(inputs, hidden=(8,), members=2, bound=2.0, seed=seed)


def write(folder, seed: int = 0, **options):
    metrics = {"heldout": {"r2": 0.5}, "episodes": {"train": ["a"], "heldout": ["b"]}}
    return save_model(
        small(seed),
        folder,
        objective="regression",
        metrics=metrics,
        data={"fingerprint": "f"},
        **options,
    )


def test_a_model_comes_back_with_its_net_its_figures_and_its_version(tmp_path):
    path = write(tmp_path / "m", settings={"hidden": (8,), "seed": 0}, temperature=2.5)
    model = load_model(path)
    assert model.temperature == 2.5
    assert model.metrics["heldout"] == {"r2": 0.5}
    assert model.version == model.document["sha256"][:12]
    for name, array in small().arrays().items():
        np.testing.assert_array_equal(model.net.arrays()[name], array)


def test_the_same_model_has_the_same_version_and_another_another(tmp_path):
    versions = [
        load_model(write(tmp_path / str(i), seed)).version for i, seed in enumerate((0, 0, 1))
    ]
    assert versions[0] == versions[1] != versions[2]


def test_the_frozen_folder_pays_what_the_net_pays(tmp_path, line):
    store = line(width=3)
    net = build(store, hidden=(8,))
    path = save_model(net, tmp_path / "m", objective="regression", metrics={"heldout": {}})
    batch = store.transitions()
    want = net.all(net.prepare(net.encode(batch))).numpy()[0]
    np.testing.assert_allclose(freeze(path)(batch), want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["weights.safetensors", "metrics.json"])
@pytest.mark.parametrize("damage", ["cut", "changed", "gone"])
def test_a_file_cut_short_changed_or_gone_is_refused(tmp_path, name, damage):
    path = write(tmp_path / "m")
    file = path / name
    content = file.read_bytes()
    if damage == "gone":
        file.unlink()
    else:
        half = len(content) // 2
        changed = content[:half] if damage == "cut" else content[:half] + b"x" + content[half + 1 :]
        file.write_bytes(changed)
    with pytest.raises(ConfigError, match=rf"{name} must have the SHA-256"):
        load_model(path)


def test_a_model_json_that_was_edited_or_cut_is_refused(tmp_path):
    path = write(tmp_path / "m") / "model.json"
    text = path.read_text()
    document = json.loads(text)
    path.write_text(json.dumps({**document, "temperature": 9.0}))
    with pytest.raises(ConfigError, match="must carry its own SHA-256"):
        load_model(tmp_path / "m")
    path.write_text(text[: len(text) // 2])
    with pytest.raises(ConfigError, match="must be JSON.* It was cut short"):
        load_model(tmp_path / "m")
    path.write_text(json.dumps({**document, "format": 7}))
    with pytest.raises(ConfigError, match="must have format 1, got 7"):
        load_model(tmp_path / "m")
    with pytest.raises(ConfigError, match=r"model folder must hold model.json, got .*nothing"):
        load_model(tmp_path / "nothing")


class Hostile:
    def __reduce__(self):
        return print, ("this must never run",)


def test_a_hostile_file_is_refused_and_runs_nothing(tmp_path, capsys):
    from rewardwrap.rewards.sealed import digest, seal

    path = write(tmp_path / "m")
    payload = pickle.dumps(Hostile())
    (path / "weights.safetensors").write_bytes(payload)
    document = json.loads((path / "model.json").read_text())
    document["files"]["weights.safetensors"] = digest(payload)
    document["sha256"] = seal(document)
    (path / "model.json").write_text(json.dumps(document))
    with pytest.raises(ConfigError, match="must be a whole safetensors file"):
        load_model(path)
    document["files"]["../../etc/passwd"] = digest(b"x")
    document["sha256"] = seal(document)
    (path / "model.json").write_text(json.dumps(document))
    with pytest.raises(ConfigError, match="must have the SHA-256"):
        load_model(path)
    assert "must never run" not in capsys.readouterr().out


def test_a_model_never_replaces_something_else(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(NetError, match="model folder must be new or a model"):
        write(tmp_path)
    write(tmp_path / "m")
    write(tmp_path / "m", seed=1)
    assert load_model(tmp_path / "m").document["settings"] == {}


def test_at_most_one_model_of_a_name_is_in_use(tmp_path):
    registry = Registry(tmp_path)
    first = registry.add(write(tmp_path / "one"), name="lift")
    second = registry.add(write(tmp_path / "two", 1), name="lift")
    assert registry.add(tmp_path / "one", name="lift") == first
    assert (first.stage, first.path, first.data) == ("candidate", "one", "f")
    registry.promote(first.version, force=True)
    promoted = registry.promote(second.version, force=True)
    assert promoted.parent == first.version
    retired, in_use = registry.entries()
    assert (retired.stage, in_use) == ("retired", promoted)
    registry.retire(second.version)
    assert [e.stage for e in registry.entries()] == ["retired", "retired"]


def test_a_model_that_changed_is_not_put_into_use(tmp_path):
    registry = Registry(tmp_path)
    entry = registry.add(write(tmp_path / "m"))
    write(tmp_path / "m", seed=5)
    with pytest.raises(ConfigError, match=f"model {entry.version} must still lie in m"):
        registry.promote(entry.version)
    assert registry.entries() == [entry]
    with pytest.raises(UnknownName, match='No one model "nope"'):
        registry.promote("nope")
    (tmp_path / "models.json").write_text("{")
    with pytest.raises(ConfigError, match="must list models"):
        registry.entries()


@pytest.mark.parametrize(
    "change",
    [
        {"members": "many"},
        {"layers": 9},
        {"dtype": "object_"},
        {"members": 5},
        {"activation": None},
    ],
)
def test_a_sealed_model_that_describes_no_network_is_refused(tmp_path, change):
    from rewardwrap.rewards.frozen import thaw
    from rewardwrap.rewards.sealed import read_model, seal

    path = write(tmp_path / "m")
    document = json.loads((path / "model.json").read_text())
    document["net"] |= change
    if change == {"activation": None}:
        del document["net"]["activation"]
    document["sha256"] = seal(document)
    (path / "model.json").write_text(json.dumps(document))
    with pytest.raises(ConfigError, match="must"):
        thaw(*read_model(path))
