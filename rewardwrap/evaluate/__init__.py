"""Know what a reward asks for: distances, regret, model metrics, audit, drift, certificates.

Names load on first use: some need torch, others only numpy.
"""

from importlib import import_module as _import_module
from typing import Any

_lazy: dict[str, str] = {
    "Audit": ".audit.live",
    "AuditError": ".audit.record",
    "BestOf": ".models.benchmarks",
    "BestOfCurve": ".models.overoptimisation",
    "Certificate": ".certificate.lower_bound",
    "CertificateError": ".certificate.claims",
    "Disagreement": ".models.ensembles",
    "Distance": ".distance.rewards",
    "DistanceError": ".payment",
    "Drift": ".models.drift",
    "Item": ".models.items",
    "MdpError": ".mdp",
    "PairReport": "..statistics.pairs",
    "PolicyRanking": "..statistics.ranking",
    "Regret": ".regret.policies",
    "RegretError": ".regret.product",
    "Reliability": "..statistics.calibration",
    "Renderings": ".models.benchmarks",
    "Ties": ".models.selection",
    "Verdicts": ".models.benchmarks",
    "accuracy_drop": "..statistics.pairs",
    "auc": "..statistics.ranking",
    "audit_reward": ".audit.play",
    "best_of_accuracy": ".models.selection",
    "best_of_benchmark": ".models.benchmarks",
    "best_of_curve": ".models.overoptimisation",
    "best_of_items": ".models.items",
    "best_of_n": ".models.overoptimisation",
    "best_of_n_kl": ".models.overoptimisation",
    "brier": "..statistics.calibration",
    "certify": ".certificate.lower_bound",
    "detect_drift": ".models.drift",
    "distance_matrix": ".distance.heatmap",
    "draw_certificates": ".certificate.figure",
    "ece": "..statistics.calibration",
    "ensemble_disagreement": ".models.ensembles",
    "episode_means": "..statistics.two_samples",
    "fit_temperature": "..statistics.pairs",
    "kendall": "..statistics.ranking",
    "log_loss": "..statistics.pairs",
    "mae": "..statistics.ranking",
    "mean_reciprocal_rank": ".models.selection",
    "mirrored": ".models.renderings",
    "mirrored_pendulum": ".models.renderings",
    "pair_accuracy": "..statistics.pairs",
    "pair_ece": "..statistics.pairs",
    "pair_probability": "..statistics.pairs",
    "pair_reliability": "..statistics.pairs",
    "pair_report": "..statistics.pairs",
    "policy_regret": ".regret.policies",
    "psi": ".models.drift",
    "r2": "..statistics.ranking",
    "random_accuracy": ".models.selection",
    "random_reciprocal_rank": ".models.selection",
    "rank_by_policy": "..statistics.ranking",
    "reliability": "..statistics.calibration",
    "rendered": ".models.renderings",
    "rendering_benchmark": ".models.benchmarks",
    "reward_distance": ".distance.rewards",
    "reward_scorer": ".models.items",
    "spearman": "..statistics.ranking",
    "tabular_distance": ".distance.tabular",
    "ties_benchmark": ".models.benchmarks",
    "ties_items": ".models.items",
    "ties_score": ".models.selection",
    "true_returns": ".certificate.rollout",
    "validate": ".models.validation",
    "verified_accuracy": ".models.benchmarks",
    "verified_items": ".models.items",
}
"""Public name -> the module that defines it."""

__all__ = list(_lazy)


def __getattr__(name: str) -> Any:
    if name in _lazy:
        return getattr(_import_module(_lazy[name], __name__), name)
    raise AttributeError(f"module 'rewardwrap.evaluate' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
