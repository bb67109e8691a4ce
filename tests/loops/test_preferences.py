"""Preferences while an agent learns: asked, fitted, judged, deployed, and never lost."""

from __future__ import annotations

import ast
import signal
import textwrap
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch
from stable_baselines3 import DQN, PPO, SAC
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import KVWriter, Logger
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecNormalize

import rewardwrap as rw
from rewardwrap.annotate.annotator import Synchronous
from rewardwrap.annotate.judgements import add_answers
from rewardwrap.annotate.rule import Taught
from rewardwrap.annotate.teachers import Teacher
from rewardwrap.core.errors import ConfigError, StackError, UnknownName
from rewardwrap.data import EpisodeStore, Fragments, Preferences
from rewardwrap.loops.deployment import NOBODY, Deployed, reset_critic
from rewardwrap.loops.relabelling import paid
from rewardwrap.testing import DictChain
from tests.processes import ended

SMALL = {"members": 2, "hidden": (16,), "epochs": 1, "updates": 60, "lr": 3e-3}


def pendulum(limit=30):
    return gym.make("Pendulum-v1", max_episode_steps=limit)


def short():
    return pendulum(8)


def loop_of(folder, **options):
    usual = {"queries": 60, "every": 128, "length": 5, "first": 0.5, "least": 4, "fit": SMALL}
    return rw.PreferenceLoop(folder, **{**usual, **options})


def ppo(loop, *, lanes=2, make=pendulum, above=None, **options):
    venv = rw.wrap(DummyVecEnv([make] * lanes), loop.reward)
    usual = {"n_steps": 64, "batch_size": 64, "n_epochs": 1, "seed": 0, "device": "cpu"}
    return PPO("MlpPolicy", above(venv) if above else venv, **{**usual, **options})


def sac(loop, *, lanes=1, make=pendulum, **options):
    venv = rw.wrap(DummyVecEnv([make] * lanes), loop.reward)
    usual = {"learning_starts": 100, "batch_size": 16, "seed": 0, "device": "cpu"}
    net = {"policy_kwargs": {"net_arch": [16]}}
    return SAC("MlpPolicy", venv, **{**usual, **net, **options})


class Kept(KVWriter):
    """Everything that was written to the log."""

    def __init__(self):
        self.rows = []

    def write(self, key_values, key_excluded, step=0):
        self.rows.append(dict(key_values))

    def close(self):
        pass


def logged(learner):
    kept = Kept()
    learner.set_logger(Logger(None, [kept]))
    return kept


def events(loop, name):
    return [e for e in loop.folder.journal() if e["event"] == name]


class Watch(BaseCallback):
    """Calls a function with the loop's adapter at every step and at every border of a rollout."""

    def __init__(self, on_step=None, on_start=None, on_end=None):
        super().__init__()
        self._calls = on_step, on_start, on_end

    def _on_step(self):
        if self._calls[0]:
            self._calls[0](self)
        return True

    def _on_rollout_start(self):
        if self._calls[1]:
            self._calls[1](self)

    def _on_rollout_end(self):
        if self._calls[2]:
            self._calls[2](self)


class Liar(Synchronous):
    """Right about everything until round ``lies_from``; then wrong about all clips to train on."""

    def __init__(self, lies_from):
        super().__init__("liar")
        self.rounds, self.lies_from = 0, lies_from
        self._truth = Teacher()

    def answer(self, query):
        self.rounds += 1
        said = self._truth.answer(query.a, query.b, np.random.default_rng(0))
        train = query.a.store.source[query.a.episode] == "train"
        return np.where(train & (self.rounds >= self.lies_from), 1 - said, said)


class Late(Taught):
    """Answers once it was polled so many times, then one round at a time."""

    def __init__(self, polls):
        super().__init__(Teacher(), seed=0)
        self.polls = polls

    def poll(self):
        self.polls -= 1
        return self._waiting.pop(0) if self.polls < 0 and self._waiting else None


