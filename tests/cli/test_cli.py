from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from rewardwrap.cli import main
from rewardwrap.compare.document import read
from rewardwrap.training.folder import RunFolder
from tests.processes import Command, ended

REWARD = "- env\n- potential: {phi: {pole_angle: 1.0, bias: 1.0}}\n  name: upright\n"
SMALL = ["-params", "n_steps:32", "batch_size:64", "n_envs:2", "normalize:True"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder to stand in, for commands that need no process of their own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    handler = signal.getsignal(signal.SIGTERM)
    yield tmp_path
    signal.signal(signal.SIGTERM, handler)


def _wait(condition: Any, seconds: float = 300.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], ["train", "--help"], ["compare", "-h"]]
)
def test_help_is_quick_for_it_loads_no_torch(words: list[str]) -> None:
    code = (
        "import sys; from rewardwrap.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'stable_baselines3', 'matplotlib'} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("train --env Hoper-v5", 'No environment "Hoper-v5". Did you mean "Hopper-v5"'),
        ("train", "train must know the environment, got none. Write: rewardwrap train ENV"),
        ("train --env CartPole-v1 --algo ppp", 'No algorithm "ppp". Did you mean "ppo"'),
        ("train --env CartPole-v1 --reward evn", 'No reward "evn". Did you mean "env"'),
        ("train --env CartPole-v1 --reward no.yml", "reward file must exist"),
        ("train --env CartPole-v1 -params gama:1", 'Did you mean "gamma"'),
        ("train --env CartPole-v1 --env-kwargs wind", "--env-kwargs must be key:value"),
        ("train --env CartPole-v1 --catalog no_such_folder", "catalog must be a folder"),
        ("train --env CartPole-v1 --resume", "--resume must find a training"),
        ("train --env CartPole-v1 --reward bad.yml", 'bad.yml:2: No field of constant "valu"'),
        ("train --env CartPole-v1 --reward field.yml", 'No field of CartPole-v1 "pole_angel"'),
        ("train --env CartPole-v1 --reward gamma.yml", "gamma must be one number in a run"),
        ("train --env CartPole-v1 --reward twice.yml", "term names must differ"),
        ("compare CartPole-v1 --reward gamma.yml", "gamma must be one number in a run"),
        ("compare CartPole-v1 --reward {constant:1}", "must have a name"),
        ("compare CartPole-v1 --reward env --reward env", 'got "env" twice'),
        ("compare CartPole-v1 --seeds x", "--seeds: must be how many, or a list"),
        ("compare plan.yml", 'plan.yml:2: a plan must use known keys, got "aglo"'),
        ("eval nowhere", "nowhere must hold a bundle"),
        ("trian CartPole-v1", 'No command "trian". Did you mean "train"'),
        ("regret CartPole-v1", "regret must know the environment, got none."),
        ("envs Hoper-v5", 'No recipe "Hoper-v5". Did you mean "Hopper-v5"'),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    words: str, sentence: str, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "bad.yml").write_text("- env\n- constant: {valu: 1}\n")
    (tmp_path / "field.yml").write_text("field: pole_angel\n")
    (tmp_path / "gamma.yml").write_text("potential: {phi: pole_angle, gamma: 0.5}\n")
    term = "- constant: 1\n  name: a\n"
    (tmp_path / "twice.yml").write_text(term + term)
    (tmp_path / "plan.yml").write_text("env: CartPole-v1\naglo: ppo\n")
    assert main(words.split()) == 2
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert captured.err.startswith("rewardwrap: ")
    assert "Traceback" not in captured.err
    assert not (tmp_path / "logs").exists()
    assert not (tmp_path / "comparisons").exists()


def test_train_then_eval_in_a_new_process_to_the_same_numbers(
    here: Path, monkeypatch: Any, capsys: Any
) -> None:
    tmp_path = here
    (tmp_path / "reward.yml").write_text(REWARD)
    words = ["train", "--algo", "ppo", "--env", "CartPole-v1", "--reward", "reward.yml"]
    words += ["-n", "600", "--seed", "3", "--eval-freq", "200", "-P", "--verbose", "0", *SMALL]
    monkeypatch.setattr(sys, "argv", ["rewardwrap", *words])
    assert main() == 0
    said = capsys.readouterr().out
    assert "true" in said
    assert "shaped" in said
    run = tmp_path / "logs" / "ppo" / "CartPole-v1_1"
    args = yaml.safe_load((run / "CartPole-v1" / "args.yml").read_text())
    assert (args["seed"], args["eval_freq"]) == (3, 200)
    config = yaml.safe_load((run / "CartPole-v1" / "config.yml").read_text())
    assert (config["n_timesteps"], config["normalize"]) == (600, True)
    assert "--seed 3" in (run / "CartPole-v1" / "command.txt").read_text()

    written = json.loads((RunFolder(run).bundle() / "bundle.json").read_text())["scores"]
    played = ended("eval", str(run), "--json", cwd=tmp_path)
    assert played.returncode == 0, played.stderr
    terms = json.loads(played.stdout)["terms"]
    assert terms["env"] == written["true"]
    assert terms["shaped"] == written["shaped"]
    assert main(["eval", str(run), "--which", "last", "--episodes", "2", "--seed", "7"]) == 0
    table = capsys.readouterr().out
    assert "seed 8" in table
    assert "seed 9" not in table


