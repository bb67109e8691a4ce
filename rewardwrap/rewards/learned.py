"""A reward that was fitted to data: `rewardwrap fit` makes the model, this pays it."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from rewardwrap.core.errors import ConfigError, RewardValueError
from rewardwrap.core.registry import register
from rewardwrap.core.reward import Reward
from rewardwrap.core.task import Task
from rewardwrap.core.transitions import FloatArray, Transitions
from rewardwrap.files import write_whole
from rewardwrap.rewards.foreign import sealed, sealed_onnx
from rewardwrap.rewards.frozen import Thawed, thaw
from rewardwrap.rewards.judgement import require_passed
from rewardwrap.rewards.limits import require_choice, require_number
from rewardwrap.rewards.members import RULES
from rewardwrap.rewards.sealed import MODEL, WEIGHTS, check_document, digest, read_model


@register("learned")
class Learned(Reward):
    """``r = f(s, a, s', terminated)``, a network fitted to logged rewards or to preferences.

    It never learns here: weights change only when another model is deployed. The model is knowledge
    of the reward, so a saved reward holds it whole and pays the same when the folder is gone.

    Args:
        path: The model's folder: ``model.json``, ``weights.safetensors``, ``metrics.json``.
        rule: How the members of an ensemble become one number: ``"mean"``, ``"sd"`` (mean minus k
            standard deviations), ``"min"``, ``"uwo"`` (mean minus k variances). The last three are
            guards against over-optimisation: they pay less where the members disagree.
        k: Weight of the disagreement, at least 0.
        sha256: Beginning of the version that is meant; any other model in the folder is refused.
        require: ``"gate"``: refuse a model that failed its gate or was never judged
            (`rewardwrap validate MODEL DIR --gate`, `rewardwrap fit ... --require r2=0.95`).

    Raises:
        ConfigError: No model there, one that was cut short or changed, another version than
            ``sha256``; at the first step, observations or actions of another shape.
        RewardValueError: A number is NaN, and the model was not fitted on data with such gaps.

    Source: Christiano et al., Deep reinforcement learning from human preferences, 2017,
        arXiv:1706.03741; guards: Coste et al., Reward model ensembles help mitigate
        overoptimization, 2023, arXiv:2310.02743 (there the variance has ddof 1, here 0).

    Example:
        >>> import rewardwrap as rw
        >>> reward = rw.EnvReward() + 0.5 * rw.Learned("model/", rule="sd")  # doctest: +SKIP
        >>> venv = rw.make("Pendulum-v1", reward, n_envs=8)  # doctest: +SKIP
    """

    shaping: ClassVar[bool] = False
    pays_at_end: ClassVar[bool] = False

    path: str
    _: KW_ONLY
    rule: str = "mean"
    k: float = 1.0
    sha256: str | None = None
    require: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.path, str | os.PathLike):
            raise ConfigError(
                f"Learned: path must be a model folder, got {self.path!r}. Fit one with "
                "rewardwrap fit."
            )
        object.__setattr__(self, "path", os.fspath(self.path))
        require_choice(self, "rule", RULES)
        if self.require not in (None, "gate"):
            raise ConfigError(
                f'Learned: require must be "gate" or None, got {self.require!r}. Use "gate" to refuse '
                "models that did not pass theirs."
            )
        require_number(self, "k", "Use 1 for one standard deviation.", low=0.0)
        object.__setattr__(self, "_packed", None)
        if (Path(self.path) / MODEL).exists():
            self._take(*self._read())

    @classmethod
    def from_torch(
        cls,
        module: Any,
        *,
        inputs: Sequence[str] = ("obs", "action"),
        env: Any,
        out: str | os.PathLike[str] | None = None,
        rule: str = "mean",
    ) -> Learned:
        """A network of one's own, sealed like a fitted model.

        Its answers are compared with the module's on rows of the environment's spaces, in eval mode;
        later changes of the module change nothing.

        Args:
            module: Any that torch.export writes down for every number of rows; called as
                ``module(obs, action)``, or with all inputs side by side where it takes one argument. A
                chain of Linear layers with ReLU, SiLU or Tanh is paid in numpy, others in torch.
            inputs: Some of ``obs``, ``action``, ``next_obs``, ``terminated``, in the module's order;
                digits are one-hot.
            env: Id of the environment whose spaces it reads, or the environment.
            out: Folder to write, for `rewardwrap models`, `validate` and `compare`; None keeps the model
                in the reward alone, which `rw.save` writes whole.
            rule: As above.

        Raises:
            ConfigError: No module, one that cannot be exported, or answers that differ.
        """
        return cls._of(
            *sealed(module, inputs, env), out=out, rule=rule, name=f"{type(module).__name__}.torch"
        )

    @classmethod
    def from_onnx(
        cls,
        file: str | os.PathLike[str],
        *,
        inputs: Sequence[str] = ("obs", "action"),
        env: Any,
        out: str | os.PathLike[str] | None = None,
        rule: str = "mean",
    ) -> Learned:
        """A network of one's own in an ONNX file, sealed like a fitted model and paid by onnxruntime.

        Needs ``pip install "rewardwrap[onnx]"``. The file's bytes are the model: weights that lie beside
        it are taken in, later changes of the file change nothing. Many rows, three and one must be paid
        the same.

        Args:
            file: An ``.onnx`` whose first axis takes any number of rows; it takes one array an input (by
                their names, or else in this order), or all inputs side by side, and gives one number a row.
            inputs: As in `from_torch`; digits are one-hot.
            env: As in `from_torch`.
            out: As in `from_torch`.
            rule: As above.

        Raises:
            ConfigError: No ONNX file, or one that takes or gives something else.
            MissingExtra: onnxruntime is not installed.
        """
        made = sealed_onnx(Path(file), inputs, env)
        return cls._of(*made, out=out, rule=rule, name=Path(file).name)

    @classmethod
    def _of(
        cls, document: dict[str, Any], files: dict[str, bytes], *, out: Any, rule: str, name: str
    ) -> Learned:
        if out is not None:
            target = Path(out)
            if target.exists() and not (target / MODEL).is_file():
                raise ConfigError(
                    f"a sealed model: out must be new or a model, got {out}. Choose another folder."
                )
            target.mkdir(parents=True, exist_ok=True)
            for each, content in files.items():
                write_whole(target / each, content)
            write_whole(target / MODEL, json.dumps(document, indent=2))
            return cls(os.fspath(out), rule=rule)
        made = cls(name, rule=rule)
        made._take(document, json.dumps(document).encode() + b"\n" + files[WEIGHTS])
        return made

    @property
    def version(self) -> str:
        """The first 12 digits of the model's SHA-256."""
        return str(self.document["sha256"])[:12]

    @property
    def document(self) -> dict[str, Any]:
        """What model.json says."""
        self._net()
        document: dict[str, Any] = self._document  # type: ignore[attr-defined]
        return document

    @property
    def filled(self) -> int | None:
        """Missing numbers that the model filled in what an agent was paid; None where it fills none."""
        net: Thawed | None = self.__dict__.get("_frozen")
        return net.inputs.filled if net is not None and net.inputs.fills else None

    def deploy(self, folder: str | os.PathLike[str]) -> str:
        """Pay another model from the next step on; returns its version.

        Raises:
            ConfigError: It is no model, or it reads other inputs.
        """
        document, packed = _pack(Path(folder))
        if self.require == "gate":
            require_passed(folder, document["sha256"], "Learned: a deployed model")
        now = self.document
        if document["inputs"] != now["inputs"]:
            raise ConfigError(
                f"Learned: a deployed model must read the inputs of the one before, got {folder}. "
                "Wrap the environment anew for another one."
            )
        self._take(document, packed)
        return self.version

    def validate(self, task: Task) -> None:
        if self._packed is None and not (Path(self.path) / MODEL).exists():  # type: ignore[attr-defined]
            # a saved agent is built first and given its knowledge, this model, after that;
            # where nothing follows, the first step says that the folder is missing
            return
        net = self._net()
        for name in net.inputs.fields:
            if name in task.fields:
                task.require(name)
        for part in net.inputs.parts:
            whole = part.column in ("obs", "next_obs") and not part.keys
            if whole and task.shape is not None and task.shape != part.shape:
                raise ConfigError(
                    f"Learned: model {self.version} must see observations of shape {part.shape}, got "
                    f"{task.shape}. Fit a model on data of this environment, or wrap it below what "
                    "changes the observations."
                )

    def __call__(self, batch: Transitions) -> FloatArray:
        paid = self._net()(batch)
        # one call, since a step of few lanes is a handful of them
        if math.isnan(paid.dot(paid)):
            raise self._no_number(batch, paid)
        return paid

    def members(self, batch: Transitions) -> FloatArray:
        """What each member of the ensemble says, ``(M, B)``."""
        return self._net().all(batch)

    def state_arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        packed: bytes = self._packed or b""  # type: ignore[attr-defined]
        return {"model": np.frombuffer(packed, np.uint8)}

    def load_state_arrays(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        packed = np.asarray(arrays["model"], np.uint8).tobytes()
        if not packed:
            # saved by a loop before its first model
            return
        head, _, rest = packed.partition(b"\n")
        document = check_document(head, "saved reward: model")
        if digest(rest) != document["files"].get(WEIGHTS):
            raise ConfigError(
                "saved reward: weights must have the SHA-256 that their model names, got another. "
                "The file was changed; save the reward again."
            )
        self._take(document, packed)

    def _no_number(self, batch: Transitions, paid: FloatArray) -> RewardValueError:
        """The error for a row that is paid NaN, by the input that has one."""
        row = np.flatnonzero(np.isnan(paid))[:1]
        for part in self._net().inputs.parts:
            if part.sort not in ("real", "image"):
                continue
            seen = np.ravel(np.asarray(self._net().inputs.leaf(batch, part))[row])
            wrong = np.flatnonzero(~np.isfinite(seen)).tolist()
            if wrong:
                return RewardValueError(
                    f"learned reward: {part.label} must be finite, got {seen[wrong[0]]} in number "
                    f"{wrong[0]} of row {row[0]}, and model {self.version} has nothing to fill it with. "
                    "Fit it on data that were read with rewardwrap ingest --fill median."
                )
        return RewardValueError(
            f"learned reward: model {self.version} must pay a number, got {paid[row[0]]} in row {row[0]}. "
            "Look for huge inputs, or fit it again."
        )

    def _read(self) -> tuple[dict[str, Any], bytes]:
        """The model of the folder, if it may be paid."""
        document, packed = _pack(Path(self.path))
        if self.require == "gate":
            require_passed(self.path, document["sha256"], "Learned: a model to pay")
        return document, packed

    def _take(self, document: dict[str, Any], packed: bytes) -> None:
        if self.sha256 is not None and not document["sha256"].startswith(self.sha256):
            raise ConfigError(
                f"Learned: model must have the SHA-256 {self.sha256}, got "
                f"{document['sha256'][:12]}. Name the folder of that version, or leave sha256 out."
            )
        net = thaw(document, packed.partition(b"\n")[2], rule=self.rule, k=self.k)
        for name, value in (("_document", document), ("_packed", packed), ("_frozen", net)):
            object.__setattr__(self, name, value)

    def _net(self) -> Thawed:
        net: Thawed | None = self.__dict__.get("_frozen")
        if net is None:
            # deferred so that a saved reward can be read where the folder is gone
            self._take(*self._read())
            net = self.__dict__["_frozen"]
        return net

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k not in ("_frozen", "_document")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        packed = state["_packed"]
        if packed:
            self._take(check_document(packed.partition(b"\n")[0], "copied reward: model"), packed)


def _pack(folder: Path) -> tuple[dict[str, Any], bytes]:
    """A model as one string of bytes: its document on the first line, then the weights."""
    document, weights = read_model(folder)
    head = (folder / MODEL).read_bytes().replace(b"\n", b" ")
    return document, head + b"\n" + weights


def filled_by(reward: Reward) -> dict[tuple[int, int], int]:
    """`Learned.filled` of every model that fills, by process and object: lanes may share one."""
    found = {id(node): node.filled for node in reward.walk() if isinstance(node, Learned)}
    return {(os.getpid(), which): count for which, count in found.items() if count is not None}


def model_versions(reward: Reward) -> list[str]:
    """The version of every model that a reward pays by, outermost first."""
    return [node.version for node in reward.walk() if isinstance(node, Learned)]
