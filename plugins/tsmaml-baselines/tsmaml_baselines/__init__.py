"""Baselines of other libraries: exponential smoothing, ARIMA, Theta, MFLES, pooled LightGBM."""

from __future__ import annotations

from tsmaml import hookimpl


@hookimpl
def register_baselines(register):
    """Names for ``tsmaml evaluate --baselines``; nothing is imported before it is used."""
    local = "tsmaml_baselines.local"
    register("auto_ets", f"{local}:auto_ets", help="Exponential smoothing (statsforecast)")
    register("auto_arima", f"{local}:auto_arima", help="Seasonal ARIMA (statsforecast)")
    register("auto_theta", f"{local}:auto_theta", help="The best Theta model (statsforecast)")
    register(
        "dynamic_optimized_theta",
        f"{local}:dynamic_optimized_theta",
        help="Dynamic optimised Theta (statsforecast)",
    )
    register("mfles", f"{local}:mfles", help="Boosted trend and seasons (statsforecast)")
    register("lightgbm", "tsmaml_baselines.pooled:build", help="LightGBM for each step (LightGBM)")
    register(
        "mlforecast",
        "tsmaml_baselines.recursive:build",
        help="LightGBM, step after step (mlforecast)",
    )
