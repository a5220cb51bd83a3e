"""What a file is, by its first bytes and its ending: format, compression, encoding, delimiter."""

import bz2
import codecs
import gzip
import lzma
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import numpy as np

from wares.errors import DataError, did_you_mean
from wares.kernels import fields

CHUNK = 8 << 20  # bytes read at a time
_HEAD = 16 << 20  # bytes looked at to tell the encoding; a plain file is also looked at in 64 later places
_WINDOW = 64 << 10

_COMPRESSED: dict[bytes, tuple[str, Callable[..., object]]] = {
    b"\x1f\x8b": ("gzip", gzip.open),
    b"BZh": ("bzip2", bz2.open),
    b"\xfd7zXZ": ("xz", lzma.open),
}
_BINARY = {
    b"PAR1": "parquet",
    b"ARROW1": "arrow",
    b"\xff\xff\xff\xff": "arrow",
    b"PK\x03\x04": "sheet",
    b"\xd0\xcf\x11\xe0": "sheet",
}
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DELIMITERS = (",", "\t", ";", "|", "^", "~", "\x01")
_ENDINGS = {".jsonl": "lines", ".ndjson": "lines", ".json": "json"}


@dataclass(frozen=True)
class Kind:
    """What a file is: `format` is parquet, arrow, sheet, lines (JSON), json or delimited."""

    path: Path
    format: str
    compression: str = ""
    encoding: str = ""

    def open(self, file: IO[bytes]) -> IO[bytes]:
        """What is inside the opened file, decompressed."""
        for name, opener in _COMPRESSED.values():
            if name == self.compression:
                return cast("IO[bytes]", opener(file))
        return file


def look(path: Path, encoding: str | None = None) -> Kind:
    """What the file at `path` is. Raises DataError where it is not there, empty or nothing that can be read."""
    if path.is_dir():
        inside = ", ".join(sorted(p.name for p in path.iterdir())[:5])
        raise DataError(f"{path} is a folder, not a file{f'; it holds {inside}' if inside else ' and empty'}")
    if not path.is_file():
        near = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        raise DataError(f"there is no file {path}{did_you_mean(path.name, near)}")
    with path.open("rb") as file:
        start = file.read(8)
    if not start:
        raise DataError(f"{path} is empty (0 bytes)")
    compression = next((name for magic, (name, _) in _COMPRESSED.items() if start.startswith(magic)), "")
    kind = Kind(path, "", compression)
    if not compression:
        for magic, format in _BINARY.items():
            if start.startswith(magic):
                return _binary(path, format)
    try:
        with path.open("rb") as file:
            head = kind.open(file).read(_HEAD)
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise DataError(f"{path} looks like {compression} but cannot be decompressed: {error}") from error
    if not head:
        raise DataError(f"{path} is empty: nothing inside the {compression} file")
    samples = [head] if compression else [head, *_windows(path)]
    found = encoding or _encoding(path, samples)
    return Kind(path, _text_format(path, head, found), compression, found)


def _binary(path: Path, format: str) -> Kind:
    if format == "sheet" and path.suffix.lower() not in (".xlsx", ".xls", ".xlsm", ".xlsb", ".ods"):
        with path.open("rb") as file:
            if b"xl/" not in file.read(1 << 16) and path.read_bytes()[-65_536:].find(b"xl/") < 0:
                raise DataError(f"{path} is a zip archive; unpack it and give the file inside")
    return Kind(path, format)


