"""A fit is a run of a local store, and its model comes back: as a forecaster and as a pyfunc."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
import tsmaml_mlflow

from tsmaml import MetaForecaster
from tsmaml.engine import Progress
from tsmaml.errors import ArtifactError, UsageError
from tsmaml.plugins import registry
from tsmaml.series import read_series

H, STEPS = 3, 4


def frame_of(n_series: int) -> pd.DataFrame:
    """Daily sales, whole numbers, with a promotion that is known ahead and a town."""
    rng = np.random.default_rng(n_series)
    ds = np.tile(pd.date_range("2024-01-01", periods=30), n_series)
    promotion = rng.integers(0, 2, 30 * n_series)
    return pd.DataFrame(
        {
            "shop": np.repeat([f"s{number}" for number in range(n_series)], 30),
            "ds": ds,
            "sold": rng.integers(10, 20, 30 * n_series) + 5 * promotion,
            "promotion": promotion,
            "town": np.repeat(np.where(np.arange(n_series) % 2, "Ulm", "Bonn"), 30),
        }
    )


def apart(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Series without their last points, what is known of these, and the towns."""
    is_ahead = frame.groupby("shop").cumcount(ascending=False) < H
    series = frame[~is_ahead].drop(columns="town")
    ahead = frame.loc[is_ahead, ["shop", "ds", "promotion"]]
    return series, ahead, frame[["shop", "town"]].drop_duplicates()


@pytest.fixture(scope="module", autouse=True)
def store(tmp_path_factory):
    """A local store of files; nothing of the environment asks for tracking."""
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        for name in tsmaml_mlflow.ASKING:
            patch.delenv(name, raising=False)
        mlflow.set_tracking_uri(folder.joinpath("mlruns").as_uri())
        # Set by the line above: most tests begin without it.
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield folder
        mlflow.set_tracking_uri(None)


@pytest.fixture(scope="module")
def series():
    frame = frame_of(10)
    return read_series(
        frame.drop(columns="town"),
        id_col="shop",
        target_col="sold",
        futr_cols=["promotion"],
        static_df=frame[["shop", "town"]].drop_duplicates(),
    )


@pytest.fixture(scope="module")
def fit(series):
    """A forecaster that was fitted inside a run, and the run."""
    forecaster = MetaForecaster(
        H,
        season_length=1,
        model="linear",
        steps=STEPS,
        meta_batch=2,
        n_support=2,
        validate_every=2,
        holdout=0.4,
    )
    with mlflow.start_run() as run:
        forecaster.fit(series)
        assert mlflow.active_run().info.run_id == run.info.run_id
    return forecaster, mlflow.get_run(run.info.run_id)


def model_of(run_id: str) -> str:
    (found,) = mlflow.search_logged_models(
        filter_string=f"source_run_id = '{run_id}'", output_format="list"
    )
    return found.model_uri


def history_of(run_id: str, name: str) -> dict[int, float]:
    """Values by step; those of the last step stand twice, the second time as the model's."""
    stored = mlflow.MlflowClient().get_metric_history(run_id, name)
    found = {metric.step: metric.value for metric in stored}
    assert len(stored) - len(found) in (0, 1)
    return found


def test_it_is_installed():
    assert "tsmaml-mlflow" in [plugin.name for plugin in registry().plugins()]


