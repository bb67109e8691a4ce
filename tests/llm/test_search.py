"""The whole loop: recorded answers, a real sandbox, real trainings, a journal that goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from rewardwrap.llm.budget import Budget, Budgeted, BudgetExceeded, Ledger
from rewardwrap.llm.candidate import Candidate
from rewardwrap.llm.client import ProviderError, Request
from rewardwrap.llm.journal import Journal
from rewardwrap.llm.prompt import Scene, first_request
from rewardwrap.llm.recorded import RecordedClient, recordings_for
from rewardwrap.llm.search import Found, Search, Settings
from rewardwrap.llm.stages import Stages
from rewardwrap.llm.trajectories import Pool, collect
from rewardwrap.llm.trials import Length, Trials

ROW = {"n_envs": 4, "n_steps": 64, "batch_size": 64, "n_epochs": 2, "n_timesteps": 512}


@pytest.fixture(autouse=True, scope="module")
def _seldom() -> Iterator[None]:
    """Evaluate after every half of a training."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rewardwrap.llm.trials.POINTS", 2)
        yield


@pytest.fixture(scope="module")
def scene() -> Scene:
    import rewardwrap_envs
    from rewardwrap.llm.prompt import scene_of

    return scene_of("Acrobot-v1", rewardwrap_envs.find("Acrobot-v1", []))


@pytest.fixture(scope="module")
def pool(scene: Scene) -> Pool:
    return collect(scene.recipe, seed=0, episodes=2)


def search(folder: Path, scene: Scene, pool: Pool, budget: Budget, **changes: int) -> Search:
    settings = Settings(
        task="swing the tip above the line",
        rounds=changes.get("rounds", 2),
        samples=4,
        short=Length(512, (1,)),
        full=Length(512, (2,)),
        at_once=1,
    )
    journal = Journal(folder / "run.jsonl")
    spent: dict[str, float] = {"calls": len(journal.of("proposed"))}
    client = Budgeted(RecordedClient(recordings_for("Acrobot-v1")), Ledger(budget, spent=spent))
    trials = Trials("Acrobot-v1", "ppo", folder, jobs=2, episodes=1, hyperparameters=ROW)
    return Search(scene, settings, client, journal, trials, Stages(scene, pool))


@pytest.fixture(scope="module")
def finished(
    tmp_path_factory: pytest.TempPathFactory, scene: Scene, pool: Pool
) -> tuple[Path, Found]:
    folder = tmp_path_factory.mktemp("search")
    # the first attempt may ask six times: it stops in the middle of the second round
    with pytest.raises(BudgetExceeded, match="calls must stay within 6"):
        search(folder, scene, pool, Budget(calls=6)).run()
    assert len(Journal(folder / "run.jsonl").of("proposed")) == 6
    return folder, search(folder, scene, pool, Budget(calls=8)).run()


def test_a_search_that_ran_out_of_budget_goes_on_and_asks_only_what_is_missing(
    finished: tuple[Path, Found],
) -> None:
    folder, found = finished
    ids = [event["id"] for event in Journal(folder / "run.jsonl").of("proposed")]
    assert ids == [f"r{r}s{s}" for r in (1, 2) for s in (1, 2, 3, 4)]
    assert found.best is not None
    assert found.best.id == "r2s1"


def test_each_bad_candidate_is_rejected_at_the_stage_meant_for_it(
    finished: tuple[Path, Found],
) -> None:
    rejected = {c.id: c.stage for c in finished[1].candidates if not c.alive}
    assert rejected == {
        "r1s1": "gate",  # a syntax error
        "r1s2": "probe",  # an index that is not there
        "r1s3": "critic",  # flooding
        "r1s4": "order",  # pays for going up, again and again
        "r2s2": "critic",  # reads whether the task is solved
        "r2s3": "extract",  # prose
        "r2s4": "extract",  # cut off
    }


def test_every_rejection_says_why_in_the_journal(finished: tuple[Path, Found]) -> None:
    rejected = Journal(finished[0] / "run.jsonl").of("rejected")
    reasons = {event["id"]: event["reason"] for event in rejected}
    assert len(reasons) == len(rejected) == 7
    for name, said in {
        "r1s1": "line 2",
        "r1s2": "out of bounds",
        "r1s3": "flooding: term active",
        "r1s4": "pairs of stored episodes",
        "r2s2": "is_success",
        "r2s3": "got prose",
        "r2s4": "cut off",
    }.items():
        assert said in reasons[name], reasons[name]


