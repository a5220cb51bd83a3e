"""The command line: every answer of a shop, as a table for people or `--json` for programs.

Exit codes: 0 done, 2 a mistake the user can mend, 1 a mistake of ours, 130 interrupted.
"""

import errno
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from wares import __version__
from wares.errors import MissingExtra, SettingError, StoreError, WaresError, did_you_mean
from wares.memory import be_sparing

out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, soft_wrap=True, highlight=False)


class _Group(click.Group):
    """A group that names the nearest command for one that is not there."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest name."""
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            raise click.UsageError(f"no command {args[0]!r}{did_you_mean(args[0], self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="wares")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """From a product file and an event log to a served shop: search, similar products, recommendations, clusters."""


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    args = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in args
    # --debug is understood wherever it stands: people add it to the end of the command that failed.
    args = [*(["--debug"] if debug else []), *(each for each in args if each != "--debug")]
    sys.exit(_run(args, debug))


def _leave(signum: int, frame: Any) -> None:
    """Ctrl-C while nothing is being written, above all while libraries load, which do not all bear an exception."""
    sys.stderr.write("interrupted: nothing was changed\n")
    sys.stderr.flush()
    os._exit(130)


def _careful() -> None:
    """From here on Ctrl-C unwinds, so that what is half done is removed."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _run(args: list[str], debug: bool) -> int:
    signal.signal(signal.SIGINT, _leave)
    try:
        cli.main(args, prog_name="wares", standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        err.print("interrupted: nothing was changed, the last good build still serves")
        return 130
    except WaresError as error:
        if debug:
            raise
        err.print(f"error: {error}", markup=False)
        return 2
    except BrokenPipeError:
        # The reader (head, less) has gone; that is its right.
        sys.stderr.close()
        return 0
    except OSError as error:
        if debug or error.errno not in _THEIRS:
            return _ours(error, debug)
        place = f" {error.filename}" if error.filename else ""
        err.print(f"error: cannot use{place}: {error.strerror}; {_THEIRS[error.errno]}", markup=False)
        return 2
    except Exception as error:
        return _ours(error, debug)
    return 0


_THEIRS = {
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "name a place that you may read and write"),
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "free some space, or name another place"),
    **dict.fromkeys((errno.ENOTDIR, errno.EISDIR), "name a folder where a folder is meant"),
}
"""What a user can do about what the system refuses."""


def _ours(error: Exception, debug: bool) -> int:
    if debug:
        raise error
    err.print(f"internal error: {type(error).__name__}: {error}", markup=False)
    err.print("this is a mistake of ours; run the command again with --debug and report what it prints")
    return 1


# -- options that several commands share -----------------------------------------------------------------------------

_shop = click.argument("shop", type=click.Path(path_type=Path))
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_k = click.option("-k", default=10, show_default=True, type=click.IntRange(1, 10_000), help="How many products.")
_where = click.option(
    "--where",
    metavar="JSON",
    help='Filters, such as \'{"price": {"lt": 50}, "brand": ["Acme"]}\'.',
)


def _pairs(values: Sequence[str], option: str) -> dict[str, str]:
    """`key=value` options as a mapping."""
    found = {}
    for value in values:
        key, equals, rest = value.partition("=")
        if not equals or not key or not rest:
            raise SettingError(f"{option} {value!r} is not of the form name=value")
        found[key] = rest
    return found


