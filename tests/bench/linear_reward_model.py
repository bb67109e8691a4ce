"""A linear reward model fitted on weak Pendulum play, measured in every way there is.

``python -m tests.bench.linear_reward_model``: the second half of docs/results/reward_models.md.
"""

from __future__ import annotations

import gymnasium as gym
import numpy as np
from scipy.special import expit

from rewardwrap import evaluate as ev
from rewardwrap.evaluate.models.items import play, true_return
from rewardwrap_policies import controller

Array = np.ndarray
WEAK, STRONG = (0.6, 0.8, 1.0), (0.0, 0.1, 0.2)
RNG = np.random.default_rng(0)
ENV = gym.make("Pendulum-v1")


def sample(count: int, shares: tuple[float, ...]) -> tuple[Array, Array, Array]:
    """Features (n, 5), true returns (n,) and share of random actions (n,) of episodes."""
    who = RNG.choice(shares, count)
    policy = controller("Pendulum-v1")
    episodes = [
        play(ENV, policy, prompt=int(RNG.integers(2**31)), steps=40, random_share=share, rng=RNG)
        for share in who
    ]
    rows = [
        [*np.abs(e["obs"]).mean(axis=0)[1:], np.square(e["action"]).mean(), *e["obs"][[-1], 0]]
        for e in episodes
    ]
    cosine = [e["obs"][:, 0].mean() for e in episodes]
    returns = np.array([true_return(e) for e in episodes])
    return np.column_stack([cosine, rows]), returns, who


def pairs(features: Array, returns: Array, count: int) -> tuple[Array, Array]:
    """Differences of features and labels drawn by Bradley and Terry, at a scale of 30."""
    first, second = RNG.integers(len(returns), size=(2, count))
    chance = expit((returns[first] - returns[second]) / 30)
    return features[first] - features[second], (RNG.random(count) < chance).astype(float)


def fit(gaps: Array, labels: Array) -> Array:
    """Weights of a logistic regression by gradient descent."""
    weights = np.zeros(gaps.shape[1])
    for _ in range(3000):
        weights -= 0.5 * (gaps.T @ (expit(gaps @ weights) - labels) / len(labels) + 1e-3 * weights)
    return weights


def main() -> None:
    """Fit five members on 60 pairs each and print what they are worth."""
    (fitted, returns, _), (seen, seen_returns, _) = sample(400, WEAK), sample(400, WEAK)
    (far, far_returns, _), (every, gold, who) = sample(400, STRONG), sample(600, WEAK + STRONG)
    mean, spread = fitted.mean(axis=0), fitted.std(axis=0)
    fitted, seen, far, every = ((rows - mean) / spread for rows in (fitted, seen, far, every))
    members = [fit(*pairs(fitted, returns, 60)) for _ in range(5)]
    model = members[0]
    inside, outside = pairs(seen, seen_returns, 4000), pairs(far, far_returns, 4000)
    gaps, labels = inside[0] @ model, inside[1]
    print(
        "accuracy seen, shifted, drop",
        ev.accuracy_drop((gaps, labels), (outside[0] @ model, outside[1])),
    )
    found = ev.pair_report(gaps, labels)
    print("log-loss, Brier, ECE", found.log_loss, found.brier, found.ece)
    heat = ev.fit_temperature(gaps[:2000], labels[:2000])
    rest, truth = gaps[2000:], labels[2000:]
    eces = ev.pair_ece(rest, truth), ev.pair_ece(rest / heat, truth)
    print("temperature, ECE of the rest before and after", heat, *eces)
    ranks = ev.rank_by_policy(every @ model, gold, who)
    print("Spearman within, across, pooled", ranks.within, ranks.across, ranks.pooled)
    scaled = [np.polyval(np.polyfit(p, gold, 1), p) for p in (every @ m for m in members)]
    worth = ev.ensemble_disagreement(scaled, gold)
    print("error correlation, AUROC", worth.error_correlation, worth.auroc)
    pools = [sample(128, WEAK + STRONG)[:2] for _ in range(12)]
    features, true = np.array([p[0] for p in pools]), np.array([p[1] for p in pools])
    proxies = {
        "model": ((features - mean) / spread) @ model,
        "little torque": -features[..., 3],
        "slow": -features[..., 2],
    }
    for name, proxy in proxies.items():
        curve = ev.best_of_curve(proxy, true)
        print(
            name, dict(zip(curve.n.tolist(), curve.gold.round().tolist(), strict=True)), curve.lost
        )


if __name__ == "__main__":
    main()
