"""The return that no attack within a budget can take from an agent: what ``rewardwrap certify`` asks."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rewardwrap.api.run import Run
from rewardwrap.core.errors import ConfigError, RewardwrapWarning
from rewardwrap.evaluate.certificate import lower_bound
from rewardwrap.files import write_whole

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rewardwrap.evaluate.certificate.lower_bound import Certificate

FIGURE, DOCUMENT = "certificate.png", "certificate.json"
LANES = 100


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What a certificate shall say, fixed before anything is played.

    Args:
        folder: The bundle of the agent.
        sigma: Of the noise.
        lower: No return can be below it.
        method: ``"clopper-pearson"`` or ``"dkw"``.
        thresholds: Fixed in advance, for the first.
        budgets: Of the attacker.
        episodes: How many are played.
        alpha: Chance to be wrong.
        seed: Of the first episode.
        deterministic: Whether the policy plays its mode.
        lanes: Environments at a time.
        changes: Settings that this machine has otherwise: device, folders of recipes.
    """

    folder: Path
    sigma: float
    lower: float
    method: str
    thresholds: NDArray[np.float64] | None
    budgets: NDArray[np.float64]
    episodes: int
    alpha: float
    seed: int
    deterministic: bool
    lanes: int = LANES
    changes: dict[str, Any] = field(default_factory=dict)

    def of(self, returns: NDArray[np.float64]) -> Certificate:
        """The certificate that these returns give."""
        return lower_bound.certify(
            returns, sigma=self.sigma, budgets=self.budgets, lower=self.lower,
            thresholds=self.thresholds, alpha=self.alpha, method=self.method,
        )  # fmt: skip

    def refuse(self) -> None:
        """Refuse what can be refused without playing."""
        self.of(np.full(self.episodes, self.lower))

    def play(self, on_progress: Callable[[int], None] | None = None) -> NDArray[np.float64]:
        """The true return of every episode."""
        from rewardwrap.evaluate.certificate.rollout import true_returns
        from rewardwrap.training import bundle

        changes = {**self.changes, "noise": self.sigma, "backend": "dummy"}
        agent = bundle.read(self.folder, changes=changes)
        env = agent.eval_env(min(self.lanes, self.episodes))
        found = true_returns(
            agent.model, env, self.episodes, seed=self.seed, deterministic=self.deterministic,
            on_progress=on_progress or (lambda done: None),
        )  # fmt: skip
        env.close()
        agent.close()
        return found


def certify(
    agent: Run | str | Path,
    *,
    which: str = "best",
    sigma: float | None = None,
    episodes: int = 10_000,
    lower: float | None = None,
    upper: float | None = None,
    levels: int = 200,
    method: str | None = None,
    budgets: float | Sequence[float] | None = None,
    alpha: float = 0.05,
    seed: int = 20_000,
    deterministic: bool = True,
    lanes: int = LANES,
    device: str = "auto",
    catalog: Iterable[str | Path] = (),
    out: str | Path | None = None,
) -> Certificate:
    """Play an agent with noise on each frame, and certify the return that no attacker can take below.

    The attacker shifts observations by e_t with ``sum |e_t|^2 <= budget^2``.

    Args:
        agent: A `Run`, its folder, or a bundle; trained with ``noise=sigma``.
        which: ``"best"`` or ``"last"`` of a run.
        sigma: Of the noise; None: that of the training.
        episodes: How many to play.
        lower: No return can be below it; None: by the environment's rules.
        upper: Return at which ``levels`` even thresholds end, fixed in advance.
        levels: How many.
        method: ``"clopper-pearson"`` (needs ``upper``) or ``"dkw"``; None: the first where it can be.
        budgets: One number is the largest of 101 from 0; several are taken as they are; None: 5 sigma.
        alpha: Chance to be wrong.
        seed: Of the first episode.
        deterministic: Whether the policy plays its mode.
        lanes: Environments at a time.
        device: As in torch.
        catalog: Folders with recipes of your own.
        out: Folder of ``certificate.json`` and ``.png``; None: ``certificate/`` beside the agent.

    Raises:
        RewardwrapError: A claim that these episodes cannot support.
    """
    from contextlib import nullcontext

    from rewardwrap.training.folder import bundle_in

    folder = bundle_in(agent.folder if isinstance(agent, Run) else Path(agent), which)
    asked = [budgets] if isinstance(budgets, int | float) else budgets
    folders = tuple(str(Path(each).absolute()) for each in catalog)
    claim = claim_of(
        folder, sigma=sigma, episodes=episodes, lower=lower, upper=upper, levels=levels, method=method,
        budgets=asked, alpha=alpha, seed=seed, deterministic=deterministic, lanes=lanes,
        changes={"device": device, **({"catalog": folders} if folders else {})},
    )  # fmt: skip
    with agent.at_hand() if isinstance(agent, Run) else nullcontext():
        returns = claim.play()
    found = claim.of(returns)
    write(claim, found, returns, folder / "certificate" if out is None else Path(out))
    return found


