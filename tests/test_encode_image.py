"""The image encoder: its network is the one of the weights, files that cannot be read do no harm, nothing hangs on
what stands beside it."""

import io
import pickle
from pathlib import Path

import numpy as np
import onnx
import polars as pl
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from PIL import Image as Pillow

import wares
from wares.checks import shop
from wares.checks.photos import drawn, png
from wares.data.catalog import Catalog
from wares.encode.image import Image
from wares.encode.memory import Memory
from wares.errors import DataError, MissingExtra, SettingError, StoreError
from wares.tasks.fusing import Fused, encode_cached, fit_cached
from wares.tasks.picturing import at_home, state, unread
from wares.vision import efficientnet, weights
from wares.vision.pooling import WIDTH, WIDTHS, balanced, pooled

SIZE = 64


def small(**settings) -> Image:
    return Image(**{"size": SIZE, "threads": 1, **settings})


@pytest.fixture(scope="module")
def fitted() -> Image:
    return small().fit(shop.catalog())


def products(tmp_path: Path, names: list[str | None]) -> Catalog:
    """Products with these image names; `N.png` is drawn into the folder."""
    for name in names:
        if name and name.removesuffix(".png").isdigit():
            seed = int(name.removesuffix(".png"))
            (tmp_path / name).write_bytes(png(drawn(seed, seed % 2 == 0)))
    rows = range(len(names))
    return Catalog(
        pl.DataFrame({"id": [f"p{row}" for row in rows], "title": [f"Thing {row}" for row in rows], "image": names})
    )


# -- the network ---------------------------------------------------------------------------------------------------


