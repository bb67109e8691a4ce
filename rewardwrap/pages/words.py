"""Numbers and names as the sentences of a page say them."""

from __future__ import annotations


def number(value: float) -> str:
    """A number as sentences print it: three figures, never an exponent for everyday sizes."""
    if abs(value) >= 1e6 or 0 < abs(value) < 0.005:
        return f"{value:.2g}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if float(value).is_integer():
        return f"{value:.1f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def count(seeds: int) -> str:
    """``1 seed``, ``2 seeds``."""
    return f"{seeds} seed" if seeds == 1 else f"{seeds} seeds"


def signed(value: float) -> str:
    """A difference with its sign."""
    return f"+{number(value)}" if value > 0 else number(value)


def p_value(p: float) -> str:
    """``= 0.012``, ``< 0.001`` or ``= 1``."""
    if p < 0.001:
        return "< 0.001"
    return f"= {p:.3f}" if p < 0.1 else f"= {p:.2g}"


def listed(names: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
