"""Build fertility_yearly.parquet from the data sets of statsmodels (World Bank).

python -m pip install statsmodels
python datasets/build_fertility.py [OUT]
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd


def build() -> pd.DataFrame:
    """Births a woman by country and year, of countries with a value in every year."""
    from statsmodels.datasets import fertility

    table = fertility.load_pandas().data.set_index("Country Name")
    years = table[[name for name in table.columns if name.isdigit()]]
    years = years.loc[:, years.notna().any()].dropna()
    long = years.stack().rename_axis(["unique_id", "ds"]).rename("y").reset_index()
    long["ds"] = pd.to_datetime(long["ds"], format="%Y")
    return long.astype({"ds": "datetime64[us]", "y": "float32"})


if __name__ == "__main__":
    out = sys.argv[1] if len(sys.argv) > 1 else Path(__file__).with_name("fertility_yearly.parquet")
    build().to_parquet(out, index=False, compression="zstd")
