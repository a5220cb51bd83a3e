"""Any table as blocks of rows in bounded memory, each row with its place in the file."""

from pathlib import Path
from typing import Any

from wares.data import formats
from wares.data.blocks import Bad, Block, Table
from wares.data.delimited import Delimited
from wares.data.frames import ArrowFile, Frame, Parquet, as_frame, workbook
from wares.data.objects import Json

__all__ = ["Bad", "Block", "Table", "as_frame", "open_table"]


def open_table(
    source: Any,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    header: bool = True,
    sheet: str | int = 0,
) -> Table:
    """The table in a path or a frame (polars, pandas, Arrow, a list of dicts, or what has an Arrow C stream).

    encoding, delimiter : instead of what the file itself tells. header : False where the first row is data; the columns
    are then named "1", "2", …. sheet : of a workbook. Raises DataError.
    """
    if not isinstance(source, (str, Path)):
        return Frame(as_frame(source))
    kind = formats.look(Path(source), encoding)
    if kind.format == "parquet":
        return Parquet(kind.path)
    if kind.format == "arrow":
        return ArrowFile(kind.path)
    if kind.format == "sheet":
        return Frame(workbook(kind.path, sheet, header), kind.path.name, "xlsx", 2 if header else 1)
    if kind.format in ("lines", "json"):
        return Json(kind)
    return Delimited(kind, delimiter, header)
