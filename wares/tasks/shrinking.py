"""A fitted classifier made small, and written as ONNX for programs that know nothing of `wares`."""

import time
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from scipy.sparse import csr_array

from wares.algorithm import Classifier
from wares.arrays import Dense, Vectors
from wares.classify.estimated import Estimated
from wares.classify.linear import Linear
from wares.classify.mlp import MLP
from wares.classify.naive_bayes import NaiveBayes
from wares.classify.rows import arrays
from wares.errors import DataError, SettingError

OPSET = 18


@dataclass(frozen=True)
class Size:
    """What an exported model is worth: megabytes of its file, the share of rows that it gets right, how much less that
    is than the model itself gets right, and rows a second on one thread, vectors given."""

    megabytes: float
    accuracy: float
    loss: float
    per_second: float


def measured(model: Classifier, path: Path, X: Any, y: Any) -> Size:
    """Compare an exported file with the model it was made of, on rows with known classes."""
    exported, names = Exported(path), np.asarray([str(each) for each in np.asarray(y).tolist()])
    if not len(names):
        raise DataError("no rows to measure by")
    exported.predict_proba(X[:1])  # the first answer sets things up
    start = time.perf_counter()
    table = exported.predict_proba(X)
    seconds = time.perf_counter() - start
    after = float(np.mean(np.asarray(exported.classes)[table.argmax(axis=1)] == names))
    before = float(np.mean([str(each) for each in model.predict(X).tolist()] == names))
    return Size(path.stat().st_size / 1e6, after, before - after, len(names) / max(seconds, 1e-9))


def pruned(model: Classifier, share: float) -> Classifier:
    """A copy of a linear model without the weights nearest to 0: those that make up at most `share` of each class's
    squared weights. Columns left without any weight are dropped.

    Raises SettingError for other models and for a share outside 0..1.
    """
    if not isinstance(model, Linear):
        raise SettingError(f"{type(model).__name__} cannot be pruned; linear can")
    if not 0 <= share < 1:
        raise SettingError(f"pruned(share={share}): must be at least 0 and less than 1")
    copy = deepcopy(model)
    table = np.array(model.coef_)
    squares = np.square(table, dtype=np.float64)
    order = np.argsort(squares, axis=0)
    running = np.cumsum(np.take_along_axis(squares, order, 0), axis=0)
    drop = running <= share * running[-1:]
    np.put_along_axis(table, order, np.where(drop, 0, np.take_along_axis(table, order, 0)), 0)
    if hasattr(model, "places_"):
        kept = np.flatnonzero(table.any(axis=1))
        renamed = np.full(len(table) + 1, -1, np.int32)  # the last stands for columns never met
        renamed[kept] = np.arange(len(kept))
        copy.places_ = renamed[np.asarray(model.places_)]
        table = np.ascontiguousarray(table[kept])
    copy.coef_ = table
    return copy


def export(model: Classifier, path: Path, *, sparse: bool | None = None, int8: bool = False) -> Path:
    """Write a fitted `linear`, `naive_bayes` of counts, `mlp`, `tree`, `forest` or `boosted` as an ONNX file.

    The output "probabilities" (n, n_classes) has the classes in the order of `classes_`, whose names are in the file's
    metadata. Dense rows are the input "rows" (n, width). Sparse rows, which those of text are, are three inputs:
    "columns" and "values" of all that is not 0, and "owners", the row of each; and "bias", zeros of (n, n_classes). A
    model fitted to sparse rows takes sparse ones. int8 : weights in a byte each, with a scale for each class.

    Raises SettingError for other models.
    """
    classes = [str(each) for each in np.asarray(model.learned()["classes_"]).tolist()]
    if isinstance(model, Estimated):
        proto = _of_trees(model)
    elif isinstance(model, (Linear, NaiveBayes)) and hasattr(model, "coef_"):
        given = hasattr(model, "places_") if sparse is None else sparse
        proto = _of_sums(model, given, int8)
    elif isinstance(model, MLP):
        proto = _of_layers(model, int8)
    else:
        raise SettingError(f"{type(model).__name__} cannot be written as ONNX; linear, mlp, tree, forest, boosted can")
    for number, name in enumerate(classes):
        proto.metadata_props.add(key=f"class {number}", value=name)
    onnx.checker.check_model(proto)
    path.write_bytes(proto.SerializeToString())
    return path


