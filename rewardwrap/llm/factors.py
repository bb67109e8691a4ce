"""Factors of a return: a model names the quantities, a network learns from returns what they are worth.

Source: LaRe, Qu et al., "Latent Reward: LLM-Empowered Credit Assignment in Episodic Reinforcement
Learning", 2024, arXiv 2412.11120: several candidates at temperature 1, one summary at 0.3, up to five
rounds of checks on real observations with the error fed back. Deviations: the code runs in the sandbox;
factors have names; candidates that fail are left out of the summary.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from rewardwrap.core.errors import RewardwrapError
from rewardwrap.llm.budget import Budgeted
from rewardwrap.llm.candidate import Candidate
from rewardwrap.llm.client import Completion, Message, ProviderError, Request
from rewardwrap.llm.extraction import NoCode, code_in
from rewardwrap.llm.journal import Journal
from rewardwrap.llm.prompt import VERSION, Scene, abstraction, action_shape, render
from rewardwrap.llm.stages import Stages
from rewardwrap.rewards.code import CodeReward
from rewardwrap.rewards.decoded import Decoded

ATTEMPTS = 5
MERGING = 0.3
"""Temperature of the summary."""


def decoded(source: str, **options: object) -> Decoded:
    """The reward: factors behind the sandbox, a decoder that has still to learn."""
    return Decoded(CodeReward(source, **options))  # type: ignore[arg-type]


def find_factors(
    scene: Scene,
    task: str,
    client: Budgeted,
    stages: Stages,
    journal: Journal,
    *,
    ask: Request,
    candidates: int,
    say: Callable[[str], None] = lambda line: None,
) -> str:
    """Source of a function whose components are the factors.

    Args:
        scene: The environment.
        task: What the agent should do, in words.
        client: Who is asked.
        stages: Whose gate and probe check the code on stored episodes.
        journal: Where answers and verdicts go.
        ask: Sampling and seed.
        candidates: Proposals before the summary; one needs no summary.
        say: Called with a line at each step.

    Raises:
        ProviderError: No proposal could be used.
    """
    first = first_factors_request(scene, task, ask=ask)
    usable = []
    for number in range(1, candidates + 1):
        label, seed = f"factors-{number}", ask.seed + number - 1
        found = _checked(replace(first, label=label, seed=seed), client, stages, journal, say)
        if found is not None:
            usable.append(found)
    if not usable:
        raise ProviderError(
            f"one of {candidates} proposals must be usable, got none. run.jsonl says what was wrong "
            "with each; ask for more (--samples) or another model."
        )
    if len(usable) == 1:
        return usable[0]
    asked = Request(
        (*first.messages, {"role": "user", "content": render("merge.jinja", codes=usable)}),
        MERGING,
        ask.max_tokens,
        ask.seed,
        VERSION,
        "factors-merged",
    )
    merged = _checked(asked, client, stages, journal, say)
    return merged if merged is not None else usable[0]


def first_factors_request(scene: Scene, task: str, *, ask: Request) -> Request:
    """The question for factors."""
    system = render(
        "factors.jinja", example=scene.fields[0], action_shape=action_shape(scene.action_space)
    )
    user = f"{abstraction(scene)}\n\nTask: {task}"
    messages = ({"role": "system", "content": system}, {"role": "user", "content": user})
    return replace(ask, messages=messages, version=VERSION)


def _checked(
    request: Request,
    client: Budgeted,
    stages: Stages,
    journal: Journal,
    say: Callable[[str], None],
) -> str | None:
    """Ask until the code runs on stored episodes, telling the model what was wrong."""
    known = [event for event in journal.of("factors") if event["id"] == request.label]
    if known:
        return known[-1]["code"] or None
    asked, source = request, None
    for attempt in range(1, ATTEMPTS + 1):
        answer = client.complete(asked)
        candidate = _candidate(answer, request.label, stages)
        if candidate.alive:
            source = candidate.source
            break
        say(f"  {request.label}, attempt {attempt}: {candidate.reason}")
        asked = _repaired(request, answer, candidate.reason, attempt)
    journal.write("factors", id=request.label, code=source or "", spent=client.ledger.spent)
    return source


def _candidate(answer: Completion, label: str, stages: Stages) -> Candidate:
    made = Candidate(label, 0, 0)
    try:
        made.source = code_in(answer)
        stages.run(made)
    except NoCode as error:
        made.reject("extract", str(error))
    except RewardwrapError as error:
        made.reject("probe", str(error))
    if made.alive and not made.components:
        made.reject("probe", "the function must return a dict of factors, got none.")
    return made


def _repaired(request: Request, answer: Completion, error: str, attempt: int) -> Request:
    extra: tuple[Message, ...] = (
        {"role": "assistant", "content": answer.text or "(nothing)"},
        {"role": "user", "content": render("repair.jinja", error=error)},
    )
    messages = (*request.messages, *extra)
    return replace(request, messages=messages, label=f"{request.label}-repair-{attempt}")