# --- the loop -----------------------------------------------------------------------------------


def test_ppo_asks_fits_and_is_paid_by_the_newest_model(tmp_path):
    loop = loop_of(tmp_path / "out")
    learner = ppo(loop)
    kept = logged(learner)
    learner.learn(512, callback=[loop, rw.LogTerms()])
    assert len(loop.answers) == 60
    assert [sum((e["train"], e.get("heldout", 0))) for e in events(loop, "ask")] == [30, 15, 15]
    assert loop.reward.version == rw.Learned(loop.path).version
    versions = [row["reward/model_version"] for row in kept.rows]
    assert versions[0] == NOBODY or versions[0] == events(loop, "deploy")[0]["version"]
    assert versions[-1] == loop.reward.version
    last = kept.rows[-1]
    assert last["preferences/answered"] == 60
    assert 0 <= last["preferences/heldout_accuracy"] <= 1
    assert 0 <= last["preferences/agreement"] <= 1


def test_the_true_return_stays_that_of_the_environment(tmp_path):
    loop = loop_of(tmp_path / "out")
    venv = rw.make("Pendulum-v1", loop.reward, n_envs=2, seed=0)
    learner = PPO("MlpPolicy", venv, n_steps=128, batch_size=64, n_epochs=1, seed=0, device="cpu")
    kept = logged(learner)
    learner.learn(1024, callback=[loop, rw.LogTerms()])
    last = kept.rows[-1]
    assert loop.reward.ready
    assert last["rollout/ep_true_rew_mean"] == pytest.approx(last["rollout/ep_rew_mean"], rel=1e-5)
    assert last["rollout/ep_shaped_rew_mean"] != pytest.approx(last["rollout/ep_rew_mean"], rel=0.1)


def test_the_reward_is_frozen_inside_a_rollout(tmp_path):
    loop = loop_of(tmp_path / "out")
    inside, rollouts = [], []
    watch = Watch(
        on_start=lambda w: inside.clear(),
        on_step=lambda w: inside.append(loop.reward.version),
        # callbacks run in order, so the loop has exchanged the model already
        on_end=lambda w: rollouts.append(set(inside)),
    )
    ppo(loop).learn(512, callback=[loop, watch])
    assert all(len(versions) == 1 for versions in rollouts)
    assert len(set.union(*rollouts)) >= 3


def test_a_time_limit_is_bootstrapped_on_top_of_the_learned_reward(tmp_path):
    """SB3 adds gamma V(terminal) after the env paid, so a reward in the env keeps it."""
    loop = loop_of(tmp_path / "out", length=4)
    learner = ppo(loop, make=short, gamma=0.9)
    paid_then, ends = [], []

    def note(watch):
        paid_then.append(loop._adapter.reward_terms[:, -1].copy())
        infos = watch.locals["infos"]
        ends.append([info.get("terminal_observation") for info in infos])

    def compare(watch):
        buffer = learner.rollout_buffer
        extra = buffer.rewards - np.array(paid_then[-64:], np.float32)
        for t, lanes in enumerate(ends[-64:]):
            for lane, final in enumerate(lanes):
                if final is None:
                    assert extra[t, lane] == pytest.approx(0, abs=1e-6)
                else:
                    with torch.no_grad():
                        value = learner.policy.predict_values(torch.as_tensor(final)[None])
                    assert extra[t, lane] == pytest.approx(0.9 * float(value), abs=1e-5)

    learner.learn(384, callback=[loop, Watch(on_step=note, on_end=compare)])
    assert loop.reward.ready


def test_scale_and_shift_are_frozen_until_the_next_model(tmp_path):
    loop = loop_of(tmp_path / "out", queries=40, first=1.0)
    learner = ppo(loop)
    learner.learn(256, callback=loop)
    clips = loop.answers.of("train").store.transitions()
    each = loop.reward.members(clips)
    assert each.mean(axis=1) == pytest.approx(np.zeros(2), abs=1e-4)
    assert each.std(axis=1) == pytest.approx(np.ones(2), abs=1e-4)
    version = loop.reward.version
    learner.learn(256, callback=loop, reset_num_timesteps=False)
    assert loop.reward.version == version
    assert np.array_equal(loop.reward.members(clips), each)


