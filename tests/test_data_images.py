"""Images are read safely, whatever lies in the folder; the same picture is recognised."""

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from wares.data import images
from wares.data.imagehashes import distance, hashes, near, near_images
from wares.data.images import located, pictures, read_all, reasons, stamps
from wares.errors import SettingError


def content(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def drawn(seed: int, size: int = 96) -> Image.Image:
    """A picture of soft blobs, another for each seed."""
    rng = np.random.default_rng(seed)
    rough = rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(rough).resize((size, size), Image.Resampling.BICUBIC)


def one(source: images.Source, size: int = 32) -> np.ndarray:
    found = read_all([source], size)
    assert not found.bad
    return found.pixels[0]


RED = Image.new("RGB", (40, 20), (200, 0, 0))


# -- reading -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_every_kind_of_file_becomes_a_square_on_white(kind: str):
    pixels = one(content(RED, kind))
    assert pixels.shape == (32, 32, 3)
    assert pixels.dtype == np.uint8
    assert (pixels[0] > 240).all()  # above the picture
    assert np.abs(pixels[16, 16].astype(int) - [200, 0, 0]).max() < 12


@pytest.mark.parametrize(
    "image",
    [
        Image.new("RGBA", (8, 8), (0, 0, 0, 0)),
        Image.new("LA", (8, 8), (0, 0)),
        Image.new("1", (8, 8), 1),
        Image.new("I;16", (8, 8), 65_535),
        Image.new("CMYK", (8, 8), (0, 0, 0, 0)),
    ],
    ids=lambda image: image.mode,
)
def test_transparent_and_white_are_white_in_every_mode(image: Image.Image):
    assert (one(content(image, "TIFF" if image.mode == "CMYK" else "PNG")) >= 254).all()


def test_deep_grey_is_scaled_and_not_cut_off():
    grey = one(content(Image.new("I;16", (8, 8), 256 * 100)))
    assert (grey == 100).all()


def test_a_palette_with_a_transparent_colour_lies_on_white():
    image = Image.new("P", (8, 8), 0)
    image.putpalette([10, 20, 30, 0, 0, 0])
    assert (one(content(image, "PNG", transparency=0)) == 255).all()
    assert (one(content(image, "PNG")) == [10, 20, 30]).all()


def test_a_photo_is_turned_as_the_camera_was_held():
    image = Image.new("RGB", (40, 20), "white")
    image.paste((255, 0, 0), (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # held upright: left becomes above
    turned = one(content(image, "JPEG", exif=exif, quality=95))
    assert turned[4, 16, 1] < 60
    assert turned[27, 16, 1] > 200


def test_one_pixel_and_a_line_of_pixels_are_pictures():
    assert (one(content(Image.new("RGB", (1, 1), "blue"))) == [0, 0, 255]).all()
    line = one(content(Image.new("RGB", (5_000, 1), "blue")))
    assert (line[15] == [0, 0, 255]).all()
    assert (line[0] == 255).all()


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_hundred_million_pixels_are_read(kind: str, tmp_path: Path):
    path = tmp_path / "large"
    Image.new("L", (10_000, 10_000), 77).save(path, kind)
    assert (np.abs(one(path).astype(int) - 77) <= 1).all()


def test_more_pixels_than_allowed_are_refused_before_they_are_decoded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(images, "MOST", 100)
    (bad,) = read_all([content(RED)], 32).bad
    assert "million pixels" in bad.reason


def test_whatever_lies_there_is_counted_and_the_rest_is_read(tmp_path: Path):
    good, half, text, empty = (tmp_path / name for name in ("good.png", "half.png", "text.jpg", "empty.png"))
    good.write_bytes(content(drawn(1)))
    half.write_bytes(content(drawn(1, 400))[:2_000])
    text.write_text("not an image")
    empty.write_bytes(b"")
    sources = [half, None, good, text, empty, tmp_path / "gone.png", tmp_path, "https://shop.example/a.jpg", "a\0b", ""]
    found = read_all(sources, 16)
    assert found.rows.tolist() == [2]
    assert {bad.row for bad in found.bad} == {0, 3, 4, 5, 6, 7, 8}  # 1 and 9 name no image
    why = {bad.row: bad.reason for bad in found.bad}
    assert why[0] == "truncated"
    assert why[3].startswith("not an image")
    assert why[5] == "no such file"
    assert why[6] == "a folder, not a file"
    assert "download" in why[7]
    assert found.bad[0].file == str(half)
    assert sum(reasons(found.bad).values()) == 7


def test_a_program_for_printers_is_no_image(tmp_path: Path):
    path = tmp_path / "a.eps"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n")
    (bad,) = read_all([path], 16).bad
    assert bad.reason.startswith("not an image")


@pytest.mark.parametrize("threads", [1, 3])
def test_batches_come_in_order(threads: int):
    sources = [content(Image.new("RGB", (4, 4), (each, 0, 0))) if each % 5 else None for each in range(23)]
    parts = list(pictures(sources, 8, batch=4, threads=threads))
    assert len(parts) == 6
    rows = np.concatenate([part.rows for part in parts])
    assert rows.tolist() == [each for each in range(23) if each % 5]
    assert np.concatenate([part.pixels for part in parts])[:, 0, 0, 0].tolist() == rows.tolist()


SEEDS = [content(drawn(2, 12), kind) for kind in ("PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP")]


@settings(deadline=None, max_examples=100)
@given(data=st.data(), kind=st.integers(0, len(SEEDS) - 1))
def test_no_damage_stops_the_reading(data: st.DataObject, kind: int):
    seed = SEEDS[kind]
    broken = bytearray(seed)
    for at in data.draw(st.lists(st.integers(0, len(seed) - 1), max_size=6)):
        broken[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(broken)))
    found = read_all([bytes(broken[:cut]), SEEDS[0]], 16)
    assert 1 in found.rows
    assert len(found.rows) + len(found.bad) == 2


def test_names_are_looked_for_below_the_folders(tmp_path: Path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x.png").write_bytes(b"")
    folders = [tmp_path / "a", tmp_path / "b"]
    found = located(["x.png", "y.png", None, " ", "/abs.png", "https://e.example/x.png", " x.png "], folders)
    assert found[0] == found[6] == tmp_path / "b" / "x.png"
    assert found[1] == tmp_path / "a" / "y.png"
    assert found[2] is found[3] is None
    assert found[4] == Path("/abs.png")
    assert located(["x.png"]) == [Path("x.png")]
    assert read_all([found[5]], 8).bad[0].reason.startswith("an address")


def test_a_stamp_changes_with_the_file(tmp_path: Path):
    path = tmp_path / "x.png"
    path.write_bytes(b"1")
    before = stamps([path, None, tmp_path / "none"])
    path.write_bytes(b"22")
    after = stamps([path, None, tmp_path / "none"])
    assert before[0] != after[0]
    assert before[1:] == after[1:] == ["", ""]


# -- the same picture ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["phash", "dhash"])
def test_a_hash_survives_what_shops_do_to_pictures(kind):
    image = drawn(3)
    same = [content(image), content(image.resize((50, 50))), content(image, "JPEG", quality=40)]
    same.append(content(image.point(lambda value: int(value * 0.9) + 10)))
    others = [content(drawn(seed)) for seed in (4, 5, 6)]
    found = hashes([*same, *others], kind=kind)
    assert found.dtype == np.uint64
    assert distance(found[0], found[1:4]).max() <= 8
    assert distance(found[0], found[4:]).min() >= 16


def test_what_shows_nothing_is_like_nothing():
    blank = content(Image.new("RGB", (9, 9), "white"))
    assert hashes([blank, blank, None, b"broken"]).tolist() == [0, 0, 0, 0]
    assert near_images([blank, blank, None]).tolist() == [-1, -1, -1]
    assert hashes([]).shape == (0,)
    assert near_images([]).shape == (0,)


def test_groups_are_of_the_same_picture_in_the_same_colour():
    image = drawn(7)
    red, green, blue = image.split()
    recoloured = Image.merge("RGB", (blue, green, red))
    sources = [content(drawn(8)), content(image), content(recoloured), content(image.resize((60, 60)), "JPEG")]
    assert near_images(sources).tolist() == [-1, 0, -1, 0]
    assert near_images([*sources, *sources], threads=2).tolist() == [0, 1, 2, 1, 0, 1, 2, 1]


@settings(deadline=None, max_examples=60)
@given(
    base=st.lists(st.integers(1, 2**64 - 1), min_size=1, max_size=8),
    flips=st.lists(st.tuples(st.integers(0, 7), st.sets(st.integers(0, 63), max_size=6)), max_size=8),
    most=st.integers(0, 15),
)
def test_pairs_are_those_of_a_comparison_of_all(base: list[int], flips: list[tuple[int, set[int]]], most: int):
    values = [*base, 0]
    for row, places in flips:
        values.append(base[row % len(base)] ^ sum(1 << place for place in places))
    found = np.array(values, np.uint64)
    pairs = {tuple(pair) for pair in near(found, most).tolist()}
    n = len(values)
    all_pairs = {
        (i, j)
        for i in range(n)
        for j in range(i + 1, n)
        if values[i] and values[j] and distance(found[i], found[j]) <= most
    }
    first = {value: row for row, value in reversed(list(enumerate(values)))}
    assert pairs <= all_pairs
    assert pairs == {
        (i, j) for i, j in all_pairs if first[values[i]] == i and (values[i] == values[j] or first[values[j]] == j)
    }


def test_too_many_bits_are_no_likeness():
    with pytest.raises(SettingError, match="0 to 15"):
        near(np.array([1, 2], np.uint64), 20)
