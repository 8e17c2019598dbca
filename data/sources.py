"""Which files are meant, and how their bytes are read: plain, or packed with gzip, Zstandard or zip.

Unpacking streams, and is bounded: what grows out of all proportion is refused before it fills a disk.
"""

from __future__ import annotations

import glob
import gzip
import hashlib
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from data.errors import DataError

CSV, TSV, JSONL, PARQUET = "csv", "tsv", "jsonl", "parquet"
KINDS = {
    **dict.fromkeys((".csv", ".txt"), CSV),
    **dict.fromkeys((".tsv", ".tab"), TSV),
    **dict.fromkeys((".jsonl", ".ndjson"), JSONL),
    **dict.fromkeys((".parquet", ".pq"), PARQUET),
}
PACKED = (".gz", ".zst", ".zip")
_FREE, _RATIO = 256 << 20, 200  # bytes that any file may unpack to; beyond them, times its own size
_TABLES = 1000  # of a zip, whose list is read again for each of them
_GZIP, _ZSTD, _ZIP = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04"
# what is often sent by mistake: PDF, old xls, bzip2, xz, 7z, rar
_OTHER = (b"%PDF", b"\xd0\xcf\x11\xe0", b"BZh", b"\xfd7zX", b"7z\xbc\xaf", b"Rar!")


class _Metered(io.FileIO):
    """A file that tells how many bytes were read of it."""

    def __init__(self, path: Path, meter: Callable[[int], None]) -> None:
        super().__init__(path)
        self._meter = meter

    def readinto(self, buffer: Any) -> int:
        count = super().readinto(buffer) or 0
        self._meter(count)
        return count


class _Unpacked(io.RawIOBase):
    """What an unpacking stream gives, with its errors as ours and an end to its growth.

    Args:
        most: bytes; one more is a ``DataError``.
    """

    def __init__(self, inner: IO[bytes], below: IO[bytes], where: str, most: int) -> None:
        self._inner, self._below, self._where, self._left = inner, below, where, most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            piece = self._inner.read(min(len(buffer), 1 << 16))
        except _broken() as error:
            raise DataError("bad_archive", f"can't be unpacked: {error}", where=self._where) from error
        self._left -= len(piece)
        if self._left < 0:
            raise _too_much(self._where)
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        if not self.closed:
            self._inner.close()
            self._below.close()
        super().close()


@dataclass(frozen=True)
class Source:
    """One table: a file, or a file within a zip.

    Attributes:
        member: its name in the zip; empty for a file of its own.
    """

    path: Path
    member: str = ""

    @property
    def where(self) -> str:
        return f"{self.path}/{self.member}" if self.member else str(self.path)

    @property
    def kind(self) -> str:
        """``csv``, ``tsv``, ``jsonl`` or ``parquet``: by what it begins with, else by its ending, else ``csv``."""
        with self.open() as file:
            if file.read(4) == b"PAR1":
                return PARQUET
        return kind_of(Path(self.member or self.path)) or CSV

    def open(self, meter: Callable[[int], None] = lambda _: None) -> IO[bytes]:
        """The bytes of the table, unpacked.

        Args:
            meter: gets the number of bytes of the file, as it lies there, each time some are read.

        Raises:
            DataError: ``bad_archive``; also while it is read, and then ``unpacks_too_far`` as well.
        """
        file = io.BufferedReader(_Metered(self.path, meter), 1 << 16)
        magic = file.peek(4)[:4]
        size = self.path.stat().st_size
        inner: IO[bytes]
        try:
            if self.member:
                inner = zipfile.ZipFile(file).open(self.member)  # noqa: SIM115 - closed with what is returned
            elif magic.startswith(_GZIP):
                inner = gzip.GzipFile(fileobj=file)  # type: ignore[assignment]  # both are read alike
            elif magic == _ZSTD:
                import zstandard

                inner = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
            else:
                return file
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError, KeyError) as error:  # broken, or has a password
            file.close()
            raise DataError("bad_archive", f"can't be unpacked: {error}", where=self.where) from error
        most = max(_FREE, _RATIO * size)
        return io.BufferedReader(_Unpacked(inner, file, self.where, most), 1 << 16)