@pytest.mark.parametrize("lanes", [1, 2])
def test_sac_finds_its_whole_buffer_relabelled(tmp_path, lanes):
    loop = loop_of(tmp_path / "out", every=100)
    learner = sac(loop, lanes=lanes)
    gaps = []

    def compare(watch):
        if loop.reward.ready:
            size = learner.replay_buffer.size()
            now = paid(learner.replay_buffer, loop.reward, np.arange(size))
            gaps.append(float(np.abs(now - learner.replay_buffer.rewards[:size]).max()))

    learner.learn(320, callback=[loop, Watch(on_end=compare)])
    assert len(events(loop, "deploy")) >= 2
    assert max(gaps) < 1e-5


def test_dqn_learns_from_clips_of_dict_observations(tmp_path):
    loop = loop_of(tmp_path / "out", every=100, length=2, queries=30)
    venv = rw.wrap(DummyVecEnv([DictChain] * 2), loop.reward)
    learner = DQN("MultiInputPolicy", venv, learning_starts=50, seed=0, device="cpu",
                  policy_kwargs={"net_arch": [8]})  # fmt: skip
    learner.learn(300, callback=loop)
    assert loop.reward.ready
    size = learner.replay_buffer.size()
    now = paid(learner.replay_buffer, loop.reward, np.arange(size))
    assert np.abs(now - learner.replay_buffer.rewards[:size]).max() < 1e-5


def test_workers_in_other_processes_are_paid_by_the_new_model_too(tmp_path):
    loop = loop_of(tmp_path / "out")
    venv = rw.wrap(SubprocVecEnv([pendulum] * 2, start_method="fork"), loop.reward)
    learner = PPO("MlpPolicy", venv, n_steps=64, batch_size=64, n_epochs=1, seed=0, device="cpu")
    learner.learn(256, callback=loop)
    assert loop.reward.ready
    now = loop.reward.version
    learner.learn(128, callback=loop, reset_num_timesteps=False)
    assert now != NOBODY
    assert loop._adapter.reward_terms[:, -1] == pytest.approx(loop.reward(venv.last_step), abs=1.5)
    venv.close()


def test_under_a_normaliser_clips_hold_what_the_environment_showed(tmp_path):
    loop = loop_of(tmp_path / "out")
    learner = ppo(loop, above=lambda venv: VecNormalize(venv, norm_reward=False))
    learner.learn(256, callback=loop)
    obs = loop.answers.of("train").store.obs
    assert np.hypot(obs[:, 0], obs[:, 1]) == pytest.approx(np.ones(len(obs)), abs=1e-5)


def test_a_learned_part_of_a_sum_is_exchanged_alone(tmp_path):
    loop = loop_of(tmp_path / "out")
    venv = rw.wrap(DummyVecEnv([pendulum]), 0.1 * rw.EnvReward().named("scaled") + loop.reward)
    learner = PPO("MlpPolicy", venv, n_steps=64, batch_size=64, n_epochs=1, seed=0, device="cpu")
    learner.learn(320, callback=[loop, rw.LogTerms()])
    assert loop.reward.ready
    terms = dict(zip(venv.term_names, venv.reward_terms[0], strict=True))
    assert terms["shaped"] == pytest.approx(0.1 * terms["env"] + terms["learned"])


@pytest.mark.parametrize(
    "selection", ["disagreement", "k-center", lambda gaps, budget, rng: np.arange(budget)]
)
def test_pairs_can_be_chosen_by_what_the_members_dispute(tmp_path, selection):
    loop = loop_of(tmp_path / "out", selection=selection)
    ppo(loop).learn(384, callback=loop)
    assert len(loop.answers) == 60
    assert loop.reward.ready


