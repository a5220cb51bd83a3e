from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import adjusted_mutual_info_score

torch = pytest.importorskip("torch", reason="deep clusterers need PyTorch: pip install 'wares[deep]'")

from wares.algorithm import Clusterer, load  # noqa: E402
from wares.cluster.autoencoder import Autoencoder  # noqa: E402
from wares.cluster.dec import DEC  # noqa: E402
from wares.cluster.vae import VAE  # noqa: E402
from wares.errors import SettingError, StoreError  # noqa: E402

TINY = {"n_clusters": 3, "latents": 2, "hidden": 8, "batch": 32, "seed": 1}
EVERY = [Autoencoder(**TINY), VAE(**TINY), DEC(**TINY)]


def bananas(n=240):
    """Three groups along arcs in six dimensions: what is not straight, but apart."""
    rng = np.random.default_rng(0)
    group = rng.permutation(np.arange(n) % 3)
    turn = rng.uniform(0, 1.5, n) + 2 * group
    arc = np.stack([np.cos(turn), np.sin(turn), np.cos(2 * turn), np.sin(2 * turn), turn / 3, turn**2 / 18], axis=1)
    return (arc + 0.02 * rng.standard_normal(arc.shape)).astype(np.float32), group


@pytest.mark.parametrize("model", EVERY)
def test_groups_are_found_and_new_rows_placed(model):
    rows, group = bananas()
    model.fit(rows)
    assert adjusted_mutual_info_score(group, model.labels_) > 0.6
    np.testing.assert_array_equal(model.predict(rows), model.labels_)
    assert (model.predict(rows + np.float32(0.001)) == model.labels_).mean() > 0.97
    assert model.transform(rows).shape == (len(rows), 2)
    assert model.cluster_centers_.shape == (3, 2)


def test_the_network_rebuilds_better_than_the_straight_line_it_starts_as():
    rows, _ = bananas()
    model = Autoencoder(**{**TINY, "hidden": 64, "dropout": 0.0, "rate": 1e-2, "epochs": 40, "patience": 40}).fit(rows)
    around = rows - rows.mean(axis=0)
    sizes = np.linalg.svd(around, compute_uv=False) ** 2
    assert model.curve_.shape[1] == 2
    assert abs(model.curve_[0, 0] - sizes[2:].sum() / sizes.sum()) < 0.01  # begins as two principal components
    assert model.curve_[:, 1].min() < 0.7 * model.curve_[0, 1]


def test_without_learning_it_is_the_principal_components():
    rows, _ = bananas()
    model = Autoencoder(**{**TINY, "epochs": 0}).fit(rows)
    around = rows - rows.mean(axis=0)
    codes = np.abs(around @ np.linalg.svd(around)[2][:2].T)
    np.testing.assert_allclose(np.abs(model.transform(rows)) * model.scale_, codes, atol=1e-4)


def test_rows_move_while_they_are_parted_and_chances_sum_to_one():
    rows, _ = bananas()
    model = DEC(**{**TINY, "passes": 4, "tol": 0.0}).fit(rows)
    assert len(model.moved_) == 3
    chances = model.predict_proba(rows)
    np.testing.assert_allclose(chances.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(chances.argmax(axis=1), model.labels_)


def test_parting_draws_rows_to_their_centres():
    rows, _ = bananas()

    def tightness(parting):
        model = DEC(**{**TINY, "parting": parting, "passes": 10, "tol": 0.0, "rate": 5e-3}).fit(rows)
        return model.predict_proba(rows).max(axis=1).mean()

    assert tightness(3.0) > tightness(0.0) + 0.02


@pytest.mark.parametrize("model", EVERY)
def test_rows_that_cannot_be_parted(model):
    rows = np.ones((10, 4), np.float32)
    assert model.fit(rows).n_clusters_ == 1
    assert model.fit(rows[:1]).labels_.tolist() == [0]
    assert model.fit(np.repeat([[0, 1], [1, 0]], 5, axis=0)).n_clusters_ == 2
    constant = np.column_stack([bananas(30)[0], np.full(30, 7.0)])
    assert model.fit(constant).n_clusters_ == 3
    with pytest.raises(ValueError, match="NaN"):
        model.fit(np.array([[1, np.nan], [2, 3]]))
    with pytest.raises(SettingError, match="cannot honour"):
        model.fit(rows, links=(np.array([[0, 1]]), np.empty((0, 2), np.int64)))


@pytest.mark.parametrize("model", EVERY)
def test_scale_and_place_of_the_rows_do_not_matter(model):
    rows, _ = bananas()
    one, other = model.fit(rows).labels_, model.fit(rows * 50 + 1000).labels_
    assert adjusted_mutual_info_score(one, other) > 0.95


def test_progress_is_told():
    told = []
    Autoencoder(**{**TINY, "epochs": 2}).fit(bananas(30)[0], progress=lambda *each: told.append(each[:2]))
    assert told == [(1, 2), (2, 2)]


def test_networks_are_saved_as_safetensors_and_damage_is_told(tmp_path: Path):
    rows, _ = bananas(60)
    model = VAE(**TINY).fit(rows)
    model.save(tmp_path / "saved")
    assert (tmp_path / "saved" / "network_.safetensors").is_file()
    loaded = load(tmp_path / "saved")
    assert isinstance(loaded, Clusterer)
    np.testing.assert_array_equal(loaded.predict(rows), model.labels_)
    (tmp_path / "saved" / "network_.safetensors").write_bytes(b"not a network")
    with pytest.raises(StoreError, match="damaged"):
        load(tmp_path / "saved")


def test_they_are_not_proposed():
    assert not any(each.RECOMMENDED for each in (Autoencoder, VAE, DEC))
    assert Clusterer.RECOMMENDED
