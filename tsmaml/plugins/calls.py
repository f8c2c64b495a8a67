"""Calling a part's factory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tsmaml.errors import UsageError
from tsmaml.plugins.manager import Part
from tsmaml.plugins.options import check_options


def call_part(part: Part, *args: Any, options: Mapping[str, Any]) -> Any:
    """Call a part's factory; options that it does not take are an error that names them.

    Raises:
        UsageError: for an unknown option, or a value of the wrong type.
        PluginError: if the part can't be loaded.
    """
    import inspect

    check_options(part, options)
    factory = part.load()
    try:
        inspect.signature(factory).bind(*args, **options)
    except TypeError as error:
        known = [
            name
            for name, parameter in inspect.signature(factory).parameters.items()
            if parameter.kind in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        ]
        raise UsageError(
            f"The {part.kind} {part.name!r} can't be made: {error}.",
            hint=f"It takes {', '.join(known) or 'nothing'}.",
        ) from None
    except ValueError:  # a callable without a signature: let it speak for itself
        pass
    return factory(*args, **options)