@pytest.mark.parametrize("teacher", ["mistake", "noisy", "skip", "myopic", "equal"])
def test_every_synthetic_teacher_answers(tmp_path, teacher):
    loop = loop_of(tmp_path / "out", teacher=teacher)
    ppo(loop).learn(384, callback=loop)
    assert 30 <= len(loop.answers) <= 60
    assert loop.reward.ready


# --- the gate -----------------------------------------------------------------------------------


def test_a_model_of_bad_labels_is_rolled_back(tmp_path):
    loop = loop_of(tmp_path / "out", teacher=Liar(2), queries=240, first=0.25, least=8)
    learner = ppo(loop)
    kept = logged(learner)
    learner.learn(384, callback=loop)
    assert [e["event"] for e in loop.folder.journal() if e["event"] in ("deploy", "roll back")] == [
        "deploy",
        "roll back",
    ]
    good, bad = events(loop, "deploy")[0], events(loop, "roll back")[0]
    assert loop.reward.version == good["version"] != bad["version"]
    assert "accuracy" in bad["why"]
    assert kept.rows[-1]["preferences/rolled_back"] == 1
    assert kept.rows[-1]["reward/model_version"] == good["version"]
    # the candidate is kept for whoever wants to know
    assert (tmp_path / "out" / "models" / bad["model"] / "model.json").is_file()
    # and its labels are not lost either
    assert len(loop.answers) == 240


def test_an_annotator_without_a_clue_deploys_nothing(tmp_path):
    class Clueless(Synchronous):
        def answer(self, query):
            held = query.a.store.source[query.a.episode] == "heldout"
            truth = Teacher().answer(query.a, query.b, np.random.default_rng(0))
            return np.where(held, 1 - truth, truth)

    loop = loop_of(tmp_path / "out", teacher=Clueless("dice"), queries=100, first=1.0)
    ppo(loop).learn(256, callback=loop)
    assert not loop.reward.ready
    assert "of a coin" in events(loop, "roll back")[0]["why"]


# --- answers that come late ---------------------------------------------------------------------


def test_waiting_for_answers_blocks_nothing(tmp_path):
    loop = loop_of(tmp_path / "out", teacher=Late(8), every=128)
    learner = ppo(loop)
    learner.learn(1024, callback=loop)
    assert learner.num_timesteps == 1024
    asked, answered = events(loop, "ask"), events(loop, "answers")
    assert answered[0]["step"] > asked[0]["step"]
    assert loop.reward.ready


def test_answers_that_come_at_the_very_end_are_kept(tmp_path):
    loop = loop_of(tmp_path / "out", teacher=Late(5), queries=30, first=1.0)
    ppo(loop).learn(256, callback=loop)
    assert not loop.reward.ready
    loop.questions.annotator.polls = 0
    loop._on_training_end()
    assert len(loop.answers) == 30
    assert len(loop_of(tmp_path / "out").answers) == 30


def label(folder, rounds):
    """Answer whole rounds as a person would whose page is open."""
    for number in rounds:
        place = folder / "questions" / f"{number:04d}"
        store = EpisodeStore.load(place / "clips")
        clips = [
            Fragments(store, half, np.zeros(len(half), int), store.lengths[half])
            for half in (np.arange(0, len(store), 2), np.arange(1, len(store), 2))
        ]
        said = (clips[1].returns() > clips[0].returns()).astype(float)
        said[0] = np.nan
        add_answers(place / "judgements.sqlite", Preferences(*clips, said), labeler="Ann")


def test_people_answer_rounds_while_training_goes_on(tmp_path):
    loop = loop_of(tmp_path / "out", teacher="people")
    learner = ppo(loop)
    learner.learn(512, callback=loop)
    assert loop.questions.waiting == 60
    assert not len(loop.answers)
    command = (tmp_path / "out" / "questions" / "0001" / "label.txt").read_text()
    assert command.startswith("rewardwrap label ")
    assert command.endswith("judgements.sqlite --pairs 30 --length 5\n")
    label(tmp_path / "out", [2, 1])
    learner.learn(128, callback=loop, reset_num_timesteps=False)
    # one question of each round was skipped, and a third round waits
    assert len(loop.answers) == 43
    assert loop.reward.ready