def claim_of(
    folder: Path,
    *,
    sigma: float | None,
    lower: float | None,
    upper: float | None,
    levels: int,
    method: str | None,
    budgets: Sequence[float] | None,
    **rest: Any,
) -> Claim:
    """The claim that was asked for, whole; what can be refused without playing is refused.

    Raises:
        ConfigError: Clopper and Pearson without thresholds, thresholds that do not rise, no sigma, or
            an environment whose rules are not known here.
    """
    least = _lower(lower, folder)
    chosen, thresholds = _method(method, least, upper, levels)
    noise = _sigma(sigma, folder)
    claim = Claim(
        folder=folder, sigma=noise, lower=least, method=chosen, thresholds=thresholds,
        budgets=_budgets(budgets, noise), **rest,
    )  # fmt: skip
    claim.refuse()
    return claim


def _method(
    method: str | None, lower: float, upper: float | None, levels: int
) -> tuple[str, NDArray[np.float64] | None]:
    chosen = method or ("dkw" if upper is None else "clopper-pearson")
    if upper is None:
        if chosen == "clopper-pearson":
            raise ConfigError(
                "--method clopper-pearson must have thresholds that are fixed in advance, got no "
                "--upper. Give the return at which they end, e.g. --upper 200, or --method dkw."
            )
        return chosen, None
    if not upper > lower:
        raise ConfigError(f"--upper must be above --lower, got {upper:g} and {lower:g}. Swap them.")
    return chosen, np.linspace(lower, upper, levels + 1)[1:]


def _lower(asked: float | None, folder: Path) -> float:
    from rewardwrap.evaluate.certificate.worst import least_return
    from rewardwrap.training import bundle

    if asked is not None:
        return asked
    settings = bundle.document(folder)["settings"]
    # a wrapper of the user's may pay anything
    wrapped = settings["row"].get("env_wrapper") not in (None, "")
    found = (
        None
        if wrapped
        else least_return(settings["env"], settings["env_kwargs"], tuple(settings["catalog"]))
    )
    if found is None:
        raise ConfigError(
            f"--lower must be a return that no episode of {settings['env']} can be below, got none. "
            "Give what its rules allow at worst, not what was seen, e.g. --lower -1000."
        )
    return found


def _sigma(asked: float | None, folder: Path) -> float:
    from rewardwrap.training import bundle

    trained = float(bundle.document(folder)["settings"].get("noise", 0.0))
    if asked is None and trained == 0:
        raise ConfigError(
            f"--sigma must be given for a policy that was trained without noise, got none for "
            f"{folder}. Train it with `rewardwrap train --noise SIGMA`, or give --sigma."
        )
    sigma = trained if asked is None else asked
    if not np.isfinite(sigma) or sigma <= 0:
        raise ConfigError(
            f"--sigma must be above 0, got {sigma:g}. It is in units of observations."
        )
    if sigma != trained:
        warnings.warn(
            f"the policy was trained with noise {trained:g} and plays with {sigma:g}: the certificate "
            "holds, but a policy trained with the same noise keeps more return.",
            RewardwrapWarning,
            stacklevel=4,
        )
    return sigma


def _budgets(asked: Sequence[float] | None, sigma: float) -> NDArray[np.float64]:
    if asked is None:
        return np.linspace(0, 5 * sigma, 101)
    return np.linspace(0, asked[0], 101) if len(asked) == 1 else np.array(asked)


def write(
    claim: Claim, found: Certificate, returns: NDArray[np.float64], out: Path
) -> dict[str, Any]:
    """Write the document and the figure; returns the document."""
    from rewardwrap.evaluate.certificate.figure import draw_certificates
    from rewardwrap.pages.drawing import save
    from rewardwrap.training import bundle
    from rewardwrap.training.provenance import versions

    out.mkdir(parents=True, exist_ok=True)
    settings = bundle.document(claim.folder)["settings"]
    document: dict[str, Any] = {
        "bundle": str(claim.folder),
        "env": settings["env"],
        "trained_with_noise": settings.get("noise", 0.0),
        "noise_scale": settings.get("noise_scale", []),
        "seed": claim.seed,
        "deterministic": claim.deterministic,
        **found.to_dict(),
        "returns": returns.tolist(),
        "versions": versions(),
    }
    write_whole(out / DOCUMENT, json.dumps(document, indent=1, allow_nan=False) + "\n")
    title = (
        f"{settings['env']}: sigma {found.sigma:g}, {found.episodes:,} episodes, "
        f"{1 - found.alpha:.0%} ({found.method})"
    )
    figure = draw_certificates({found.method: found}, title=title)
    write_whole(out / FIGURE, save(figure, suffix="png"))
    return document
