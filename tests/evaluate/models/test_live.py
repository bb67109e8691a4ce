"""The page of a reward model that follows a run."""

from __future__ import annotations

import re

import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.adapters.logging import LogTerms
from rewardwrap.cli import main
from rewardwrap.core.errors import ConfigError
from rewardwrap.evaluate.models.live import LEAST, ordered_alike, read_run
from rewardwrap.nets.folder import load_model
from rewardwrap.nets.reward_recipe import fit_regression

HEAD = '#{"t_start": 0.0, "env_id": "Pendulum-v1"}\n'


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    from tests.nets.conftest import pendulum

    store = pendulum(12, seed=5)
    base = tmp_path_factory.mktemp("live")
    store.save(base / "data")
    return fit_regression(store, hidden=(8,), epochs=3).save(base / "model")


def write(folder, rows, names="r,l,t,step,shaped,term_learned"):
    folder.mkdir(exist_ok=True)
    lines = [",".join(str(value) for value in row) for row in rows]
    (folder / "monitor.csv").write_text(HEAD + "\n".join([names, *lines, ""]))
    return folder


def rows(count, *, sign=1.0):
    return [(-100.0 + i, 100, 0.1 * i, 100 * (i + 1), sign * i, sign * i) for i in range(count)]


def test_order_by_hand():
    assert ordered_alike([1, 2, 3], [10, 20, 30]) == 1.0
    assert ordered_alike([3, 2, 1], [10, 20, 30]) == 0.0
    assert ordered_alike([1, 1, 2], [10, 20, 30]) == pytest.approx(2.5 / 3)
    assert ordered_alike([1, 2], [5, 5]) is None


@pytest.mark.parametrize(("sign", "order"), [(1.0, 1.0), (-1.0, 0.0)])
def test_a_model_that_pays_against_the_truth_shows(tmp_path, model, sign, order):
    live = read_run(write(tmp_path / "run", rows(30, sign=sign)), load_model(model))
    assert live.order[-1] == (3000, order)
    assert live.order[0][0] == 100 * LEAST
    assert (live.step, live.term) == (3000, "term_learned")
    assert live.scalars()["reward_model/live/order"] == order


def test_pay_that_no_training_episode_had_is_counted(tmp_path, model):
    loaded = load_model(model)
    known = np.array(loaded.metrics["reference"]["rows"])[:, 0]
    inside, above = known.mean() * 100, (known.max() + 1) * 100
    made = [(0.0, 100, 0, 100, paid, paid) for paid in (inside, inside, inside, above)]
    assert read_run(write(tmp_path / "run", made), loaded).outside == 0.25


def test_a_line_that_is_being_written_is_left_for_the_next_time(tmp_path, model):
    run = write(tmp_path / "run", rows(10))
    with (run / "monitor.csv").open("a") as file:
        file.write("-3.0,100")
    assert len(read_run(run, load_model(model)).steps) == 10


def test_a_run_that_has_not_begun_is_no_error(tmp_path, model):
    (tmp_path / "run").mkdir()
    assert "not finished an episode" in read_run(tmp_path / "run", load_model(model)).notes[0]


def test_a_run_and_a_term_must_exist(tmp_path, model):
    with pytest.raises(ConfigError, match="must name the folder of a run"):
        read_run(tmp_path / "no", load_model(model))
    run = write(tmp_path / "run", rows(3))
    with pytest.raises(ConfigError, match='term of the run, got "x". It has: learned'):
        read_run(run, load_model(model), term="x")


def test_a_training_is_followed_with_its_shares_and_its_model(tmp_path, model, capsys):
    from stable_baselines3 import PPO
    from stable_baselines3.common.logger import configure

    venv = rw.make("Pendulum-v1", rw.Learned(model) + 0.1 * rw.EnvReward(), n_envs=2, seed=0)
    agent = PPO("MlpPolicy", venv, n_steps=256, n_epochs=1, seed=0)
    agent.set_logger(configure(str(tmp_path / "run"), ["tensorboard"]))
    agent.learn(2048, callback=LogTerms())
    other = [(-9.0 + i, 200, i, 400 * (i // 2 + 1), -1.0 + i, -2.0 + i) for i in range(10)]
    write(tmp_path / "run", other)
    loaded = load_model(model)
    live = read_run(tmp_path / "run", loaded)
    assert live.version == loaded.version
    assert "learned" in live.shares
    assert not live.notes
    data, out = model.parent / "data", tmp_path / "v"
    args = ["--out", str(out), "--follow", str(tmp_path / "run"), "--idle", "0"]
    assert main(["validate", str(model), str(data), *args]) == 0
    page = (out / "validation.html").read_text()
    assert f"paid by model {loaded.version}" in page
    assert "http-equiv" not in page
    assert page.count("<svg") >= 5
    assert list((out / "tensorboard" / "live").glob("events*"))
    assert "Following" in capsys.readouterr().out


def test_the_page_loads_itself_again_while_the_run_goes_on(tmp_path, model):
    from rewardwrap.data import EpisodeStore
    from rewardwrap.evaluate.models.page import render
    from rewardwrap.evaluate.models.validation import validate

    loaded = load_model(model)
    live = read_run(write(tmp_path / "run", rows(30)), loaded)
    found = validate(loaded, EpisodeStore.load(model.parent / "data"))
    page = render(found, loaded, live=live, refresh=5)
    assert re.search(r'<meta http-equiv="refresh" content="5">', page)
    assert "The run, live" in page
    assert "http://" not in page.replace("http://www.w3.org", "")


@pytest.mark.parametrize("flag", [["--every", "0"], ["--idle", "-1"]])
def test_times_that_make_no_sense_are_refused(model, flag, capsys):
    args = ["validate", str(model), str(model.parent / "data"), "--follow", "x", *flag]
    assert main(args) == 2
    assert "--every must be at least 1" in capsys.readouterr().err


def test_another_model_in_the_run_is_named(tmp_path, model):
    from torch.utils.tensorboard import SummaryWriter

    run = write(tmp_path / "run", rows(10))
    writer = SummaryWriter(str(run))
    writer.add_text("reward/model_version", "0123456789ab", 1)
    writer.close()
    assert "paid by model 0123456789ab" in read_run(run, load_model(model)).notes[0]
