"""Levels of central intervals, as users write them."""

from __future__ import annotations

from collections.abc import Sequence

from tsmaml.errors import UsageError


def levels_of(
    level: Sequence[float] | float | None, quantiles: Sequence[float] | None
) -> list[float]:
    """Levels of central intervals in percent, from levels or from quantiles.

    Raises:
        UsageError: if one does not lie between 0 and 100 (quantiles: 0 and 1).
    """
    if level is not None and quantiles is not None:
        raise UsageError("Give level or quantiles, not both.")
    if quantiles is not None:
        outside = [q for q in quantiles if not 0 < q < 1]
        if outside:
            raise UsageError(f"Quantiles lie between 0 and 1, unlike {outside[0]!r}.")
        return sorted({round(100 * abs(1 - 2 * q), 6) for q in quantiles if q != 0.5})
    found = [level] if isinstance(level, int | float) else list(level or ())
    outside = [one for one in found if not 0 < one < 100]
    if outside:
        raise UsageError(
            f"A level lies between 0 and 100, unlike {outside[0]!r}.",
            hint="level=[80, 95] gives 80 % and 95 % intervals.",
        )
    return sorted({float(one) for one in found})