def test_people_are_not_asked_twice_when_a_loop_is_resumed(tmp_path):
    loop = loop_of(tmp_path / "out", teacher="people")
    learner = ppo(loop)
    learner.learn(384, callback=loop)
    label(tmp_path / "out", [1])
    learner.learn(64, callback=loop, reset_num_timesteps=False)
    assert len(loop.answers) == 29
    waiting = loop.questions.waiting
    loop.questions.annotator.close()
    again = loop_of(tmp_path / "out", teacher="people")
    # the skipped question is open again
    assert again.questions.waiting == waiting + 1
    ppo(again).learn(128, callback=again)
    assert len(again.answers) == 29
    again.questions.annotator.close()


# --- resumed ------------------------------------------------------------------------------------


def test_a_loop_goes_on_where_its_folder_is(tmp_path):
    loop = loop_of(tmp_path / "out", queries=40)
    ppo(loop).learn(256, callback=loop)
    before = len(loop.answers)
    again = loop_of(tmp_path / "out", queries=80)
    assert again.reward.version == loop.reward.version
    assert len(again.answers) == before
    ppo(again).learn(512, callback=again)
    assert len(again.answers) == 80
    assert events(again, "start")[1]["answered"] == before


KILLED = """
    import os, signal, sys
    import gymnasium as gym, rewardwrap as rw, torch
    from stable_baselines3 import PPO
    from stable_baselines3.common.vec_env import DummyVecEnv
    from rewardwrap.loops import preferences as learning_loop

    torch.set_num_threads(1)
    found = learning_loop.fit_answers

    def fit_or_die(train, held, **options):
        if len(train) > 30:
            os.kill(os.getpid(), signal.SIGKILL)
        return found(train, held, **options)

    learning_loop.fit_answers = fit_or_die
    loop = rw.PreferenceLoop(sys.argv[1], queries=60, every=128, length=5, first=0.5,
                             fit={"members": 1, "hidden": (8,), "epochs": 1, "updates": 20})
    make = lambda: gym.make("Pendulum-v1", max_episode_steps=30)
    env = rw.wrap(DummyVecEnv([make] * 2), loop.reward)
    PPO("MlpPolicy", env, n_steps=64, batch_size=64, n_epochs=1, device="cpu").learn(2000, loop)
"""


