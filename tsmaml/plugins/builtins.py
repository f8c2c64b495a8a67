"""What tsmaml itself provides, registered through the same hooks as any plugin's parts."""

from __future__ import annotations

from tsmaml.plugins.hookspecs import Register, hookimpl


@hookimpl
def register_models(register: Register) -> None:
    """Architectures, see :mod:`tsmaml.models`."""
    home = "tsmaml.models"
    register("gru", f"{home}.gru:build", help="Gated recurrent units (Cho et al. 2014)")
    register("linear", f"{home}.linear:build", help="DLinear, NLinear (Zeng et al. 2023)")
    register("lstm", f"{home}.lstm:build", help="Long short-term memory (Hochreiter et al. 1997)")
    register("mlp", f"{home}.mlp:build", help="Dense layers with a linear way past them")
    register("nbeats", f"{home}.nbeats:build", help="N-BEATS (Oreshkin et al. 2020)")
    register("nhits", f"{home}.nhits:build", help="N-HiTS, of several paces (Challu et al. 2023)")
    register("tide", f"{home}.tide:build", help="Dense encoder of all columns (Das et al. 2023)")
    register("transformer", f"{home}.transformer:build", help="PatchTST (Nie et al. 2023)")
    register("tcn", f"{home}.tcn:build", help="Causal convolutions (Bai et al. 2018)")


@hookimpl
def register_losses(register: Register) -> None:
    """Losses, see :mod:`tsmaml.losses`."""
    register("mse", "tsmaml.losses:mse", help="Squared error")
    register("mae", "tsmaml.losses:mae", help="Absolute error")
    register("huber", "tsmaml.losses:huber", help="Squared up to delta, absolute beyond")
    register("mape", "tsmaml.losses:mape", help="Percentage error, original units")
    register("smape", "tsmaml.losses:smape", help="Symmetric percentage error, original units")
    register("mase", "tsmaml.losses:mase", help="Absolute error by that of the seasonal naive")
    register("pinball", "tsmaml.losses:pinball", help="Quantile loss for a list of quantiles")
    register("normal", "tsmaml.losses:normal", help="Likelihood of a normal distribution")
    register("student_t", "tsmaml.losses:student_t", help="Likelihood with heavy tails")
    register(
        "negative_binomial",
        "tsmaml.losses:negative_binomial",
        help="Likelihood of counts (whole numbers from 0)",
    )


@hookimpl
def register_task_builders(register: Register) -> None:
    """Task builders, see :mod:`tsmaml.tasks`."""
    register("per_series", "tsmaml.tasks.builders:per_series", help="Each series is a task")
    home = "tsmaml.tasks.groups"
    register("by_prefix", f"{home}:by_prefix", help="A task a group: ids alike up to separator=")
    register("by_length", f"{home}:by_length", help="Groups of size= series of like length")
    register("by_level", f"{home}:by_level", help="Groups of size= series of like level")
    register(
        "by_similarity", f"{home}:by_similarity", help="Groups of size= series that move alike"
    )
    register("by_static", f"{home}:by_static", help="A task a value of the static column=")
    register("at_random", f"{home}:at_random", help="Groups of size= series drawn at random")


@hookimpl
def register_algorithms(register: Register) -> None:
    """Algorithms, see :mod:`tsmaml.engine.algorithms`."""
    home = "tsmaml.engine.algorithms"
    register("maml", f"{home}:maml", help="Second-order MAML (Finn et al. 2017)")
    register("fomaml", f"{home}:fomaml", help="First-order MAML (Finn et al. 2017)")
    register("reptile", f"{home}:reptile", help="Reptile (Nichol et al. 2018)")
    register("anil", f"{home}:anil", help="MAML that adapts the head only (Raghu et al. 2020)")
    register("boil", f"{home}:boil", help="MAML that adapts all but the head (Oh et al. 2021)")
    register("metasgd", f"{home}:metasgd", help="A learned rate a parameter (Li et al. 2017)")
    register("mamlpp", f"{home}:mamlpp", help="MAML++ (Antoniou et al. 2019)")
    register("cavia", f"{home}:cavia", help="Adapts context inputs only (Zintgraf et al. 2019)")
    register("imaml", f"{home}:imaml", help="Implicit gradient (Rajeswaran et al. 2019)")
    register("ridge", f"{home}:ridge", help="The head in closed form (Bertinetto et al. 2019)")


@hookimpl
def register_callbacks(register: Register) -> None:
    """Callbacks, see :mod:`tsmaml.engine.callbacks`."""
    home = "tsmaml.engine.callbacks"
    register("jsonlines", f"{home}:JsonLines", help="A line of JSON a report, to file path=")
    register("tensorboard", f"{home}:TensorBoard", help="Losses for TensorBoard, to folder=")


@hookimpl
def register_baselines(register: Register) -> None:
    """Baselines, see :mod:`tsmaml.evaluation.baselines`."""
    home = "tsmaml.evaluation.baselines"
    register("seasonal_naive", f"{home}:build_seasonal_naive", help="The last season again")
    register("naive", f"{home}:build_naive", help="The last value again")
    register("mean", f"{home}:build_mean", help="Mean of the history")
    register("seasonal_mean", f"{home}:build_seasonal_mean", help="Mean of each step of the season")


@hookimpl
def register_scalers(register: Register) -> None:
    """Scalings of windows, see :mod:`tsmaml.tasks.scaling`."""
    home = "tsmaml.tasks.scaling"
    register("standard", f"{home}:standard", help="Mean and standard deviation")
    register("mean_absolute", f"{home}:mean_absolute", help="0 and mean absolute value")
    register("last", f"{home}:last", help="Last value and root mean square distance from it")
    register("robust", f"{home}:robust", help="Median and median absolute deviation")
    register("seasonal", f"{home}:seasonal", help="Mean and mean absolute seasonal difference")


@hookimpl
def register_readers(register: Register) -> None:
    """Formats of files, see :mod:`tsmaml.series.files`."""
    read = "tsmaml.series.files:raw_files"
    register(".csv", read, help="Comma-separated values, also .csv.gz")
    for ending in (".parquet", ".pq"):
        register(ending, read, help="Apache Parquet")
    for ending in (".arrow", ".feather", ".ipc"):
        register(ending, read, help="Apache Arrow, of the file format")
