"""Bearer keys: many, each with a name, known to the server by their hashes alone.

A key is 256 random bits, so there is nothing to guess and no dictionary to try: one round of SHA-256 keeps it as
secret as a slow hash would, and costs nothing on every request. (Passwords, which people choose, need the slow one.)
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path

from data.errors import ConfigError
from serve.settings import Settings

_LINE = re.compile(r"([A-Za-z0-9_.-]+)\s+sha256:([0-9a-f]{64})")
_PREFIX = "wijha_"  # so that a key is known for one where it should not stand


class Keys:
    """Names and SHA-256 digests of the keys that are let in."""

    def __init__(self, digests: Mapping[str, bytes]) -> None:
        self._digests = dict(digests)

    @classmethod
    def read(cls, path: Path) -> Keys:
        """A file of lines ``name sha256:…``; empty ones and those that begin with ``#`` say nothing.

        Raises:
            ConfigError: ``no_keys_file``, ``bad_keys`` (``where`` is ``file:line``), ``no_keys`` where none is in it.
        """
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError("no_keys_file", f"can't be read: {error}", where=str(path)) from error
        digests: dict[str, bytes] = {}
        for number, line in enumerate(lines, start=1):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            found = _LINE.fullmatch(line.strip())
            if not found:  # the line itself is not said: somebody may have put the key there
                raise ConfigError("bad_keys", "a name and sha256:<64 digits> are wanted", where=f"{path}:{number}")
            if found[1] in digests:
                raise ConfigError("bad_keys", f"{found[1]!r} stands there twice", where=f"{path}:{number}")
            digests[found[1]] = bytes.fromhex(found[2])
        if not digests:
            raise ConfigError("no_keys", "the file has no key; make one: python -m serve key", where=str(path))
        return cls(digests)

    def name_of(self, key: bytes) -> str | None:
        """Whose key this is; takes as long for a wrong one as for any right one."""
        digest, found = hashlib.sha256(key).digest(), None
        for name, known in self._digests.items():
            if hmac.compare_digest(digest, known):
                found = name
        return found


def new_key(name: str) -> tuple[str, str]:
    """A fresh key, and the line of the keys file that lets it in.

    Raises:
        ConfigError: ``bad_name``.
    """
    key = _PREFIX + secrets.token_urlsafe(32)
    line = f"{name} sha256:{hashlib.sha256(key.encode()).hexdigest()}"
    if not _LINE.fullmatch(line):
        raise ConfigError("bad_name", f"{name!r}: Latin letters, digits, '.', '_' and '-' are wanted", where="name")
    return key, line


def required_keys(settings: Settings) -> Keys | None:
    """The keys of these settings; ``None``, no key needed, on loopback where no file is named.

    Raises:
        ConfigError: ``no_keys`` where others can reach the server and nothing would keep them out; see ``Keys.read``.
    """
    if settings.keys_file is not None:
        return Keys.read(settings.keys_file)
    if not is_loopback(settings.host):
        message = f"{settings.host} can be reached by others; make a key (python -m serve key) and name its file"
        raise ConfigError("no_keys", message, where="WIJHA_KEYS_FILE")
    return None


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches ``host``, by name or address; a name is not looked up."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