def _step_of(bundle: Path) -> int:
    """The step of a bundle; a second one of the same step is called ``3000_2``."""
    return int(bundle.name.partition("_")[0])


DYING = """
import os, signal
from pathlib import Path

def nothing(obs):
    if any(Path("logs/dqn/CartPole-v1_1/last").glob("[5-9]*")) and not Path("died").exists():
        Path("died").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return 0.0 * obs[:, 0]
"""


def test_a_killed_training_goes_on_from_its_last_checkpoint(here: Path, capsys: Any) -> None:
    tmp_path = here
    (tmp_path / "dying.py").write_text(DYING)
    start = ("train", "--algo", "dqn", "--env", "CartPole-v1", "-n", "3000", "--verbose", "0")
    start = (*start, "--reward", "[env, {function: 'dying:nothing', name: nothing}]")
    small = ("-params", "learning_starts:100", "buffer_size:5000", "train_freq:8", "batch_size:16")
    small = (*small, "gradient_steps:1", "policy_kwargs:dict(net_arch=[8])", "learning_rate:1e-5")
    # it kills itself after a checkpoint: no race with a process that is quicker or slower
    died = ended(*start, "--eval-freq", "250", "--save-freq", "100", *small, cwd=tmp_path)
    assert died.returncode == -signal.SIGKILL, died.stderr
    run = RunFolder(tmp_path / "logs" / "dqn" / "CartPole-v1_1")
    at = _step_of(run.bundle("last"))
    assert 500 <= at < 1000

    assert main(["train", "--resume", str(run.path), "--verbose", "0", "--trust", "dying"]) == 0
    assert f"step {at:,}." in capsys.readouterr().out
    assert 3000 <= _step_of(run.bundle("last")) < 3008
    found = run.evaluations()
    assert found["timesteps"].tolist() == list(range(250, 3001, 250))
    assert np.isfinite(found["results"]).all()
    lines = (run.path / "monitor.csv").read_text().splitlines()[2:]
    steps = [int(line.split(",")[3]) for line in lines]
    assert steps == sorted(set(steps))


def test_an_interrupt_leaves_a_bundle_to_go_on_from(here: Path) -> None:
    tmp_path = here
    process = Command(
        *("train", "--env", "CartPole-v1", "-n", "1000000", "--eval-freq", "500"),
        *("--save-freq", "10000000", "--verbose", "0", *SMALL),
        cwd=tmp_path,
    )
    run = RunFolder(tmp_path / "logs" / "ppo" / "CartPole-v1_1")
    _wait(lambda: run.evaluations().get("timesteps") is not None)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 130, err
    assert f"--resume {run.path.relative_to(tmp_path)}" in out
    step = _step_of(run.bundle("last"))
    more = ["-n", str(step + 300), "--verbose", "0"]
    assert main(["train", "--env", "CartPole-v1", "--resume", *more]) == 0
    assert _step_of(run.bundle("last")) >= step + 300