def test_a_killed_training_loses_no_answer(tmp_path):
    done = ended(textwrap.dedent(KILLED), str(tmp_path / "out"), cwd=tmp_path, code=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    with (tmp_path / "out" / "journal.jsonl").open("a") as file:
        file.write('{"event": "depl')
    loop = loop_of(tmp_path / "out", fit={**SMALL, "members": 1, "hidden": (8,)})
    noted = [e["count"] for e in loop.folder.journal() if e["event"] == "answers"]
    assert len(loop.answers) == sum(noted) > 36
    assert loop.reward.ready
    ppo(loop).learn(256, callback=loop)
    assert len(loop.answers) == 60
    assert loop.folder.journal()[-1]["event"] == "end"


def test_a_saved_reward_pays_like_the_running_model(tmp_path):
    loop = loop_of(tmp_path / "out")
    rw.save(loop.reward, tmp_path / "early")
    ppo(loop).learn(256, callback=loop)
    rw.save(loop.reward, tmp_path / "saved")
    read = rw.load(tmp_path / "saved")
    assert read.version == loop.reward.version
    rows = loop.answers.of("train").store.transitions()
    assert np.array_equal(read(rows), loop.reward(rows))
    loop.reward.load_state_dict(read.state_dict())


# --- PEBBLE -------------------------------------------------------------------------------------


def test_pebble_explores_then_relabels_and_forgets_its_critic(tmp_path):
    fit = {**SMALL, "updates": 300}
    options = {"queries": 40, "every": 150, "length": 5, "least": 4, "fit": fit, "updates": 5}
    loop = rw.PreferenceLoop.pebble(tmp_path / "out", **options)
    learner = sac(loop)
    before, explored = [], []

    def note(watch):
        if not loop.reward.ready:
            explored.append(loop._adapter.reward_terms[0, -1])
            before[:] = [p.detach().clone() for p in learner.critic.parameters()]

    learner.learn(200, callback=[loop, Watch(on_step=note)])
    assert loop.questions.selection == "disagreement"
    assert len(explored) == 150
    assert np.std(explored) > 0
    assert loop.reward.ready
    now = [p.detach() for p in learner.critic.parameters()]
    changed = [float((a - b).abs().max()) for a, b in zip(before, now, strict=True)]
    # few gradient steps of 3e-4 move nothing so far
    assert max(changed) > 0.05


def test_a_new_critic_leaves_the_actor_alone(tmp_path):
    learner = sac(loop_of(tmp_path / "out"))
    learner.learn(150)
    actor = {k: v.clone() for k, v in learner.actor.state_dict().items()}
    critic = {k: v.clone() for k, v in learner.critic.state_dict().items()}
    assert learner.critic.optimizer.state
    reset_critic(learner, seed=3)
    assert all(torch.equal(v, actor[k]) for k, v in learner.actor.state_dict().items())
    assert not any(
        torch.equal(v, critic[k]) for k, v in learner.critic.state_dict().items() if "weight" in k
    )
    target = learner.critic_target.state_dict()
    assert all(torch.equal(v, target[k]) for k, v in learner.critic.state_dict().items())
    assert not learner.critic.optimizer.state
    once = {k: v.clone() for k, v in target.items()}
    reset_critic(learner, seed=3)
    assert all(torch.equal(v, once[k]) for k, v in learner.critic_target.state_dict().items())


@pytest.mark.slow
def test_pebble_swings_pendulum_up_with_200_answers(tmp_path):
    found = []
    for seed in range(3):
        loop = rw.PreferenceLoop.pebble(
            tmp_path / str(seed), queries=200, every=1000, keep=4000, seed=seed
        )
        venv = rw.make("Pendulum-v1", loop.reward, seed=seed)
        SAC("MlpPolicy", venv, learning_rate=1e-3, seed=seed, device="cpu").learn(
            10_000, callback=[loop, log := Returns()]
        )
        found.append(np.mean(log.true[-10:]))
        assert len(loop.answers) == 200
    assert np.median(found) >= -250


class Returns(BaseCallback):
    """True returns of finished episodes."""

    def __init__(self):
        super().__init__()
        self.true = []

    def _on_step(self):
        self.true += [i["episode"]["r"] for i in self.locals["infos"] if "episode" in i]
        return True


# --- refused ------------------------------------------------------------------------------------


def test_a_model_of_another_observation_space_is_refused(tmp_path):
    loop = loop_of(tmp_path / "out")
    ppo(loop).learn(256, callback=loop)
    again = loop_of(tmp_path / "out")
    with pytest.raises(ConfigError, match=r"must see observations of shape \(3,\), got \(4,\)"):
        rw.wrap(DummyVecEnv([lambda: gym.make("CartPole-v1")]), again.reward)


def test_answers_about_another_environment_are_refused_before_the_first_step(tmp_path):
    loop = loop_of(tmp_path / "out")
    ppo(loop).learn(256, callback=loop)
    (tmp_path / "out" / "running.json").unlink()
    again = loop_of(tmp_path / "out")
    venv = rw.wrap(DummyVecEnv([lambda: gym.make("CartPole-v1")]), again.reward)
    learner = PPO("MlpPolicy", venv, n_steps=64, device="cpu")
    with pytest.raises(ConfigError, match="must be about this environment"):
        learner.learn(100, callback=again)


def test_a_learner_that_is_paid_by_somebody_else_is_refused(tmp_path):
    loop, other = loop_of(tmp_path / "a"), loop_of(tmp_path / "b")
    with pytest.raises(StackError, match="must find its own reward under the learner"):
        ppo(other).learn(100, callback=loop)


def test_a_critic_that_is_not_there_is_not_reset(tmp_path):
    loop = loop_of(tmp_path / "out", reset_critic=True)
    with pytest.raises(StackError, match="reset_critic must be for a learner with a critic"):
        ppo(loop).learn(100, callback=loop)
    with pytest.raises(StackError, match="must find a critic and its target, got PPO"):
        reset_critic(ppo(loop), seed=0)


def test_what_no_buffer_keeps_is_refused_after_the_first_step(tmp_path):
    loop = loop_of(tmp_path / "out")
    venv = rw.wrap(DummyVecEnv([pendulum]), rw.EnvReward() + loop.reward)
    learner = SAC("MlpPolicy", venv, device="cpu", seed=0)
    with pytest.raises(ConfigError, match="A buffer keeps neither info nor"):
        learner.learn(100, callback=loop)
    assert learner.num_timesteps == 1


def test_exploring_needs_one_array(tmp_path):
    loop = loop_of(tmp_path / "out", explore=True)
    venv = rw.wrap(DummyVecEnv([DictChain]), loop.reward)
    venv.reset()
    with pytest.raises(StackError, match="explore must see observations that are one array"):
        venv.step([0])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"queries": 0}, "queries must be at least 1, got 0"),
        ({"every": 0}, "every must be at least 1, got 0"),
        ({"heldout": 1.0}, r"heldout must lie in \(0, 1\)"),
        ({"delta": -1.0}, "delta and updates be at least 0"),
        ({"schedule": "hyperbolc"}, 'No query schedule "hyperbolc"'),
        ({"first": 2.0}, r"first in \[0, 1\]"),
        ({"teacher": "orcale"}, 'Did you mean "oracle"'),
        ({"teacher": 3}, "must be a name, a Teacher or an annotator with submit and poll"),
        ({"selection": "unifrom"}, 'Did you mean "uniform"'),
        ({"rule": "median"}, "rule"),
    ],
)
def test_settings_that_say_nothing_sensible_are_refused(tmp_path, options, sentence):
    with pytest.raises((ConfigError, UnknownName), match=sentence):
        loop_of(tmp_path / "out", **options)


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(ConfigError, match="folder must be new or that of a loop"):
        loop_of(tmp_path)


