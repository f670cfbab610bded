"""`stylecam`, the one command: it reads the command line, calls, and prints.

The commands of the other packages are loaded by name when called, so that a board without
torch still has a whole `stylecam --help`.
"""

from __future__ import annotations

import importlib
import logging
import signal
import sys
from pathlib import Path
from typing import Any, cast

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from edge import __version__
from edge.address import masked
from edge.errors import MissingPackageError, StylecamError

console = Console(highlight=False)
# command -> (module that has it, extra that it needs)
ELSEWHERE = {"train": "train.command", "quantize": "quantize.command"}


class _Lazy(click.Group):
    """A group whose commands from other packages are imported only when used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *ELSEWHERE])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in ELSEWHERE:
            return super().get_command(ctx, cmd_name)
        return cast("click.Command", importlib.import_module(ELSEWHERE[cmd_name]).command)


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="stylecam")
@click.option("-v", "--verbose", is_flag=True, help="Log what happens inside.")
def cli(verbose: bool) -> None:
    """Turn a camera into a painting, live."""
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(levelname)s %(name)s: %(message)s",
    )


def _plain(text: str) -> str:
    """Return a stranger's or a file's text so that it prints as itself: no markup, no escapes."""
    return escape("".join(letter if letter.isprintable() else "?" for letter in text))


def _options(function: Any) -> Any:
    """The options that `run` and `check` share."""
    for option in reversed(
        (
            click.option("--style", help="A shipped style's name, or a .stylecam file."),
            click.option("--source", help="Camera, stream or clip, such as v4l2:/dev/video0."),
            click.option("--sink", "sinks", multiple=True, help="web, file:OUT.mp4 or null:"),
            click.option("--config", "config_path", type=click.Path(path_type=Path)),
            click.option("--engine", help="auto, tflite or openvino."),
            click.option("--threads", type=int, help="For the engine; 0 lets it choose."),
            click.option("--strength", type=float, help="0 the camera's picture, 1 the style's."),
            click.option("--frames", type=int, help="Stop after so many styled frames."),
            click.option("--host", help="Where the page is served."),
            click.option("--port", type=int, help="Where the page is served."),
        )
    ):
        function = option(function)
    return function


def _config(config_path: Path | None, sinks: tuple[str, ...], **options: Any) -> Any:
    from edge.config import load_config

    options["web.host"], options["web.port"] = options.pop("host"), options.pop("port")
    return load_config(config_path, {**options, "sinks": sinks or None})


@cli.command()
@_options
def run(**options: Any) -> None:
    """Restyle a camera, a stream or a clip, until it ends or Ctrl-C."""
    from edge.daemon import Daemon

    config = _config(**options)
    # systemd and a closed terminal stop what a person stops with Ctrl-C; nohup's wish stands.
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
    daemon = Daemon(config)
    status = daemon.status()
    console.print(_plain(f"{status.title} on {status.source}"))
    try:
        daemon.start()
        if daemon.address:
            console.print(f"open [bold]{daemon.address}[/bold]    Ctrl-C ends it")
        while not daemon.pipeline.wait(0.2):
            pass
    except KeyboardInterrupt:
        console.print("stopping")
    finally:
        daemon.stop()
    _summary(daemon)


def _summary(daemon: Any) -> None:
    report = daemon.pipeline.health.report()
    styled = report.counts.get("styled", 0)
    console.print(f"{styled} frames in {report.uptime_s:.1f} s, latency {report.latency_ms:.0f} ms")


@cli.command()
@_options
def check(**options: Any) -> None:
    """Resolve the configuration, open every part once, and print what would run."""
    from edge.daemon import Daemon

    config = _config(**options)
    shown = config.model_copy(update={"source": masked(config.source)})
    console.print_json(shown.model_dump_json())
    daemon = Daemon(config)
    status = daemon.status()
    for key, value in status.engine.items():
        console.print(f"engine.{key} = {value}")
    console.print(_plain(f"source = {status.source}"))
    daemon.stop()


@cli.command()
def styles() -> None:
    """List the styles that are shipped."""
    from edge.styles import open_style, style_names

    table = Table("style", "title", "what it is", "licence")
    for name in style_names():
        manifest = open_style(name).manifest
        table.add_row(name, manifest.title, manifest.description, manifest.licence)
    console.print(table)


@cli.group()
def bundle() -> None:
    """Look into a .stylecam file."""


@bundle.command()
@click.argument("file")
def inspect(file: str) -> None:
    """Print what a bundle holds, how good it is, and where it came from."""
    from edge.styles import open_style

    manifest = open_style(file).manifest
    console.print(
        f"[bold]{_plain(manifest.title)}[/bold] ({manifest.name}) by {_plain(manifest.author)}"
    )
    console.print(
        f"licence: {_plain(manifest.licence)}; {manifest.generator.parameters} parameters"
    )
    table = Table("engine", "precision", "size", "bytes", "PSNR dB", "worst dB")
    sizes = {artifact.name: artifact.bytes for artifact in manifest.artifacts}
    for variant in manifest.variants:
        quality = variant.quality
        table.add_row(
            variant.engine,
            variant.precision,
            f"{variant.height}x{variant.width}",
            str(sum(sizes[name] for name in variant.files)),
            f"{quality.psnr_db:.1f}" if quality else "-",
            f"{quality.psnr_worst_db:.1f}" if quality else "-",
        )
    console.print(table)
    for key, value in {**manifest.measures, **manifest.provenance.versions}.items():
        console.print(_plain(f"{key}: {value}"))


@bundle.command()
@click.argument("file")
def verify(file: str) -> None:
    """Check a bundle whole: names, sizes, hashes, and that each engine here draws with it."""
    from edge.engines import ENGINES, load_engine
    from edge.styles import open_style

    opened = open_style(file)
    console.print(f"{len(opened.files)} files: names, lengths and hashes fit")
    missing: list[MissingPackageError] = []
    for name in ENGINES:
        try:
            report = load_engine(opened, name).describe()
        except MissingPackageError as error:
            missing.append(error)
        else:
            console.print(f"{name}: draws, with {report.library} {report.version}")
    if len(missing) == len(ENGINES):
        raise missing[0]
    for absent in missing:
        console.print(f"not tried: {absent.message}")


def main() -> None:
    """Run the command line; an error is one line on stderr, exit 2 for the user's mistake."""
    try:
        status = cli.main(prog_name="stylecam", standalone_mode=False)
    except StylecamError as error:
        _die(str(error), error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.ClickException as error:
        # By itself click prints the usage before it, and the hint on a line of its own.
        context = error.ctx if isinstance(error, click.UsageError) else None
        asked = context.command_path if context else "stylecam"
        _die(f"{error.format_message().rstrip('.')} (see: {asked} --help)", error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(130)
    except ModuleNotFoundError as error:
        command = next((name for name in ELSEWHERE if name in sys.argv[1:]), None)
        if command is None:
            raise
        missing = MissingPackageError(
            f"stylecam {command} needs {error.name}, which is not installed",
            hint=f"pip install 'stylecam[{command}]'",
        )
        _die(str(missing), missing.exit_code)
    else:
        sys.exit(status if isinstance(status, int) else 0)


def _die(message: str, code: int) -> None:
    # A runtime's own words may run over several lines; ours is one.
    click.echo(f"stylecam: {' '.join(message.split())}", err=True)
    sys.exit(code)
