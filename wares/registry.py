"""Role and name to the class that bears it: one line each, nothing imported until it is asked for.

A package of anyone's adds algorithms by an entry point in the group `wares.<role>`, such as
`[project.entry-points."wares.cluster"] mine = "my_package:MyClusterer"`.
"""

import re
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, TypeVar

from wares.algorithm import ROLES, Algorithm, role_name
from wares.errors import MissingExtra, SettingError, UnknownName, did_you_mean

A = TypeVar("A", bound=Algorithm)

REGISTRY: dict[str, dict[str, str]] = {
    "encode": {
        "fused": "wares.tasks.fusing:Fused",
        "attributes": "wares.encode.attributes:Attributes",
        "bag": "wares.encode.bag:Bag",
        "behaviour": "wares.encode.behaviour:Behaviour",
        "hashing": "wares.encode.hashing:Hashing",
        "image": "wares.encode.image:Image [image]",
        "lda": "wares.tasks.topical:Topical",
        "lsa": "wares.encode.lsa:LSA",
        "sentence": "wares.encode.sentence:Sentence [sentence]",
        "siamese": "wares.encode.siamese:Siamese [deep]",
        "static": "wares.encode.static:Static [sentence]",
        "tfidf": "wares.encode.tfidf:TfIdf",
        "word2vec": "wares.encode.word2vec:Word2Vec",
    },
    "index": {
        "exact": "wares.index.exact:Exact",
        "hnsw": "wares.index.hnsw:HNSW",
    },
    "cluster": {
        "constrained": "wares.cluster.constrained:Constrained",
        "agglomerative": "wares.cluster.agglomerative:Agglomerative",
        "dbscan": "wares.cluster.dbscan:DBSCAN",
        "hdbscan": "wares.cluster.hdbscan:HDBSCAN",
        "autoencoder": "wares.cluster.autoencoder:Autoencoder [deep]",
        "dec": "wares.cluster.dec:DEC [deep]",
        "vae": "wares.cluster.vae:VAE [deep]",
        "bisecting": "wares.cluster.bisecting:Bisecting",
        "gmm": "wares.cluster.gmm:GMM",
        "factor": "wares.cluster.factor:Factor",
        "kmeans": "wares.cluster.kmeans:KMeans",
        "minibatch": "wares.cluster.minibatch:MiniBatch",
        "leiden": "wares.cluster.leiden:Leiden",
        "lda": "wares.cluster.lda:LDA",
        "louvain": "wares.cluster.louvain:Louvain",
        "multinomial": "wares.cluster.multinomial:Multinomial",
        "nmf": "wares.cluster.nmf:NMF",
    },
    "classify": {
        "boosted": "wares.classify.boosted:Boosted",
        "forest": "wares.classify.forest:Forest",
        "knn": "wares.classify.knn:KNN",
        "linear": "wares.classify.linear:Linear",
        "mlp": "wares.classify.mlp:MLP",
        "naive_bayes": "wares.classify.naive_bayes:NaiveBayes",
        "tree": "wares.classify.tree:Tree",
    },
    "label": {
        "textcnn": "wares.classify.textcnn:TextCNN [deep]",
        "lstm": "wares.classify.lstm:LSTM [deep]",
        "imagecnn": "wares.classify.imagecnn:ImageCNN [deep]",
        "multitask": "wares.classify.multitask:MultiTask [deep]",
        "taxonomy": "wares.tasks.taxonomy:Taxonomy",
        "views": "wares.tasks.views:Views",
    },
    "match": {
        "boosted": "wares.match.boosted:Boosted",
        "fellegi_sunter": "wares.match.fellegi_sunter:FellegiSunter",
        "linear": "wares.match.linear:Linear",
    },
    "recommend": {
        "als": "wares.recommend.als:ALS",
        "associations": "wares.recommend.associations:Associations",
        "blend": "wares.tasks.blending:Blend",
        "bpr": "wares.recommend.bpr:BPR",
        "clusters": "wares.recommend.clusters:Clusters",
        "content": "wares.recommend.content:Content",
        "ease": "wares.recommend.ease:EASE",
        "gru4rec": "wares.recommend.gru4rec:GRU4Rec [deep]",
        "hybrid": "wares.tasks.hybrid:Hybrid [rank]",
        "interests": "wares.tasks.interests:Interests",
        "itemknn": "wares.recommend.itemknn:ItemKNN",
        "kin": "wares.recommend.kin:Kin",
        "lightgcn": "wares.recommend.lightgcn:LightGCN [deep]",
        "linucb": "wares.recommend.bandit:LinUCB",
        "logistic": "wares.recommend.logistic:Logistic",
        "lstm": "wares.recommend.lstm:LSTM [deep]",
        "markov": "wares.recommend.markov:Markov",
        "mf": "wares.recommend.mf:MF",
        "multvae": "wares.recommend.multvae:MultVAE [deep]",
        "ncf": "wares.recommend.ncf:NCF [deep]",
        "newest": "wares.recommend.newest:Newest",
        "nextbasket": "wares.recommend.nextbasket:NextBasket",
        "popular": "wares.recommend.popular:Popular",
        "profile": "wares.tasks.telling:Profile",
        "repeat": "wares.recommend.repeat:Repeat",
        "rnn": "wares.recommend.rnn:RNN [deep]",
        "rp3beta": "wares.recommend.rp3beta:RP3beta",
        "sasrec": "wares.recommend.sasrec:SASRec [deep]",
        "sessionknn": "wares.recommend.sessionknn:SessionKNN",
        "slim": "wares.recommend.slim:SLIM",
        "sparse_ease": "wares.recommend.sparse_ease:SparseEASE",
        "svd": "wares.recommend.svd:SVD",
        "thompson": "wares.recommend.bandit:Thompson",
        "two_tower": "wares.recommend.two_tower:TwoTower [deep]",
        "userknn": "wares.recommend.userknn:UserKNN",
    },
    "rank": {
        "lambdamart": "wares.rank.lambdamart:LambdaMART [rank]",
    },
}

