"""`wares build` on files that are not as they should be: a message that mends, exit code 2, nothing published."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import small_shop

from wares.cli import _run
from wares.store.builds import Builds

Build = Callable[..., tuple[int, str]]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with the small shop's files."""
    small_shop.products().write_csv(tmp_path / "products.csv")
    small_shop.events().write_csv(tmp_path / "events.csv")
    return tmp_path


@pytest.fixture
def build(files: Path, capsys: pytest.CaptureFixture[str]) -> Build:
    """Run `wares build` there; its exit code and errors."""

    def run(products: str | None = "products.csv", events: str | None = "events.csv", *more: str) -> tuple[int, str]:
        sources = [
            *(["-p", str(files / products)] if products else []),
            *(["-e", str(files / events)] if events else []),
        ]
        code = _run(["build", str(files / "shop"), "--quiet", "--set", "encode.use=lsa", *sources, *more], False)
        return code, capsys.readouterr().err

    return run


@pytest.mark.parametrize(
    ("products", "events", "more", "said"),
    [
        ("product.csv", "events.csv", (), "did you mean 'products.csv'"),
        (None, "events.csv", (), "has no product file yet"),
        ("empty.csv", "events.csv", (), "is empty"),
        ("header.csv", "events.csv", (), "no row below it"),
        ("products.csv", "empty.csv", (), "is empty"),
        ("products.csv", "only_names.csv", (), "no row below it"),
        ("letter.txt", None, (), "no column for id"),
        ("products.csv", "products.csv", (), "no column for shopper"),
        ("products.csv", None, ("--map", "title=Titel"), "did you mean 'title'"),
        ("products.csv", None, ("--map", "titel=title"), "did you mean 'title'"),
        ("products.csv", None, ("--map", "title"), "name=value"),
        ("products.csv", None, ("--set", "cluster.n_cluster=8"), "did you mean 'n_clusters'"),
        ("products.csv", None, ("--set", "clustr.n_clusters=8"), "did you mean 'cluster'"),
        ("products.csv", None, ("--set", "cluster.n_clusters=-3"), "at least 1"),
        ("products.csv", None, ("--set", "cluster.use=kmean"), "did you mean 'kmeans'"),
        ("products.csv", None, ("--set", "cluster.use=nothing.there:Clusterer"), "no module 'nothing'"),
        ("products.csv", None, ("--set", "cluster.use=wares.cluster.kmeans:KMean"), "did you mean 'KMeans'"),
        ("products.csv", None, ("--set", "cluster.use=sklearn.linear_model:Ridge"), "Ridge"),
        ("products.csv", "odd_kinds.csv", (), "--kind frobnicate=view"),
        ("products.csv", "events.csv", ("--kind", "click=viewed"), "did you mean 'view'"),
        ("products.csv", "small_letters.csv", (), "upper and lower case"),
        ("products.csv", "strangers.csv", (), "--allow-unmatched"),
    ],
)
def test_a_mistake_is_named_and_nothing_is_made(
    build: Build, files: Path, products: str | None, events: str | None, more: tuple[str, ...], said: str
) -> None:
    table = small_shop.events()
    (files / "empty.csv").touch()
    (files / "header.csv").write_text("id,title\n")
    (files / "only_names.csv").write_text("shopper,product,at\n")
    (files / "letter.txt").write_text("Dear shop,\n\nthis is no table.\n")
    table.with_columns(kind=pl.lit("frobnicate")).write_csv(files / "odd_kinds.csv")
    table.with_columns(pl.col("product").str.to_lowercase()).write_csv(files / "small_letters.csv")
    table.with_columns(product=pl.lit("stranger")).write_csv(files / "strangers.csv")
    code, err = build(products, events, *more)
    assert code == 2
    assert said in err
    assert "Traceback" not in err
    assert not Builds(files / "shop").all()


def test_a_shop_is_no_file(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(files / "products.csv")
    assert _run(["build", file, "-p", file], False) == 2
    assert "a shop needs a folder of its own" in capsys.readouterr().err


def test_dry_run_changes_nothing(build: Build, files: Path) -> None:
    before = sorted(files.iterdir())
    assert build("products.csv", "events.csv", "--dry-run")[0] == 0
    assert build("products.csv", None, "--dry-run", "--map", "title=Titel")[0] == 2
    assert sorted(files.iterdir()) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.head(1),
        lambda table: table.with_columns(title=pl.lit("same"), brand=pl.lit("same"), category=None, price=1.0),
        lambda table: table.with_columns(price=pl.lit(None, pl.Float64)),
        lambda table: table.with_columns(title=pl.concat_str(pl.lit("😀 مرحبا "), "title")),
        lambda table: pl.concat([table, table.head(10)]),
        lambda table: table.with_columns(
            title=pl.when(pl.col("id") == "P7").then(pl.lit("x" * 1_000_000)).otherwise("title")
        ),
    ],
    ids=["one product", "all alike", "no price", "emoji and right to left", "ids twice", "a million characters"],
)
def test_thin_and_odd_products_are_built_and_asked(
    build: Build, files: Path, capsys: pytest.CaptureFixture[str], change: Callable[[pl.DataFrame], pl.DataFrame]
) -> None:
    change(small_shop.products()).write_csv(files / "odd.csv")
    code, err = build("odd.csv", "events.csv", "--allow-unmatched")
    assert code == 0, err
    shop = str(files / "shop")
    for command in (["search", shop, "shoe"], ["similar", shop, "P1"], ["recommend", shop], ["info", shop]):
        assert _run(command, False) == 0, capsys.readouterr().err
