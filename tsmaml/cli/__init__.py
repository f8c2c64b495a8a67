"""The command line: ``tsmaml COMMAND``, one file a command, loaded when it is called."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from tsmaml.plugins import Part

# Command: its one-line help, so that `tsmaml --help` loads no command's module.
_COMMANDS = {
    "inspect": "Say what a collection holds and what fit would choose.",
    "fit": "Meta-train on a collection of series.",
    "forecast": "Adapt to new series and forecast them.",
    "adapt": "Adapt to new series and keep the result.",
    "evaluate": "Say how good forecasts are, beside baselines.",
    "report": "Write what is known of a model to one HTML file.",
    "new-plugin": "Write a package to begin a plugin with.",
    "plugins": "List plugins and the parts that they provide.",
}


def _of_plugins() -> dict[str, Part]:
    """Commands of plugins by name; those of tsmaml can't be replaced."""
    from tsmaml.plugins import registry

    return {part.name: part for part in registry().parts("command") if part.name not in _COMMANDS}


def _loaded(name: str) -> click.Command:
    """A plugin's command, or an error in one sentence."""
    from tsmaml.cli._common import fail
    from tsmaml.errors import PluginError
    from tsmaml.plugins import registry

    try:
        part = registry().get("command", name)
        command: Any = part.load()
        if not isinstance(command, click.Command):
            raise PluginError(
                f"The command {name!r} of plugin {part.plugin} is a {type(command).__name__}; wanted "
                "is a click.Command."
            )
    except PluginError as error:
        fail(error)
    return command


class _LazyGroup(click.Group):
    """Finds commands by name in the modules of this package, then among those of plugins."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*_COMMANDS, *_of_plugins()]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name in _COMMANDS:
            return import_module(f"tsmaml.cli.{name.replace('-', '_')}").command
        return _loaded(name) if name in _of_plugins() else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))
        others = [(name, part.help) for name, part in _of_plugins().items()]
        if others:
            with formatter.section("Commands of plugins"):
                formatter.write_dl(others)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            nearest = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            guess = f" Did you mean {nearest[0]!r}?" if nearest else ""
            raise click.UsageError(f"{error.message}{guess}", ctx) from None


def _print_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        import tsmaml

        click.echo(f"tsmaml {tsmaml.__version__}")
        ctx.exit()


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and leave.",
)
def main() -> None:
    """Meta-learned forecasting: learn from many series, adapt to a new one in milliseconds.

    \b
    Examples:
      tsmaml inspect series.parquet
      tsmaml fit series.parquet
      tsmaml forecast new.parquet --model series.tsmaml --level 80 -o forecast.parquet
    """
