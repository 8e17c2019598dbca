"""The checkpoint folder: what is in it, written whole or not at all, and verified before it is used.

checkpoint.json      format, when made, base model and licence, contract, precision, sha256 of every other file
tokenizer.json       normaliser inside
config.json          the encoder's, as transformers reads it
model.safetensors    weights (float16, or int8 with scales); no pickle
model.onnx           the graph; its weights are those of model.safetensors, by offset
metrics.json         what it is worth, with counts and intervals
train_config.toml    resolved
trained_on.txt       ids of the articles it learnt from: never to be measured on
selftest.jsonl       articles and the probabilities they must get
README.md            model card, rendered from the others
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.errors import CheckpointError
from models.contract import Contract

FORMAT = 1
MANIFEST = "checkpoint.json"
REQUIRED = ("tokenizer.json", "config.json", "model.safetensors")
BUNDLED = Path(__file__).parent / "checkpoints"
DEFAULT = BUNDLED / "default"


@dataclass(frozen=True)
class Checkpoint:
    """An opened checkpoint.

    Attributes:
        digest: sha256 of the manifest, which holds the digests of all the rest: names the model in every answer.
        manifest: the whole ``checkpoint.json``.
    """

    folder: Path
    digest: str
    contract: Contract
    manifest: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.manifest["name"])

    @property
    def precision(self) -> str:
        """The lowest precision that passed the parity check."""
        return str(self.manifest["precision"])

    @classmethod
    def open(cls, folder: Path, *, verify: bool = True) -> Checkpoint:
        """Read and verify a folder.

        Args:
            verify: compare every file with its digest.

        Raises:
            CheckpointError: ``no_checkpoint``, ``unknown_format``, ``missing_file``, ``digest_mismatch``,
                ``bad_contract``.
        """
        path = folder / MANIFEST
        if not path.is_file():
            raise CheckpointError("no_checkpoint", "no checkpoint.json there", where=str(folder))
        raw = path.read_bytes()
        try:
            manifest = json.loads(raw)
            files, made = dict(manifest["files"]), manifest["format"]
            str(manifest["name"]), str(manifest["precision"])
        except (ValueError, KeyError, TypeError) as error:
            raise CheckpointError("unknown_format", f"not a manifest: {error}", where=str(path)) from error
        if made != FORMAT:
            raise CheckpointError("unknown_format", f"format {made}; this version reads {FORMAT}", where=str(path))
        for name in {*files, *REQUIRED}:
            if not (folder / name).is_file():
                raise CheckpointError("missing_file", "the checkpoint is not whole", where=str(folder / name))
            if verify and sha256(folder / name) != files.get(name):
                raise CheckpointError(
                    "digest_mismatch", "the file is not the one that was saved", where=str(folder / name)
                )
        contract = Contract.from_json(manifest.get("contract"))
        return cls(folder, hashlib.sha256(raw).hexdigest(), contract, manifest)


def seal(folder: Path, manifest: Mapping[str, Any]) -> Checkpoint:
    """Write the manifest over what lies in ``folder``, last, and open the result.

    Args:
        manifest: ``name``, ``made``, ``base``, ``licence``, ``precision``, ``contract`` and whatever else is to be
            known; ``format`` and ``files`` are added.
    """
    files = {p.name: sha256(p) for p in sorted(folder.iterdir()) if p.is_file() and p.name != MANIFEST}
    whole = {"format": FORMAT, **manifest, "files": files}
    beside = folder / (MANIFEST + ".part")
    beside.write_text(json.dumps(whole, ensure_ascii=False, indent=1), encoding="utf-8")
    beside.rename(folder / MANIFEST)
    return Checkpoint.open(folder)


def publish(beside: Path, folder: Path) -> None:
    """Put a finished folder in its place. The old one stays beside it, as ``.old``, until the new one is there."""
    old = folder.with_name(folder.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def sha256(path: Path) -> str:
    """Hexadecimal digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
