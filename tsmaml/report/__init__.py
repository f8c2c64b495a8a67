"""One self-contained HTML file about a forecaster, and about how it does on given series.

``of_model`` and ``of_series`` gather what the page says, in ``sections``; ``judging`` forecasts what is
known; ``figures`` draws; ``svg`` makes drawings part of the page, in its colours; ``page`` fills the
template. Needs the extra ``[report]``; importing this loads none of it.
"""

from __future__ import annotations

from tsmaml.report.page import check_report, write_report

__all__ = ["check_report", "write_report"]
