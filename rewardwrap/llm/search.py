"""Propose, test, train, reflect, again: the search for a reward that makes agents do the task.

    propose -> extract -> gate -> probe -> critic -> trajectory order -> short training -> full training
       ^                                                                                    |
       +------------------------- reflection: curves, failures, words --------------------+

Every stage is cheaper than the next; a candidate is rejected at the first that it does not pass, with a
sentence that goes back to the model. Selection is by the mean true score over seeds at the end of the
training, never by the best point of a curve. Everything is in ``run.jsonl`` before the next step begins;
the same command goes on where it stopped.

Source: Eureka (2310.12931) for the loop, CARD (2410.14660) for the order, Auto MC-Reward (2312.09238)
for critic and signs, Text2Reward (2309.11489) for words of people. Deviations: several seeds and their
mean instead of the maximum of one curve; every rejected candidate is told, not only the best one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rewardwrap.compare.executors.local import kept_workers
from rewardwrap.core.errors import ConfigError
from rewardwrap.core.reward import Reward
from rewardwrap.llm import reflection
from rewardwrap.llm.ask import ask_all
from rewardwrap.llm.budget import Budgeted
from rewardwrap.llm.candidate import Candidate
from rewardwrap.llm.client import Completion, Request
from rewardwrap.llm.extraction import NoCode, code_in
from rewardwrap.llm.journal import Journal
from rewardwrap.llm.pace import Pace
from rewardwrap.llm.prompt import Scene, first_request, next_request
from rewardwrap.llm.stages import Stages
from rewardwrap.llm.trials import Length, Trials, curves, failures, scores

BASELINE = "env"
SHORT = Length(20_000, (101,))
FULL = Length(50_000, (201, 202, 203))


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a search does.

    Args:
        task: What the agent should do, in words.
        rounds: Times that the model is asked.
        samples: Answers in each round.
        short: Training of every candidate that gets so far.
        full: Training of the best of each round.
        keep: How many get the full training in a round.
        seed: Of requests and of the stored episodes.
        temperature: Of the answers.
        max_tokens: Of one answer.
        at_once: Requests under way at a time.
        hint: Anything else that the model should know.
    """

    task: str
    rounds: int = 3
    samples: int = 4
    short: Length = SHORT
    full: Length = FULL
    keep: int = 1
    seed: int = 0
    temperature: float = 1.0
    max_tokens: int = 2048
    at_once: int = 4
    hint: str = ""

    def __post_init__(self) -> None:
        for name in ("rounds", "samples", "keep", "at_once"):
            if getattr(self, name) < 1:
                raise ConfigError(
                    f"{name} must be at least 1, got {getattr(self, name)}. Leave it out."
                )
        if not self.task.strip():
            raise ConfigError(
                "the task must say what the agent should do, got an empty text. "
                'Write e.g. "swing the tip above the line".'
            )


@dataclass
class Found:
    """What a search came to.

    Args:
        best: The candidate with the best full score, or None.
        candidates: All of them.
        baseline: Mean true score of the environment's own reward under the same full training.
    """

    best: Candidate | None
    candidates: list[Candidate]
    baseline: float | None


