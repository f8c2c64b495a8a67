"""Packages that only some of the work needs."""

from __future__ import annotations

from importlib.util import find_spec

from tsmaml.errors import MissingDependencyError


def require(module: str, what: str, extra: str) -> None:
    """Refuse what can't be done here for want of a package.

    Args:
        module: the package that has to be there.
        what: what needs it, as the begin of a sentence: ``"Pictures need"``.
        extra: the extra of tsmaml that brings it.

    Raises:
        MissingDependencyError: if it is not installed, with the command that installs it.
    """
    if find_spec(module) is None:
        raise MissingDependencyError(
            f"{what} {module}.", hint=f'python -m pip install "tsmaml[{extra}]"'
        )
