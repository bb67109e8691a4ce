"""A reward for events that somebody judged, by the sentences that tell of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from rewardwrap.core.errors import ConfigError, RewardValueError
from rewardwrap.core.plain import load_function
from rewardwrap.core.registry import register
from rewardwrap.core.reward import Reward
from rewardwrap.core.task import Task
from rewardwrap.core.transitions import Carry, FloatArray, Transitions
from rewardwrap.rewards.limits import require_choice, require_number
from rewardwrap.rewards.phrases import WIDTH, opinion, phrase
from rewardwrap.rewards.visits import SIZE, name_of

SOURCES = ("hash", "classifier", "ranking")
KEPT = 10_000
"""Sentences that wait for somebody who asks about them."""


@register("events")
class Events(Reward):
    """``worth(e) / n(e)^count`` where a step tells of event ``e`` for the n-th time in its episode.

    | pays | worth of a sentence |
    |---|---|
    | ``"hash"`` | the label that was given to exactly this sentence; 0 where there is none yet |
    | ``"classifier"`` | 1 where a linear model of its words says yes with more than ``threshold``, else 0 |
    | ``"ranking"`` | ``z`` where it is above ``threshold``, else 0 |

    The model of ``"classifier"`` is fitted to all labels. That of ``"ranking"`` is Bradley's and Terry's, of
    comparisons; ``z`` counts deviations from the mean score of all sentences that were compared.

    It never waits: labels come from `rw.EventLoop`, which asks an annotator beside the training. What is
    known is shared by lanes, saved, and the same in evaluation.

    Args:
        key: A key of ``info`` that holds one sentence a step, empty where nothing happened; or a function of
            a *batch* of observations to B sentences (or its name, ``"module:function"``).
        annotator: For `rewardwrap train` and `compare`, which ask it: ``"module:function"``, see
            `rw.EventLoop`. None: labels come from a loop of one's own.
        pays: As above.
        count: How fast an event that is repeated in an episode pays less; 0: not at all.
        threshold: As above; no use to ``"hash"``.

    Raises:
        ConfigError: A key that is none of these, an unknown word, a number outside its range.
        RewardValueError: What the key gives is no text.

    Source: Zheng et al., "Online intrinsic rewards for decision making agents from large language model
        feedback", 2024, arXiv 2410.23022, section 3. Deviations: linear models of hashed words instead of
        a network on characters; the count is of this episode's own sentences.

    Example:
        >>> import rewardwrap as rw
        >>> events = rw.EnvReward() + 0.4 * rw.Events("message").named("events")
        >>> venv = rw.make("rewardwrap/KeyDoor-v0", events, n_envs=2)
    """

    learns: ClassVar[bool] = True
    shaping: ClassVar[bool] = False
    pays_at_end: ClassVar[bool] = False

    key: str | Callable[[Any], Any]
    annotator: str | None = None
    _: KW_ONLY
    pays: Literal["hash", "classifier", "ranking"] = "hash"
    count: float = 1.0
    threshold: float = 0.5

    def __post_init__(self) -> None:
        if not (callable(self.key) or (isinstance(self.key, str) and self.key)):
            raise ConfigError(
                f"Events: key must be a key of info or a function, got {self.key!r}. "
                "A function takes a batch of observations and returns sentences."
            )
        require_choice(self, "pays", SOURCES)
        require_number(self, "count", "Use 1; 0 pays every time alike.", low=0.0)
        require_number(self, "threshold", "Use 0.5.")
        object.__setattr__(self, "_told", deque(maxlen=KEPT))
        self._know({}, np.zeros(WIDTH), np.zeros(2))

    @property
    def memoryless(self) -> bool:
        return False

    @property
    def known(self) -> int:
        """How many sentences have a label."""
        return len(self._labels)

    def validate(self, task: Task) -> None:
        self._function()

    def init(self, lanes: int) -> Carry:
        return np.full(lanes, None, object)

    def step(self, carry: Carry, batch: Transitions) -> tuple[Carry, FloatArray]:
        seen: Any = carry.copy()
        seen[batch.first] = None
        paid = np.zeros(batch.lanes)
        for i, text in enumerate(self.texts(batch)):
            if not text:
                continue
            often = seen[i] or {}
            seen[i] = {**often, text: often.get(text, 0) + 1}
            paid[i] = self.worth(text) / seen[i][text] ** self.count
            if batch.training:
                self._told.append(text)
        return seen, paid

    def worth(self, text: str) -> float:
        """What a first telling pays."""
        if text not in self._worth:
            self._worth[text] = self._judged(text)
        return self._worth[text]

    def texts(self, batch: Transitions) -> list[str]:
        """The sentence of each row, empty where nothing happened."""
        function = self._function()
        column = batch.info[str(self.key)] if function is None else function(batch.next_obs)
        found = column.tolist() if isinstance(column, np.ndarray) else list(column)
        wrong = [text for text in found if not isinstance(text, str)]
        if wrong or len(found) != batch.lanes:
            got = f"{wrong[0]!r}" if wrong else f"{len(found)} sentences for {batch.lanes} lanes"
            raise RewardValueError(
                f"Events: key must give one text a lane, got {got}. "
                'Say what happened in words, and "" where nothing did.'
            )
        return found

    def told(self) -> list[str]:
        """Sentences of training steps since the last call, oldest first."""
        found = list(self._told)
        self._told.clear()
        return found

    def learn(
        self, labels: Mapping[str, float], pairs: Sequence[tuple[str, str, float]] = ()
    ) -> None:
        """Pay by these answers from the next step on.

        Args:
            labels: Sentence -> label in [0, 1].
            pairs: ``(a, b, P(b better))``, what ``"ranking"`` is fitted to.
        """
        weights, scale = np.zeros(WIDTH), np.zeros(2)
        if self.pays == "classifier" and min(labels.values(), default=0.5) < 0.5 < max(
            labels.values(), default=0.5
        ):
            weights = opinion([phrase(text) for text in labels], [*labels.values()])
        if self.pays == "ranking" and pairs:
            weights = opinion(
                [phrase(b) - phrase(a) for a, b, _ in pairs], [said for *_, said in pairs]
            )
            scores = [weights @ phrase(t) for t in {t for a, b, _ in pairs for t in (a, b)}]
            scale = np.array([np.mean(scores), np.std(scores)])
        self._know({name_of(text): float(v) for text, v in labels.items()}, weights, scale)

    def state_arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        names = np.frombuffer(b"".join(self._labels), np.uint8).reshape(-1, SIZE)
        labels = np.array([*self._labels.values()], np.float64)
        return {"names": names, "labels": labels, "weights": self._weights, "scale": self._scale}

    def load_state_arrays(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> None:
        names, labels = arrays["names"], np.asarray(arrays["labels"], np.float64)
        weights = np.array(arrays["weights"], np.float64)
        if names.shape != (len(labels), SIZE) or weights.shape != (WIDTH,):
            raise ConfigError(
                f"Events: state must be a label for each name and {WIDTH} weights, got {names.shape} "
                f"names and {labels.shape} labels. Load what this reward saved."
            )
        known = dict(zip(map(bytes, names), labels.tolist(), strict=True))
        self._know(known, weights, np.array(arrays["scale"], np.float64))

    def _judged(self, text: str) -> float:
        if self.pays == "hash":
            return self._labels.get(name_of(text), 0.0)
        score = float(self._weights @ phrase(text))
        if self.pays == "classifier":
            sure = 1.0 / (1.0 + np.exp(-score)) > self.threshold
            return float(sure and self._weights.any())
        mean, deviation = self._scale
        z = (score - mean) / deviation if deviation > 0.0 else 0.0
        return float(z) if z > self.threshold else 0.0

    def _know(self, labels: dict[bytes, float], weights: FloatArray, scale: FloatArray) -> None:
        for name, value in (("labels", labels), ("weights", weights), ("scale", scale)):
            object.__setattr__(self, f"_{name}", value)
        object.__setattr__(self, "_worth", {})

    def _function(self) -> Callable[[Any], Any] | None:
        if callable(self.key):
            return self.key
        found: Callable[[Any], Any] | None = load_function(self.key) if ":" in self.key else None
        return found

    if TYPE_CHECKING:
        _told: ClassVar[deque[str]]
        _labels: ClassVar[dict[bytes, float]]
        _weights: ClassVar[FloatArray]
        _scale: ClassVar[FloatArray]
        _worth: ClassVar[dict[str, float]]