def _windows(path: Path) -> Iterator[bytes]:
    size = path.stat().st_size
    if size <= _HEAD:
        return
    with path.open("rb") as file:
        for part in range(1, 65):
            file.seek(size * part // 65)
            yield file.read(_WINDOW)


def _encoding(path: Path, samples: list[bytes]) -> str:
    head = samples[0]
    for bom, name in _BOMS:
        if head.startswith(bom):
            return name
    if b"\0" in head[:_WINDOW]:
        sample = head[:_WINDOW]
        even, odd = sample[::2].count(0), sample[1::2].count(0)
        if max(even, odd) > 0.3 * len(sample) / 2 and min(even, odd) < 0.05 * len(sample) / 2:
            return "utf-16-le" if odd > even else "utf-16-be"
        if even + odd > 0.01 * len(sample):
            raise _not_text(path, head)
    if all(_decodes(sample, "utf-8") for sample in samples):
        return "utf-8"
    text = b"".join(samples)
    start = text[:_WINDOW]
    if sum(byte < 32 and byte not in (9, 10, 12, 13) for byte in start) > 0.01 * len(start):
        raise _not_text(path, head)
    # A stray byte in an otherwise sound UTF-8 file must not turn the whole file into another alphabet.
    damaged = text.decode("utf-8", "replace").count("\ufffd")
    if damaged * 20 < int((np.frombuffer(text, np.uint8) > 127).sum()):
        return "utf-8"
    return "gb18030" if _is_chinese(samples) and _decodes(head, "gb18030") else "cp1252"


def _not_text(path: Path, head: bytes) -> DataError:
    return DataError(f"{path} is not text (it begins with {head[:8].hex(' ')}); give CSV, JSON, Parquet or xlsx")


def _decodes(sample: bytes, encoding: str) -> bool:
    # A sample may begin and end inside a character.
    begin = next((i for i, byte in enumerate(sample[:4]) if not 0x80 <= byte < 0xC0), 0) if encoding == "utf-8" else 0
    try:
        codecs.getincrementaldecoder(encoding)().decode(sample[begin:], final=False)
    except UnicodeDecodeError:
        return False
    return True


def _is_chinese(samples: list[bytes]) -> bool:
    # In GB18030 text the high bytes stand in pairs; in a Western code page they stand alone between letters.
    text = b"".join(samples)[: 1 << 20]
    alone = paired = run = 0
    for byte in text + b" ":
        if byte > 127:
            run += 1
            continue
        alone += run == 1
        paired += run if run > 1 else 0
        run = 0
    return paired > 3 * alone


def _text_format(path: Path, head: bytes, encoding: str) -> str:
    endings = [ending.lower() for ending in path.suffixes]
    start = head[:_WINDOW].decode(encoding, "replace").lstrip("\ufeff \t\r\n")
    if not start:
        raise DataError(f"{path} is empty: nothing but blank space")
    named = next((_ENDINGS[ending] for ending in reversed(endings) if ending in _ENDINGS), "")
    if start.startswith("["):
        return "json" if named or start[1:].lstrip()[:1] in ("{", "]") else "delimited"
    if start.startswith("{"):
        return "lines" if named == "lines" or _one_a_line(start) else "json"
    if named:
        raise DataError(f"{path} is named {path.suffix} but begins with {start[:20]!r}, which is not JSON")
    return "delimited"


def _one_a_line(start: str) -> bool:
    lines = [line.strip() for line in start.split("\n")]
    return len(lines) > 1 and lines[0].endswith("}") and (lines[1].startswith("{") or not lines[1])


def text(kind: Kind) -> Iterator[tuple[bytes, float, int]]:
    """The text as UTF-8, in chunks: (bytes, share of the file read, characters that could not be decoded so far)."""
    size = kind.path.stat().st_size
    decoder = codecs.getincrementaldecoder(kind.encoding)(errors="replace")
    plain = kind.encoding in ("utf-8", "cp1252", "gb18030")
    bad, first = 0, True
    with kind.path.open("rb") as raw:
        file = kind.open(raw)
        while True:
            try:
                chunk = file.read(CHUNK)
            except (OSError, EOFError, lzma.LZMAError) as error:
                raise DataError(f"{kind.path} cannot be decompressed to its end: {error}; fetch it again") from error
            if plain and chunk and chunk.isascii() and decoder.getstate()[0] == b"":
                out = chunk
            else:
                decoded = decoder.decode(chunk, final=not chunk)
                bad += decoded.count("\ufffd")
                out = decoded.removeprefix("\ufeff").encode() if first else decoded.encode()
            first = first and not out
            yield out, (raw.tell() / size if chunk else 1.0), bad
            if not chunk:
                return


def delimiter(head: bytes, path: Path, *, whole: bool) -> str:
    """The likeliest delimiter of a text's first records; a comma where nothing tells (one column)."""
    best, best_score = "\t" if ".tsv" in path.name.lower() else ",", 0.0
    buffer = np.frombuffer(head, np.uint8)
    for candidate in _DELIMITERS:
        records = fields.split(buffer, ord(candidate), 0, 1, whole, len(head))[3][:200]
        widths, times = np.unique(records[records[:, 3] == fields.GOOD, 4], return_counts=True)
        if not len(widths):
            continue
        most = int(times.argmax())
        score = float(times[most] / times.sum() * min(widths[most] - 1, 3))
        if score > best_score:
            best, best_score = candidate, score
    return best