FOREIGN: dict[str, str] = {"cluster": "wares.cluster.foreign:foreign", "classify": "wares.classify.foreign:foreign"}
"""By role, what makes a class of ours out of another's: called with `package.module:Class`."""

_LINE = re.compile(r"(?P<module>[\w.]+):(?P<name>\w+)(?: \[(?P<extra>\w+)\])?")


@cache
def _plugins(word: str) -> dict[str, str]:
    return {point.name: point.value for point in entry_points(group=f"wares.{word}")}


def names(role: type[Algorithm]) -> list[str]:
    """The names registered for a role, plugins included, in alphabetical order."""
    word = role_name(role)
    return sorted({**REGISTRY[word], **_plugins(word)})


def find(role: type[A], name: str) -> type[A]:
    """The class of that name in that role; a path `package.module:Class`, or with a dot, names any class.

    In roles that have a place in `FOREIGN`, scikit-learn's own classes are meant too.

    Raises UnknownName with the nearest names, MissingExtra where its package is not installed.
    """
    word = role_name(role)
    line = {**REGISTRY[word], **_plugins(word)}.get(name) or (_path(name) if is_path(name) else None)
    if line is None:
        raise UnknownName.among(f"{word} algorithm", name, names(role))
    match = _LINE.fullmatch(line)
    if match is None:
        raise SettingError(f"{word} algorithm {name!r}: {line!r} is not of the form 'module:Class [extra]'")
    try:
        module = import_module(match["module"])
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if is_path(name) and f"{match['module']}.".startswith(f"{error.name}."):  # the path that somebody wrote
            raise UnknownName(f"{word} algorithm {name!r}: there is no module {error.name!r} to import") from None
        if match["extra"] is None or missing == "wares":
            raise  # a broken module of ours or of a plugin must be seen as what it is
        raise MissingExtra(
            f"{word} algorithm {name!r} needs the package {missing!r}: pip install 'wares[{match['extra']}]'"
        ) from error
    found = getattr(module, match["name"], None)
    if found is None:
        classes = [each for each, value in vars(module).items() if isinstance(value, type)]
        raise UnknownName(f"{match['module']} has no class {match['name']!r}{did_you_mean(match['name'], classes)}")
    if not (isinstance(found, type) and issubclass(found, role)):
        if word in FOREIGN and is_path(name) and hasattr(found, "fit"):
            adapted: type[A] = _adapted(word, line)
            return adapted
        raise SettingError(
            f"{word} algorithm {name!r} is no wares.algorithm.{role.__name__}; write a small class that is one and "
            f"calls it. Known by name: {', '.join(names(role)) or 'none'}"
        )
    return found


def is_path(name: str) -> bool:
    """Whether a name is the path of a class, `package.module:Class` or `package.module.Class`."""
    return ":" in name or "." in name


def _path(name: str) -> str:
    return name if ":" in name else ":".join(name.rsplit(".", 1))


def _adapted(word: str, path: str) -> Any:
    module, _, name = FOREIGN[word].partition(":")
    return getattr(import_module(module), name)(path)


def make(role: type[A], name: str, **settings: Any) -> A:
    """A new algorithm of that name with those settings. Raises SettingError naming the nearest setting."""
    cls = find(role, name)
    allowed = list(cls._get_param_names())
    for key in settings:
        if key not in allowed:
            hint = did_you_mean(key, allowed) or f"; it has {', '.join(allowed) or 'none'}"
            raise SettingError(f"{role_name(role)} algorithm {name!r} has no setting {key!r}{hint}")
    return cls(**settings)


def registered() -> list[tuple[str, str]]:
    """(role word, name) of every algorithm that can be made by name."""
    return [(word, name) for word, role in ROLES.items() for name in names(role)]


def listing() -> list[dict[str, str]]:
    """role, name, summary (first line of the docstring) and needs (what to install, or nothing) of each algorithm."""
    found = []
    for word, name in registered():
        try:
            cls = find(ROLES[word], name)
        except MissingExtra as error:
            found.append({"role": word, "name": name, "summary": "", "needs": str(error).rpartition(": ")[2]})
            continue
        lines = (cls.__doc__ or "").strip().splitlines()
        found.append({"role": word, "name": name, "summary": lines[0] if lines else "", "needs": ""})
    return found
