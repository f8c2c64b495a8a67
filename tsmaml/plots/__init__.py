"""Pictures of series and forecasts: with matplotlib on a figure, or in a terminal.

``fans`` puts together what is drawn; ``drawing`` draws it with matplotlib, in the colours of
``themes``; ``terminal`` with plotext; ``extras`` says what is not installed. Importing this loads
neither of them (extra ``[plot]``).
"""

from __future__ import annotations

from tsmaml.plots.extras import require
from tsmaml.plots.fans import Fan, evenly, fans_of, fans_of_series

__all__ = ["Fan", "evenly", "fans_of", "fans_of_series", "require"]
