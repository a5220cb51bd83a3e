"""What several test files share: a small shop, built once for all of them, and where it is served."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

# The engine is imported where it is asked for: most tests do without.
if TYPE_CHECKING:
    from wares.shop import Shop


@pytest.fixture(scope="session")
def shop_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small shop; tests that build into one take a copy."""
    import small_shop

    from wares.making import build_shop

    folder = tmp_path_factory.mktemp("shops") / "small"
    tables = {"products": small_shop.products(), "events": small_shop.events(), "shoppers": small_shop.shoppers()}
    build_shop(folder, **tables, settings={**small_shop.SETTINGS, "categories.own": True}).close()
    return folder


@pytest.fixture(scope="session")
def shop(shop_folder: Path) -> "Iterator[Shop]":
    """The small shop, open; ask it, do not change it."""
    from wares.shop import Shop

    with Shop(shop_folder) as found:
        yield found


@pytest.fixture(scope="session")
def address(shop: "Shop") -> Iterator[str]:
    """Where the small shop is served, pages and all."""
    from small_server import serving

    from wares.api import create

    with serving(create(shop)) as found:
        yield found


@pytest.fixture
def own_folder(shop_folder: Path, tmp_path: Path) -> Path:
    """A copy of the small shop's folder, to change."""
    return Path(shutil.copytree(shop_folder, tmp_path / "shop", symlinks=True))


@pytest.fixture
def own_shop(own_folder: Path) -> "Iterator[Shop]":
    """A copy of the small shop, to change."""
    from wares.shop import Shop

    with Shop(own_folder) as found:
        yield found
