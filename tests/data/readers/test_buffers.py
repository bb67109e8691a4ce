"""SB3 buffers agree with what a recorder saw, and their files are read without running them."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from safetensors.numpy import save_file
from stable_baselines3 import A2C, DQN, SAC, HerReplayBuffer
from stable_baselines3.common.buffers import DictReplayBuffer, ReplayBuffer
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.envs import BitFlippingEnv
from stable_baselines3.common.save_util import save_to_pkl

from rewardwrap.data import DataError, EpisodeStore
from rewardwrap.data.readers import read
from rewardwrap.data.readers.buffers import from_replay_buffer, from_rollout_buffer
from rewardwrap.data.readers.inert import Inert
from rewardwrap.data.reading import Options
from rewardwrap.data.recorder import Recorder
from tests.data.test_saved import Trap


def short_pendulum() -> gym.Env[Any, Any]:
    return gym.make("Pendulum-v1", max_episode_steps=30)


@pytest.fixture(scope="module")
def trained() -> tuple[SAC, Recorder]:
    venv = Recorder(make_vec_env(short_pendulum, n_envs=2, seed=0))
    settings = {"learning_starts": 10**6, "buffer_size": 400, "device": "cpu", "seed": 0}
    return SAC("MlpPolicy", venv, **settings).learn(200), venv


def lanes(store: EpisodeStore) -> list[tuple[Any, ...]]:
    """Episodes without the order in which they ended."""
    keyed = [
        (
            e.obs.tolist(),
            np.round(e.action, 5).tolist(),
            e.truncated.tolist(),
            e.terminated.tolist(),
        )
        for e in store
    ]
    return sorted(keyed)


def test_a_replay_buffer_holds_what_the_recorder_saw(trained: tuple[SAC, Recorder]) -> None:
    model, recorder = trained
    store, seen = from_replay_buffer(model.replay_buffer).store, recorder.store()
    assert lanes(store) == lanes(seen)
    np.testing.assert_allclose(sorted(store.reward), sorted(seen.reward), rtol=1e-6)
    assert store.truncated.sum() == 6
    assert abs(store.action).max() > 1.5, "actions are the environment's, not scaled to [-1, 1]"


def test_the_saved_file_says_the_same(trained: tuple[SAC, Recorder], tmp_path: Path) -> None:
    model, _ = trained
    model.save_replay_buffer(tmp_path / "buffer.pkl")
    store = read(tmp_path / "buffer.pkl").store
    live = from_replay_buffer(model.replay_buffer, source="buffer.pkl").store
    assert store.fingerprint() == live.fingerprint()
    assert store.action_space == model.action_space


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_protocol_of_pickle_is_read(
    trained: tuple[SAC, Recorder], tmp_path: Path, protocol: int
) -> None:
    buffer = trained[0].replay_buffer
    (tmp_path / "b.pkl").write_bytes(pickle.dumps(buffer, protocol=protocol))
    assert lanes(read(tmp_path / "b.pkl").store) == lanes(from_replay_buffer(buffer).store)


def test_a_full_buffer_starts_with_its_oldest_row() -> None:
    buffer = ReplayBuffer(3, spaces.Box(-9, 9, (1,)), spaces.Discrete(3), device="cpu")
    for t in range(5):
        row = np.array([[float(t)]]), np.array([[t + 1.0]]), np.array([t % 3])
        buffer.add(*row, np.array([t]), np.array([t == 3]), [{}])
    reading = from_replay_buffer(buffer)
    assert reading.store.episode(0).obs.ravel().tolist() == [2, 3, 4]
    assert reading.store.action.tolist() == [2, 0, 1]
    assert reading.store.terminated.tolist() == [False, True, False]
    assert reading.notes[0].check == "beginnings"


def test_dict_observations_and_discrete_ones_are_read(tmp_path: Path) -> None:
    inner = {"where": spaces.Discrete(9), "eye": spaces.Box(0, 255, (2, 2), np.uint8)}
    buffer = DictReplayBuffer(8, spaces.Dict(inner), spaces.MultiDiscrete([2, 3]), device="cpu")
    for t in range(4):
        now, after = (
            {"where": np.array([[x]]), "eye": np.full((1, 2, 2), x, np.uint8)} for x in (t, t + 1)
        )
        buffer.add(now, after, np.array([[1, 2]]), np.array([1.0]), np.array([t == 3]), [{}])
    save_to_pkl(tmp_path / "b.pkl", buffer)
    store = read(tmp_path / "b.pkl").store
    assert store.obs["where"].tolist() == [0, 1, 2, 3, 4]
    assert store.obs["eye"].shape == (5, 2, 2)
    assert store.observation_space == spaces.Dict(inner)
    assert store.action.shape == (4, 2)


def test_a_buffer_that_lost_terminal_observations_is_refused() -> None:
    lean = ReplayBuffer(
        *(4, spaces.Box(-1, 1, (1,)), spaces.Discrete(2)),
        device="cpu",
        optimize_memory_usage=True,
        handle_timeout_termination=False,
    )
    with pytest.raises(DataError, match="got optimize_memory_usage=True"):
        from_replay_buffer(lean)


def test_an_empty_buffer_and_one_blind_to_time_limits_say_so() -> None:
    blind = ReplayBuffer(
        *(4, spaces.Box(-1, 1, (1,)), spaces.Discrete(2)),
        device="cpu",
        handle_timeout_termination=False,
    )
    with pytest.raises(DataError, match="replay buffer must hold a step"):
        from_replay_buffer(blind)
    row = np.zeros((1, 1))
    blind.add(row, row, np.array([0]), np.array([0.0]), np.array([True]), [{}])
    assert "does not tell time limits" in from_replay_buffer(blind).notes[0].sentence


@pytest.mark.parametrize("read_by_learner", [False, True])
def test_a_rollout_buffer_says_what_it_lost(read_by_learner: bool) -> None:
    venv = Recorder(make_vec_env(short_pendulum, n_envs=2, seed=0))
    model = A2C("MlpPolicy", venv, n_steps=40, device="cpu", seed=0)
    model.learn(80)
    seen = recorded = venv.store()
    if read_by_learner:
        next(iter(model.rollout_buffer.get(80)))
    reading = from_rollout_buffer(model.rollout_buffer)
    assert reading.store.lengths.tolist() == [30, 10, 30, 10]
    np.testing.assert_allclose(
        reading.store.episode(0).obs[:-1], recorded.episode(0).obs[:-1], rtol=1e-6
    )
    np.testing.assert_allclose(reading.store.episode(0).action, seen.episode(0).action, rtol=1e-6)
    assert np.flatnonzero(np.isnan(reading.store.reward)).tolist() == [29, 69]
    assert reading.notes[0].check == "rewards"


def test_a_rollout_buffer_with_the_observation_behind_it_loses_less() -> None:
    model = A2C("MlpPolicy", make_vec_env(short_pendulum, seed=0), n_steps=10, device="cpu")
    with pytest.raises(DataError, match="rollout buffer must be full, got 0 of 10"):
        from_rollout_buffer(model.rollout_buffer)
    model.learn(10)
    store = from_rollout_buffer(model.rollout_buffer, last_obs=model._last_obs).store
    np.testing.assert_array_equal(store.episode(0).obs[-1], model._last_obs[0])
    assert not store.info["successor_unknown"].any()


def test_the_buffer_of_a_checkpoint_needs_its_spaces(
    trained: tuple[SAC, Recorder], tmp_path: Path
) -> None:
    model, _ = trained
    buffer = model.replay_buffer
    names = ("observations", "next_observations", "actions", "rewards", "dones", "timeouts")
    arrays = {n: np.ascontiguousarray(getattr(buffer, n)[: buffer.size()]) for n in names}
    path = tmp_path / "replay.safetensors"
    save_file(arrays | {"place": np.array([buffer.pos, int(buffer.full)])}, path)
    with pytest.raises(DataError, match="must be read with its environment, got none"):
        read(path)
    options = Options(observation_space=model.observation_space, action_space=model.action_space)
    assert lanes(read(path, options).store) == lanes(from_replay_buffer(buffer).store)
    assert lanes(read(tmp_path, options).store) == lanes(from_replay_buffer(buffer).store)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DataError, match="must be a whole safetensors file"):
        read(path, options)


def test_a_discrete_learner_is_read_too() -> None:
    venv = Recorder(make_vec_env("CartPole-v1", seed=0))
    model = DQN("MlpPolicy", venv, learning_starts=10**6, buffer_size=200, device="cpu", seed=0)
    model.learn(60)
    assert lanes(from_replay_buffer(model.replay_buffer).store) == lanes(venv.store())


def test_a_hindsight_buffer_is_read_from_its_file(tmp_path: Path) -> None:
    venv = Recorder(make_vec_env(lambda: BitFlippingEnv(n_bits=4, max_steps=5), 2, seed=0))
    settings = {"learning_starts": 10**6, "buffer_size": 500, "device": "cpu", "seed": 0}
    model = DQN("MultiInputPolicy", venv, replay_buffer_class=HerReplayBuffer, **settings)
    model.learn(40)
    model.save_replay_buffer(tmp_path / "her.pkl")
    store, seen = read(tmp_path / "her.pkl").store, venv.store()
    assert sorted(store.lengths) == sorted(seen.lengths)
    assert store.observation_space == venv.observation_space
    assert store.obs["desired_goal"].sum() == seen.obs["desired_goal"].sum()


class _Eval:
    def __reduce__(self) -> object:
        return eval, ("__import__('pathlib').Path('sprung').touch()",)


class _System:
    def __reduce__(self) -> object:
        return os.system, ("touch sprung",)


class _State:
    """Hostile on BUILD rather than on REDUCE."""

    def __reduce__(self) -> object:
        return Path, ("x",), {"observations": _System()}


@pytest.mark.parametrize("hostile", [_Eval(), _System(), _State(), [_System()], {"a": _Eval()}])
def test_a_hostile_pickle_runs_nothing(
    hostile: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b.pkl").write_bytes(pickle.dumps(hostile))
    with pytest.raises(DataError, match="[Nn]othing in it was executed|buffer must hold spaces"):
        read(tmp_path / "b.pkl")
    assert not (tmp_path / "sprung").exists()


def test_a_trap_inside_a_real_buffer_runs_nothing(
    trained: tuple[SAC, Recorder], tmp_path: Path
) -> None:
    buffer = from_replay_buffer(trained[0].replay_buffer).store
    state = {**trained[0].replay_buffer.__dict__, "extra": Trap(tmp_path / "sprung")}
    armed = ReplayBuffer.__new__(ReplayBuffer)
    armed.__dict__.update(state)
    save_to_pkl(tmp_path / "b.pkl", armed)
    assert lanes(read(tmp_path / "b.pkl").store) == lanes(buffer)
    armed.rewards = Trap(tmp_path / "sprung")  # type: ignore[assignment]
    save_to_pkl(tmp_path / "b.pkl", armed)
    with pytest.raises(DataError, match="must hold a whole buffer"):
        read(tmp_path / "b.pkl")
    assert not (tmp_path / "sprung").exists()


HANDWRITTEN = [
    b"cos\nsystem\n(S'touch sprung'\ntR.",  # GLOBAL and REDUCE
    b"(S'touch sprung'\nios\nsystem\n.",  # INST
    b"(cos\nsystem\nS'touch sprung'\no.",  # OBJ
    b"cbuiltins\ngetattr\n(cos\nsystem\nS'__call__'\ntR(S'touch sprung'\ntR.",
    b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x0ctouch sprung\x85\x81.",  # NEWOBJ
    b"Ptouch\n.",  # a persistent id
    b"\x82\x01.",  # an extension code
    b"cnumpy\ndtype\n(S'O'\ntR.",
    b"",
    b"\x80\x05\x95",
    b"not a pickle at all",
]


@pytest.mark.parametrize("content", HANDWRITTEN)
def test_handwritten_opcodes_run_nothing_and_are_one_sentence(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b.pkl").write_bytes(content)
    with pytest.raises(DataError, match="buffer"):
        read(tmp_path / "b.pkl")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("left", [0.01, 0.5, 0.999])
def test_a_pickle_cut_short_is_one_sentence(
    trained: tuple[SAC, Recorder], tmp_path: Path, left: float
) -> None:
    content = pickle.dumps(trained[0].replay_buffer)
    (tmp_path / "b.pkl").write_bytes(content[: int(len(content) * left)])
    with pytest.raises(DataError, match="must be a whole pickled buffer"):
        read(tmp_path / "b.pkl")


def test_bytes_that_do_not_fill_their_array_are_refused(tmp_path: Path) -> None:
    import numpy._core.numeric as numeric

    class Lie:
        def __reduce__(self) -> object:
            return numeric._frombuffer, (b"1234", np.dtype("f8"), (1000,), "C")

    (tmp_path / "b.pkl").write_bytes(pickle.dumps({"rewards": Lie()}, protocol=4))
    with pytest.raises(DataError, match="nothing in it was executed"):
        read(tmp_path / "b.pkl")


def test_stand_ins_know_only_their_name() -> None:
    note = type("system", (Inert,), {"origin": "os.system"})("touch sprung")
    assert isinstance(note, Inert)
    assert note.given == ("touch sprung",)