def test_a_resumed_training_refuses_what_it_would_ignore(
    tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["train", "--env", "CartPole-v1", "--verbose", "0", "--eval-episodes", "1", "--seed"]
    start = [
        *words,
        "0",
        "-n",
        "64",
        "--eval-freq",
        "32",
        "-params",
        "n_envs:1",
        "n_steps:32",
        "batch_size:32",
    ]
    assert main(start) == 0
    for flags in (
        ["--seed", "1"],
        ["--reward", "potential"],
        ["-params", "gamma:0.5"],
        ["--eval-freq", "7"],
        ["--device", "cuda"],
        ["--vec-env", "subproc"],
        ["--catalog", "."],
        ["--noise", "0.5"],
    ):
        resumed = ["train", "--resume", "logs/ppo/CartPole-v1_1", "-n", "128"]
        assert main([*resumed, *flags]) == 2
        assert f"settings of the run, got {flags[0]}" in capsys.readouterr().err.replace(
            "--hyperparams", "-params"
        )
    # what the run had anyway is no wish that is ignored
    assert main([*words, "0", "--resume", "logs/ppo/CartPole-v1_1", "-n", "96"]) == 0


COMPARE = (
    *("compare", "FrozenLake-8x8", "--reward", "env", "--reward", "potential"),
    *("--seeds", "2", "-n", "1024", "--eval-freq", "512", "--eval-episodes", "2"),
    *("--jobs", "2", "--out", "out"),
)


@pytest.mark.usefixtures("undrawn")
def test_a_killed_comparison_goes_on_and_trains_nothing_twice(
    here: Path, monkeypatch: Any, capsys: Any
) -> None:
    tmp_path = here
    # one at a time: the next is under way when it dies
    process = Command(*COMPARE, "--jobs", "1", cwd=tmp_path)
    runs = tmp_path / "out" / "runs"
    _wait(lambda: any(runs.glob("[!.]*/done.json")))
    process.kill()
    process.communicate()
    finished = {f: f.stat().st_mtime_ns for f in runs.glob("[!.]*/done.json")}
    # its workers notice at their next report that nobody listens
    monkeypatch.setattr(sys, "argv", ["rewardwrap", *COMPARE])
    assert main() == 0
    said = capsys.readouterr().out
    assert f"{len(finished)} of 4 runs are finished" in said or len(finished) < 4
    assert {f: f.stat().st_mtime_ns for f in finished} == finished
    assert len(list(runs.glob("[!.]*/done.json"))) == 4
    assert said.rstrip().endswith("Report: out/report.html")
    for name in ("comparison.json", "runs.csv", "report.html"):
        assert (tmp_path / "out" / name).is_file()
    found = read(tmp_path / "out")
    assert found.strategies == ("env", "potential")
    assert found.command.startswith("rewardwrap compare FrozenLake-8x8")
    assert len(found.runs) == 4

    assert main(["eval", str(next(runs.glob("potential*"))), "--json"]) == 0
    terms = json.loads(capsys.readouterr().out)["terms"]
    summary = json.loads((next(runs.glob("potential*")) / "summary.json").read_text())
    assert terms["env"] == summary["episodes"]["true_return"][-1]
    assert terms["shaped"] == summary["episodes"]["shaped_return"][-1]


def test_ctrl_c_stops_a_comparison_and_keeps_what_is_finished(tmp_path: Path) -> None:
    words = [word if word != "1024" else "60000" for word in COMPARE]
    process = Command(*words, cwd=tmp_path)
    runs = tmp_path / "out" / "runs"
    _wait(lambda: any(runs.glob(".tmp-*")))
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 130
    assert "stopped. What is finished is kept." in err
    assert "Traceback" not in err
    assert not list(runs.glob(".tmp-*"))


def test_envs_lists_recipes_and_shows_the_fields_of_one(capsys: Any) -> None:
    assert main(["envs"]) == 0
    assert "Acrobot-v1" in capsys.readouterr().out
    assert main(["envs", "FrozenLake-8x8"]) == 0
    shown = capsys.readouterr().out
    for word in ("row", "cell", "digit[0]", "threshold: 1.0"):
        assert word in shown


def test_rewards_lists_tags_fields_and_what_they_compute(capsys: Any) -> None:
    assert main(["rewards"]) == 0
    shown = capsys.readouterr().out
    for word in ("potential", "on_truncation", "field"):
        assert word in shown


def test_doctor_names_a_command_for_whatever_fails(
    capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a machine that is busy with other things is not one where nothing works
    monkeypatch.setattr("rewardwrap.doctor.TIMEOUT", 600.0)
    assert main(["doctor", "--json"]) == 0
    found = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)}
    assert found["MuJoCo physics"]["works"]
    assert found["stable-baselines3"]["works"]
    assert {"MuJoCo pictures", "Atari games", "torch", "TensorBoard", "extra [atari]"} <= set(found)
    for entry in found.values():
        assert bool(entry["fix"]) is not entry["works"]
        assert "\n" not in entry["fix"]


def test_what_fails_beside_others_is_tried_alone() -> None:
    from rewardwrap.doctor import _probes

    assert _probes(["print('noise\\n1')", "print(2)"]) == [(True, "1"), (True, "2")]
    found = _probes(["print(1)", "raise OSError('broken')", "print(3)"])
    assert found == [(True, "1"), (False, "OSError: broken"), (True, "3")]


def test_a_broken_graphics_setting_is_found_and_mended(monkeypatch: Any) -> None:
    from rewardwrap.doctor import _graphics, _probe

    if not any(_probe("import mujoco", {"MUJOCO_GL": name})[0] for name in ("egl", "osmesa")):
        pytest.skip("no backend works here")
    monkeypatch.setenv("MUJOCO_GL", "no_such_backend")
    found = _graphics()
    assert not found.works
    assert found.fix.startswith(("export MUJOCO_GL=", "sudo apt-get"))


def test_an_empty_command_line_prints_help(capsys: Any) -> None:
    assert main([]) == 0
    assert "compare" in capsys.readouterr().out


def test_the_current_folder_holds_importable_functions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_reward.py").write_text("def tilt(obs):\n    return -abs(obs[:, 2])\n")
    monkeypatch.delenv("PYTHONPATH", raising=False)
    done = ended(
        *("compare", "CartPole-v1", "--reward", "tilt={function: 'my_reward:tilt'}"),
        *("--seeds", "1", "-n", "256", "--eval-freq", "256", "--eval-episodes", "1", "--out", "o"),
        *("--jobs", "1", "-params", "n_steps:32", "batch_size:64", "n_envs:2"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "tilt" in done.stdout
