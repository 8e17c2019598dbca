"""Where the server listens, what it loads, what it accepts. Every name can be set as ``WIJHA_<NAME>``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from data.errors import ConfigError
from models.checkpoint import DEFAULT


class Settings(BaseSettings):
    """Speed, limits and addresses; nothing here can change a score but ``precision``, which the checkpoint sets."""

    model_config = SettingsConfigDict(env_prefix="WIJHA_", frozen=True)

    checkpoint: Path = Field(DEFAULT, description="Checkpoint folder.")
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on.")
    backend: Literal["openvino", "torch"] = Field("openvino", description="Runtime: openvino (CPU) or torch (GPU).")
    precision: Literal["", "f32", "bf16"] = Field("", description="f32 or bf16; empty: the checkpoint's own.")
    streams: int = Field(0, ge=0, description="Windows computed at a time; 0: one a core.")
    max_body_bytes: int = Field(8_000_000, ge=1, description="Largest request body.")
    max_articles: int = Field(256, ge=1, description="Most articles in a request.")
    max_characters: int = Field(400_000, ge=1, description="Longest article, headline and text together.")
    max_waiting: int = Field(32, ge=0, description="Requests that may wait for a turn; one more is refused (429).")

    @classmethod
    def read(cls, **given: Any) -> Settings:
        """What the environment says, ``given`` before it.

        Raises:
            ConfigError: ``bad_setting``; ``where`` names the variable, also of a value that was given.
        """
        try:
            return cls(**given)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = f"WIJHA_{'.'.join(map(str, first['loc'])).upper()}"
            raise ConfigError("bad_setting", f"{first['input']!r}: {first['msg']}", where=where) from error
