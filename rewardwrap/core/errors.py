"""Everything that rewardwrap raises on purpose.

RewardwrapError
├── ConfigError      (ValueError)   a reward, plan or file that does not say what it must
│   ├── UnknownName  (LookupError)  a reward, field, env or algorithm nobody knows; names the near misses
│   ├── PlanError    (ValueError)   a plan for a comparison that cannot be read (compare/reading.py)
│   └── _NoChain     (ValueError)   a module that layers alone do not say: its graph does (rewards/foreign.py)
├── GammaMismatch    (ValueError)   two discounts in one run
├── NotWritten       (TypeError)    a reward asked for what its class does not do
├── StackError       (ValueError)   a stack in which the learner would not receive the composed reward
├── RewardValueError (ValueError)   a reward that is not one finite number per lane
├── Oversized        (ValueError)   a small file that asks for a large piece of memory (limits.py)
├── FolderTaken      (FileExistsError) a folder that is there already (files.py)
├── FolderError      (OSError)      a folder that is no training's (training/folder.py)
├── BundleError      (ValueError)   a bundle that cannot be read (training/bundle.py)
├── NetError         (ValueError)   a network that does not fit its data (nets/paid.py)
├── DataError        (ValueError)   data that do not form episodes or labels (data/errors.py)
├── LabelError       (ValueError)   a label that is not taken (annotate/desk.py)
├── ResultsError     (ValueError)   runs that do not form a comparison (compare/results.py)
├── StoreError       (OSError)      a disk that does not take a run (compare/store.py)
├── Claimed          (Exception)    a run that another process is training (compare/claims.py)
├── NoPictures       (Exception)    episodes that cannot be filmed (training/films.py)
├── ScoresError      (ValueError)   scores that no statistic is defined for (statistics/scores.py)
├── RewardRead       (ValueError)   somebody read a reward while it was hidden (design/reward_free.py)
├── MdpError         (ValueError)   arrays that are no decision process (evaluate/mdp.py)
├── DesignError      (ValueError)   a task for which no such reward can be had (design/program.py)
├── DistanceError    (ValueError)   rewards a distance is not defined for (evaluate/payment.py)
├── RegretError      (ValueError)   a reward whose optimum is not found exactly (evaluate/regret/product.py)
├── CertificateError (ValueError)   a claim that episodes cannot support (evaluate/certificate/claims.py)
├── AuditError       (ValueError)   a run that holds nothing to audit (evaluate/audit/record.py)
├── SandboxError     (RuntimeError) reward code that was refused or stopped (sandbox/errors.py)
├── AnnotatorError   (RuntimeError) who was asked beside a training does not answer (annotate/annotator.py)
├── ProviderError    (RuntimeError) a language model that does not answer (llm/client.py)
├── BudgetExceeded   (RuntimeError) calls that would cost more than allowed (llm/budget.py)
├── NoCode           (ValueError)   an answer without a reward in it (llm/extraction.py)
└── MissingExtra     (ImportError)  an optional package, with the line that installs it

Wording: ``<subject> must <rule>, got <value>. <way out>.``
"""

from __future__ import annotations

import difflib
import importlib
import sys
import warnings
from collections.abc import Iterable
from types import FrameType, ModuleType


class RewardwrapError(Exception):
    """Root of the tree above."""


class ConfigError(RewardwrapError, ValueError):
    """A configuration that does not say what it must.

    Args:
        message: The sentence.
        path: Keys that lead to the offending value, so that a file reader can add the line.
    """

    def __init__(self, message: str, *, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.path = path


class UnknownName(ConfigError, LookupError):
    """A name that is not in its list.

    Example:
        >>> print(UnknownName("reward", "potentail", ["env", "potential"]))
        No reward "potentail". Did you mean "potential"? Known: env, potential.
    """

    def __init__(
        self,
        subject: str,
        name: str,
        known: Iterable[str],
        *,
        path: tuple[str | int, ...] = (),
        listed_by: str | None = None,
        way_out: str | None = None,
    ) -> None:
        names = sorted(known)
        near = difflib.get_close_matches(str(name), names, n=3)
        # of names as near, a slip of the keys is likelier than half a word left out
        near.sort(key=lambda n: abs(len(n) - len(str(name))))
        guess = f" Did you mean {' or '.join(repr_name(n) for n in near)}?" if near else ""
        listed = ", ".join(names) if names else "none"
        if way_out is None:
            way_out = f"Known: {listed}." if listed_by is None else f"`{listed_by}` lists them."
        super().__init__(f'No {subject} "{name}".{guess} {way_out}', path=path)


class GammaMismatch(RewardwrapError, ValueError):
    """The discount of the learner and of a reward differ."""


class NotWritten(RewardwrapError, TypeError):
    """A reward that is asked for what its class does not do."""


class StackError(RewardwrapError, ValueError):
    """The learner would not receive the reward that was composed."""


class RewardValueError(RewardwrapError, ValueError):
    """A reward that is not one finite number per lane."""


class MissingExtra(RewardwrapError, ImportError):
    """An optional package is not installed."""


class RewardwrapWarning(UserWarning):
    """The result is right, but probably not what was meant."""


LIBRARIES = {"gymnasium", "rewardwrap", "rewardwrap_envs", "sb3_contrib", "stable_baselines3"}


def warn(sentence: str) -> None:
    """A `RewardwrapWarning` that points at the user's line: the nearest outside of the libraries.

    Generated code and the learner's loop lie in between, at a depth that differs from host to host.
    """
    depth, frame = 1, sys._getframe(1)
    while frame.f_back is not None and _is_inside(frame):
        depth, frame = depth + 1, frame.f_back
    warnings.warn(sentence, RewardwrapWarning, stacklevel=depth + 1)


def _is_inside(frame: FrameType) -> bool:
    written = frame.f_code.co_filename.startswith("<rewardwrap ")
    return written or frame.f_globals.get("__name__", "").partition(".")[0] in LIBRARIES


def wrong_shape(lanes: int, value: object) -> RewardValueError:
    """The error for anything but one number per lane."""
    shape = getattr(value, "shape", None)
    if shape is None:
        return RewardValueError(
            f"reward must return an array of shape ({lanes},), one number per lane, got "
            f"{type(value).__name__}. Return the numbers alone; terms have names, reward.named(...)."
        )
    return RewardValueError(
        f"reward must have shape ({lanes},), one number per lane, "
        f"got {shape}. Reduce over the last axes, e.g. .sum(axis=-1)."
    )


def repr_name(name: str) -> str:
    """Quote a name the way error sentences do."""
    return f'"{name}"'


def extra(module: str, *, needs: str, install: str) -> ModuleType:
    """Import an optional module or say how to get it.

    Args:
        module: Dotted name, e.g. ``"ale_py"``.
        needs: What wants it, e.g. ``"Atari environments"``.
        install: The extra that brings it, e.g. ``"atari"``.

    Raises:
        MissingExtra: The module is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtra(
            f"{needs} must have {module}, which is not installed. "
            f'Run: pip install "rewardwrap[{install}]".'
        ) from error
