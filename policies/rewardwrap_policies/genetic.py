"""Lists of moves that evolve as an algorithm like the others, ``--algo ga``."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.policies import BasePolicy

from rewardwrap_policies.errors import PresetError
from rewardwrap_policies.evolution import IntArray, bred


class MovesPolicy(BasePolicy):
    """Plays one list of moves, whatever it sees, and begins it again after the last."""

    def __init__(
        self, observation_space: Any, action_space: Any, lr_schedule: Any = None, *, length: int
    ) -> None:
        super().__init__(observation_space, action_space)
        self.register_buffer("moves", torch.zeros(length, dtype=torch.int64))

    def predict(
        self, observation: Any, state: Any = None, episode_start: Any = None,
        deterministic: bool = True,
    ) -> tuple[IntArray, tuple[IntArray, ...]]:  # fmt: skip
        """The next move of each lane; ``state`` is how many each has made."""
        starts = [True] if episode_start is None else np.ravel(episode_start)
        made = np.zeros(len(starts), np.int64) if state is None else np.where(starts, 0, state[0])
        moves: IntArray = self.get_buffer("moves").cpu().numpy()
        return moves[made % len(moves)], (made + 1,)

    def _predict(self, observation: Any, deterministic: bool = False) -> torch.Tensor:
        return self.get_buffer("moves")[:1].expand(len(observation))


class Genetic(BaseAlgorithm):
    """`rewardwrap_policies.evolution.genetic` in the environment and under the reward of a training.

    A list is worth what its episode pays, which goes on from its first move where the list ends. The best
    list survives as it is, and the policy is that list: it knows one start, and where starts differ, luck is
    taken for merit. A resumed training begins with the best list in a population of new ones.

    Args:
        policy: ``"MovesPolicy"``.
        env: As in SB3, with Discrete actions; each lane plays a list of its own.
        population: Lists, at least 2.
        length: Moves of a list.
        tail: Share of the moves that were played, from their end, that mutate.
        options: Of SB3's `BaseAlgorithm`.

    Raises:
        PresetError: Fewer than two lists, or none of moves.

    Source: As of `genetic`: Jain, Optimizing Mario under constraints, 2023, arXiv 2312.14963.
    """

    policy_aliases = {"MovesPolicy": MovesPolicy, "MlpPolicy": MovesPolicy}  # noqa: RUF012 - as SB3 declares it

    def __init__(
        self,
        policy: Any,
        env: Any,
        population: int = 20,
        length: int = 300,
        tail: float = 0.8,
        _init_setup_model: bool = True,
        **options: Any,
    ) -> None:
        if population < 2 or length < 1:
            raise PresetError(
                f"genetic must have two lists of one move at least, got {population} of {length}. "
                "Use 20 of 300."
            )
        super().__init__(
            policy, env, learning_rate=0.0, support_multi_env=True,
            supported_action_spaces=(gymnasium.spaces.Discrete,),
            **options,
        )  # fmt: skip
        self.population, self.length, self.tail = population, length, tail
        self.rate, self.best_return = 0.01, -np.inf
        self.lists: IntArray | None = None
        if _init_setup_model:
            self._setup_model()

    def _setup_model(self) -> None:
        self.set_random_seed(self.seed)
        made = self.policy_class(self.observation_space, self.action_space, length=self.length)
        self.policy = made.to(self.device)
        self.draws = np.random.default_rng(self.seed)
        first = self._random(1)[0]
        self.policy.get_buffer("moves").copy_(torch.as_tensor(first))

    def learn(
        self,
        total_timesteps: int,
        callback: Any = None,
        log_interval: int = 1,
        tb_log_name: str = "GA",
        reset_num_timesteps: bool = True,
        progress_bar: bool = False,
    ) -> Genetic:
        """Evolve until the steps are used up; a generation is played to its end unless a callback stops."""
        total, calls = self._setup_learn(
            total_timesteps, callback, reset_num_timesteps, tb_log_name, progress_bar
        )
        calls.on_training_start(locals(), globals())
        if self.lists is None:
            self.lists = self._random(self.population)
            self.lists[0] = self.policy.get_buffer("moves").cpu().numpy()
        while self.num_timesteps < total:
            self._update_current_progress_remaining(self.num_timesteps, total)
            calls.on_rollout_start()
            played = self._play(self.lists, calls)
            calls.on_rollout_end()
            if played is None:
                break
            returns, steps = played
            order = np.argsort(-returns, kind="stable")
            lists, steps = self.lists[order], steps[order]
            better = returns.max() > self.best_return
            self.rate = 0.01 if better else self.rate + 0.005
            self.best_return = max(self.best_return, float(returns.max()))
            self.policy.get_buffer("moves").copy_(torch.as_tensor(lists[0]))
            self.lists = bred(lists, steps.tolist(), self._moves, self.rate, self.tail, self.draws)
            self.logger.record("train/best_return", self.best_return)
            self.logger.record("time/total_timesteps", self.num_timesteps, exclude="tensorboard")
            self.logger.dump(step=self.num_timesteps)
        calls.on_training_end()
        return self

    @property
    def _moves(self) -> int:
        space: Any = self.action_space
        return int(space.n)

    def _random(self, count: int) -> IntArray:
        return self.draws.integers(self._moves, size=(count, self.length))

    def _play(self, lists: IntArray, calls: Any) -> tuple[Any, IntArray] | None:
        """Return and steps of each list's first episode; each free lane takes the next list."""
        env: Any = self.env
        returns, steps = np.zeros(len(lists)), np.zeros(len(lists), np.int64)
        env.reset()
        waiting = iter(range(len(lists)))
        playing = [next(waiting, None) for _ in range(env.num_envs)]
        while any(number is not None for number in playing):
            chosen = [0 if n is None else lists[n][steps[n] % self.length] for n in playing]
            new_obs, rewards, dones, infos = env.step(np.array(chosen))
            self.num_timesteps += env.num_envs
            calls.update_locals(locals())
            if not calls.on_step():
                return None
            self._update_info_buffer(infos, dones)
            for lane, number in enumerate(playing):
                if number is None:
                    continue
                returns[number] += rewards[lane]
                steps[number] += 1
                if dones[lane]:
                    playing[lane] = next(waiting, None)
        return returns, steps

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "lists", "draws"]

    def _get_torch_save_params(self) -> tuple[list[str], list[str]]:
        return ["policy"], []
