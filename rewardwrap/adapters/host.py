"""What every wrapper that pays a reward is: one gate for rewards, and what a user may read and change."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from html import escape
from typing import Any, Protocol, TypeAlias

from gymnasium.wrappers import NormalizeObservation
from gymnasium.wrappers.vector import NormalizeObservation as VectorNormalizeObservation

from rewardwrap.adapters.below import inner, lane_spaces, layers
from rewardwrap.adapters.goals import GoalReward, is_goal_space, refused
from rewardwrap.adapters.tasks import discount_of, require_discount, shared_discount
from rewardwrap.adapters.version import config_or_none, version
from rewardwrap.core import shown
from rewardwrap.core.config import from_config
from rewardwrap.core.errors import GammaMismatch, StackError
from rewardwrap.core.knowledge import require_unused, take_on
from rewardwrap.core.reward import Reward
from rewardwrap.core.scalar import source_of
from rewardwrap.core.task import Task
from rewardwrap.core.terms import with_weight
from rewardwrap.core.transitions import FloatArray, Transitions
from rewardwrap.rewards.disk import SUFFIXES, read_reward
from rewardwrap.rewards.learned import filled_by, model_versions
from rewardwrap.rewards.truncation import sentence_at_limits

RewardLike: TypeAlias = (
    Reward | Mapping[str, Any] | list[Any] | str | os.PathLike[str] | Callable[..., Any]
)
"""A reward, its configuration, the tag of one without fields, the path of a file (.yml, .yaml, .json) or of
the folder of a saved one, or a function (`rw.function`)."""


class Lanes(Protocol):
    """Whatever steps the lanes of a host: `OneLane`, `FewLanes` or `Stream`."""

    reward: Reward
    names: tuple[str, ...]
    training: bool

    @property
    def task(self) -> Task: ...
    @property
    def terms(self) -> FloatArray: ...
    @property
    def sums(self) -> FloatArray: ...
    def last(self) -> Transitions: ...
    def replace_reward(self, reward: Reward) -> None: ...


class Host:
    """The reward's side of a wrapper; means the same on every host and at every number of lanes.

    A wrapper calls `_receive` while it is built, and sets ``_lanes``.
    """

    _reward: Reward
    _lanes: Lanes
    _learner: float | None = None
    _begun = False
    _goals: tuple[Reward, GoalReward] | None = None
    _ranges: dict[str, tuple[float, float]] | None = None

    # --- the gate -------------------------------------------------------------------------------

    def _receive(
        self, below: Any, given: RewardLike, gamma: float | None, task: Task, training: bool
    ) -> Task:
        """Take over a first reward; returns the task with the one discount of the run.

        Raises:
            StackError: Another host pays below, or the reward would read normalised observations.
            GammaMismatch: Two discounts.
        """
        for layer in layers(below):
            if isinstance(layer, Host):
                raise paid_twice(type(layer))
        given_gamma = require_discount(gamma)
        own = set() if given_gamma is None else {given_gamma}
        if task.gamma is not None:
            own.add(float(task.gamma))
        built = self._accept(below, given, own)
        self._reward = built
        if training:
            take_on(built)
        return replace(task, gamma=shared_discount(built, own), spaces=lane_spaces(below))

    def _accept(self, below: Any, given: RewardLike, gammas: set[float]) -> Reward:
        """The one way in for a reward, whoever brings it."""
        built = reward_of(given)
        shared_discount(built, gammas)
        if any(node.reads_obs for node in built.walk()):
            for layer in layers(below):
                if self._normalises(layer):
                    raise StackError(
                        "rewardwrap must see the environment's observations, got those of "
                        f"{type(layer).__name__} below it. Wrap first and normalise after: "
                        f"{type(layer).__name__}(rw.wrap(env, reward))."
                    )
        return built

    def _begin(self) -> None:
        """Before the first reset: a training starts with a reward that no other training has taught."""
        if not self._begun:
            self._begun = True
            if self.training:
                require_unused(self._reward)

    def _normalises(self, layer: Any) -> bool:
        """Whether a layer below shows other observations than the environment's."""
        return isinstance(layer, NormalizeObservation | VectorNormalizeObservation)

    def _below(self) -> Any:
        """The layer that this one wraps."""
        return inner(self)

    # --- what can be changed --------------------------------------------------------------------

    def set_reward(self, reward: RewardLike) -> dict[str, Any] | None:
        """Pay another reward from the next step on, in every lane.

        Args:
            reward: It must record the same terms and carry the same state from row to row.

        Returns:
            Its configuration, for a read-back; None where it holds a function without a name.

        Raises:
            ConfigError: It records other terms.
            GammaMismatch: It brings another discount than the run's or the learner's.
        """
        run = {g for g in (self.task.gamma, self._learner) if g is not None}
        built = self._accept(self._below(), reward, run)
        self._lanes.replace_reward(built)
        self._reward, self._ranges = built, None
        return config_or_none(built)

    def set_weight(self, name: str, weight: float) -> dict[str, Any] | None:
        """Give a recorded term another weight from the next step on, in every lane.

        Raises:
            UnknownName: No term has that name.
            ConfigError: The term is no weight times a reward, or something around it learns.
        """
        return self.set_reward(with_weight(self._reward, name, weight))

    def require_discount(self, gamma: float | None) -> None:
        """Take note of the learner's discount, now and for every reward that comes later.

        Raises:
            GammaMismatch: The shaping of the reward uses another one.
        """
        if gamma is None:
            return
        require_same_discount(self.discount, gamma)
        self._learner = float(gamma)

    def close(self, **options: Any) -> None:
        """Close what lies below, and end the processes of the reward; who goes on starts them again."""
        if "_reward" not in self.__dict__:
            # refused while it was made; older gymnasium closes even that, and the user's environment with it
            return
        super().close(**options)  # type: ignore[misc]
        for node in self._reward.walk():
            node.release()

    # --- goals that are set afterwards ----------------------------------------------------------

    def _goal_reward(self, space: Any) -> GoalReward:
        """The reward as `HerReplayBuffer` asks for it; built anew when another one is paid."""
        kept = self.__dict__.get("_goals")
        if kept is None or kept[0] is not self._reward:
            if not is_goal_space(space):
                raise refused("observations without achieved_goal and desired_goal")
            kept = self._goals = (self._reward, GoalReward(self._reward, self.task, space))
        return kept[1]

    def _note(self, name: str, low: float, high: float) -> None:
        """Widen what an episode is known to pay by a term; asked at the ends of episodes alone."""
        if self._ranges is None:
            self._ranges = {}
        least, most = self._ranges.get(name, (low, high))
        self._ranges[name] = min(least, low), max(most, high)

    # --- what can be read -----------------------------------------------------------------------

    @property
    def reward(self) -> Reward:
        """What is paid."""
        return self._reward

    def __repr__(self) -> str:
        if "_lanes" not in self.__dict__:  # asked while it is built
            return object.__repr__(self)
        below = self._below()
        lanes = getattr(self, "num_envs", 1)
        gamma = "" if self.task.gamma is None else f", gamma {self.task.gamma:g}"
        learning = "" if self.training else ", for evaluation"
        return (
            f"{type(self).__name__} on {self.task.name or 'an environment without a name'}, "
            f"{lanes} {'lane' if lanes == 1 else 'lanes'} of {type(below).__name__}{gamma}{learning}\n"
            f"{shown.text(self._reward, self._ranges)}"
        )

    def _repr_html_(self) -> str:
        first = escape(repr(self).partition("\n")[0])
        return f"<p>{first}</p>{shown.html(self._reward, self._ranges)}"

    @property
    def reward_version(self) -> str:
        """A short hash of what is paid: equal in all workers that hold the same reward."""
        return version(self._reward)

    @property
    def description(self) -> str:
        """What is paid, as text: it can leave a worker where a function without a name cannot."""
        return repr(self._reward)

    @property
    def goal_refusal(self) -> str | None:
        """Why `HerReplayBuffer` cannot be answered for new goals; None where it can."""
        space = self.observation_space  # type: ignore[attr-defined]
        if not is_goal_space(space):
            return "observations without achieved_goal and desired_goal"
        return self._goal_reward(space).refusal

    @property
    def goal_needs_info(self) -> bool:
        """Whether that takes what a step carries in its ``info``."""
        space = self.observation_space  # type: ignore[attr-defined]
        return is_goal_space(space) and self._goal_reward(space).remembers

    @property
    def at_limits(self) -> str | None:
        """What is wrong where a learner bootstraps at time limits; None where nothing is."""
        return sentence_at_limits(self._reward)

    @property
    def models(self) -> list[str]:
        """The version of every model that the reward pays by, outermost first."""
        return model_versions(self._reward)

    @property
    def filled(self) -> dict[tuple[int, int], int]:
        """How many missing numbers each model filled so far; empty where none fills any."""
        return filled_by(self._reward)

    @property
    def source(self) -> str:
        """What one lane is paid, as plain Python, every term and number in sight."""
        return source_of(self._lanes.reward, self.task)

    @property
    def discount(self) -> float | None:
        """The discount that the reward's shaping uses; None where nothing in it uses one."""
        return discount_of(self._reward, self.task)

    @property
    def task(self) -> Task:
        """Named fields and the discount of the run."""
        return self._lanes.task

    @property
    def training(self) -> bool:
        """Whether the reward may learn from what it sees."""
        return self._lanes.training

    @training.setter
    def training(self, value: bool) -> None:
        self._lanes.training = value

    @property
    def term_names(self) -> tuple[str, ...]:
        """Names of everything recorded: ``("env", <terms>, "shaped")``."""
        return self._lanes.names

    @property
    def reward_terms(self) -> FloatArray:
        """``(lanes, k)`` copy of the last step's terms; columns are `term_names`."""
        return self._lanes.terms.T.copy()

    @property
    def episode_terms(self) -> FloatArray:
        """``(lanes, k)`` copy of the terms' sums over each lane's episode."""
        return self._lanes.sums.T.copy()

    @property
    def term_ranges(self) -> dict[str, tuple[float, float]]:
        """Each term's least and largest sum over a finished episode, since this reward is paid."""
        return dict(self._ranges or {})

    @property
    def last_step(self) -> Transitions:
        """The step that was paid last, a row for each lane that made one; for reading only.

        Raises:
            StackError: Nothing was paid since the reset.
        """
        return self._lanes.last()


def reward_of(given: RewardLike) -> Reward:
    """The reward behind whatever a user may hand over.

    Raises:
        ConfigError: It is none, or the file is not there.
    """
    if isinstance(given, os.PathLike) or (isinstance(given, str) and given.endswith(SUFFIXES)):
        return read_reward(given)
    return from_config(given)


def require_same_discount(own: float | None, gamma: float) -> None:
    """Refuse a learner whose discount is not that of the reward's shaping.

    Raises:
        GammaMismatch: They differ.
    """
    if own is not None and abs(own - gamma) > 1e-12:
        raise GammaMismatch(
            f"gamma of the reward must be that of the learner ({gamma:g}), got {own:g}. "
            "Under another discount shaping changes which policy is best; "
            f"leave gamma out of the reward and pass rw.make(..., gamma={gamma:g})."
        )


def paid_twice(below: type) -> StackError:
    """The error for a stack that would pay a reward twice."""
    return StackError(
        f"a stack must pay one reward, got {below.__name__} below already: shaping would be paid "
        "twice. Compose the rewards with + and wrap once; rw.make has wrapped already."
    )
