"""An ONNX file of one's own, sealed like a fitted model: the same answers, or one sentence."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import rewardwrap as rw
from rewardwrap.cli import main
from rewardwrap.core.errors import ConfigError
from tests.nets.conftest import pendulum
from tests.rewards.test_foreign import Batchwise, Gated

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def exported(
    module: nn.Module,
    path: Path,
    names: tuple[str, ...] = ("obs", "action"),
    *,
    any_rows: bool = True,
) -> Path:
    """As torch writes it."""
    widths = {"obs": 3, "action": 1, "both": 4, "state": 3, "torque": 1}
    rows = tuple(torch.zeros(2, widths[name]) for name in names)
    axes = {name: {0: "rows"} for name in names} if any_rows else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module.eval(), rows, str(path), input_names=list(names), dynamic_axes=axes,
                          dynamo=False)  # fmt: skip
    return path


def said(module: nn.Module, batch: Any) -> Any:
    with torch.no_grad():
        return module.eval()(torch.as_tensor(batch.obs), torch.as_tensor(batch.action)).numpy()


def test_a_file_is_paid_as_the_module_that_was_exported(tmp_path: Path) -> None:
    module, batch = Gated(), pendulum(1, steps=40).transitions()
    file = exported(module, tmp_path / "gated.onnx")
    made = rw.Learned.from_onnx(file, env="Pendulum-v1", out=tmp_path / "m")
    names = {path.name for path in (tmp_path / "m").iterdir()}
    assert names == {"model.json", "weights.safetensors", "metrics.json"}
    file.write_bytes(b"gone")
    reward = rw.Learned(tmp_path / "m")
    assert reward.version == made.version
    np.testing.assert_allclose(reward(batch), said(module, batch), atol=1e-5)
    rw.save(0.5 * made, tmp_path / "saved")
    np.testing.assert_allclose(rw.load(tmp_path / "saved")(batch), 0.5 * reward(batch), atol=1e-6)
    venv: Any = rw.make("Pendulum-v1", reward, n_envs=2)
    venv.reset()
    assert np.isfinite(venv.step(np.zeros((2, 1), np.float32))[1]).all()


def test_it_is_a_model_like_any_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = exported(Gated(), tmp_path / "gated.onnx")
    seal = ["models", "seal", "Pendulum-v1", str(file), "--out", str(tmp_path / "m")]
    assert main([*seal, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["version"] == rw.Learned.from_onnx(file, env="Pendulum-v1").version
    assert main([*seal, "--inputs", "obs"]) == 2
    assert main(["models", "add", str(file)]) == 2
    assert "Seal it first: rewardwrap models seal ENV" in capsys.readouterr().err
    assert main([*seal[:2], str(file), *seal[4:]]) == 2
    assert "ENV must say whose observations" in capsys.readouterr().err
    assert main([*seal[:3], str(tmp_path / "net.pt"), *seal[4:]]) == 2
    assert "rw.Learned.from_torch" in capsys.readouterr().err
    assert main(["models", "list", "--registry", str(tmp_path / "none"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert main(["models", "add", str(tmp_path / "m"), "--registry", str(tmp_path / "r")]) == 0
    pendulum(24, steps=20).save(tmp_path / "data")
    assert main(["validate", str(tmp_path / "m"), str(tmp_path / "data"), "--json"]) == 0


def test_inputs_are_found_by_name_and_else_by_order(tmp_path: Path) -> None:
    module, batch = Gated(), pendulum(1, steps=40).transitions()
    named = exported(module, tmp_path / "a.onnx")
    swapped = rw.Learned.from_onnx(named, inputs=("action", "obs"), env="Pendulum-v1")
    np.testing.assert_allclose(swapped(batch), said(module, batch), atol=1e-5)
    other = exported(module, tmp_path / "b.onnx", ("state", "torque"))
    np.testing.assert_allclose(
        rw.Learned.from_onnx(other, env="Pendulum-v1")(batch), said(module, batch), atol=1e-5
    )
    whole = nn.Sequential(nn.Linear(4, 4), nn.GELU(), nn.Linear(4, 1))
    joined = rw.Learned.from_onnx(
        exported(whole, tmp_path / "c.onnx", ("both",)), env="Pendulum-v1"
    )
    with torch.no_grad():
        want = whole(torch.as_tensor(np.concatenate([batch.obs, batch.action], axis=1))).numpy()
    np.testing.assert_allclose(joined(batch), want[:, 0], atol=1e-5)


def test_weights_beside_a_file_are_taken_in_and_never_read_from_elsewhere(tmp_path: Path) -> None:
    module, batch = Gated(), pendulum(1, steps=40).transitions()
    whole = onnx.load(str(exported(module, tmp_path / "a.onnx")))
    (tmp_path / "two").mkdir()
    file = tmp_path / "two" / "m.onnx"
    onnx.save(whole, str(file), save_as_external_data=True, location="w.bin", size_threshold=0)
    made = rw.Learned.from_onnx(file, env="Pendulum-v1")
    (tmp_path / "two" / "w.bin").unlink()
    np.testing.assert_allclose(made(batch), said(module, batch), atol=1e-5)
    with pytest.raises(ConfigError, match="beside its weights"):
        rw.Learned.from_onnx(file, env="Pendulum-v1")


def test_what_cannot_be_paid_is_one_sentence(tmp_path: Path) -> None:
    def refused(sentence: str, file: Path, **options: Any) -> None:
        with pytest.raises(ConfigError, match=sentence):
            rw.Learned.from_onnx(file, env="Pendulum-v1", **options)

    gated = exported(Gated(), tmp_path / "g.onnx")
    refused("file must exist", tmp_path / "none.onnx")
    (tmp_path / "text.onnx").write_text("no model")
    refused("must be an ONNX file with its weights inside", tmp_path / "text.onnx")
    refused(
        r"must take rows of obs \(3 numbers\), or all side by side, got", gated, inputs=("obs",)
    )
    refused(r"must take rows of next_obs", gated, inputs=("next_obs", "obs", "action"))
    refused("any number of rows", exported(Gated(), tmp_path / "f.onnx", any_rows=False))
    two = nn.Sequential(nn.Linear(4, 2))
    refused("must pay one number a row", exported(two, tmp_path / "t.onnx", ("both",)))
    alone = exported(Batchwise(), tmp_path / "b.onnx")
    refused("must pay the same when it is sealed", alone, inputs=("obs",))
    (tmp_path / "mine").write_text("kept")
    refused("out must be new or a model", gated, out=tmp_path)
