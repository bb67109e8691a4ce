"""Know what a reward asks for: distances, regret, model metrics, audit, drift, certificates.

Names load on first use: some need torch, others only numpy.
"""

from importlib import import_module as _import_module
from typing import Any

_lazy: dict[str, str] = {
    "Audit": "audit.live",
    "AuditError": "audit.record",
    "BestOf": "benchmarks",
    "BestOfCurve": "overoptimisation",
    "Certificate": "certificate",
    "CertificateError": "claims",
    "Disagreement": "ensembles",
    "Distance": "distance",
    "DistanceError": "separation",
    "Drift": "drift",
    "Item": "items",
    "MdpError": "tabular",
    "PairReport": "pairs",
    "PolicyRanking": "ranking",
    "Regret": "regret",
    "RegretError": "product",
    "Reliability": "calibration",
    "Renderings": "benchmarks",
    "Ties": "selection",
    "Verdicts": "benchmarks",
    "accuracy_drop": "pairs",
    "auc": "ranking",
    "audit_reward": "audit.play",
    "best_of_accuracy": "selection",
    "best_of_benchmark": "benchmarks",
    "best_of_curve": "overoptimisation",
    "best_of_items": "items",
    "best_of_n": "overoptimisation",
    "best_of_n_kl": "overoptimisation",
    "brier": "calibration",
    "certify": "certificate",
    "detect_drift": "drift",
    "distance_matrix": "heatmap",
    "draw_certificates": "certificate_figure",
    "ece": "calibration",
    "ensemble_disagreement": "ensembles",
    "episode_means": "drift",
    "fit_temperature": "pairs",
    "kendall": "ranking",
    "log_loss": "pairs",
    "mae": "ranking",
    "mean_reciprocal_rank": "selection",
    "mirrored_pendulum": "renderings",
    "pair_accuracy": "pairs",
    "pair_ece": "pairs",
    "pair_probability": "pairs",
    "pair_reliability": "pairs",
    "pair_report": "pairs",
    "policy_regret": "regret",
    "psi": "drift",
    "r2": "ranking",
    "random_accuracy": "selection",
    "random_reciprocal_rank": "selection",
    "rank_by_policy": "ranking",
    "reliability": "calibration",
    "rendered": "renderings",
    "rendering_benchmark": "benchmarks",
    "reward_distance": "distance",
    "reward_scorer": "items",
    "spearman": "ranking",
    "tabular_distance": "tabular",
    "ties_benchmark": "benchmarks",
    "ties_items": "items",
    "ties_score": "selection",
    "true_returns": "rollout",
    "verified_accuracy": "benchmarks",
    "verified_items": "items",
}
"""Public name -> the module of this folder that defines it."""

__all__ = list(_lazy)


def __getattr__(name: str) -> Any:
    if name in _lazy:
        return getattr(_import_module(f"rewardwrap.evaluate.{_lazy[name]}"), name)
    raise AttributeError(f"module 'rewardwrap.evaluate' has no attribute {name!r}")