@dataclass
class Search:
    """One search; see the module.

    Args:
        scene: The environment.
        settings: What to do.
        client: Who proposes; within its budget.
        journal: Where everything is written.
        trials: Where candidates are trained.
        stages: The tests before training.
        words: What people said about the agent of each round, by round.
        say: Called with one line at each step.
        review: Shows a person the candidates of a round and returns what is said of them; None asks nobody.
    """

    scene: Scene
    settings: Settings
    client: Budgeted
    journal: Journal
    trials: Trials
    stages: Stages
    words: dict[int, str] = field(default_factory=dict)
    say: Callable[[str], None] = lambda line: None
    review: Callable[[int, list[Candidate]], str] | None = None
    _pace: Pace = field(default_factory=Pace, init=False)

    def run(self) -> Found:
        """Carry it out, or on.

        Raises:
            BudgetExceeded: The budget is used up; the same command goes on with a larger one.
            ProviderError: No answer came; the same command goes on.
        """
        with kept_workers():
            return self._run()

    def _run(self) -> Found:
        baseline = self._train({BASELINE: _own_reward()}, self.settings.full, "full")[BASELINE]
        first = first_request(
            self.scene, self.settings.task, ask=self._request(1, 1), hint=self.settings.hint
        )
        seen: list[Candidate] = []
        for number in range(1, self.settings.rounds + 1):
            seen += self._round(number, first, seen)
            self._ask_person(number, seen)
        trained = [candidate for candidate in seen if candidate.full is not None]
        best = max(trained, key=lambda c: (c.full or 0.0, c.id), default=None)
        return Found(best, seen, baseline)

    def _ask_person(self, number: int, seen: list[Candidate]) -> None:
        """Between two rounds, once: what is said goes into the prompts of the next one."""
        if self.review is None or number == self.settings.rounds or number in self.words:
            return
        self.words[number] = self.review(number, [c for c in seen if c.round == number])
        self.journal.write("words", round=number, text=self.words[number])

    def _round(self, number: int, first: Request, seen: list[Candidate]) -> list[Candidate]:
        asked = self.settings
        each = asked.samples * asked.short.cost + asked.keep * asked.full.cost
        left = self._pace.told((asked.rounds - number + 1) * each)
        self.say(f"round {number} of {asked.rounds} ({left})")
        candidates = self._propose(number, first, seen)
        for candidate in candidates:
            self._judge(candidate, [*seen, *candidates])
        alive = [candidate for candidate in candidates if candidate.alive]
        self._score(alive, self.settings.short, "short")
        ranked = sorted(
            (c for c in alive if c.short is not None), key=lambda c: (-(c.short or 0.0), c.id)
        )
        self._score(ranked[: self.settings.keep], self.settings.full, "full")
        return candidates

    def _propose(self, number: int, first: Request, seen: list[Candidate]) -> list[Candidate]:
        """Ask for what the journal does not hold yet."""
        known = {event["id"]: event for event in self.journal.of("proposed")}
        wanted = []
        for sample in range(1, self.settings.samples + 1):
            if f"r{number}s{sample}" not in known:
                ask = self._request(number, sample)
                wanted.append(self._question(number, first, seen, ask))
        if wanted:
            lost = ask_all(
                self.client, wanted, at_once=self.settings.at_once, on_answer=self._note_answer
            )
            for request, error in lost:
                # not in the journal as proposed: the same command asks for it again
                self.say(f"  {request.label} got no answer: {error}")
            known = {event["id"]: event for event in self.journal.of("proposed")}
        return [
            _candidate(known[f"r{number}s{sample}"], number, sample)
            for sample in range(1, self.settings.samples + 1)
            if f"r{number}s{sample}" in known
        ]

    def _question(
        self, number: int, first: Request, seen: list[Candidate], ask: Request
    ) -> Request:
        if number == 1:
            sampling = ask.temperature, ask.max_tokens, ask.seed
            return Request(first.messages, *sampling, first.version, ask.label)
        last = [candidate for candidate in seen if candidate.round == number - 1]
        trained = [candidate for candidate in seen if candidate.best_known is not None]
        best = max(trained, key=lambda c: (c.full is not None, c.best_known or 0.0), default=None)
        told = [f"{c.id} ({c.stage}): {c.reason}" for c in last if not c.alive]
        return next_request(
            first,
            ask=ask,
            code=best.source if best else "",
            report=self._reflect(number - 1, best) if best else "",
            failures=told,
            words=self.words.get(number - 1, ""),
        )

    def _reflect(self, number: int, best: Candidate) -> str:
        noted = [e for e in self.journal.of("reflected") if e["round"] == number]
        if noted:
            return str(noted[-1]["text"])
        length = self.settings.full if best.full is not None else self.settings.short
        made = {best.id: self.stages.reward(best.source)}
        comparison = self.trials.train(made, length)
        recipe = self.scene.recipe
        yardstick = reflection.Yardstick(
            recipe.returns.random, recipe.returns.reference, self.scene.limit
        )
        text = reflection.report(reflection.mean_curves(curves(comparison, best.id)), yardstick)
        ends = self.trials.endings(made, length, recipe)
        text += f"\n\nIts agent, played after the training: {ends}" if ends else ""
        self.journal.write("reflected", round=number, id=best.id, text=text)
        return text

    def _request(self, number: int, sample: int) -> Request:
        """Sampling, seed and label; the messages come later."""
        seed = self.settings.seed * 10_000 + (number - 1) * self.settings.samples + sample - 1
        return Request(
            ({"role": "user", "content": self.settings.task},),
            self.settings.temperature,
            self.settings.max_tokens,
            seed,
            label=f"round-{number}-sample-{sample}",
        )

    def _note_answer(self, request: Request, answer: Completion) -> None:
        number, sample = (int(part) for part in request.label.split("-")[1::2])
        code, error = "", ""
        try:
            code = code_in(answer)
        except NoCode as why:
            error = str(why)
        self.journal.write(
            "proposed",
            id=f"r{number}s{sample}",
            code=code,
            error=error,
            model=answer.model,
            finish_reason=answer.finish_reason,
            cached=answer.cached,
            tokens={"prompt": answer.usage.prompt, "completion": answer.usage.completion},
            spent=self.client.ledger.spent,
        )

    def _judge(self, candidate: Candidate, others: list[Candidate]) -> None:
        """The stages that need no training."""
        if candidate.alive:
            same = [c.id for c in others if c.id < candidate.id and c.sha256 == candidate.sha256]
            if same:
                why = f"the same code as {same[0]}. Propose something else."
                candidate.reject("extract", why)
            else:
                self.stages.judge(candidate)
        self._tell(candidate)

    def _tell(self, candidate: Candidate) -> None:
        if not candidate.alive:
            self._note_end(candidate)
            return
        share = "not to be judged" if candidate.order is None else f"{candidate.order:.2f}"
        self.say(f"  {candidate.id} passed gate, probe and critic; pairs in order: {share}")
        self._note("passed", candidate, order=candidate.order)

    def _score(self, candidates: list[Candidate], length: Length, stage: str) -> None:
        """Train and score; a candidate whose trainings fail is rejected."""
        if not candidates:
            return
        made = {c.id: self.stages.reward(c.source) for c in candidates}
        results = self._train(made, length, stage)
        for candidate in candidates:
            value = results[candidate.id]
            if isinstance(value, str):
                candidate.reject(stage, value)
                self._note_end(candidate)
            else:
                setattr(candidate, stage, value)
                candidate.stage = stage
                self.say(f"  {candidate.id} {stage} training: mean true score {value:.2f}")

    def _train(self, rewards: Mapping[str, Reward], length: Length, stage: str) -> dict[str, Any]:
        """Name -> mean true score over seeds, or why there is none."""
        known = {
            (event["id"], event["stage"]): event["mean"] for event in self.journal.of("trained")
        }
        todo = {name: made for name, made in rewards.items() if (name, stage) not in known}
        results: dict[str, Any] = {
            name: known[name, stage] for name in rewards if (name, stage) in known
        }
        if todo:
            self.client.ledger.check_training(length.cost * len(todo))
            with self._pace.timed(length.cost * len(todo)):
                comparison = self.trials.train(todo, length)
            self.client.ledger.add_training(length.cost * len(todo))
            for name in todo:
                each = scores(comparison, name)
                if len(each) < len(length.seeds):
                    why = failures(comparison, name)
                    results[name] = why[0] if why else "its training did not finish."
                    continue
                results[name] = float(np.mean(list(each.values())))
                self.journal.write(
                    "trained",
                    id=name,
                    stage=stage,
                    steps=length.steps,
                    scores={str(seed): value for seed, value in each.items()},
                    mean=results[name],
                )
        return results

    def _note_end(self, candidate: Candidate) -> None:
        self.say(f"  {candidate.id} rejected at {candidate.stage}: {candidate.reason}")
        self._note("rejected", candidate, stage=candidate.stage, reason=candidate.reason)

    def _note(self, event: str, candidate: Candidate, **data: Any) -> None:
        if not any(line["id"] == candidate.id for line in self.journal.of(event)):
            self.journal.write(event, id=candidate.id, **data)


def _candidate(event: Mapping[str, Any], number: int, sample: int) -> Candidate:
    made = Candidate(event["id"], number, sample, event["code"])
    if event["error"]:
        made.reject("extract", event["error"])
    return made


def _own_reward() -> Reward:
    from rewardwrap.rewards.env import EnvReward

    return EnvReward()
