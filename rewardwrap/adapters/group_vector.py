"""Groups of lanes as a gymnasium vector environment, in all three autoreset modes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space, concatenate, create_empty_array, iterate

from rewardwrap.adapters.build import builder_of
from rewardwrap.adapters.groups import rule_of
from rewardwrap.adapters.lockstep import WAITING, Lockstep, require_ends
from rewardwrap.adapters.vector import VectorRewardWrapper
from rewardwrap.core import tree
from rewardwrap.core.errors import ConfigError
from rewardwrap.scores.contract import Score
from rewardwrap.scores.grouped import PAY, AtLimit, Grouped


def make_grouped_vector(
    env_id: str,
    score: Score | Grouped | str | Mapping[str, Any],
    *,
    group: int = 4,
    n_envs: int = 4,
    centred: bool = True,
    limit: AtLimit = "end",
    autoreset: AutoresetMode | str = AutoresetMode.NEXT_STEP,
    gamma: float | None = None,
    catalog: Iterable[str] = (),
    env_kwargs: Mapping[str, Any] | None = None,
) -> VectorRewardWrapper:
    """What `rw.make_grouped` makes, for learners that take gymnasium's vector environments.

    The lanes of a group end on one row. ``reset(seed=...)`` is where the starts of all groups follow from.

    Args:
        env_id: As in `rw.make_grouped`, as all that follow but
        score: See there.
        group: See there.
        n_envs: See there.
        centred: See there.
        limit: ``"end"`` reports a cut episode as terminated; ``"bootstrap"`` as truncated, and pays it
            nothing.
        autoreset: ``"next_step"``, ``"same_step"`` or ``"disabled"``, in which ``reset_mask`` must name
            whole groups.
        gamma: See there.
        catalog: See there.
        env_kwargs: See there.

    Raises:
        ConfigError: As `rw.make_grouped`, or another word for the mode.

    Example:
        >>> import rewardwrap as rw
        >>> venv = rw.make_grouped_vector("CartPole-v1", lambda episodes: [-len(e) for e in episodes])
        >>> venv.num_envs, venv.term_names
        (4, ('env', 'score', 'shaped'))
    """
    rule = rule_of(score, group=group, centred=centred, limit=limit)
    build, kwargs = builder_of(env_id, tuple(catalog)), dict(env_kwargs or {})
    views = rule.views or ({},)
    makers = [
        partial(build, "train", {**kwargs, **views[rule.view_of(i) % len(views)]})
        for i in range(n_envs)
    ]
    host = GroupVector(makers, rule, autoreset=autoreset)
    return VectorRewardWrapper(host, rule.named("score"), gamma=gamma)


class GroupVector(VectorEnv[Any, Any, Any]):
    """Lanes that begin in groups, wait for each other and end together; see `Lockstep`.

    Args:
        makers: One for each lane.
        rule: What a group is paid.
        autoreset: When groups that are done begin anew.
    """

    def __init__(
        self,
        makers: Sequence[Callable[[], gym.Env[Any, Any]]],
        rule: Grouped,
        *,
        autoreset: AutoresetMode | str = AutoresetMode.NEXT_STEP,
    ) -> None:
        # older gymnasium closes what was refused while it was made, too
        self.envs: list[gym.Env[Any, Any]] = []
        self.lockstep = Lockstep(rule, len(makers))
        self._mode = _mode(autoreset)
        self.envs = [require_ends(make()) for make in makers]
        self.num_envs, first = len(makers), self.envs[0]
        self.metadata = {**first.metadata, "autoreset_mode": self._mode}
        self.spec, self.render_mode = first.spec, first.render_mode
        self.single_observation_space = first.observation_space
        self.single_action_space = first.action_space
        self.observation_space = batch_space(first.observation_space, self.num_envs)
        self.action_space = batch_space(first.action_space, self.num_envs)
        self._shown: list[Any] = [None] * self.num_envs
        self._over: list[int] = []
        self._done: set[int] = set()

    def reset(
        self, *, seed: Any = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin anew in every lane, or in the groups that ``options["reset_mask"]`` names."""
        mask = None if options is None else options.get("reset_mask")
        groups = range(len(self.lockstep.groups))
        if mask is not None:
            groups = [g for g in groups if self._named(g, np.asarray(mask, bool))]  # type: ignore[assignment]
        elif seed is not None:
            if not isinstance(seed, int | np.integer):
                raise ConfigError(
                    f"seed must be one number from which all groups follow, got {seed!r}. Use e.g. 0."
                )
            self.lockstep.seed(int(seed))
        infos: dict[str, Any] = {}
        for group in groups:
            self._begin(group, infos)
        self._over = []
        obs = self._observed()
        self.lockstep.restart(groups, obs)
        return obs, infos

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """One step of the lanes that run; the others wait, or begin anew."""
        lock, infos = self.lockstep, dict[str, Any]()
        begun, self._over = self._over if self._mode is AutoresetMode.NEXT_STEP else [], []
        for group in begun:
            self._begin(group, infos)
        resting = {i for group in begun for i in lock.groups[group]}
        rewards, told = np.zeros(self.num_envs), [dict[str, Any]() for _ in self.envs]
        for i, action in enumerate(iterate(self.action_space, actions)):
            if i in resting:
                continue
            if lock.ends[i] is not None:
                lock.waited += 1
                told[i] = {WAITING: True}
                continue
            self._shown[i], rewards[i], over, cut, info = self.envs[i].step(action)
            told[i] = dict(info)
            if over or cut:
                lock.finish(i, bool(over), told[i])
        obs = self._observed()
        lock.record(obs, np.array(actions), rewards.copy(), told)
        lock.restart(begun, obs)
        ended = self._settle(told, infos)
        terminated, truncated = ended
        if self._over and self._mode is AutoresetMode.SAME_STEP:
            obs = self._observed()
            lock.restart(self._over, obs)
        return obs, rewards, terminated, truncated, infos

    def _settle(self, told: list[dict[str, Any]], infos: dict[str, Any]) -> tuple[Any, Any]:
        """Pay complete groups and say it; what else was told goes with it."""
        lock, terminated, truncated = self.lockstep, *np.zeros((2, self.num_envs), bool)
        self._over = [g for g in lock.complete() if g not in self._done]
        self._done.update(self._over)
        for group in self._over:
            lanes, paid = lock.groups[group], lock.pay(group)
            for i, pay in zip(lanes, paid.tolist(), strict=True):
                told[i] = {**lock.end(i).info, **told[i], PAY: pay}
                cut = not lock.end(i).terminated and lock.rule.limit == "bootstrap"
                terminated[i], truncated[i] = not cut, cut
            if self._mode is AutoresetMode.SAME_STEP:
                for i in lanes:
                    final = {"final_obs": tree.copy(self._shown[i]), "final_info": told[i]}
                    infos.update(self._add_info(infos, final, i))
                    told[i] = {}
                self._begin(group, infos)
        for i, info in enumerate(told):
            infos.update(self._add_info(infos, info, i))
        return terminated, truncated

    def _begin(self, group: int, infos: dict[str, Any]) -> None:
        seed = self.lockstep.begin(group)
        self._done.discard(group)
        for i in self.lockstep.groups[group]:
            self._shown[i], info = self.envs[i].reset(seed=seed)
            infos.update(self._add_info(infos, info, i))

    def _observed(self) -> Any:
        space = self.single_observation_space
        empty: Any = create_empty_array(space, self.num_envs)
        return concatenate(space, self._shown, empty)

    def _named(self, group: int, mask: Any) -> bool:
        lanes = mask[list(self.lockstep.groups[group])]
        if lanes.any() and not lanes.all():
            raise ConfigError(
                f"reset_mask must name whole groups, got {int(lanes.sum())} of {len(lanes)} lanes of group "
                f"{group}. Reset all lanes that ended."
            )
        return bool(lanes.all())

    def close_extras(self, **kwargs: Any) -> None:
        for env in self.envs:
            env.close()


def _mode(given: AutoresetMode | str) -> AutoresetMode:
    if isinstance(given, AutoresetMode):
        return given
    known = {mode.name.lower(): mode for mode in AutoresetMode}
    if given not in known:
        raise ConfigError(
            f"autoreset must be one of {', '.join(known)}, got {given!r}. Choose one."
        )
    return known[given]
