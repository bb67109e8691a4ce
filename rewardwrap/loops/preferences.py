"""Preferences while an agent learns: ask which clip is better, fit the answers, judge by others."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from rewardwrap.annotate.annotator import Annotator
from rewardwrap.annotate.teachers import Teacher
from rewardwrap.core.errors import ConfigError
from rewardwrap.data import EpisodeStore
from rewardwrap.loops.answers import HELD_OUT, TRAIN, Answers
from rewardwrap.loops.callback import Loop, Verdict
from rewardwrap.loops.candidate import fit_answers, judge
from rewardwrap.loops.label_rounds import PEOPLE, LabelRounds
from rewardwrap.loops.questions import Questions
from rewardwrap.loops.schedule import shares
from rewardwrap.nets.folder import Model, load_model
from rewardwrap.nets.measures import pair_measures

ANSWERS = "answers"
"""Folder of the answers, inside that of the loop."""
APART = 100_000
"""Between the first starts of two rounds of trees."""


class PreferenceLoop(Loop):
    """Learns the reward from answers to "which clip is better", while the agent learns from it.

    Every ``every`` steps: cut clips from what the agent did lately, ask, fit an ensemble to all
    answers so far, and if it is not worse than the running model on answers about other episodes,
    pay it from the next rollout on. Off-policy learners get their whole replay buffer relabelled. The
    reward never changes inside a rollout. Whoever answers late blocks nothing: answers are used when
    they come.

    Everything is in ``folder``: answers (written before they are used), every candidate, which one
    runs, and ``journal.jsonl``. A loop that finds them goes on with them: the budget counts what was
    answered before, and the model that ran runs again.

    | tag | value |
    |---|---|
    | ``reward/model_version`` | first digits of the running model's SHA-256 |
    | ``preferences/asked``, ``answered`` | questions so far; skipped ones cost nothing |
    | ``preferences/agreement`` | share of the newest answers that the running model foresaw |
    | ``preferences/heldout_accuracy``, ``heldout_ece`` | of the running model |
    | ``preferences/deployed``, ``rolled_back`` | how many models |

    Args:
        folder: New, or of a loop that was interrupted.
        teacher: Who answers: a synthetic teacher's name (``"oracle"``, ``"mistake"``, ...), principles in
            words (`rw.StatedPrinciples`), a
            `Teacher`, ``"people"`` for whoever opens ``rewardwrap label`` on the rounds in
            ``folder/questions``, or anything with ``submit`` and ``poll`` that takes questions about
            several stores.
        queries: Budget in answered questions.
        every: Environment steps between two rounds of questions.
        start: Steps before the first round; ``every`` by default.
        schedule: ``"constant"``, ``"hyperbolic"`` or ``"inverse-quadratic"``: more questions early.
        first: Share of the budget that the first round gets.
        selection: Which pairs: ``"uniform"``, ``"disagreement"``, ``"entropy"``, ``"k-center"``, ... or a
            function ``(differences (n, M), budget, generator) -> rows``. The first round is uniform.
            ``"tree"`` or `rewardwrap.Trees`: leaves of trees that the agent grows beside its training.
        length: Steps of a clip; of a tree, those of a leaf.
        keep: Steps from which clips are cut, of all lanes together.
        heldout: Share of episodes, and of questions, that only judge models.
        delta: How much a new model may be worse; see `candidate.judge`.
        least: Held-out answers below which nothing is judged.
        explore: Pay for new states until the first model runs, instead of nothing.
        reset_critic: Give SAC's or TD3's critic new weights when the first model takes over.
        updates: Gradient steps right after that.
        rule: How members become one number; see `rewardwrap.Learned`.
        k: Weight of their disagreement.
        seed: Of everything that is drawn.
        fit: Settings of `candidate.fit_answers`, e.g. ``{"members": 3, "reads": ("obs", "action")}``.

    Raises:
        ConfigError: A number outside its range, a folder of something else, or answers about another
            environment.
        StackError: The learner is not paid by ``loop.reward``, or its buffer cannot be relabelled.

    Example:
        ``loop = PreferenceLoop("out", teacher="oracle", queries=200, every=5000)``, then
        ``env = rw.make("Pendulum-v1", loop.reward)`` and ``model.learn(50_000, callback=loop)``.

    Source: Christiano et al., Deep reinforcement learning from human preferences, 2017,
        arXiv:1706.03741. Deviations: each model is fitted from new weights, held-out answers decide
        whether it is used, and time limits are no ends.
    """

    source = "preferences"

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        teacher: str | Teacher | Annotator = "oracle",
        queries: int = 200,
        every: int = 5000,
        start: int | None = None,
        schedule: str = "constant",
        first: float = 0.2,
        selection: Any = "uniform",
        length: int = 25,
        keep: int = 20_000,
        heldout: float = 0.2,
        delta: float = 0.05,
        least: int = 10,
        explore: bool = False,
        reset_critic: bool = False,
        updates: int = 0,
        rule: str = "mean",
        k: float = 1.0,
        seed: int = 0,
        fit: Mapping[str, Any] | None = None,
    ) -> None:
        numbers = {"queries": queries, "every": every, "start": start or every, "length": length}
        for name, number in {**numbers, "keep": keep, "least": least}.items():
            if number < 1:
                raise ConfigError(
                    f"PreferenceLoop: {name} must be at least 1, got {number}. Leave it out."
                )
        if not 0.0 < heldout < 1.0 or delta < 0 or updates < 0:
            raise ConfigError(
                "PreferenceLoop: heldout must lie in (0, 1), delta and updates be at least 0, got "
                f"{heldout}, {delta} and {updates}. Leave them out."
            )
        shares(queries, 2, schedule, first=first)
        super().__init__(folder, keep=keep, explore=explore, reset_critic=reset_critic,
                         updates=updates, rule=rule, k=k, seed=seed)  # fmt: skip
        self.queries, self.every, self.start = queries, every, start or every
        self.schedule, self.first = schedule, first
        self.delta, self.least = delta, least
        self.settings = dict(fit or {})
        #: Every answer so far.
        self.answers = Answers(self.folder.path / ANSWERS)
        if teacher == PEOPLE:
            teacher = LabelRounds(Path(folder) / "questions", known=self.answers.pairs())
        self.questions = Questions(
            teacher, selection=selection, length=length, heldout=heldout, seed=seed
        )
        self._fresh = 0

    @classmethod
    def pebble(cls, folder: str | os.PathLike[str], **options: Any) -> Self:
        """PEBBLE: explore without a reward, ask, relabel all, forget the critic, ask where it matters.

        For SAC and TD3. It is this loop with ``explore``, ``reset_critic``, 100 updates after the reset
        and questions by disagreement; any of them can be given otherwise.

        Args:
            folder: As above.
            options: As above.

        Source: Lee et al., PEBBLE, 2021, arXiv:2106.05091.
        """
        usual = {"explore": True, "reset_critic": True, "updates": 100, "selection": "disagreement"}
        return cls(folder, **{**usual, **options})

    def begin(self, step: int, last: int) -> Mapping[str, Any]:
        self.answers.require(*self.tape.spaces)
        if self.questions.trees is not None:
            self.questions.trees.ready(self.model, self._adapter)
        self._next = step + (self.start if not self.reward.ready else self.every)
        rounds = 1 + max(0, last - self._next - 1) // self.every
        left = max(0, self.queries - len(self.answers))
        ahead = self.first if not len(self.answers) else 0.0
        self._plan = shares(left, rounds, self.schedule, first=ahead)
        self._poll_at = step
        self.show(self._running_measures())
        return {"answered": len(self.answers), "plan": self._plan}

    def collect(self, step: int) -> bool:
        if step >= self._poll_at:
            self._poll()
            self._poll_at = step + max(1, self.every // 10)
        asked = step >= self._next and self._ask()
        return bool(self._fresh and (asked or not self.questions.waiting))

    def end(self) -> Mapping[str, Any]:
        self._poll()
        return {"answered": len(self.answers), "waiting": self.questions.waiting}

    def _ask(self) -> bool:
        """One round of questions; False where there is nothing to cut clips from yet."""
        open_ = self.queries - len(self.answers) - self.questions.waiting
        share = min((self._plan[0] if self._plan else 0) + self.questions.skipped, open_)
        if share > 0:
            number = self.folder.count("ask") + 1
            store = self._episodes(share, number)
            model = self.reward if self.reward.ready else None
            query = self.questions.draw(store, share, model, origin=f"{number}/")
            if query is None:
                return False
            held = int((query.a.store.source[query.a.episode] == HELD_OUT).sum())
            # noted first, so that no other round ever has the number of one that was asked
            grown = {} if self.questions.trees is None else {"grown": store.steps}
            self.note("ask", round=number, train=len(query) - held, heldout=held, **grown)
            self.questions.skipped = 0
            self.questions.ask(query, store)
        self._plan = self._plan[1:]
        self._next += self.every
        self.tape.clear()
        self._poll()
        return True

    def _episodes(self, share: int, number: int) -> EpisodeStore:
        """What a round asks about: the agent's last steps, or trees that it grows now."""
        if self.questions.trees is None:
            return self.tape.store()
        trees = self.questions.trees.ready(self.model, self._adapter)
        # seeds of their own for every round of every loop
        first = (self.seed % 1000 * 1000 + number) * APART % 2**31
        return trees.grow(self.model, self.questions.starts(share), first)

    def _poll(self) -> None:
        """Keep every answer that has come."""
        for said in self.questions.poll():
            kept = self.answers.add(said)
            if kept is None:
                continue
            self._fresh += len(kept)
            if self.reward.ready:
                foreseen = pair_measures(self.reward._net(), kept, 1.0)["pair_accuracy"]
                self.show({"preferences/agreement": foreseen})
            self.note("answers", count=len(kept),
                             skipped=len(said) - len(kept), answered=len(self.answers))  # fmt: skip
        self.show({"preferences/asked": self.questions.asked})
        self.show({"preferences/answered": len(self.answers)})

    def fit(self, place: Path, seed: int) -> Mapping[str, Any] | None:
        train, held = self.answers.of(TRAIN), self.answers.of(HELD_OUT)
        if train is None or len(train) < 2:
            return None
        self._fresh = 0
        fit_answers(train, held, **{"seed": seed, **self.settings}).save(place)
        return {"trained_on": len(train)}

    def judge(self, candidate: Model, running: Model | None) -> Verdict:
        held = self.answers.of(HELD_OUT)
        return judge(candidate, running, held, delta=self.delta, least=self.least)

    def measures(self, found: Mapping[str, float] | None) -> dict[str, Any]:
        names = {"heldout_accuracy": "pair_accuracy", "heldout_ece": "ece"}
        return {f"preferences/{tag}": found[name] for tag, name in names.items()} if found else {}

    def _running_measures(self) -> dict[str, Any]:
        held = self.answers.of(HELD_OUT)
        if not self.reward.ready or held is None:
            return {}
        model = load_model(self.path)
        return self.measures(pair_measures(model.net, held, model.temperature))