class Exported:
    """An ONNX file that answers as the model did."""

    def __init__(self, path: Path, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        try:
            self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has no kind of its own for a bad file
            raise DataError(f"{path} is no ONNX file that can be run: {error}") from error
        known = self.session.get_modelmeta().custom_metadata_map
        self.classes = [known[f"class {number}"] for number in range(len(known))]
        self.inputs = [each.name for each in self.session.get_inputs()]

    def predict_proba(self, rows: Vectors) -> Dense:
        """(n, n_classes) probabilities of dense or sparse rows."""
        n = rows.shape[0]
        if "columns" not in self.inputs:
            table = rows.toarray() if isinstance(rows, csr_array) else np.ascontiguousarray(rows, np.float32)
            feeds: dict[str, NDArray[Any]] = {"rows": table}
        else:
            indptr, indices, values = arrays(csr_array(rows))
            owners = np.repeat(np.arange(n), np.diff(indptr))
            bias = np.zeros((n, len(self.classes)), np.float32)
            feeds = {"columns": indices.astype(np.int64), "values": values, "owners": owners, "bias": bias}
        return np.asarray(self.session.run(["probabilities"], feeds)[0], np.float32)


def _of_sums(model: Any, sparse: bool, int8: bool) -> Any:
    table, intercept = np.asarray(model.coef_), np.asarray(model.intercept_)
    n_classes = table.shape[1]
    if not sparse:
        table = _spread(model, table)
        weights, nodes = _weights("weights", table, int8)
        nodes += [helper.make_node("MatMul", ["rows", "weights"], ["sums"])]
        return _graph([_input("rows", ["n", len(table)])], nodes, {**weights, "intercept": intercept}, n_classes)
    # Row 0 is that of columns never met.
    table = np.concatenate([np.zeros((1, n_classes), np.float32), table])
    scales = np.maximum(np.abs(table).max(axis=0), 1e-30) / 127 if int8 else np.ones(n_classes)
    stored = np.round(table / scales).astype(np.int8) if int8 else table
    places = (np.asarray(model.places_) + 1).astype(np.int32)
    nodes = [
        helper.make_node("Gather", ["places", "columns"], ["where"]),
        helper.make_node("Gather", ["table", "where"], ["picked"]),
        helper.make_node("Cast", ["picked"], ["plain"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["values", "last"], ["column"]),
        helper.make_node("Mul", ["plain", "column"], ["weighed"]),
        helper.make_node("Unsqueeze", ["owners", "last"], ["places_of_rows"]),
        helper.make_node("ScatterND", ["bias", "places_of_rows", "weighed"], ["added"], reduction="add"),
        helper.make_node("Mul", ["added", "scales"], ["sums"]),
    ]
    inputs = [
        helper.make_tensor_value_info("columns", TensorProto.INT64, ["numbers"]),
        _input("values", ["numbers"]),
        helper.make_tensor_value_info("owners", TensorProto.INT64, ["numbers"]),
        _input("bias", ["n", n_classes]),
    ]
    constants = {
        "places": places,
        "table": stored,
        "scales": scales.astype(np.float32),
        "last": np.array([-1], np.int64),
        "intercept": intercept,
    }
    return _graph(inputs, nodes, constants, n_classes)


def _of_layers(model: MLP, int8: bool) -> Any:
    inner, inner_nodes = _weights("inner", np.asarray(model.inner_), int8)
    outer, outer_nodes = _weights("outer", np.asarray(model.outer_), int8)
    width, dense = len(model.inner_), hasattr(model, "centre_")
    nodes = [*inner_nodes, *outer_nodes]
    constants: dict[str, NDArray[Any]] = {**inner, **outer, "intercept": np.asarray(model.outer_bias_)}
    constants["inner_bias"] = np.asarray(model.inner_bias_)
    if dense:
        constants |= {"centre": np.asarray(model.centre_), "scale": np.array(model.scale_, np.float32)}
        nodes += [helper.make_node("Sub", ["rows", "centre"], ["centred"])]
        nodes += [helper.make_node("Div", ["centred", "scale"], ["ready"])]
    nodes += [
        helper.make_node("MatMul", ["ready" if dense else "rows", "inner"], ["drawn"]),
        helper.make_node("Add", ["drawn", "inner_bias"], ["hidden"]),
        helper.make_node("Relu", ["hidden"], ["active"]),
        helper.make_node("MatMul", ["active", "outer"], ["sums"]),
    ]
    return _graph([_input("rows", ["n", width])], nodes, constants, len(model.classes_))


def _of_trees(model: Estimated) -> Any:
    """The trees as one node; what their leaves say adds up to probabilities, of boosted trees to logits."""
    estimator = model.estimator_
    if estimator is None:
        raise SettingError(f"{type(model).__name__} has learned one class only; there is nothing to write")
    n_classes = len(model.learned()["classes_"])
    boosted = hasattr(estimator, "_predictors")
    if boosted:
        first = int(n_classes == 2)  # of two classes the trees tell the second, and the first is 0
        trees = [_boosted(tree, k + first) for each in estimator._predictors for k, tree in enumerate(each)]
        base = np.zeros(n_classes)
        base[first:] = np.ravel(estimator._baseline_prediction)
    else:
        members = getattr(estimator, "estimators_", [estimator])
        trees = [_grown(each.tree_, 1 / len(members)) for each in members]
        base = np.zeros(n_classes)
    attributes: dict[str, Any] = {}
    for number, tree in enumerate(trees):
        nodes, leaves = len(tree["nodes_featureids"]), len(tree["target_ids"])
        tree |= {"nodes_treeids": [number] * nodes, "nodes_nodeids": range(nodes), "target_treeids": [number] * leaves}
        for name, values in tree.items():
            attributes.setdefault(name, []).extend(values)
    node = helper.make_node(
        "TreeEnsembleRegressor", ["rows"], ["sums"], domain="ai.onnx.ml", n_targets=n_classes, **attributes
    )
    width = int(model.learned()["n_features_in_"])
    constants = {"intercept": base.astype(np.float32)}
    return _graph(
        [_input("rows", ["n", width])], [node], constants, n_classes, end="Softmax" if boosted else "Identity"
    )


def _grown(tree: Any, weight: float) -> dict[str, Any]:
    """A tree of scikit-learn as attributes of the node; what its leaves say times a weight."""
    leaf = tree.children_left < 0
    shares = tree.value[leaf, 0]
    places, n_classes = np.flatnonzero(leaf), tree.value.shape[2]
    return {
        **_branches(leaf, tree.feature, tree.threshold, tree.children_left, tree.children_right),
        "nodes_missing_value_tracks_true": np.where(leaf, 0, tree.missing_go_to_left).tolist(),
        "target_nodeids": np.repeat(places, n_classes).tolist(),
        "target_ids": np.tile(np.arange(n_classes), len(places)).tolist(),
        "target_weights": (shares / shares.sum(axis=1, keepdims=True) * weight).ravel().tolist(),
    }


def _boosted(tree: Any, k: int) -> dict[str, Any]:
    """A boosted tree, which adds to class k."""
    nodes = tree.nodes
    leaf = nodes["is_leaf"].astype(bool)
    places = np.flatnonzero(leaf)
    left, right = nodes["left"].astype(np.int64), nodes["right"].astype(np.int64)
    return {
        **_branches(leaf, nodes["feature_idx"].astype(np.int64), nodes["num_threshold"], left, right),
        "nodes_missing_value_tracks_true": np.where(leaf, 0, nodes["missing_go_to_left"]).tolist(),
        "target_nodeids": places.tolist(),
        "target_ids": [k] * len(places),
        "target_weights": nodes["value"][leaf].tolist(),
    }


def _branches(
    leaf: NDArray[Any], features: NDArray[Any], thresholds: NDArray[Any], left: NDArray[Any], right: NDArray[Any]
) -> dict[str, Any]:
    # The greatest float32 that is not above the threshold: rows are float32, and none may change sides.
    values = np.where(leaf, 0, thresholds).astype(np.float32)
    values = np.where(values > np.where(leaf, 0, thresholds), np.nextafter(values, np.float32(-np.inf)), values)
    return {
        "nodes_featureids": np.where(leaf, 0, features).tolist(),
        "nodes_modes": np.where(leaf, "LEAF", "BRANCH_LEQ").tolist(),
        "nodes_values": values.tolist(),
        "nodes_truenodeids": np.where(leaf, 0, left).tolist(),
        "nodes_falsenodeids": np.where(leaf, 0, right).tolist(),
    }


def _spread(model: Any, table: Dense) -> Dense:
    """Weights of all columns, where the model knows some."""
    if not hasattr(model, "places_"):
        return np.ascontiguousarray(table)
    places = np.asarray(model.places_)
    out = np.zeros((len(places), table.shape[1]), np.float32)
    out[places >= 0] = table[places[places >= 0]]
    return out


def _weights(name: str, table: Dense, int8: bool) -> tuple[dict[str, NDArray[Any]], list[Any]]:
    """Constants that make up a table of that name, and the nodes that make it of them."""
    if not int8:
        return {name: np.ascontiguousarray(table)}, []
    scales = (np.maximum(np.abs(table).max(axis=0), 1e-30) / 127).astype(np.float32)
    stored = np.round(table / scales).astype(np.int8)
    zeros = np.zeros(len(scales), np.int8)
    node = helper.make_node("DequantizeLinear", [f"{name}_bytes", f"{name}_scales", f"{name}_zeros"], [name], axis=1)
    return {f"{name}_bytes": stored, f"{name}_scales": scales, f"{name}_zeros": zeros}, [node]


def _input(name: str, shape: Sequence[int | str]) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _graph(
    inputs: Sequence[Any],
    nodes: Sequence[Any],
    constants: dict[str, NDArray[Any]],
    n_classes: int,
    end: str = "Softmax",
) -> Any:
    """A model whose nodes make "sums", to which the intercept is added; softmax makes probabilities of that."""
    ends = [
        helper.make_node("Add", ["sums", "intercept"], ["logits"]),
        helper.make_node(end, ["logits"], ["probabilities"]),
    ]
    graph = helper.make_graph(
        [*nodes, *ends],
        "classifier",
        list(inputs),
        [_input("probabilities", ["n", n_classes])],
        [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in constants.items()],
    )
    versions = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=versions, ir_version=10)
