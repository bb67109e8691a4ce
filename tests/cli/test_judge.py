"""``rewardwrap judge``: from episodes to labels that ``rewardwrap fit`` takes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.annotate.rubric import Criterion, derived
from rewardwrap.cli import main
from rewardwrap.core.errors import ConfigError, UnknownName
from rewardwrap.data import EpisodeStore
from tests.llm.test_hosted import Server, completion, server  # noqa: F401

FIT = ["--members", "1", "--hidden", "8", "--epochs", "1", "--quiet"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Pendulum by name alone: pushes of one strength an episode, paid for the least of it."""
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


def test_a_principle_becomes_answers_a_model_and_traces_that_can_be_checked(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = data.parent / "answers.jsonl"
    words = [
        "judge",
        str(data),
        "--principle",
        "prefer low energy",
        "--out",
        str(out),
        "--pairs",
        "30",
    ]
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["asked"], told["answered"], told["agrees_with_reward"]) == (30, 30, 1.0)
    assert told["rubric"] == ["c1 (weight 1): prefer low energy"]
    assert told["calls"] == 61  # the rubric, and two orders of each pair
    traces = [
        json.loads(line) for line in (data.parent / "answers.traces.jsonl").read_text().splitlines()
    ]
    assert len(traces) == 60
    for trace in traces:
        rubric = tuple(Criterion(**row) for row in trace["rubric"])
        assert derived(trace["checks"], rubric) == trace["better"]
    fit = ["fit", "preferences", str(data), "--teacher", str(out), "--out", str(data.parent / "m")]
    assert main([*fit, *FIT]) == 0


def test_criteria_become_a_table_of_principles(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = data.parent / "labels.csv"
    asked = ["gentle:energy < 8", "risen:end with pole_cos > 0"]
    assert main(["judge", str(data), "--criteria", *asked, "--out", str(out)]) == 0
    assert "gentle: 24 of 24 answered" in capsys.readouterr().out
    fit = ["fit", "principles", str(data), str(out), "--out", str(data.parent / "m"), *FIT]
    assert main(fit) == 0
    store = EpisodeStore.load(data)
    energy = [float((e.action**2).sum()) for e in store]
    said = [float(line.split(",")[3]) for line in out.read_text().splitlines()[1:]]
    assert said == [float(spent < 8) for spent in energy]


def by_push(request: Any) -> str:
    """A judge of one's own: it goes by the energy, and quotes it."""
    prompt = request.messages[-1]["content"]
    if "<recording" not in prompt:
        return '{"rubric": [{"text": "spends less", "weight": 1}]}'
    lines = re.findall(r"energy: [^\n]+", prompt)
    spent = [float(line.split()[1]) for line in lines]
    better = "equal" if spent[0] == spent[1] else "1" if spent[0] < spent[1] else "2"
    return json.dumps(
        {"checks": [{"id": "c1", "better": better, "evidence": lines}], "better": better}
    )


def test_a_function_and_a_panel_judge_from_python(data: Path) -> None:
    alone = rw.judge(data, "Be gentle.", by=by_push, pairs=10)
    panel = rw.judge(
        data, "prefer low energy", by=["scripted", by_push, lambda _: "none"], pairs=10
    )
    assert [r["better_b"] for r in alone.rows] == [r["better_b"] for r in panel.rows]
    assert panel.rows[0]["annotator"] == "panel"
    assert panel.figures["dropped"] == {"the answer could not be read": 20}
    strict = rw.judge(
        data, "prefer low energy", by=["scripted", lambda _: "none"], pairs=10, least=2
    )
    assert strict.figures["answered"] == 0
    market = rw.judge(
        data, "prefer low energy", by=["scripted", by_push], pairs=10, structure="market", rounds=1
    )
    assert sum(credit for _, credit in market.figures["credits"]) == pytest.approx(2.0)
    with pytest.raises(UnknownName):
        rw.judge(data, "prefer low energy", by=["scripted", by_push], pairs=2, structure="anarchy")


def test_a_server_is_asked_once_within_a_budget_and_never_again_for_what_it_said(
    data: Path,
    server: Server,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-of-nobody")
    out, asked = data.parent / "answers.jsonl", server.asked

    class Talks(list):  # the script of the server: every answer is that of the function
        def __len__(self) -> int:
            return 1

        def __getitem__(self, _: Any) -> Any:
            message = asked[-1]["messages"]
            request = type("Request", (), {"messages": message})
            return 200, {}, completion(by_push(request))

    server.script = Talks()
    words = ["judge", str(data), "--principle", "Be gentle.", "--out", str(out), "--pairs", "3",
             "--judge", "openai", "--model", "tiny-1", "--base-url", server.url]  # fmt: skip
    assert main([*words, "--max-calls", "3"]) == 2
    assert "calls must stay within 3" in capsys.readouterr().err
    assert main(words) == 0
    assert "3 of 3 answered" in capsys.readouterr().out
    before = len(asked)
    assert before == 7
    assert main(words) == 0
    assert "0 questions, 0 tokens" in capsys.readouterr().out
    assert len(asked) == before
    kept = "".join(p.read_text() for p in data.parent.rglob("*.json*"))
    assert "sk-secret" not in kept


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "either --principle or --criteria"),
        (["--principle", "be nice"], "principles of its grammar, got 'be nice'"),
        (["--criteria", "calm"], "must be NAME:QUESTION, got 'calm'"),
        (["--principle", "x", "--judge", "openai"], "must know the model"),
        (
            ["--principle", "x", "--judge", "me"],
            'must be "scripted", model:FOLDER, module:function',
        ),
        (["--principle", "x", "--judge", "person"], "into a .sqlite file"),
    ],
)
def test_bad_input_is_one_sentence(
    data: Path, capsys: pytest.CaptureFixture[str], words: list[str], sentence: str
) -> None:
    assert main(["judge", str(data), "--out", str(data.parent / "a.jsonl"), *words]) == 2
    assert sentence in capsys.readouterr().err


def test_a_person_is_asked_by_the_page_of_label(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[Any] = []
    monkeypatch.setattr(
        "rewardwrap.annotate.serve.serve", lambda page, port, ready: served.append(page.question)
    )
    out = data.parent / "people.sqlite"
    words = ["judge", str(data), "--principle", "Which is calmer?", "--judge", "person"]
    assert main([*words, "--length", "4", "--pairs", "5", "--out", str(out)]) == 0
    assert served == ["Which is calmer?"]
    with pytest.raises(ConfigError, match=r"a .jsonl or .csv file, got 'x.sqlite'"):
        rw.judge(data, "prefer low energy", out="x.sqlite")
