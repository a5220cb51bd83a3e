"""Behaviour as a part of a shop's vectors."""

from pathlib import Path
from typing import Any

import numpy as np
import small_shop
import tomlkit

import wares

ENCODE = """
use = "fused"
weights = [1.0, 0.5]

[[parts]]
use = "hashing"
width = 32

[[parts]]
use = "behaviour"
width = 8
least = 1
"""


def with_behaviour(folder: Path) -> None:
    """Write it into the settings of a shop."""
    settings = tomlkit.parse((folder / "shop.toml").read_text(encoding="utf-8"))
    settings["encode"] = tomlkit.parse(ENCODE)
    (folder / "shop.toml").write_text(tomlkit.dumps(settings), encoding="utf-8")


def kept(folder: Path, **tables: Any) -> dict[str, bool]:
    """Build again; which of the steps were kept."""
    with wares.build(folder, **tables) as shop:
        return {each["step"]: each["cached"] for each in shop.info()["steps"]}


def vectors(folder: Path) -> np.ndarray:
    """Those of the last build."""
    return np.load(sorted(folder.glob("builds/*/vectors/vectors.npy"))[-1])


def test_behaviour_is_a_part_of_the_vectors_and_learned_anew_when_events_change(own_folder: Path) -> None:
    with_behaviour(own_folder)
    with wares.build(own_folder) as shop:
        assert shop.info()["encoder"]["text"].startswith("hashing + behaviour, 40")
        assert shop.search("red shoe", k=1).hits
        assert shop.similar("P1", k=3).hits
    assert vectors(own_folder)[:, 32:].any(axis=1).sum() > 50  # of those nobody bought, words say something
    assert kept(own_folder)["vectors"]
    assert not kept(own_folder, events=small_shop.events()[:-3])["vectors"]


def test_text_alone_does_not_look_at_events(own_folder: Path) -> None:
    found = kept(own_folder, events=small_shop.events()[:-3])
    assert found["vectors"]
    assert not found["history"]


def test_a_shop_without_events_has_vectors_without_behaviour(tmp_path: Path) -> None:
    wares.build(tmp_path, products=small_shop.products(), settings={"encode.use": "hashing"}).close()
    with_behaviour(tmp_path)
    with wares.build(tmp_path) as shop:
        assert shop.similar("P1", k=3).hits
    found = vectors(tmp_path)
    assert found.shape[1] == 40
    assert not found[:, 32:].any()
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-3)