def reference(pixels: np.ndarray) -> np.ndarray:
    """The head's means by torch, from the weights as they are, normalisations and all."""
    table = {name: torch.from_numpy(np.array(each)) for name, each in weights.read(efficientnet._path()).items()}

    def conv(x, name, norm, stride, bent=True, each=False):
        w = table[f"{name}.weight"]
        need = max((-(-x.shape[-1] // stride) - 1) * stride + w.shape[-1] - x.shape[-1], 0)
        x = torch.nn.functional.pad(x, [need // 2, need - need // 2] * 2)
        x = torch.nn.functional.conv2d(x, w, stride=stride, groups=x.shape[1] if each else 1)
        stats = [table[f"{norm}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
        x = torch.nn.functional.batch_norm(x, *stats, eps=1e-3)
        return x.clamp(0, 6) if bent else x

    x = conv(torch.from_numpy((pixels.transpose(0, 3, 1, 2) - 127.0) / 128.0).float(), "_conv_stem", "_bn0", 2)
    strides = {1: 2, 3: 2, 5: 2, 11: 2}
    for number in range(16):
        before, name = x, f"_blocks.{number}."
        if number:
            x = conv(x, f"{name}_expand_conv", f"{name}_bn0", 1)
        x = conv(x, f"{name}_depthwise_conv", f"{name}_bn1", strides.get(number, 1), each=True)
        x = conv(x, f"{name}_project_conv", f"{name}_bn2", 1, bent=False)
        x = x + before if x.shape == before.shape else x
    return conv(x, "_conv_head", "_bn1", 1).mean(dim=(2, 3)).numpy()


def test_the_graph_is_the_network_of_the_weights():
    pixels = np.stack([drawn(0, True), drawn(1, False)])
    rows = pooled(pixels)
    assert rows.shape == (2, WIDTH)
    assert np.allclose(rows[:, -WIDTHS[-1] :], reference(pixels), atol=1e-4)


def test_whole_numbers_say_nearly_the_same():
    pixels = np.stack([drawn(row, row % 2 == 0) for row in range(6)])
    exact, rough = balanced(pooled(pixels)), balanced(pooled(pixels, "int8"))
    assert (exact * rough).sum(axis=1).min() > 0.85


def test_threads_and_neighbours_change_no_bit(fitted: Image):
    paths = [Path(each) for each in shop.catalog().frame(["image"])["image"]]
    rows = fitted.encode_images(paths)
    assert np.array_equal(rows[3:5], fitted.encode_images(paths[3:5]))
    many = small(threads=3).fit(shop.catalog())
    assert np.array_equal(rows, many.encode_images(paths))


def test_mirrored_sees_both_sides_alike():
    encoder = small(mirrored=True, width=2_000).fit(shop.catalog())
    picture = drawn(0, True)
    one, other = encoder.encode_images([png(picture), png(np.ascontiguousarray(picture[:, ::-1]))])
    assert one @ other > 0.9999
    assert encoder.components_.shape == (WIDTH, WIDTH)


# -- weights -------------------------------------------------------------------------------------------------------


class Evil:
    def __reduce__(self):
        return (print, ("run",))


def test_a_file_of_weights_runs_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "evil.pth"
    path.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(StoreError, match=r"print"):
        weights.read(path)
    assert capsys.readouterr().out == ""


def test_torchs_own_files_are_read_and_damaged_ones_refused(tmp_path: Path):
    path = tmp_path / "w.pth"
    table = {"a": torch.arange(6.0).reshape(2, 3).t(), "n": torch.tensor(3)}
    torch.save(table, path, _use_new_zipfile_serialization=False)
    found = weights.read(path)
    assert found["a"].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert found["n"] == 3
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(StoreError, match="ends too early"):
        weights.read(path)
    path.write_bytes(b"nothing")
    with pytest.raises(StoreError, match="not a file of weights"):
        weights.read(path)


# -- files ---------------------------------------------------------------------------------------------------------


def test_what_cannot_be_read_is_a_zero_row_and_told(tmp_path: Path):
    catalog = products(tmp_path, ["0.png", "gone.png", None, "text.png", "1.png"])
    (tmp_path / "text.png").write_text("no")
    encoder = small(folders=(str(tmp_path),)).fit(catalog)
    rows = encoder.encode(catalog)
    assert (np.linalg.norm(rows, axis=1) > 0).tolist() == [True, False, False, False, True]
    assert [(bad.row, Path(bad.file).name) for bad in encoder.bad] == [(1, "gone.png"), (3, "text.png")]
    told = unread(encoder)
    assert told["unread"] == 2
    assert told["reasons"]["no such file"] == 1


def test_a_catalog_without_images_has_zero_rows():
    bare = Catalog(pl.DataFrame({"id": ["a", "b"], "title": ["A", "B"]}))
    encoder = small(width=4).fit(bare)
    assert encoder.encode(bare).shape == (2, 4)
    assert not encoder.encode(bare).any()
    assert not encoder.bad


def test_a_photo_finds_its_product(fitted: Image):
    rows = fitted.encode(shop.catalog())
    file = io.BytesIO()
    Pillow.fromarray(drawn(2, False)).save(file, "JPEG", quality=92)
    (asked,) = fitted.encode_images([file.getvalue()])
    assert (rows @ asked).argmax() == 2


def test_files_that_have_not_changed_are_not_looked_at_again(tmp_path: Path):
    catalog = products(tmp_path, ["0.png", "1.png", "0.png", "gone.png", None])
    home = {"folders": (str(tmp_path),)}
    plain = small(**home).fit(catalog).encode(catalog)
    encoder, memory = small(**home), tmp_path / "memory"
    assert np.array_equal(fit_cached(encoder, catalog, memory), plain)
    again = small(**home).fit(catalog)
    again.remember(held := Memory(memory))
    assert np.array_equal(again.encode(catalog), plain)
    assert held.missed == 0
    assert [bad.row for bad in again.bad] == [3]
    held.close()
    (tmp_path / "0.png").write_bytes(png(drawn(7, False)))
    changed = encode_cached(encoder, catalog, memory)
    assert not np.array_equal(changed[0], plain[0])
    assert np.array_equal(changed[1], plain[1])


def test_a_shop_looks_beside_its_product_file(tmp_path: Path):
    catalog = products(tmp_path, ["0.png", "1.png", "2.png", "gone.png"])
    encoder = at_home(Fused(parts=[small(), small(folders=("/elsewhere",))], weights=[1.0, 1.0]), [tmp_path / "p.csv"])
    assert [part.folders for part in encoder.parts] == [(str(tmp_path),), ("/elsewhere",)]
    before = state(encoder, catalog)
    (tmp_path / "gone.png").write_bytes(png(drawn(9, True)))
    assert state(encoder, catalog) != before != ""
    assert state(Fused(parts=[], weights=[]), catalog) == ""


def test_a_build_tells_what_could_not_be_read_and_sees_new_files(tmp_path: Path):
    catalog = products(tmp_path, ["0.png", "1.png", "2.png", "3.png", "gone.png"])
    catalog.scan.collect().write_csv(tmp_path / "products.csv")
    settings = {"encode.use": "image", "encode.size": SIZE, "cluster.use": "kmeans", "cluster.n_clusters": 2}
    built = wares.build(tmp_path / "shop", products=tmp_path / "products.csv", settings=settings)
    warned = [each for each in built.info()["warnings"] if "images" in each]
    assert len(warned) == 1
    assert "1 no such file" in warned[0]
    assert "gone.png" in warned[0]


def test_a_shop_finds_products_by_a_photo(tmp_path: Path):
    catalog = products(tmp_path, ["0.png", "1.png", "2.png", "3.png"])
    ids = catalog.frame(["id"])["id"].to_list()
    settings = {"encode.use": "image", "encode.size": SIZE, "cluster.use": "kmeans", "cluster.n_clusters": 2}
    catalog.scan.collect().write_csv(tmp_path / "products.csv")
    with wares.build(tmp_path / "shop", products=tmp_path / "products.csv", settings=settings) as built:
        for photo in (tmp_path / "2.png", str(tmp_path / "2.png"), (tmp_path / "2.png").read_bytes()):
            hits = built.similar_to_photo(photo, k=2).hits
            assert hits[0].id == ids[2]
            assert hits[0].score == pytest.approx(1, abs=1e-3)
        assert ids[2] not in [each.id for each in built.similar(ids[2], k=3, by="image").hits]
        for wrong in (tmp_path / "products.csv", tmp_path / "gone.png", b"no picture", b""):
            with pytest.raises(DataError, match="not a picture that can be read"):
                built.similar_to_photo(wrong)
        with pytest.raises(SettingError, match="It can compare by image"):
            built.similar(ids[2], by="text")


# -- other networks ------------------------------------------------------------------------------------------------


def mean_colour_network(folder: Path) -> None:
    """A network whose row is the mean of each prepared colour."""
    node = helper.make_node("ReduceMean", ["image", "axes"], ["row"], keepdims=0)
    graph = helper.make_graph(
        [node],
        "mean",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, 16, 16])],
        [helper.make_tensor_value_info("row", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(np.array([2, 3], np.int64), "axes")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, folder / "model.onnx")


def test_a_network_of_ones_own_is_named_by_its_folder(tmp_path: Path):
    mean_colour_network(tmp_path)
    (tmp_path / "preprocess.json").write_text('{"mean": [0, 0, 0], "std": [1, 1, 1]}')
    catalog = shop.catalog()
    encoder = Image(model=f"onnx:{tmp_path}", width=3).fit(catalog)
    red = np.zeros((16, 16, 3), np.uint8)
    red[..., 0] = 200
    assert np.allclose(encoder.encode_images([png(red)]), [[1, 0, 0]], atol=1e-6)
    assert encoder.source_["package"] == f"onnx:{tmp_path}"


def test_specs_that_name_nothing(tmp_path: Path):
    with pytest.raises(SettingError, match="onnx:FOLDER"):
        Image(model="resnet").fit(shop.catalog())
    with pytest.raises(DataError, match=r"model\.onnx"):
        Image(model=f"onnx:{tmp_path}").fit(shop.catalog())
    with pytest.raises(MissingExtra, match="open-clip-torch"):
        Image(model="openclip:ViT-B-32/laion2b").fit(shop.catalog())


def test_other_weights_are_refused(fitted: Image, tmp_path: Path):
    fitted.save(tmp_path / "one")
    loaded = Image.load(tmp_path / "one")
    loaded.source_ = {**loaded.source_, "sha256": "0" * 64}
    with pytest.raises(StoreError, match="build again"):
        loaded.encode(shop.catalog())
