"""What can go wrong with policies and their settings.

PoliciesError
├── PresetError         (ValueError)    a settings file or an override breaks a rule
├── UnknownAlgorithm    (LookupError)   no algorithm of that name
├── UnknownPreset       (LookupError)   no settings for that environment
├── UnknownController   (LookupError)   no scripted controller for that environment
├── PlannerError        (ValueError)    an environment that cannot be planned in (planner.py)
├── NoiseError          (ValueError)    noise that cannot be put on these observations
└── MissingPackage      (ImportError)   the algorithm needs an optional package
"""

from __future__ import annotations


class PoliciesError(Exception):
    """Any error raised on purpose by this package."""


class PresetError(PoliciesError, ValueError):
    """A settings file or an override breaks a rule."""


class UnknownAlgorithm(PoliciesError, LookupError):
    """No algorithm of that name."""


class UnknownPreset(PoliciesError, LookupError):
    """No settings for that environment."""


class UnknownController(PoliciesError, LookupError):
    """No scripted controller for that environment."""


class MissingPackage(PoliciesError, ImportError):
    """The algorithm needs an optional package."""


class NoiseError(PoliciesError, ValueError):
    """Noise that cannot be put on these observations."""