@pytest.mark.parametrize("content", ["{", '{"model": 3}', "[]"])
def test_a_running_model_that_cannot_be_named_is_refused(tmp_path, content):
    loop_of(tmp_path / "out")
    (tmp_path / "out" / "running.json").write_text(content)
    with pytest.raises(ConfigError, match="must name a model"):
        loop_of(tmp_path / "out")


def test_a_running_model_that_is_gone_is_refused(tmp_path):
    loop_of(tmp_path / "out")
    (tmp_path / "out" / "running.json").write_text('{"model": "0007"}')
    with pytest.raises(ConfigError, match="must name a folder of models/, got 0007"):
        loop_of(tmp_path / "out")


def test_before_the_first_model_nothing_is_paid(tmp_path):
    reward = Deployed(str(tmp_path / "none"))
    venv = rw.wrap(DummyVecEnv([pendulum]), reward)
    venv.reset()
    assert venv.step(np.zeros((1, 1)))[1] == [0.0]
    assert reward.version == NOBODY


def test_the_example_is_a_preference_loop_in_ten_lines():
    """imitation's tutorial takes 93."""
    source = (Path(__file__).parents[2] / "examples" / "05_learn_from_preferences.py").read_text()
    body = ast.parse(source).body[1:]
    lines = {n for node in body for n in range(node.lineno, node.end_lineno + 1)}
    assert len(lines) <= 10
