"""A trained judge: programs with known answers, what traces teach, what verdicts mend, and its road."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import rewardwrap as rw
from rewardwrap.annotate.judge import Asking as Asked
from rewardwrap.annotate.judge import Judge, made_rubric
from rewardwrap.annotate.reports import figures
from rewardwrap.annotate.trained import RELATIONS, STATISTICS, Trained, parts, read_judge, sides
from rewardwrap.cli import main
from rewardwrap.core.errors import ConfigError
from rewardwrap.data import DataError, EpisodeStore
from rewardwrap.nets.judge_net import Check, JudgeNet, Verified, distil, reinforce
from rewardwrap.nets.judge_recipe import right, taught

NAMES = ("time", "water", "effort")


def report(time: int, *columns: tuple[float, float, float, float, float]) -> str:
    lines = [f"time [step]: {time}"]
    for name, values in zip(NAMES[1:], columns, strict=True):
        lines.append(
            f"{name}: " + "; ".join(f"{k} {v:g}" for k, v in zip(STATISTICS, values, strict=True))
        )
    return "\n".join(lines)


DRY = report(9, (0, 0, 0, 0, 0), (1, 2, 18, 1, 4))
WET = report(7, (0, 0.1, 1, 0, 1), (2, 3, 21, 1, 3))


def clip(rng: np.random.Generator) -> str:
    wet, n = float(rng.random() < 0.5), int(rng.integers(5, 20))
    e = rng.gamma(2.0, size=5)
    return report(n, (0, wet / n, wet, 0, wet), tuple(e))  # type: ignore[arg-type]


def questions(count: int, seed: int) -> list[Verified]:
    """Truth: a dry one before a wet one (by the highest), else less total effort."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        told = [figures(clip(rng)) for _ in range(2)]
        wet, effort = ([t[n]["total"] for t in told] for n in ("water", "effort"))
        side = 3 * np.sign(wet[0] - wet[1]) + np.sign(effort[0] - effort[1])
        found.append(Verified.of(["stays dry", "saves strength"], *told, int(np.sign(side))))
    return found


def traces(count: int, seed: int, water: str = "highest") -> list[Check]:
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        told = [figures(clip(rng)) for _ in range(2)]
        for text, name, statistic in (
            ("stays dry", "water", water),
            ("saves strength", "effort", "total"),
        ):
            side = int(np.sign(told[0][name][statistic] - told[1][name][statistic]))
            found.append(Check(text, NAMES, NAMES.index(name), side, sides(text, *told, NAMES)))
    return found


def test_programs_say_what_they_say_and_exchanged_reports_exchange_it() -> None:
    told = figures(DRY), figures(WET)
    found = sides("at most 8", *told, NAMES)
    by = {r: found[NAMES.index("time"), 0, i] for i, r in enumerate(RELATIONS)}
    assert by == {"more": -1, "less": 1, "above": -1, "below": 1}
    water = found[NAMES.index("water"), STATISTICS.index("last")]
    assert not water.any()
    np.testing.assert_array_equal(sides("at most 8", *told[::-1], NAMES), -found)


def test_a_principle_falls_into_its_parts() -> None:
    assert parts("stays dry; heat stays under 2.5, and saves strength.") == [
        "stays dry", "heat stays under 2.5", "saves strength",
    ]  # fmt: skip


def test_traces_teach_which_line_statistic_and_relation_words_mean() -> None:
    net = JudgeNet()
    distil(net, traces(40, 0), [("stays dry", 3.0), ("saves strength", 1.0)], epochs=40)
    choice = net.frozen()
    line, statistic, _ = (logits.argmax() for logits in choice.logits("saves strength", NAMES))
    assert (NAMES[line], STATISTICS[statistic]) == ("effort", "total")
    assert choice.weight("stays dry").argmax() == 2
    assert right(choice, questions(100, 1)) > 0.97


def test_what_is_computed_at_once_is_what_the_judge_says_when_it_is_asked() -> None:
    net = JudgeNet()
    distil(net, traces(40, 0), [("stays dry", 3.0), ("saves strength", 1.0)], epochs=40)
    client = Trained(net.frozen())
    asking = Asked(client)
    made = made_rubric(asking, "stays dry; saves strength")
    assert [(c.text, c.weight) for c in made] == [("stays dry", 3.0), ("saves strength", 1.0)]
    rng = np.random.default_rng(3)
    for _ in range(10):
        a, b = clip(rng), clip(rng)
        judge = Judge(asking, lambda _: [], "stays dry; saves strength", rubric=made)
        said = judge._pair(0, a, b)
        assert judge.dropped.total() == judge.swayed == 0
        asked = Verified.of([c.text for c in made], figures(a), figures(b), 1)
        assert right(net.frozen(), [asked]) == said


