"""Where the server listens, what it loads, what it accepts. Every name can be set as ``WIJHA_<NAME>``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from data.errors import ConfigError
from models.backends import cores
from models.checkpoint import DEFAULT


class Settings(BaseSettings):
    """Speed, limits and addresses; nothing here can change a score but ``precision``, which the checkpoint sets."""

    model_config = SettingsConfigDict(env_prefix="WIJHA_", frozen=True)

    checkpoint: Path = Field(DEFAULT, description="Checkpoint folder.")
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on.")
    backend: Literal["openvino", "torch"] = Field("openvino", description="Runtime: openvino (CPU) or torch (GPU).")
    precision: Literal["", "f32", "bf16", "int8"] = Field("", description="f32, bf16, int8; empty: the checkpoint's.")
    workers: int = Field(1, ge=1, description="Processes, each with the model and its part of the cores.")
    streams: int = Field(0, ge=0, description="Windows that a worker computes at a time; 0: one a core of its part.")
    max_body_bytes: int = Field(8_000_000, ge=1, description="Largest request body.")
    max_articles: int = Field(256, ge=1, description="Most articles in a request.")
    max_characters: int = Field(400_000, ge=1, description="Longest article, headline and text together.")
    timeout: float = Field(60, gt=0, allow_inf_nan=False, description="Most seconds that a request may take.")
    drain: float = Field(30, ge=0, allow_inf_nan=False, description="Seconds for running requests at SIGTERM.")
    keys_file: Path | None = Field(None, description="File of the keys that are let in; needed beyond loopback.")
    hosts: str = Field("", description="Host names of this server beside loopback's, with commas between.")
    cors_origins: str = Field("", description="Origins whose pages may use the API, with commas between; * for all.")
    log_format: Literal["json", "plain"] = Field("json", description="Of each line of the log.")
    max_waiting: int = Field(32, ge=0, description="Requests that may wait for a turn; one more is refused (429).")
    jobs_folder: Path = Field(Path("~/.local/state/wijha/jobs"), description="Where jobs and their files are kept.")
    jobs_keep_days: float = Field(7, gt=0, allow_inf_nan=False, description="Days that an ended job is kept.")
    max_jobs: int = Field(100, ge=1, description="Jobs that may wait or run; one more is refused (429).")
    max_job_bytes: int = Field(1_000_000_000, ge=1, description="Largest file of a job.")

    @property
    def host_names(self) -> list[str]:
        """``hosts``, taken apart."""
        return [name.lower() for name in _listed(self.hosts)]

    @property
    def origins(self) -> list[str]:
        """``cors_origins``, taken apart."""
        return _listed(self.cors_origins)

    @property
    def share(self) -> int:
        """Windows that one worker computes at a time: ``streams``, or its part of the cores."""
        return self.streams or max(1, cores() // self.workers)

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


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
