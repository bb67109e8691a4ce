"""What a frozen policy scored from each start: references for squashes that compare."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from rewardwrap.core.errors import ConfigError
from rewardwrap.core.info import Info
from rewardwrap.core.plain import function_name, load_function
from rewardwrap.core.registry import register
from rewardwrap.core.reward import Reward
from rewardwrap.core.scalar import EPISODE_TERMS, OneLane
from rewardwrap.core.task import NO_TASK, Task
from rewardwrap.core.transitions import Carry, FloatArray, Transitions
from rewardwrap.files import write_whole
from rewardwrap.limits import parsed

Key = str | Callable[[Any, Mapping[str, Any]], Any]
FILE = "references.json"


@dataclass(frozen=True, eq=False)
class References:
    """Scores of whole episodes of a frozen reference policy, ``ref_m(start)``, for each start.

    An episode is compared with what the reference policy got from the same start, as the papers compare
    answers to the same prompt. With one reference for all starts, a start whose scores are all high (or
    all low) saturates the squash and teaches nothing.

    Args:
        key: What tells starts apart: a key of reset's ``info``, or a function of ``(obs, info)`` of the
            first step (or its name, ``"module:function"``). It gives a number or a vector.
        starts: ``(n,)`` or ``(n, d)``, the keys of the starts that were played.
        scores: ``(n, m)``, m scores from each.
        on_missing: What a start gets that was not played: ``"nearest"`` by distance of keys, the
            ``"mean"`` over all starts, or a sentence, ``"refuse"``.
        score: Fingerprint of the reward that scored; "" where it has no name.

    Raises:
        ConfigError: Shapes that do not fit, or a number that is not finite.

    Source: Fu et al., 2025, arXiv 2502.18770 (references for each prompt); Wang et al., 2024,
        arXiv 2402.00742 (a quantile for each prompt).

    Example:
        >>> import rewardwrap as rw
        >>> refs = rw.References("level", starts=[0, 1], scores=[[2.0], [30.0]])
        >>> log = {"obs": [0, 0], "action": [0], "reward": [30], "terminated": [1], "truncated": [0],
        ...        "info": {"level": [1, 1]}}
        >>> rw.relabel(rw.PAR(rw.EnvReward(), refs), log)
        array([0.5])
    """

    key: Key
    starts: Any
    scores: Any
    on_missing: Literal["nearest", "mean", "refuse"] = "nearest"
    score: str = ""

    def __post_init__(self) -> None:
        starts, scores = np.asarray(self.starts, np.float64), np.asarray(self.scores, np.float64)
        starts = starts[:, None] if starts.ndim == 1 else starts
        scores = scores[:, None] if scores.ndim == 1 else scores
        if not (starts.ndim == scores.ndim == 2 and len(starts) == len(scores) and scores.size):
            raise ConfigError(
                "References: starts and scores must have a row for each start, got "
                f"{starts.shape} and {scores.shape}. Play them: rw.References.play(env, agent, score)."
            )
        if not (np.isfinite(starts).all() and np.isfinite(scores).all()):
            raise ConfigError(
                "References: scores must be finite, got NaN or inf. Look at the score."
            )
        if self.on_missing not in ("nearest", "mean", "refuse"):
            raise ConfigError(
                'References: on_missing must be "nearest", "mean" or "refuse", '
                f"got {self.on_missing!r}. Choose one."
            )
        object.__setattr__(self, "starts", starts)
        object.__setattr__(self, "scores", scores)

    @classmethod
    def play(
        cls,
        env: Any,
        agent: Any,
        score: Reward,
        *,
        seeds: Iterable[int] = range(20),
        episodes: int = 1,
        key: Key = "seed",
        task: Task = NO_TASK,
        on_missing: Literal["nearest", "mean", "refuse"] = "nearest",
    ) -> References:
        """Let a frozen policy play from each start, and sum what ``score`` pays.

        Args:
            env: A gymnasium environment.
            agent: An SB3 model, or a function of one observation.
            score: What each step scores; it learns nothing.
            seeds: Starts: each is ``env.reset(seed=...)``.
            episodes: m, episodes from each start; the policy draws its actions where it is above 1.
            key: As in the class. ``"seed"`` stands for the seed itself where reset's info has none.
            task: Named fields and discount that ``score`` needs.
            on_missing: As in the class.
        """
        starts, scores = [], []
        lane = OneLane(score, task=task, training=False)
        step = lane.stepper(env.step, copies=True)
        act = _actor(agent, deterministic=episodes == 1)
        for seed in seeds:
            found = []
            for _ in range(episodes):
                obs, info = env.reset(seed=int(seed))
                start = _key_of(key, obs, info, seed)
                lane.begin(obs, info)
                over = False
                while not over:
                    obs, _, terminated, truncated, info = step(act(obs))
                    over = terminated or truncated
                found.append(info[EPISODE_TERMS]["shaped"])
            starts.append(np.ravel(start))
            scores.append(found)
        return cls(key, np.array(starts), np.array(scores), on_missing, fingerprint(score))

    def quantile(self, q: float) -> References:
        """One reference for each start: the q-quantile of its scores, q in [0, 1]."""
        if not 0.0 <= q <= 1.0:
            raise ConfigError(f"References: q must lie in [0, 1], got {q}. Try 0.85.")
        return replace(self, scores=np.quantile(self.scores, q, axis=1, keepdims=True))

    def of(self, obs: Any, info: Info, rows: Sequence[int]) -> FloatArray:
        """Scores for the starts of some lanes, ``(len(rows), m)``.

        Raises:
            ConfigError: A start was not played, where that is refused.
        """
        if isinstance(self.key, str) and ":" not in self.key:
            column = np.asarray(info[self.key], np.float64)
            keys = column[list(rows)].reshape(len(rows), -1)
        else:
            from rewardwrap.core import tree

            function = load_function(self.key) if isinstance(self.key, str) else self.key
            found = [np.ravel(function(tree.take(obs, i), info.row(i))) for i in rows]
            keys = np.array(found, np.float64)
        far = np.abs(keys[:, None] - self.starts[None]).max(axis=2)
        near = far.argmin(axis=1)
        known = far.min(axis=1) <= 1e-6 * (1.0 + np.abs(keys).max(axis=1))
        if not known.all() and self.on_missing == "refuse":
            raise ConfigError(
                f"References: a start must be one that was played, got key {keys[~known][0].tolist()}. "
                'Play it too, or say on_missing="nearest".'
            )
        scores: FloatArray = self.scores[near]
        if self.on_missing == "mean":
            scores = np.where(known[:, None], scores, self.scores.mean(axis=0))
        return scores

    def to_config(self) -> dict[str, Any]:
        """Plain data; ``References(**data)`` reads it back."""
        key = self.key if isinstance(self.key, str) else function_name(self.key, "References: key")
        return {
            "key": key, "starts": self.starts.tolist(), "scores": self.scores.tolist(),
            "on_missing": self.on_missing, "score": self.score,
        }  # fmt: skip

    def save(self, folder: str | Path) -> None:
        """Write ``references.json``, with a hash of its content."""
        place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        data = self.to_config()
        write_whole(place / FILE, json.dumps({**data, "sha256": _hash(data)}, indent=1))

    @classmethod
    def load(cls, folder: str | Path) -> References:
        """Read what `save` wrote.

        Raises:
            ConfigError: There is none, or somebody changed it.
        """
        file = Path(folder) / FILE
        try:
            data = parsed(file.read_text())
            told = data.pop("sha256")
        except (OSError, ValueError, KeyError, AttributeError) as error:
            raise ConfigError(
                f"references must be a folder with {FILE}, got {folder} ({error}). Save some first."
            ) from error
        if told != _hash(data):
            raise ConfigError(
                f"{file} must be what was saved, got other content than its hash says. Play it again."
            )
        return cls(**data)


@register("start_reference")
class StartReference(Reward):
    """``ref_m(start)`` on every step of an episode: what a squash compares its score with.

    Args:
        references: The references of every start.
        place: m, which of a start's references.

    Example:
        >>> import rewardwrap as rw
        >>> refs = rw.References("level", starts=[0, 1], scores=[[2.0], [30.0]])
        >>> log = {"obs": [0, 0], "action": [0], "reward": [1], "terminated": [1], "truncated": [0],
        ...        "info": {"level": [1, 1]}}
        >>> rw.relabel(StartReference(refs), log)
        array([30.])
    """

    shaping: ClassVar[bool] = False
    pays_at_end: ClassVar[bool] = False

    references: References
    place: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "references", read_references(self.references))

    def init(self, lanes: int) -> Carry:
        return np.zeros(lanes)

    def step(self, carry: Carry, batch: Transitions) -> tuple[Carry, FloatArray]:
        rows = np.flatnonzero(batch.first)
        if len(rows):
            carry = carry.copy()
            found = self.references.of(batch.obs, batch.info_before, rows.tolist())
            carry[rows] = found[:, self.place]
        return carry, carry.copy()


def read_references(given: Any) -> Any:
    """References from their configuration; numbers and references stay what they are."""
    return References(**given) if isinstance(given, Mapping) else given


def require_same_score(references: References, base: Reward, subject: str) -> None:
    """Refuse references that another reward scored, where both can be named.

    Raises:
        ConfigError: No part of ``base`` is the reward that scored.
    """
    own = {fingerprint(node) for node in base.walk()}
    if references.score and "" not in own and references.score not in own:
        raise ConfigError(
            f"{subject}: references must be scores of its own base, got those of another reward "
            f"({references.score}). Play them again with this score."
        )


def fingerprint(reward: Reward) -> str:
    """A short hash of a reward's configuration, or "" where a function has no name."""
    try:
        return _hash(reward.to_config())[:12]
    except ConfigError:
        return ""


def _hash(data: Any) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def _key_of(key: Key, obs: Any, info: Mapping[str, Any], seed: int) -> Any:
    if callable(key):
        return key(obs, info)
    if ":" in key:
        return load_function(key)(obs, info)
    if key == "seed" and "seed" not in info:
        return seed
    if key not in info:
        raise ConfigError(
            f'References: key must be in reset\'s info, got "{key}" beside {", ".join(info) or "nothing"}. '
            "Name one that is, or give a function of (obs, info)."
        )
    return info[key]


def _actor(agent: Any, *, deterministic: bool) -> Callable[[Any], Any]:
    if hasattr(agent, "predict"):
        return lambda obs: agent.predict(obs, deterministic=deterministic)[0]
    if not callable(agent):
        raise ConfigError(
            f"References: agent must be a model or a function of one observation, got {agent!r}. "
            "Give PPO.load(...) or lambda obs: action."
        )
    return agent  # type: ignore[no-any-return]
