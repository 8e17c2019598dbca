"""How the bytes of a table become characters: which encoding it is in, and what can't be decoded."""

from __future__ import annotations

import codecs
import io
import re
from typing import IO

_PIECE = 1 << 20  # bytes looked at together
_MARKED = "wijha_marked"  # how Python's list of error handlers knows ours
_SURROGATE = re.compile("[\ud800-\udfff]")


def guess_encoding(file: IO[bytes]) -> str:
    """The encoding of ``file`` as Python names it: UTF-8, UTF-16 or Windows-1256.

    Looks at the first megabyte, and where that is all ASCII on to where it stops being so: an export that begins
    with thousands of Latin rows must not decide how the Arabic under them is read.
    """
    head = file.read(_PIECE)
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if wide := _without_mark(head):
        return wide
    while head and head.isascii():
        head = file.read(_PIECE)
    more = file.read(_PIECE)  # the first high byte may be the last of its piece
    return _narrow(head + more, whole=len(more) < _PIECE)


def _without_mark(head: bytes) -> str:
    """UTF-16 without a byte order mark: spaces and digits have a NUL on one side, always the same one."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    # Arabic text has a space in about six characters; a stray NUL or two among the text proves nothing
    if max(even, odd) < max(4, len(head) / 20) or min(even, odd) * 10 > max(even, odd):
        return ""
    return "utf-16-le" if odd > even else "utf-16-be"


def _narrow(sample: bytes, *, whole: bool) -> str:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample, final=whole)
    except UnicodeDecodeError:
        # A broken character or two in a UTF-8 file is not another encoding: Arabic in UTF-8 is full of D8 and D9.
        high = sum(b >= 0x80 for b in sample)
        lead = sample.count(0xD8) + sample.count(0xD9)
        return "utf-8" if lead > 0.35 * high else "cp1256"
    return "utf-8"


def open_text(file: IO[bytes], encoding: str) -> IO[str]:
    """The bytes as characters, line ends as they are; bytes that don't decode stay visible where they stand."""
    narrow = encoding.startswith("utf-8")
    if not narrow:
        codecs.register_error(_MARKED, _marked)
    return io.TextIOWrapper(file, encoding, "surrogateescape" if narrow else _MARKED, newline="")


def write_text(file: IO[bytes], encoding: str) -> io.TextIOWrapper:
    """Characters to bytes, line ends as they are, U+FFFD for what is no character."""
    codecs.register_error(_MARKED, _marked)
    return io.TextIOWrapper(file, encoding, _MARKED, newline="")


def _marked(error: UnicodeError) -> tuple[str, int]:
    """Decoding: a lone surrogate, as ``surrogateescape`` gives, which knows no UTF-16. Encoding: U+FFFD."""
    if isinstance(error, UnicodeDecodeError):
        return "\udcff", error.end
    if isinstance(error, UnicodeEncodeError):
        return "\ufffd" * (error.end - error.start), error.end
    raise error


def misread(text: str, encoding: str) -> bool:
    """Whether ``text`` was taken for Windows-1256, which any bytes are, but is UTF-8: a file made of two."""
    if encoding != "cp1256" or text.isascii():
        return False
    try:
        letters = len(text) - len(text.encode("cp1256").decode("utf-8"))
    except UnicodeError:
        return False
    return letters >= 4  # a letter and a comma can look like one of UTF-8; four in a row, and nothing else, don't


def decodable(text: str) -> bool:
    """Whether ``text`` holds no byte that ``open_text`` could not decode (and no half of a character)."""
    return text.isascii() or not _SURROGATE.search(text)


def readable(text: str) -> str:
    """``text`` with U+FFFD for what is not a character, so that it can be written."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)