def test_verdicts_mend_what_the_teacher_reads_wrongly() -> None:
    net = JudgeNet()
    distil(
        net, traces(40, 0, water="last"), [("stays dry", 3.0), ("saves strength", 1.0)], epochs=20
    )
    tested, known = questions(100, 1), questions(100, 2)
    before = right(net.frozen(), tested)
    reinforce(net, known, rounds=40, batch=32, generator=torch.Generator().manual_seed(0))
    assert before < 0.85 < 0.95 < right(net.frozen(), tested)


def test_the_second_stage_is_kept_only_where_it_is_not_worse() -> None:
    wrong = [Verified(q.parts, q.names, q.says, -q.side) for q in questions(40, 4)]
    good = taught(
        traces(60, 0),
        [("stays dry", 3.0), ("saves strength", 1.0)],
        questions(60, 4),
        epochs=40,
        rounds=5,
    )
    assert good.metrics["distilled"]["likeliest"] > 0.9
    bad = taught(traces(60, 0), [], wrong, epochs=40, rounds=20)
    assert bad.metrics["kept"] == "reinforced"  # it learned the opposite, as it was told
    with pytest.raises(DataError, match="must be 4 or more"):
        taught(traces(4, 0), [], questions(2, 0), epochs=1)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Pushes of one strength an episode, paid for the least of it."""
    rng = np.random.default_rng(0)
    ends = np.zeros(8, bool), np.arange(8) == 7
    episodes = [
        {
            "obs": rng.normal(size=(9, 3)).astype(np.float32),
            "action": np.full((8, 1), push, np.float32), "reward": np.full(8, -abs(push)),
            "terminated": ends[0], "truncated": ends[1], "source": "Pendulum-v1",
        }
        for push in rng.uniform(-2, 2, size=24)
    ]  # fmt: skip
    EpisodeStore.from_episodes(episodes).save(tmp_path / "data")
    return tmp_path / "data"


def test_answers_become_a_judge_that_judges_by_command(data: Path, capsys: Any) -> None:
    said, own = data.parent / "said.jsonl", data.parent / "own"
    rw.judge(data, "prefer low energy", out=said, pairs=60)
    words = ["fit", "judge", str(data), str(said), "--verified", "reward", "--out", str(own)]
    assert main([*words, "--rounds", "5", "--epochs", "60", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["metrics"]
    assert told["checks"] == 120
    assert told["reinforced"]["likeliest"] == 1.0
    again = data.parent / "again.jsonl"
    asked = ["--principle", "Prefer low energy.", "--judge", f"model:{own}", "--votes", "3"]
    assert main(["judge", str(data), *asked, "--out", str(again), "--seed", "9", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["agrees_with_reward"] > 0.95
    assert found["dropped"] == {}
    weights = own / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(ConfigError, match="cut short or changed"):
        read_judge(own)


def test_what_cannot_teach_a_judge_is_refused(data: Path) -> None:
    said = data.parent / "bare.jsonl"
    rw.judge(data, "prefer low energy", out=said, pairs=5, rubric=False)
    with pytest.raises(DataError, match="must have traces in bare.traces.jsonl"):
        rw.train_judge(data, said)
    with pytest.raises(ConfigError, match="must be .jsonl files"):
        rw.train_judge(data, "said.csv")
    rw.judge(data, "prefer low energy", out=said, pairs=5)
    rows = [json.loads(line) for line in said.read_text().splitlines()]
    plain = data.parent / "plain.jsonl"
    plain.write_text(
        "".join(json.dumps({k: v for k, v in r.items() if k != "principle"}) + "\n" for r in rows)
    )
    with pytest.raises(DataError, match="must say by which principle"):
        rw.train_judge(data, said, verified=plain, epochs=1)
    rw.fit("regression", data, out=data.parent / "model", hidden=(4,), epochs=1)
    with pytest.raises(ConfigError, match="must be one that was trained"):
        rw.judge(data, "prefer low energy", by=f"model:{data.parent / 'model'}", pairs=2)