def kind_of(path: Path) -> str | None:
    """The kind of table that a file's name says, without ``.gz``, ``.zst`` or ``.zip``; ``None`` for no table."""
    inner = path.with_suffix("") if path.suffix.lower() in PACKED else path
    return KINDS.get(inner.suffix.lower())


def find_sources(inputs: Sequence[Path], *, but: Path | None = None) -> list[Source]:
    """The tables of files, folders (with what is below them) and globs: each once, sorted by path.

    Args:
        but: a file that is not meant where a folder or a glob holds it: the output.

    Raises:
        DataError: ``source_missing`` where one of ``inputs`` names nothing; ``not_a_table`` for binary data of another
            kind; ``bad_archive``, ``unpacks_too_far``, ``too_many_tables`` for a zip.
    """
    paths: dict[Path, None] = {}
    for given in inputs:
        if given.is_file():
            paths[given] = None
            continue
        found = [p for p in _below(given) if but is None or p.resolve() != but.resolve()]
        if not found:
            problem = "no table in this folder" if given.is_dir() else "no such file"
            raise DataError("source_missing", problem, where=str(given))
        paths |= dict.fromkeys(found)
    return [source for path in sorted(paths) for source in _tables_of(path)]


def _below(given: Path) -> Iterator[Path]:
    """The files that a folder or a glob stands for; the folder of an interrupted run only where it is named itself."""
    found: Iterable[Path] = ()
    named = len(given.parts)
    if given.is_dir():
        found = filter(_looks_like_one, given.rglob("*"))
    elif glob.has_magic(str(given)):
        found = map(Path, glob.iglob(str(given), recursive=True))  # noqa: PTH207 - may begin with /
        named = next(place for place, part in enumerate(given.parts) if glob.has_magic(part))
    for path in found:
        if path.is_file() and not any(part.endswith(".work") for part in path.parts[named:-1]):
            yield path


def _looks_like_one(path: Path) -> bool:
    notes = ".txt" in path.suffixes  # a table only where somebody names it
    return path.suffix.lower() == ".zip" or (kind_of(path) is not None and not notes)


def _tables_of(path: Path) -> list[Source]:
    with path.open("rb") as file:
        magic = file.read(4)
    if magic.startswith(_OTHER):
        raise _no_table(path)
    if magic != _ZIP:
        return [Source(path)]
    try:
        with zipfile.ZipFile(path) as archive:
            infos = [info for info in archive.infolist() if kind_of(Path(info.filename)) and not info.is_dir()]
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise _no_table(path) from error
    infos = [info for info in infos if not info.filename.startswith("__MACOSX/")]
    if not infos:
        raise _no_table(path)  # an xlsx is a zip as well
    if len(infos) > _TABLES:
        message = f"{len(infos)} tables in a zip where {_TABLES} are allowed; unpack it first"
        raise DataError("too_many_tables", message, where=str(path))
    # zipfile reads no more of a member than is declared, so the declared sizes bound the lot
    if sum(info.file_size for info in infos) > max(_FREE, _RATIO * path.stat().st_size):
        raise _too_much(str(path))
    return [Source(path, name) for name in sorted({info.filename for info in infos})]


def _no_table(path: Path) -> DataError:
    wanted = "CSV, TSV, JSON Lines or Parquet is wanted, or a .gz, .zst or .zip of it"
    return DataError("not_a_table", f"binary data; {wanted}", where=str(path))


def _too_much(where: str) -> DataError:
    return DataError("unpacks_too_far", f"unpacks to more than {_RATIO} times its size; unpack it first", where=where)


def _broken() -> tuple[type[Exception], ...]:
    """What the unpackers raise."""
    import zstandard

    return zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, lzma.LZMAError, EOFError, zstandard.ZstdError


def digest(path: Path) -> str:
    """BLAKE2b of a file's bytes, as they lie there; hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