def _filters(where: str | None) -> dict[str, Any] | None:
    if where is None:
        return None
    try:
        found = json.loads(where)
    except json.JSONDecodeError as error:
        raise SettingError(f"--where {where!r} is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise SettingError(f"--where {where!r} is not a JSON object such as {{'brand': ['Acme']}}")
    return found


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def _open(folder: Path) -> Any:
    from wares.shop import open_shop  # the engine loads half a second of libraries: not for --help

    return open_shop(folder)


def _print_answer(answer: Any, as_json: bool) -> None:
    if as_json:
        _print_json(answer.json())
        return
    if getattr(answer, "corrected", ""):
        out.print("showing results for", Text(answer.corrected, "bold"))
    table = Table(box=None, pad_edge=False)
    for name, justify in (("score", "right"), ("id", "left"), ("title", "left"), ("why", "left")):
        table.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for hit in answer.hits:
        title = f"{hit.title} (+{hit.variants - 1} alike)" if hit.variants > 1 else hit.title
        why = "; ".join(f"{each.text} {each.share:.0%}" for each in hit.reasons if each.text != "other")
        table.add_row(f"{hit.score:.3f}", *map(Text, (hit.id, title, why)))
    out.print(table) if answer.hits else out.print("nothing found")
    total = f"{answer.total:,} products match; " if hasattr(answer, "total") else ""
    used = f"; by {answer.used}" if answer.used else ""
    out.print(f"[dim]{total}{answer.took_ms:.1f} ms{used}[/dim]")


# -- building --------------------------------------------------------------------------------------------------------


@cli.command()
@_shop
@click.option(
    "--products", "-p", multiple=True, metavar="FILE", help="Product file(s): CSV, TSV, JSONL, Parquet, xlsx; .gz too."
)
@click.option("--events", "-e", multiple=True, metavar="FILE", help="Event file(s), the same kinds.")
@click.option("--shoppers", "-s", multiple=True, metavar="FILE", help="Shopper attributes, one row a shopper.")
@click.option(
    "--map",
    "maps",
    multiple=True,
    metavar="OURS=THEIRS",
    help="A column by its name in the file: title=Description, or events.value=Qty.",
)
@click.option(
    "--kind", "kinds", multiple=True, metavar="X=KIND", help="What an event kind of the file means: click=view."
)
@click.option(
    "--set", "settings", multiple=True, metavar="TABLE.KEY=VALUE", help="A setting of shop.toml: cluster.n_clusters=40."
)
@click.option("--merge-duplicates", is_flag=True, help="Show products alike in every attribute as one.")
@click.option("--allow-unmatched", is_flag=True, help="Go on where under 90 % of events find their product.")
@click.option("--dry-run", is_flag=True, help="Check settings and files' columns; change nothing.")
@click.option("--quiet", is_flag=True, help="No progress, no summary.")
def build(
    shop: Path,
    products: tuple[str, ...],
    events: tuple[str, ...],
    shoppers: tuple[str, ...],
    maps: tuple[str, ...],
    kinds: tuple[str, ...],
    settings: tuple[str, ...],
    merge_duplicates: bool,
    allow_unmatched: bool,
    dry_run: bool,
    quiet: bool,
) -> None:
    """Build SHOP from files; without files, from those its shop.toml remembers."""
    be_sparing()
    from wares.progress import Bars, summary
    from wares.shop import build_shop, plan_shop
    from wares.sources import Asked

    asked = Asked(
        products=list(products) or None,
        events=list(events) or None,
        shoppers=list(shoppers) or None,
        columns=_pairs(maps, "--map"),
        kinds=_pairs(kinds, "--kind"),
        settings=_pairs(settings, "--set"),
        merge_duplicates=merge_duplicates or None,
        allow_unmatched=allow_unmatched or None,
    )
    if dry_run:
        plan_shop(shop, asked)
        out.print("the settings and files are sound; nothing was changed")
        return
    _careful()
    with Bars(err, quiet=quiet) as bars:
        made = build_shop(shop, **vars(asked), observer=bars)
    if not quiet:
        summary(out, made.info())


@cli.command()
@click.argument("shop", type=click.Path(path_type=Path), default=Path("demo"))
@click.option("--no-serve", is_flag=True, help="Stop after the build.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
def demo(shop: Path, no_serve: bool, host: str, port: int) -> None:
    """Build the demo shop (a real grocer: 92,331 products, 1.47 million purchases) and serve it."""
    from wares.demo import SETTINGS, prepare
    from wares.progress import Bars, summary
    from wares.shop import build_shop

    if shop.exists() and not shop.is_dir():
        raise StoreError(f"{shop} is a file, not a folder; a shop needs a folder of its own")
    if not no_serve:
        _free(host, port)
    _careful()
    with Bars(err) as bars:
        with bars.step("prepare the data"):
            products, events, shoppers = prepare(shop / "data")
        made = build_shop(
            shop, products=[products], events=[events], shoppers=[shoppers], settings=SETTINGS, observer=bars
        )
    summary(out, made.info())
    if not no_serve:
        _serve(shop, host, port, 2)


# -- asking ----------------------------------------------------------------------------------------------------------


@cli.command()
@_shop
@click.argument("query")
@_k
@_where
@click.option("--offset", default=0, show_default=True, type=click.IntRange(0), help="Skip that many.")
@_json
def search(shop: Path, query: str, k: int, where: str | None, offset: int, as_json: bool) -> None:
    """Products for QUERY, by words and meaning."""
    _print_answer(_open(shop).search(query, k=k, where=_filters(where), offset=offset), as_json)


@cli.command()
@_shop
@click.argument("product")
@_k
@_where
@click.option("--together", is_flag=True, help="What is bought with it instead.")
@_json
def similar(shop: Path, product: str, k: int, where: str | None, together: bool, as_json: bool) -> None:
    """Products like PRODUCT."""
    if together and where is not None:
        raise SettingError("--where narrows what is similar, not what is bought together; leave one of the two out")
    opened = _open(shop)
    answer = opened.bought_together(product, k=k) if together else opened.similar(product, k=k, where=_filters(where))
    _print_answer(answer, as_json)


@cli.command()
@_shop
@click.option("--shopper", help="A shopper of the event log.")
@click.option("--basket", help="Product ids, separated by commas: an anonymous basket.")
@_k
@_where
@click.option("--repeats", is_flag=True, help="Products bought before may be answered.")
@_json
def recommend(
    shop: Path, shopper: str | None, basket: str | None, k: int, where: str | None, repeats: bool, as_json: bool
) -> None:
    """Products for a shopper, for a basket, or (with neither) for a stranger."""
    products = None if basket is None else [each.strip() for each in basket.split(",") if each.strip()]
    if products == []:
        raise SettingError(f"--basket {basket!r} names no product; give ids with commas between them: P1,P2")
    answer = _open(shop).recommend(shopper=shopper, basket=products, k=k, where=_filters(where), repeats=repeats)
    _print_answer(answer, as_json)


@cli.command()
@_shop
@_json
def clusters(shop: Path, as_json: bool) -> None:
    """The groups of products, with names."""
    found = _open(shop).clusters()
    if as_json:
        _print_json({"clusters": [each.json() for each in found]})
        return
    table = Table(box=None, pad_edge=False)
    for name in ("id", "size", "name", "keywords"):
        table.add_column(name, justify="right" if name in ("id", "size") else "left", overflow="fold")
    for each in sorted(found, key=lambda c: -c.size):
        table.add_row(str(each.id), f"{each.size:,}", Text(each.name), Text(", ".join(each.keywords)))
    out.print(table)


@cli.command()
@_shop
@_json
def evaluate(shop: Path, as_json: bool) -> None:
    """How good the answers are, measured on the shop's own events and categories."""
    from wares.progress import quality

    found = _open(shop).evaluate()
    _print_json(found) if as_json else quality(out, found)


@cli.command()
@_shop
@_json
def info(shop: Path, as_json: bool) -> None:
    """What the newest build holds: data, cleaning, models, quality, time and memory."""
    from wares.progress import summary

    found = _open(shop).info()
    _print_json(found) if as_json else summary(out, found)


@cli.command()
@_json
def algorithms(as_json: bool) -> None:
    """Every algorithm that can be named in shop.toml, and what it needs."""
    from wares.registry import listing

    found = listing()
    if as_json:
        _print_json({"algorithms": found})
        return
    table = Table(box=None, pad_edge=False)
    for name in ("role", "name", "what it is", "needs"):
        table.add_column(name, overflow="fold")
    for each in found:
        # As texts: "wares[sentence]" is a package with an extra, not a style.
        table.add_row(*(Text(each[name]) for name in ("role", "name", "summary", "needs")))
    out.print(table)


@cli.command()
@_shop
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["parquet", "csv"]), default="parquet", show_default=True)
def export(shop: Path, folder: Path, form: str) -> None:
    """Write products with cluster and category, clusters, neighbours and recommendations into FOLDER."""
    for path in _open(shop).export(folder, format=form):
        click.echo(path)


# -- serving ---------------------------------------------------------------------------------------------------------


@cli.command()
@_shop
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option(
    "--workers",
    default=2,
    show_default=True,
    type=click.IntRange(1, 64),
    help="Processes; all share the build's memory.",
)
def serve(shop: Path, host: str, port: int, workers: int) -> None:
    """Serve SHOP over REST, with a page to look at."""
    _open(shop)  # what is wrong with the shop is said here, not in a worker
    _serve(shop, host, port, workers)


def _serve(shop: Path, host: str, port: int, workers: int) -> None:
    server = _extra("serve", lambda: __import__("wares.api", fromlist=["serve"]))
    _careful()
    server.serve(shop, host=host, port=port, workers=workers)


def _free(host: str, port: int) -> None:
    """Say that the port is busy before a long build, not after it."""
    server = _extra("serve", lambda: __import__("wares.api", fromlist=["check_port"]))
    server.check_port(host, port)


def _extra(extra: str, load: Callable[[], Any]) -> Any:
    try:
        return load()
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing == "wares":
            raise
        raise MissingExtra(f"this needs the package {missing!r}: pip install 'wares[{extra}]'") from error


if __name__ == "__main__":
    main()
