"""Who acts: hyperparameters of learning algorithms, and scripted controllers that do the task.

It knows nothing of rewards. Nothing heavy is loaded before an algorithm or its settings are asked
for.
"""

from rewardwrap_policies.algorithms import ALGORITHMS, algorithm
from rewardwrap_policies.errors import (
    MissingPackage,
    PoliciesError,
    PresetError,
    UnknownAlgorithm,
    UnknownController,
    UnknownPreset,
)
from rewardwrap_policies.presets import (
    Hyperparameters,
    hyperparameters,
    override,
    rows,
    written_row,
)
from rewardwrap_policies.schedules import Linear
from rewardwrap_policies.scripted import CONTROLLERS, controller

__all__ = [
    "ALGORITHMS",
    "CONTROLLERS",
    "Hyperparameters",
    "Linear",
    "MissingPackage",
    "PoliciesError",
    "PresetError",
    "UnknownAlgorithm",
    "UnknownController",
    "UnknownPreset",
    "algorithm",
    "controller",
    "hyperparameters",
    "override",
    "rows",
    "written_row",
]
