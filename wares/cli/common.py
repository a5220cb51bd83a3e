"""What the commands share: the group they belong to, options, and how answers are printed."""

import json
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from wares import __version__
from wares.errors import MissingExtra, SettingError, did_you_mean
from wares.measure import seconds_of as seconds_of

out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, soft_wrap=True, highlight=False)


class Group(click.Group):
    """A group that names the nearest command for one that is not there."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest name."""
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            raise click.UsageError(f"no command {args[0]!r}{did_you_mean(args[0], self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="wares")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """From a product file and an event log to a served shop: search, similar products, recommendations, clusters."""


def careful() -> None:
    """From here on Ctrl-C unwinds, so that what is half done is removed."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


shop_argument = click.argument("shop", type=click.Path(path_type=Path))
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
k_option = click.option("-k", default=10, show_default=True, type=click.IntRange(1, 10_000), help="How many products.")
where_option = click.option(
    "--where",
    metavar="JSON",
    help='Filters, such as \'{"price": {"lt": 50}, "brand": ["Acme"]}\'.',
)


def pairs(values: Sequence[str], option: str) -> dict[str, str]:
    """`key=value` options as a mapping."""
    found = {}
    for value in values:
        key, equals, rest = value.partition("=")
        if not equals or not key or not rest:
            raise SettingError(f"{option} {value!r} is not of the form name=value")
        found[key] = rest
    return found


ENDINGS = (".csv", ".jsonl", ".json")


def check_out(path: Path | None, *inputs: Path | None) -> None:
    """Look at where an answer is to be written before it is worked out. Raises SettingError."""
    if path is None:
        return
    if path.suffix not in ENDINGS:
        raise SettingError(f"cannot write {path.name!r}: name it {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}")
    if path.is_dir() or not path.absolute().parent.is_dir():
        what = "a folder, not a file" if path.is_dir() else f"in a folder that is not there: {path.absolute().parent}"
        raise SettingError(f"cannot write {path}: it is {what}")
    if any(each is not None and each.exists() and path.exists() and path.samefile(each) for each in inputs):
        raise SettingError(f"{path} is what is read: name another file to write")


def filters(where: str | None) -> dict[str, Any] | None:
    """What --where says. Raises SettingError."""
    if where is None:
        return None
    try:
        found = json.loads(where)
    except json.JSONDecodeError as error:
        raise SettingError(f"--where {where!r} is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise SettingError(f"--where {where!r} is not a JSON object such as {{'brand': ['Acme']}}")
    return found


def print_json(value: Any) -> None:
    """For programs."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def open_folder(folder: Path) -> Any:
    """The shop in a folder. Raises StoreError."""
    from wares.shop import open_shop  # the engine loads half a second of libraries: not for --help

    return open_shop(folder)


def print_answer(answer: Any, as_json: bool, *, whole: bool = False) -> None:
    """Products with scores and reasons; the `whole` reasons name every share and the products they rest on."""
    if as_json:
        print_json(answer.json())
        return
    if getattr(answer, "corrected", ""):
        out.print("showing results for", Text(answer.corrected, "bold"))
    table = Table(box=None, pad_edge=False)
    for name, justify in (("score", "right"), ("id", "left"), ("title", "left"), ("why", "left")):
        table.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for hit in answer.hits:
        title = f"{hit.title} (+{hit.variants - 1} alike)" if hit.variants > 1 else hit.title
        why = "; ".join(f"{each.text} {each.share:.0%}" for each in hit.reasons if each.text != "other")
        if whole:
            why = "\n".join(_whole(each) for each in hit.reasons)
        table.add_row(f"{hit.score:.3f}", *map(Text, (hit.id, title, why)))
    out.print(table) if answer.hits else out.print("nothing found")
    total = f"{answer.total:,} products match; " if hasattr(answer, "total") else ""
    used = f"; by {answer.used}" if answer.used else ""
    out.print(f"[dim]{total}{answer.took_ms:.1f} ms{used}[/dim]")


def _whole(reason: Any) -> str:
    on = f" ({', '.join(reason.products)})" if reason.products else ""
    return f"{reason.share:.1%} {reason.text}{on}"


def from_extra(extra: str, load: Callable[[], Any]) -> Any:
    """What `load` imports. Raises MissingExtra, naming the extra that brings it."""
    try:
        return load()
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing == "wares":
            raise
        raise MissingExtra(f"this needs the package {missing!r}: pip install 'wares[{extra}]'") from error