def test_listening_loads_no_mlflow():
    code = (
        "import sys; from tsmaml.plugins import registry; assert registry().listeners(); "
        "import tsmaml_mlflow; tsmaml_mlflow.fit_started(None, None); "
        "print(sorted({'mlflow', 'tensorflow', 'pandas'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (run.stdout.strip(), run.stderr.strip()) == ("[]", "")


def test_settings_and_options_are_parameters(fit):
    _, run = fit
    params = run.data.params
    wanted = {
        **{"h": "3", "model": "linear", "loss": "mae", "steps": "4", "holdout": "0.4"},
        **{"model.kind": "dlinear", "algorithm.steps": "5", "algorithm.learned_rates": "layer"},
        # What the series decided on.
        **{"input_size": "6", "freq": "D", "season_length": "1"},
        **{"series": "10", "points": "300"},
    }
    assert {name: params.get(name) for name in wanted} == wanted
    assert not [name for name in params if name.endswith("_options")]
    tags = run.data.tags
    assert tags["version.NumPy"] == np.__version__
    assert tags["stopped_by"] == "steps"


def test_curves_and_scores_are_metrics(fit):
    forecaster, run = fit
    curve = forecaster.history_.curve
    found = history_of(run.info.run_id, "query_loss")
    assert list(found) == [1, 2, 3, 4]
    np.testing.assert_array_equal(np.float32(list(found.values())), curve.query)
    rows = zip(
        *(
            history_of(run.info.run_id, f"validation_{name}").items()
            for name in ("zero_step_loss", "loss")
        ),
        strict=True,
    )
    assert [(step, zero, after) for (step, zero), (_, after) in rows] == curve.validation
    metrics = run.data.metrics
    assert metrics["mase/adapted"] == forecaster.report_.mean["mase"]["adapted"]
    assert metrics["smape/seasonal naive"] == forecaster.report_.mean["smape"]["seasonal naive"]
    assert metrics["best_step"] == forecaster.history_.best_step
    assert "support_loss" in metrics


def test_the_report_is_an_artifact(fit):
    _, run = fit
    path = mlflow.artifacts.download_artifacts(f"runs:/{run.info.run_id}/report.html")
    assert "held-out series its MASE is" in Path(path).read_text(encoding="utf-8")


def test_the_model_is_one_file_without_code_and_what_mlflow_tells_of_it(fit):
    _, run = fit
    folder = Path(mlflow.artifacts.download_artifacts(model_of(run.info.run_id)))
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files - {"registered_model_meta"} == {
        *("MLmodel", "conda.yaml", "python_env.yaml", "requirements.txt", "data/model.tsmaml")
    }
    wanted = folder.joinpath("requirements.txt").read_text().split()
    assert f"numpy=={np.__version__}" in wanted
    assert {name.partition("==")[0] for name in wanted} >= {"tsmaml", "tsmaml-mlflow", "tensorflow"}
    info = mlflow.models.get_model_info(str(folder))
    assert info.signature.inputs.input_names() == ["shop", "ds", "sold", "promotion", "town"]
    assert info.signature.outputs.input_names() == ["shop", "ds", "TSMAML"]


def test_the_model_comes_back_as_a_forecaster_and_as_a_pyfunc(fit):
    forecaster, run = fit
    new = frame_of(4).assign(shop=lambda df: "new-" + df["shop"])
    series, ahead, towns = apart(new)
    names = {"id_col": "shop", "target_col": "sold", "static_df": towns, "futr_df": ahead}
    wanted = forecaster.predict(series, level=[80], **names)

    again = tsmaml_mlflow.load_model(model_of(run.info.run_id))
    pd.testing.assert_frame_equal(again.predict(series, level=[80], **names), wanted)

    served = mlflow.pyfunc.load_model(model_of(run.info.run_id))
    # One frame: what is to be forecast has no target; dates may be text, as in JSON.
    whole = new.astype({"sold": float, "ds": str})
    whole.loc[ahead.index, "sold"] = np.nan
    found = served.predict(whole, params={"level": [80], "h": H})
    pd.testing.assert_frame_equal(found, wanted, check_dtype=False)
    assert list(served.predict(whole, params={"h": 2})) == ["shop", "ds", "TSMAML"]
    with pytest.raises(mlflow.MlflowException, match=r"missing inputs \['sold'\]"):
        served.predict(series.drop(columns="sold").assign(town="Ulm"))


def test_a_forecaster_is_saved_to_a_folder(fit, tmp_path):
    forecaster, _ = fit
    tsmaml_mlflow.save_model(forecaster, tmp_path / "m", reading={"id_col": "shop"})
    assert tsmaml_mlflow.load_model(tmp_path / "m").choices_ == forecaster.choices_
    conf = mlflow.models.Model.load(str(tmp_path / "m")).flavors["python_function"]
    assert conf["config"] == {"id_col": "shop", "time_col": "ds", "target_col": "y"}
    with pytest.raises(UsageError, match="not fitted"):
        tsmaml_mlflow.save_model(MetaForecaster(3), tmp_path / "other")


def test_what_is_no_model_of_tsmaml_is_refused(tmp_path):
    with pytest.raises(ArtifactError, match="is no model of tsmaml"):
        tsmaml_mlflow.load_model(tmp_path)
    mlflow.models.Model(flavors={"sklearn": {}}).save(str(tmp_path / "MLmodel"))
    with pytest.raises(ArtifactError, match="its flavours are sklearn"):
        tsmaml_mlflow.load_model(tmp_path)


def hear(forecaster, series, reports=()):
    """Tell the plugin of a fit, as tsmaml does."""
    tsmaml_mlflow.fit_started(forecaster=forecaster, collection=series)
    for report in reports:
        tsmaml_mlflow.step_done(progress=report)
    run = getattr(tsmaml_mlflow._here, "run", None)
    tsmaml_mlflow.fit_finished(forecaster=forecaster)
    return run


def test_a_fit_is_not_tracked_unasked(fit, series):
    assert not tsmaml_mlflow.is_asked_for()
    assert hear(fit[0], series) is None


@pytest.mark.parametrize("name", ["MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"])
def test_the_environment_asks_for_a_run_of_its_own(fit, series, store, monkeypatch, name, capsys):
    value = {"MLFLOW_TRACKING_URI": str(store / "mlruns"), "MLFLOW_EXPERIMENT_NAME": "sales"}
    monkeypatch.setenv(name, value[name])
    run = mlflow.get_run(hear(fit[0], series).run_id)
    assert mlflow.active_run() is None
    assert run.info.status == "FINISHED"
    experiment = mlflow.get_experiment(run.info.experiment_id).name
    assert experiment == ("sales" if name == "MLFLOW_EXPERIMENT_NAME" else "Default")
    assert run.data.params["model"] == "linear"
    assert capsys.readouterr().out == ""


def test_a_second_fit_inside_a_run_has_a_run_inside_it(fit, series):
    with mlflow.start_run() as outer:
        first, second = hear(fit[0], series), hear(fit[0], series)
        assert first.run_id == outer.info.run_id == mlflow.active_run().info.run_id
    inner = mlflow.get_run(second.run_id)
    assert inner.data.tags["mlflow.parentRunId"] == outer.info.run_id
    assert inner.info.status == "FINISHED"


def test_a_resumed_fit_logs_what_the_run_does_not_have(fit, series):
    forecaster, _ = fit
    query = forecaster.history_.curve.query
    with mlflow.start_run() as run:
        mlflow.log_metric("query_loss", float(query[0]), step=1)
        last = Progress(4, 4, 0.5, 0.6, 1.0, query_losses=query[3:])
        hear(forecaster, series, [last])
    found = history_of(run.info.run_id, "query_loss")
    assert {step: np.float32(loss) for step, loss in found.items()} == dict(enumerate(query, 1))


def test_losses_are_logged_while_the_fit_goes_on(fit, series, monkeypatch):
    from tsmaml_mlflow import tracking

    monkeypatch.setattr(tracking, "SECONDS_BETWEEN_BATCHES", 0.0)
    monkeypatch.setattr(tracking, "MOST_METRICS", 2)
    with mlflow.start_run() as run:
        tsmaml_mlflow.fit_started(forecaster=fit[0], collection=series)
        losses = np.array([0.5, np.inf, 0.25])
        tsmaml_mlflow.step_done(progress=Progress(3, 4, 0.5, 0.4, 1.0, query_losses=losses))
        assert history_of(run.info.run_id, "query_loss") == {1: 0.5, 3: 0.25}
        tsmaml_mlflow.fit_failed(error=ValueError("out of luck"))
        # A run that is not its own goes on.
        assert mlflow.active_run().info.run_id == run.info.run_id
    assert mlflow.get_run(run.info.run_id).data.tags["error"] == "ValueError: out of luck"


@pytest.mark.parametrize(
    ("error", "status"), [(ValueError("no"), "FAILED"), (KeyboardInterrupt(), "KILLED")]
)
def test_a_fit_that_fails_ends_its_run(fit, series, monkeypatch, error, status):
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "sales")
    tsmaml_mlflow.fit_started(forecaster=fit[0], collection=series)
    run = tsmaml_mlflow._here.run
    tsmaml_mlflow.fit_failed(error=error)
    assert mlflow.get_run(run.run_id).info.status == status
    assert mlflow.active_run() is None
    assert tsmaml_mlflow._here.run is None


