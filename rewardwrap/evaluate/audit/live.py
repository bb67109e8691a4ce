"""The audit of a training while it runs: a callback of stable-baselines3."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector.utils import create_empty_array
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper, VecMonitor, VecNormalize

from rewardwrap.adapters.acting import require_steps
from rewardwrap.adapters.layers import OuterAdapter, find_adapter, layers
from rewardwrap.adapters.sb3 import RewardVecEnv
from rewardwrap.core import tree
from rewardwrap.core.errors import StackError
from rewardwrap.evaluate.audit.finding import Finding, Findings
from rewardwrap.evaluate.audit.record import FILE, Record
from rewardwrap.evaluate.audit.tape import WIDEST
from rewardwrap.evaluate.audit.watch import Watch

DEFAULT_GAMMA = 0.99


class Tap(VecEnvWrapper):
    """Lies under the reward and keeps the last step as the environment returned it.

    Layers above (VecNormalize, VecFrameStack) write into the same infos, so terminal observations are
    taken aside here.

    Attributes:
        obs: The newest observations.
        terminal: Lane -> terminal observation, of the newest step that ended an episode.
    """

    def __init__(self, venv: VecEnv) -> None:
        super().__init__(venv)
        self.obs: Any = None
        self.terminal: dict[int, Any] = {}

    def reset(self) -> Any:
        self.obs = self.venv.reset()
        self.reset_infos = self.venv.reset_infos
        return self.obs

    def step_wait(self) -> Any:
        obs, rewards, dones, infos = self.venv.step_wait()
        self.obs = obs
        if np.count_nonzero(dones):
            ended = np.flatnonzero(dones).tolist()
            self.terminal = {lane: infos[lane]["terminal_observation"] for lane in ended}
        return obs, rewards, dones, infos


class Audit(BaseCallback):
    """Looks for signs that the agent is paid for something else than the task, while it learns.

    | signal | what is looked for |
    |---|---|
    | telescope | a potential whose discounted sum is not the difference of its ends: a bug |
    | finite | a term that is NaN or infinite: a bug |
    | loop | returns to one state that are worth more than leaving it, and not in truth |
    | survival | running to the time limit for pay, without progress |
    | early end | short episodes that are paid better and do not do the task better |
    | divergence | shaped return rises, true return does not |
    | dominance | one term takes over meanwhile |
    | outlier | episodes paid unlike all others |
    | disagreement | the members of a reward model disagree more while the pay rises |

    A finding is evidence, with episodes, steps and a clip, and never stops the training. What verified
    potentials pay is left out of every comparison. ``reward/audit/findings`` goes to SB3's logger.

    Args:
        folder: Where ``audit.npz`` is written at the end of the training, e.g. the run's folder;
            ``rewardwrap audit FOLDER`` makes a page of it. None writes nothing.
        on_finding: Called with each new `Finding`.
        seed: Of the sample of steps that is kept.

    Attributes:
        findings: What stands out so far.

    Raises:
        StackError: No rewardwrap reward below the learner.

    Example:
        >>> import rewardwrap as rw
        >>> from stable_baselines3 import PPO
        >>> env = rw.make("CartPole-v1", rw.EnvReward() + rw.Constant(0.1).named("alive"), seed=0)
        >>> audit = rw.evaluate.Audit()
        >>> _ = PPO("MlpPolicy", env, n_steps=64, seed=0).learn(128, callback=audit)
        >>> [finding.what for finding in audit.findings]
        []
    """

    def __init__(
        self,
        folder: str | Path | None = None,
        *,
        on_finding: Callable[[Finding], None] | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.folder = None if folder is None else Path(folder)
        self._on_finding, self._seed = on_finding, seed
        self._watch: Watch | None = None
        self._tap: Tap | None = None

    @property
    def findings(self) -> Findings:
        """What stands out so far; looks at the episodes that wait."""
        if self._watch is None:
            return Findings()
        self._watch.look()
        return self._watch.findings

    def record(self) -> Record:
        """Everything recorded so far.

        Raises:
            StackError: No training has begun.
        """
        if self._watch is None:
            raise StackError(
                "Audit must have followed a training, got none. Pass it: model.learn(n, callback=audit)."
            )
        env = self._adapter.adapter.task.name if self._outer else ""
        return self._watch.record(
            env=env,
            algo=type(self.model).__name__,
            source="recorded live, every step",
            steps=self.num_timesteps,
            reward=self._adapter.description,
        )

    def _on_training_start(self) -> None:
        assert self.model is not None
        require_steps(self.model, "Audit")
        adapter = find_adapter(self.training_env)
        if adapter is None:
            raise StackError(
                "Audit must find a rewardwrap reward under the learner, got none. "
                "Make the env with rw.make(env_id, reward) or rw.wrap(env, reward)."
            )
        self._adapter: Any = adapter
        self._outer = isinstance(adapter, OuterAdapter)
        lanes = self.training_env.num_envs
        gamma = float(getattr(self.model, "gamma", DEFAULT_GAMMA))
        rng = np.random.default_rng(self._seed)
        self._end_tap()
        if self._outer:
            paying: RewardVecEnv = adapter.adapter  # type: ignore[union-attr]
            self._reward = paying.reward
            self._watch = Watch(
                adapter.term_names, lanes, gamma=gamma, reward=paying.reward, task=paying.task,
                bounds=bounds(paying.observation_space), rng=rng,
            )  # fmt: skip
            self._tap = Tap(paying.venv)
            paying.venv = self._tap
            # the learner has reset the environment already: what it saw comes first, if it is raw
            first = self._first_obs(paying.observation_space)
            going = first is None or bool(np.any(paying.episode_terms))
            if first is None:
                first = create_empty_array(paying.observation_space, lanes, fn=np.zeros)
            self._watch.begin(first, self.training_env.unwrapped.reset_infos, going=going)
        else:
            self._watch = Watch(adapter.term_names, lanes, gamma=gamma, rng=rng)
            self._watch.begin(None)
        self._watch.on_finding = self._on_finding

    def _on_step(self) -> bool:
        watch, tap = self._watch, self._tap
        assert watch is not None
        infos = self.locals["infos"]
        obs = None if tap is None else tap.obs
        watch.step(self._adapter.lane_terms(infos), obs)
        dones = self.locals["dones"]
        if np.count_nonzero(dones):
            self._end(np.flatnonzero(dones).tolist(), obs, infos)
        if self._outer and self._adapter.adapter.reward is not self._reward:
            self._reward = self._adapter.adapter.reward
            watch.change_reward(self._reward, self.num_timesteps)
        return True

    def _end(self, lanes: list[int], obs: Any, infos: list[dict[str, Any]]) -> None:
        assert self._watch is not None
        upcoming = self.training_env.unwrapped.reset_infos
        last: Any = None
        for lane in lanes:
            if self._tap is not None:
                last = self._tap.terminal[lane]
            self._watch.end(
                lane,
                self.num_timesteps,
                terminated=not infos[lane].get("TimeLimit.truncated", False),
                last=last,
                info=infos[lane],
                first=None if obs is None else tree.take(obs, lane),
                first_info=upcoming[lane],
            )

    def _on_rollout_end(self) -> None:
        assert self._watch is not None
        self._watch.before_learning()
        self.logger.record("reward/audit/findings", len(self._watch.findings))

    def _on_training_end(self) -> None:
        self._end_tap()
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.record().write(self.folder / FILE)

    def _first_obs(self, space: spaces.Space[Any]) -> Any:
        """What the environment showed first, or None where layers above the reward may change it."""
        assert self.model is not None
        above = itertools.takewhile(
            lambda v: v is not self._adapter.adapter, layers(self.training_env)
        )
        if not all(type(layer) in (VecNormalize, VecMonitor) for layer in above):
            return None
        normalizer = self.model.get_vec_normalize_env()
        obs: Any = (
            getattr(self.model, "_last_obs", None)
            if normalizer is None
            else normalizer.get_original_obs()
        )
        if isinstance(space, spaces.Dict) or obs is None:
            return obs
        return obs if space.shape == np.shape(obs)[1:] else None

    def _end_tap(self) -> None:
        """Take the tap out of the stack again."""
        if self._tap is not None:
            for layer in layers(self.training_env):
                if isinstance(layer, VecEnvWrapper) and layer.venv is self._tap:
                    layer.venv = self._tap.venv
            self._tap = None


def bounds(space: spaces.Space[Any]) -> tuple[Any, Any] | None:
    """Bounds of a flat observation, thinned as the tape thins it; None where there are none."""
    if not isinstance(space, spaces.Box):
        return None
    stride = -(-int(np.prod(space.shape)) // WIDEST)
    return space.low.reshape(-1)[::stride], space.high.reshape(-1)[::stride]
