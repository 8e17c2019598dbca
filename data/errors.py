"""Every error this project raises on purpose, in one tree.

    WijhaError                 code, message, where
    ├── DataError              a file, row or annotation that cannot be read
    ├── ArticleError           one article that cannot be scored (a value in its row, never an end to the others)
    ├── ConfigError            a setting or training configuration that makes no sense
    ├── CheckpointError        a checkpoint that is missing, broken or of another format
    └── OverloadError          the server has no room for now; try again later

``code`` is stable (programs match on it), ``message`` is for people, ``where`` names the place
(file:row, column, field, index). Nothing here is raised for a fault of ours: those stay exceptions.
"""

from __future__ import annotations


class WijhaError(Exception):
    """Base of the tree.

    Args:
        code: stable identifier in snake_case.
        message: what is wrong and what would be right, for a person.
        where: the place: ``file:row``, column, field or index; empty where the whole input is meant.
    """

    def __init__(self, code: str, message: str, *, where: str = "") -> None:
        super().__init__(code, message, where)
        self.code = code
        self.message = message
        self.where = where

    def __str__(self) -> str:
        place = f" [{self.where}]" if self.where else ""
        return f"{self.code}: {self.message}{place}"


class DataError(WijhaError):
    """A file, row or annotation that cannot be read."""


class ArticleError(WijhaError):
    """One article that cannot be scored."""


class ConfigError(WijhaError):
    """A setting or training configuration that makes no sense."""


class CheckpointError(WijhaError):
    """A checkpoint that is missing, broken or of another format."""


class OverloadError(WijhaError):
    """No room for now."""