def test_a_store_that_can_t_be_written_is_a_warning(fit, series, store, monkeypatch):
    blocked = store / "a file"
    blocked.touch()
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "sales")
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri((blocked / "mlruns").as_uri())
    with pytest.warns(UserWarning, match="a run could not be opened, and nothing of this fit"):
        assert hear(fit[0], series) is None
    mlflow.set_tracking_uri(before)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def test_a_store_that_fails_later_is_warned_of_once_while_the_fit_goes_on(
    fit, series, monkeypatch, recwarn
):
    from tsmaml_mlflow import tracking

    def refuse(*_, **__):
        raise OSError("no space left")

    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "sales")
    monkeypatch.setattr(tracking, "SECONDS_BETWEEN_BATCHES", 0.0)
    monkeypatch.setattr(mlflow.MlflowClient, "log_batch", refuse)
    reports = [Progress(step, 4, 0.5, 0.4, 1.0, query_losses=np.array([0.4])) for step in (1, 2, 3)]
    run = hear(fit[0], series, reports)
    told = [str(one.message) for one in recwarn if one.category is UserWarning]
    words = ("parameters", "tried again", "nor anything")
    assert [next(word for word in words if word in text) for text in told] == [*words]
    assert all("OSError: no space left" in text for text in told)
    assert mlflow.get_run(run.run_id).info.status == "FINISHED"


def test_without_the_extra_report_there_is_a_warning_and_the_model(fit, series, monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "sales")
    with pytest.warns(UserWarning, match=r"(?s)the run has no report.*\[report\]"):
        run = hear(fit[0], series)
    assert model_of(run.run_id)
