"""One agent in one folder: policy, reward, normaliser, discount, and hashes of them all.

| file | holds |
|---|---|
| ``policy.zip`` | what ``model.save`` writes; other SB3 programs can read it |
| ``reward.json``, ``knowledge.safetensors`` | the reward and what it learned (`rw.save`) |
| ``normalizer.safetensors`` | running moments of VecNormalize, if there is one |
| ``auxiliary.safetensors`` | heads that train the policy's body too (`rw.Auxiliary`), if there are any |
| ``replay.safetensors`` | the replay buffer, in checkpoints of off-policy learners |
| ``bundle.json`` | settings, gamma, step, evaluation, versions, models, SHA-256 of each file |

The learner is built anew from its settings and takes its tensors from ``policy.zip``, whose pickled part
is not read. A module that the settings name runs when it is imported, so none is that the reader did not
name too (`rewardwrap_envs.trust`).
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file, save
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.save_util import load_from_zip_file, recursive_getattr
from stable_baselines3.common.vec_env import VecNormalize

from rewardwrap.core.errors import ConfigError, RewardwrapError
from rewardwrap.core.reward import Reward
from rewardwrap.files import whole_folder
from rewardwrap.limits import parsed, require_modest
from rewardwrap.rewards.trust import vetted
from rewardwrap.training import replay
from rewardwrap.training.agent import Agent, Settings, build
from rewardwrap.training.evaluation import Protocol
from rewardwrap.training.provenance import versions
from rewardwrap_envs.trust import require_trusted

FORMAT = 1
COUNTERS = (
    "num_timesteps",
    "_n_updates",
    "_episode_num",
    "_n_calls",
    "exploration_rate",
    "_current_progress_remaining",
)
"""What the schedules of a learner go by."""

Arrays = dict[str, np.ndarray[Any, Any]]


class BundleError(RewardwrapError, ValueError):
    """A folder that is not a whole bundle."""


def write(
    agent: Agent,
    folder: Path,
    *,
    protocol: Protocol,
    scores: Mapping[str, Any] | None = None,
    with_replay: bool = False,
) -> Path:
    """Write an agent; the folder appears whole or not at all.

    Args:
        agent: What to write.
        folder: Must not exist.
        protocol: How it was evaluated, so that it can be again.
        scores: What that came to.
        with_replay: Also the replay buffer, for a training that will go on.
    """
    from rewardwrap.rewards.disk import save as save_reward
    from rewardwrap.rewards.learned import model_versions

    with whole_folder(folder) as aside:
        # torch reports a full disk as its own error; bytes that are written by us do not
        zipped = io.BytesIO()
        agent.model.save(zipped)
        (aside / "policy.zip").write_bytes(zipped.getvalue())
        save_reward(agent.reward, aside)
        if agent.normalizer is not None:
            arrays = _normalizer_arrays(agent.normalizer)
            (aside / "normalizer.safetensors").write_bytes(save(arrays))
        if agent.auxiliary is not None:
            (aside / "auxiliary.safetensors").write_bytes(save(agent.auxiliary.arrays()))
        if with_replay:
            replay.write(agent.model, aside / "replay.safetensors")
        document = {
            "format": FORMAT,
            # set_reward and set_weight change what is paid: the settings say what is paid now
            "settings": asdict(agent.settings) | {"reward": agent.reward.to_config()},
            "gamma": agent.settings.gamma,
            "step": agent.model.num_timesteps,
            "counters": _counters(agent.model),
            "evaluation": asdict(protocol),
            "scores": dict(scores or {}),
            "versions": versions(),
            "models": model_versions(agent.reward),
            "sha256": {file.name: _sha256(file) for file in sorted(aside.iterdir())},
        }
        text = json.dumps(document, indent=1, allow_nan=False)
        (aside / "bundle.json").write_text(text + "\n", encoding="utf-8")
    return folder


def document(folder: Path, *, trust: Iterable[str] = ()) -> dict[str, Any]:
    """The content of ``bundle.json``, after every file was compared with its hash.

    Args:
        folder: The bundle.
        trust: Modules that its settings may name; importing one runs it.

    Raises:
        BundleError: The folder holds no bundle, or one of its files was changed.
        ConfigError: Its settings name a module that is not in ``trust``.
    """
    found = _verified(folder)
    require_trusted(found["settings"], folder / "bundle.json", trust, ConfigError)
    return found


def algorithm(folder: Path) -> str:
    """The algorithm whose policy a bundle holds."""
    return str(_verified(folder)["settings"]["algo"])


def _verified(folder: Path) -> dict[str, Any]:
    file = folder / "bundle.json"
    if not file.is_file():
        raise BundleError(f"a bundle must hold bundle.json, got none in {folder}. Check the path.")
    try:
        found: dict[str, Any] = parsed(file.read_text(encoding="utf-8"))
        known, hashes = found["format"], dict(found["sha256"])
    except (ValueError, KeyError, TypeError) as error:
        raise BundleError(
            f"{file} must be that of a bundle, got {error!r}. Train it anew."
        ) from error
    if known != FORMAT:
        raise BundleError(
            f"{file}: format must be {FORMAT}, got {known!r}. Read it with the version of "
            "rewardwrap that wrote it."
        )
    for name, sha256 in hashes.items():
        if not (folder / name).is_file() or _sha256(folder / name) != sha256:
            raise BundleError(
                f"{folder / name} must be as it was written, got another hash or no file. "
                "Take the bundle from where it was trained again."
            )
    return found


def read(
    folder: Path,
    *,
    settings: Settings | None = None,
    reward: Reward | None = None,
    changes: Mapping[str, Any] | None = None,
    trust: Iterable[str] = (),
    with_replay: bool = False,
    verbose: int = 0,
    tensorboard_log: str | None = None,
) -> Agent:
    """Build the agent of a bundle.

    Args:
        folder: The bundle.
        settings: What it was built from, where that is known; None takes the bundle's own word for it.
        reward: What pays, with what it knows, where something outside changes it; None: the bundle's.
        changes: Settings to replace, e.g. ``{"device": "cpu"}``.
        trust: Modules that the bundle's own word may name; importing one runs it.
        with_replay: Take the replay buffer too, if the bundle has one.
        verbose: As in SB3.
        tensorboard_log: As in SB3.

    Raises:
        BundleError: It is not whole, or does not fit its own settings.
        ConfigError: It names a module that is not in ``trust``.
    """
    found = _verified(folder) if settings is not None else document(folder, trust=trust)
    if settings is None:
        settings = _settings(found["settings"], folder / "bundle.json", trust)
    settings = replace(settings, **(changes or {}))
    try:
        agent = build(settings, reward=reward, verbose=verbose, tensorboard_log=tensorboard_log)
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RewardwrapError):
            raise
        raise BundleError(
            f"{folder} must be an agent that this machine can hold, got: {error}. Look at its settings."
        ) from error
    try:
        _take_tensors(agent, folder / "policy.zip")
        if reward is None:
            _take_knowledge(agent, folder)
        for name in COUNTERS:
            if name in found["counters"]:
                setattr(agent.model, name, found["counters"][name])
        if agent.normalizer is not None:
            _take_moments(agent.normalizer, load_file(folder / "normalizer.safetensors"))
        if agent.auxiliary is not None and (folder / "auxiliary.safetensors").is_file():
            agent.auxiliary.take(load_file(folder / "auxiliary.safetensors"))
        if with_replay and (folder / "replay.safetensors").is_file():
            replay.read(agent.model, folder / "replay.safetensors")
    except (KeyError, RuntimeError, SafetensorError, OSError, BadZipFile) as error:
        agent.close()
        raise BundleError(
            f"{folder} must fit its settings, got: {error}. Was it trained with other versions?"
        ) from error
    return agent


def _settings(written: Mapping[str, Any], file: Path, trust: Iterable[str]) -> Settings:
    reward = vetted(written["reward"], file, trust=trust)
    tuples = {name: tuple(written.get(name, ())) for name in ("catalog", "noise_scale")}
    settings = {**written, **tuples, "reward": reward}
    # bundles from before there were more back ends
    settings |= {"backend": settings.pop("vec_env")} if "vec_env" in settings else {}
    return Settings(**settings)


def _take_tensors(agent: Agent, file: Path) -> None:
    model = agent.model
    require_modest(file)
    _, parameters, variables = load_from_zip_file(file, load_data=False, device=model.device)
    model.set_parameters(parameters, exact_match=True, device=model.device)
    for name, value in (variables or {}).items():
        # e.g. SAC's log_ent_coef, which its optimizer holds: changed in place
        with torch.no_grad():
            recursive_getattr(model, name).copy_(value)


def _take_knowledge(agent: Agent, folder: Path) -> None:
    from rewardwrap.rewards.disk import knowledge

    agent.reward.load_state_dict(knowledge(folder))


def _normalizer_arrays(normalizer: VecNormalize) -> Arrays:
    return {
        f"{name}.{part}": np.asarray(getattr(moments, part), np.float64)
        for name, moments in _moments(normalizer).items()
        for part in ("mean", "var", "count")
    }


def _take_moments(normalizer: VecNormalize, arrays: Arrays) -> None:
    for name, moments in _moments(normalizer).items():
        moments.mean, moments.var = arrays[f"{name}.mean"], arrays[f"{name}.var"]
        moments.count = float(arrays[f"{name}.count"])


def _moments(normalizer: VecNormalize) -> dict[str, RunningMeanStd]:
    found = {"reward": normalizer.ret_rms}
    if normalizer.norm_obs:
        obs: Any = normalizer.obs_rms
        found |= {f"obs.{k}": v for k, v in obs.items()} if isinstance(obs, dict) else {"obs": obs}
    return found


def _counters(model: Any) -> dict[str, Any]:
    return {name: getattr(model, name) for name in COUNTERS if hasattr(model, name)}


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