def test_the_score_is_the_mean_over_seeds_of_the_end_of_the_true_curve(
    finished: tuple[Path, Found],
) -> None:
    folder, found = finished
    trained = Journal(folder / "run.jsonl").of("trained")
    assert {(event["id"], event["stage"]) for event in trained} == {
        ("env", "full"),
        ("r2s1", "short"),
        ("r2s1", "full"),
    }
    assert found.baseline == next(e["mean"] for e in trained if e["id"] == "env")


def test_a_finished_search_trains_nothing_and_asks_nobody(
    finished: tuple[Path, Found], scene: Scene, pool: Pool
) -> None:
    folder, found = finished
    before = (folder / "run.jsonl").read_bytes()
    asked, said = search(folder, scene, pool, Budget(calls=8)), list[str]()
    asked.say = said.append
    again = asked.run()
    # four short trainings and a full one a round; nothing was trained that a pace could be taken from
    assert [line for line in said if line.startswith("round")] == [
        "round 1 of 2 (at most 5,120 steps of training left)",
        "round 2 of 2 (at most 2,560 steps of training left)",
    ]
    assert again.best is not None
    assert found.best is not None
    assert (again.best.id, again.best.full) == (found.best.id, found.best.full)
    assert (folder / "run.jsonl").read_bytes() == before


def test_the_next_round_is_told_what_failed(tmp_path: Path, scene: Scene, pool: Pool) -> None:
    asked: list[Request] = []

    class Listening(RecordedClient):
        def complete(self, request: Request):  # type: ignore[no-untyped-def]
            asked.append(request)
            if request.label.startswith("round-2"):
                raise ProviderError("enough")
            return super().complete(request)

    made = search(tmp_path, scene, pool, Budget())
    journal = made.journal
    journal.write("trained", id="env", stage="full", steps=512, scores={"2": -500.0}, mean=-500.0)
    made.client = Budgeted(Listening(recordings_for("Acrobot-v1")), Ledger(Budget()))
    with pytest.raises(ProviderError, match="enough"):
        made.run()
    said = asked[-1].messages[-1]["content"]
    assert "No reward function of the last round could be trained" in said
    assert "r1s3 (critic): flooding" in said
    assert all(json.loads(line) for line in journal.path.read_text().splitlines())


def test_the_next_prompt_says_how_the_best_agent_fails(
    finished: tuple[Path, Found], scene: Scene, pool: Pool
) -> None:
    folder, found = finished
    assert found.best is not None
    # 512 steps teach nothing: the clock ends every episode
    said = search(folder, scene, pool, Budget(calls=8))._reflect(2, found.best)
    assert (
        "Its agent, played after the training: 10 of 10 episodes fail and end by the time limit"
        in said
    )
    assert Journal(folder / "run.jsonl").of("reflected")[-1]["text"] == said


def test_a_persons_word_between_rounds_is_asked_for_once_and_stands_in_the_next_prompt(
    tmp_path: Path, scene: Scene, pool: Pool
) -> None:
    made, asked = search(tmp_path, scene, pool, Budget(), rounds=3), []

    def review(number: int, candidates: list[Candidate]) -> str:
        asked.append((number, [c.id for c in candidates]))
        return "It only swings a little."

    made.review = review
    seen = [Candidate("r1s1", 1, 1, "x = 1"), Candidate("r2s1", 2, 1, "x = 2")]
    for number in (1, 1, 2, 3):
        made._ask_person(number, seen)
    assert asked == [(1, ["r1s1"]), (2, ["r2s1"])]
    told = [(e["round"], e["text"]) for e in made.journal.of("words")]
    assert told == [(1, "It only swings a little."), (2, "It only swings a little.")]
    first = first_request(scene, "swing", ask=made._request(1, 1))
    prompt = made._question(2, first, [], made._request(2, 1)).messages[-1]["content"]
    assert "A person who watched the agent says: It only swings a little." in prompt
