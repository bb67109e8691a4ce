"""The sentences of findings: what was seen, the numbers behind it, what to look at next."""

from __future__ import annotations

from rewardwrap.evaluate.audit.finding import Clip, Finding, number
from rewardwrap.evaluate.audit.loops import Loop
from rewardwrap.evaluate.audit.potentials import Checked
from rewardwrap.evaluate.audit.tape import Episode
from rewardwrap.evaluate.audit.trends import Ending, Parting, Takeover, Unsure


def broken_telescope(episode: Episode, checked: Checked, residual: float) -> Finding:
    """A potential whose discounted sum is not the difference of its ends."""
    because = f" It {checked.altered}." if checked.altered else ""
    return _at(
        episode,
        (0, episode.length - 1),
        signal="telescope",
        term=checked.name,
        bug=True,
        what=f'"{checked.name}" is written as a potential and does not telescope.',
        evidence=(
            f"Its discounted sum over episode {episode.number} is off from gamma^T Phi(s_T) - Phi(s_0) "
            f"by {number(residual)} of the size of Phi.{because}",
            "So it can change which policy is best.",
        ),
        look="Is its gamma that of the learner, is Phi 0 only where the task terminates, and does "
        "nothing clip or rescale it on the way?",
        strength=abs(residual),
    )


def not_finite(episode: Episode, term: str, step: int) -> Finding:
    """A term that is NaN or infinite."""
    return _at(
        episode,
        (step, step),
        signal="finite",
        term=term,
        bug=True,
        what=f'"{term}" is not finite.',
        evidence=(f"First at step {step} of episode {episode.number}.",),
        look="Guard the division or the logarithm that made it, or bound its input.",
    )


def paying_loop(episode: Episode, loop: Loop, term: str, share: float) -> Finding:
    """A state that is come back to for pay."""
    length = loop.stop - loop.start + 1
    out = (
        f"the best way out seen from there brought {number(loop.out)} (true: {number(loop.out_true)})"
        if loop.known
        else "no way out was seen yet, so it is compared with ending at once"
    )
    return _at(
        episode,
        (loop.start, loop.stop),
        signal="loop",
        term=term,
        what=f'Going round in a loop pays through "{term}", and does not do the task.',
        evidence=(
            f"Episode {episode.number} came back {loop.returns} times to the same state within "
            f"{length} steps (from step {loop.start} to {loop.stop}).",
            f"For ever, that is worth {number(loop.pay)} to the learner and {number(loop.true)} in the "
            f"true reward, discounted; {out}.",
            f'"{term}" brings {share:.0%} of what the loop pays beyond the true reward.',
        ),
        look=f'Does "{term}" take back on the way out what it pays on the way in? A progress bonus '
        "that is a difference of potentials does (rw.Potential), one cut at 0 does not.",
        strength=loop.excess * loop.returns,
    )


def paying_survival(episode: Episode, stay: Loop, term: str) -> Finding:
    """An episode that ran to the clock because running pays."""
    against = (
        f"The best that an episode with an end brought is {number(stay.out)} "
        f"(true: {number(stay.out_true)})."
        if stay.known
        else "The true reward never changed on the way, and no episode has reached an end yet."
    )
    return _at(
        episode,
        (stay.start, stay.stop),
        signal="survival",
        term=term,
        what=f'Staying until the time limit pays through "{term}", without progress in the task.',
        evidence=(
            f"Episode {episode.number} ran to the limit of {episode.length} steps.",
            f"Going on as in its second half is worth {number(stay.pay)} to the learner and "
            f"{number(stay.true)} in the true reward, discounted. {against}",
        ),
        look=f'What does "{term}" pay to an agent that does nothing? A bonus for each step is worth '
        "its size / (1 - gamma): it must stay below what the task is worth.",
        strength=stay.excess,
    )


def far_off(episode: int, shaped: float, z: float, z_true: float, count: int) -> Finding:
    """An episode that was paid like no other."""
    return Finding(
        signal="outlier",
        what="Some episodes were paid unlike all others, and the true return does not say why.",
        evidence=(
            f"Episode {episode}: shaped return without potentials {number(shaped)}, "
            f"{abs(z):,.0f} robust deviations from the median of the {count} episodes before; the "
            f"true return is {abs(z_true):.1f} from its own.",
        ),
        look="Which term jumped, and is the state it was paid in a real one?",
        strength=abs(z),
    )


def parted(parting: Parting, count: int) -> Finding:
    """Shaped return up, true return not."""
    return Finding(
        signal="divergence",
        what=f"The shaped return rises and the true return {parting.why}.",
        evidence=(
            f"Change over {count} episodes with its 99.9 % interval: shaped {parting.shaped}, "
            f"true {parting.true} (Theil and Sen; verified potentials left out).",
            f"Rank correlation of the two: {parting.rank:+.2f} (Spearman).",
        ),
        look="Watch an episode of the end of this stretch: what does the agent do for its pay? "
        "If the true reward is sparse, look again later.",
        strength=parting.shaped.value,
    )


def ends_early(ending: Ending, count: int) -> Finding:
    """Short episodes that are paid better and do not do the task better."""
    return Finding(
        signal="early end",
        what="Ending sooner pays, and does not do the task better.",
        evidence=(
            f"Among {count} episodes, length and shaped return correlate by {ending.with_shaped:+.2f}, "
            f"length and true return by {ending.with_true:+.2f} (Spearman).",
            f"A step pays {number(ending.pay)} on average; the length changed by {ending.length} steps.",
        ),
        look="What ends the short episodes: the goal, or a failure that spares the costs? "
        "A cost for each step needs a larger cost for failing.",
        strength=-ending.with_shaped,
    )


def takes_over(name: str, found: Takeover, count: int) -> Finding:
    """A term that grew to most of the pay."""
    return Finding(
        signal="dominance",
        term=name,
        what=f'"{name}" has come to make up most of what the learner is paid.',
        evidence=(
            f"Its share in |terms| is {found.late:.0%} over the last {count} episodes; it was "
            f"{found.early:.0%} over the first.",
            f"It explains {found.variance:.0%} of the variance of the shaped return there.",
        ),
        look="Is that the term the agent should live for? If not, give it a smaller weight or a bound.",
        strength=found.late - found.early,
    )


def disagrees(found: Unsure, count: int) -> Finding:
    """An ensemble that knows less and less where the agent goes."""
    return Finding(
        signal="disagreement",
        what="The reward model's members disagree more and more while the shaped return rises.",
        evidence=(
            f"Change over {count} episodes with its 99.9 % interval: disagreement "
            f"{found.disagreement}, shaped {found.shaped}; rank correlation {found.rank:+.2f}.",
        ),
        look="The agent may be where the model was never trained: label some of these episodes, "
        "or pay the ensemble's lower bound.",
        strength=found.rank,
    )


def _at(episode: Episode, span: tuple[int, int], **rest: object) -> Finding:
    clip = Clip.of(episode.number, episode.terms, episode.states, span)
    return Finding(episodes=[episode.number], steps=[episode.step], clip=clip, **rest)  # type: ignore[arg-type]
