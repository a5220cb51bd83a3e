"""Imports only go down, nothing goes round, and a bare `import wares` loads nothing heavy."""

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from wares.registry import REGISTRY

ROOT = Path(__file__).parent.parent / "wares"

SHOP = {"opened", "live", "arrivals", "placement", "exporting", "groups", "clustering", "categories"}
SHOP |= {"judged", "matches", "making", "models", "shop", "shoppers", "tuning"}
"""Files that answer for a shop, or without one."""

FLOORS: list[set[str]] = [
    {"errors", "arrays"},
    {"kernels", "runner", "runners", "abbreviations", "measure", "memory", "saving", "later"},
    {"text"},
    {"data"},
    {"store"},
    {"algorithm", "training", "vision"},
    {"foreign"},
    {"encode", "index", "cluster", "classify", "match", "recommend", "rank"},
    {"registry", "checks", "knowledge"},
    {"tasks"},
    {"config", "settings", "typed", "written"},
    {"engine", "stages", "building", "sources"},
    SHOP,
    {"progress", "demo", "plots"},
    {"report"},
    {"cli", "api", "web"},
    {"__main__"},
]
"""Rooms by floor, the lowest first. A file imports from its own room and from floors below."""

ONE_ROOM = [{"config", "settings", "typed", "written"}, {"engine", "stages", "building", "sources"}]
ONE_ROOM += [SHOP]
ONE_ROOM += [{"api", "web"}]
"""Files that make one room together, though they lie side by side."""

FACE = {"__init__"}
"""What imports nothing until it is asked; everything may read the version from it."""


def modules() -> dict[str, Path]:
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = ("wares", *path.relative_to(ROOT).with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 2 else parts)] = path
    return found


MODULES = modules()


def room(module: str) -> str:
    return module.split(".")[1]


def imports(path: Path, *, lazy: bool) -> Iterator[str]:
    """The modules of ours that a file imports; those inside functions only when `lazy`."""
    todo: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not lazy:
            continue
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name.startswith("wares."))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "wares":
            assert not node.level, f"{path}: relative import"
            for each in node.names:
                inner = f"{node.module}.{each.name}"
                if inner in MODULES:
                    yield inner
                elif node.module != "wares":
                    yield str(node.module)
        todo.extend(ast.iter_child_nodes(node))


def floor(name: str) -> int:
    for number, rooms in enumerate(FLOORS):
        if name in rooms:
            return number
    raise AssertionError(f"the room {name!r} stands on no floor: give it one in FLOORS, and in docs/architecture.md")


def same_room(one: str, other: str) -> bool:
    return one == other or any({one, other} <= rooms for rooms in ONE_ROOM)


@pytest.mark.parametrize("module", [each for each in MODULES if room(each) not in FACE])
def test_imports_only_go_down(module: str):
    for target in imports(MODULES[module], lazy=True):
        here, there = room(module), room(target)
        if same_room(here, there):
            continue
        assert floor(there) < floor(here), f"{module} imports {target}, which is not on a floor below"


ALGORITHMS = {"encode", "index", "cluster", "classify", "match", "recommend", "rank"}


def test_no_algorithm_imports_another():
    """What two of them share is a file without an algorithm in it: what is made of several is a task.

    A class with a role and no line in the registry is no algorithm but a face that several of them share.
    """
    lines = {line.partition(" ")[0] for role in REGISTRY.values() for line in role.values()}
    for module, path in MODULES.items():
        if room(module) not in ALGORITHMS:
            continue
        for target in imports(path, lazy=True):
            if room(target) in ALGORITHMS and target != module:
                algorithms = [line for line in lines if line.partition(":")[0] == target]
                assert not algorithms, f"{module} imports {target}, where {algorithms} stand"


def test_nothing_goes_round():
    graph = {module: set(imports(path, lazy=False)) - {module} for module, path in MODULES.items()}
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError, naming the circle


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


HEAVY = (
    *(
        "torch",
        "fastapi",
        "starlette",
        "uvicorn",
        "onnxruntime",
        "onnx",
        "sklearn",
        "polars",
        "numba",
        "numpy",
        "scipy",
    ),
    *("scipy", "pyarrow", "pandas", "usearch", "sqlalchemy", "click", "rich", "tomlkit", "skops", "ray"),
)


def test_a_bare_import_loads_nothing_heavy():
    loaded = run("import sys, wares; print(*sorted({name.partition('.')[0] for name in sys.modules}))").split()
    assert "wares" in loaded
    assert not set(HEAVY) & set(loaded)


def test_help_does_not_wait_for_the_engine():
    code = "import sys, wares.cli; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    assert not {"torch", "fastapi", "onnxruntime", "sklearn", "polars", "numba"} & set(run(code).split())


def test_every_name_of_the_face_is_there():
    import wares

    for name in wares.__all__:
        assert getattr(wares, name) is not None
    assert set(wares.__all__) <= set(dir(wares))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = wares.nothing


def test_the_package_lists_of_the_registry_import_nothing():
    code = "import sys, wares.registry as r; from wares.algorithm import Encoder; r.names(Encoder); print(*sys.modules)"
    assert not {"onnxruntime", "usearch", "torch"} & {each.partition(".")[0] for each in run(code).split()}
