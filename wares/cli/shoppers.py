"""Commands about the shoppers of a shop: their interests, one of them, and where a new one belongs."""

from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from wares.cli import common
from wares.cli.common import cli, json_option, out, pairs, print_json, shop_argument
from wares.errors import SettingError


@cli.command()
@shop_argument
@click.option("--questions", is_flag=True, help="A few questions for a new shopper, whose answers part the interests.")
@click.option("--segments", is_flag=True, help="How many shoppers are champions, loyal, at risk, lost …")
@click.option("--profile", metavar="TEXT", help="Place a shopper by what they say of themselves.")
@click.option("--answer", "answers", metavar="ID=OPTION", multiple=True, help="By the answer to a question.")
@click.option("--attribute", "attributes", metavar="NAME=VALUE", multiple=True, help="By an attribute, such as age.")
@click.option("--shopper", help="By what a shopper of the event log did.")
@click.option("--basket", help="By the products of a basket, ids separated by commas.")
@json_option
def interests(
    shop: Path,
    questions: bool,
    segments: bool,
    profile: str | None,
    answers: tuple[str, ...],
    attributes: tuple[str, ...],
    shopper: str | None,
    basket: str | None,
    as_json: bool,
) -> None:
    """Shoppers in groups by what they want: name, size, what they want and what they will want.

    With --profile, --answer, --attribute, --shopper or --basket: how likely each interest is that shopper's.
    """
    placing = bool(profile is not None or answers or attributes or shopper is not None or basket is not None)
    if questions + segments + placing > 1:
        raise SettingError("--questions, --segments and placing a shopper are asked one at a time")
    opened = common.open_folder(shop)
    if questions:
        _questions(opened.questions(), as_json)
    elif segments:
        _segments(opened.segments(), as_json)
    elif placing:
        found = opened.place_shopper(
            profile=profile,
            answers=pairs(answers, "--answer"),
            attributes=pairs(attributes, "--attribute"),
            shopper=shopper,
            basket=None if basket is None else [each.strip() for each in basket.split(",") if each.strip()],
        )
        _placed(found, as_json)
    else:
        _interests(opened.interests(), as_json)


def _interests(found: list[Any], as_json: bool) -> None:
    if as_json:
        print_json({"interests": [each.json() for each in found]})
        return
    table = Table(box=None, pad_edge=False)
    for name in ("id", "shoppers", "share", "name", "want", "will want"):
        table.add_column(name, justify="left" if name in ("name", "want", "will want") else "right", overflow="fold")
    for each in found:
        lists = (Text("; ".join(one["title"] for one in some[:3])) for some in (each.wants, each.will_want))
        table.add_row(str(each.id), f"{each.size:,}", f"{each.share:.0%}", Text(each.name), *lists)
    out.print(table)


def _questions(found: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json({"questions": found})
        return
    for each in found:
        out.print(Text(f"{each['text']}  [{each['id']}]", "bold"))
        out.print(Text(f"  {', '.join(each['options'])}"))


def _segments(found: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json({"segments": found})
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("shoppers", justify="right")
    table.add_column("segment")
    table.add_column("they")
    for each in found:
        table.add_row(f"{each['shoppers']:,}", each["name"], each["means"])
    out.print(table)


def _placed(found: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json({"interests": found})
        return
    table = Table(box=None, pad_edge=False)
    for name in ("probability", "id", "name"):
        table.add_column(name, justify="left" if name == "name" else "right")
    for each in found:
        table.add_row(f"{each['probability']:.1%}", str(each["id"]), Text(each["name"]))
    out.print(table)


@cli.command()
@shop_argument
@click.argument("id")
@json_option
def shopper(shop: Path, id: str, as_json: bool) -> None:
    """The profile of the shopper ID, with the products that each sentence rests on."""
    found = common.open_folder(shop).shopper(id)
    if as_json:
        print_json(found)
        return
    out.print(
        Text(f"Shopper {found['id']}", "bold"), f"{found['events']:,} events, {len(found['products']):,} products"
    )
    if found["attributes"]:
        out.print(Text(", ".join(f"{name.replace('_', ' ')} {value}" for name, value in found["attributes"].items())))
    profile = found["profile"]
    if profile is None:
        out.print("no profile: this shop has no interests of shoppers, or nothing is known of this one")
        return
    out.print()
    for each in profile["sentences"]:
        rests = f"  ({', '.join(each['products'])})" if each["products"] else ""
        out.print(Text(each["text"]), Text(rests, "dim"))
    _over_time(profile)
    if profile["due"]:
        out.print("\n[bold]Due again[/bold]")
        for each in profile["due"]:
            out.print(Text(f"  {each['due']}  {each['title']} ({each['id']}), every {each['every']:g} days"))
    if profile["alike"]:
        out.print("\n[bold]Shoppers alike[/bold]")
        for each in profile["alike"][:5]:
            out.print(Text(f"  {each['id']}  {each['likeness']:.2f}, {each['shared']} products in common"))


def _over_time(profile: dict[str, Any]) -> None:
    """The shares of the greatest interests, period by period."""
    if len(profile["over_time"]) < 2:
        return
    first = profile["interests"][:4]
    table = Table(box=None, pad_edge=False, title="Interests over time", title_justify="left")
    table.add_column("from")
    table.add_column("visits", justify="right")
    for each in first:
        table.add_column(Text(each["name"]), justify="right", overflow="fold")
    for period in profile["over_time"]:
        shares = {each["id"]: each["share"] for each in period["shares"]}
        table.add_row(period["from"], str(period["visits"]), *(f"{shares[each['id']]:.0%}" for each in first))
    out.print()
    out.print(table)
