"""The checkpoint's encoder behind the classes that other tools know: same weights, same matrix work.

    python -m tests.bench.standard CHECKPOINT FOLDER

writes FOLDER as ``transformers`` saves a sequence classifier (float32, several labels at a time), and ``model.onnx`` of
the same in it. The classifier over the encoder is random: it is speed that is compared, and its answers mean nothing.
Transformers 4 and 5 both read the folder.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from models.checkpoint import Checkpoint
from models.encoding import special_ids

ROOT = Path(__file__).parents[2]
LENGTH = 512  # tokens that a peer reads at most, as is usual
LABELS = 12  # three topics: relevance and three stances


def write_standard(checkpoint: Checkpoint, folder: Path) -> None:
    """Write ``folder``; see above (torch)."""
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification

    from models.network import load_network

    taxonomy = checkpoint.contract.taxonomy
    network = load_network(checkpoint.folder, topics=len(taxonomy.topics), stances=len(taxonomy.stances))
    config = AutoConfig.from_pretrained(
        checkpoint.folder, num_labels=LABELS, problem_type="multi_label_classification", dtype="float32"
    )
    torch.manual_seed(0)
    standard = AutoModelForSequenceClassification.from_config(config, dtype=torch.float32)
    state = network.encoder.state_dict()
    missing, unexpected = standard.base_model.load_state_dict(state, strict=False)
    if unexpected or any("pooler" not in name for name in missing):
        raise ValueError(f"the weights are not those of {type(standard).__name__}: {missing}, {unexpected}")
    standard.eval().save_pretrained(folder)
    _export(standard, folder / "model.onnx")
    tokenizer = Tokenizer.from_file(str(checkpoint.folder / "tokenizer.json"))
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(_tokenizer_config(tokenizer, config.pad_token_id or 0)))
    written = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    written |= {"torch_dtype": "float32", **_old_rope(written)}
    (folder / "config.json").write_text(json.dumps(written, indent=1), encoding="utf-8")


def _tokenizer_config(tokenizer: Tokenizer, pad: int) -> dict[str, Any]:
    opening, closing = (tokenizer.id_to_token(i) for i in special_ids(tokenizer))
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": LENGTH,
        "pad_token": tokenizer.id_to_token(pad),
        "cls_token": opening,
        "sep_token": closing,
        "model_input_names": ["input_ids", "attention_mask"],
    }


def _old_rope(config: dict[str, Any]) -> dict[str, Any]:
    """The rotation's bases under the names of transformers 4."""
    rope = config.get("rope_parameters") or {}
    names = {"full_attention": "global_rope_theta", "sliding_attention": "local_rope_theta"}
    return {new: rope[old]["rope_theta"] for old, new in names.items() if old in rope}


def _export(model: Any, path: Path) -> None:
    import torch

    rows, tokens = torch.export.Dim("rows", max=4096), torch.export.Dim("tokens", max=8192)
    ids = torch.randint(5, 100, (2, 48))
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            model,
            (ids, torch.ones_like(ids)),
            input_names=["input_ids", "attention_mask"],
            output_names=["logits"],
            dynamic_shapes=({0: rows, 1: tokens}, {0: rows, 1: tokens}),
            dynamo=True,
            verbose=False,
        )
    if program is None:
        raise ValueError("nothing was exported")
    program.save(path, external_data=False)


def standard(checkpoint: Checkpoint, work: Path) -> Path:
    """The folder of ``checkpoint`` below ``work``, made where it is not there yet, by a process of its own."""
    folder = work / f"standard-{checkpoint.digest[:12]}"
    if not folder.is_dir():
        beside = folder.with_suffix(".part")
        command = [sys.executable, "-m", "tests.bench.standard", str(checkpoint.folder), str(beside)]
        path = {**os.environ, "PYTHONPATH": str(ROOT)}
        subprocess.run(command, check=True, cwd=ROOT, env=path, stderr=subprocess.PIPE)
        beside.rename(folder)
    return folder


def main(arguments: Sequence[str]) -> None:
    """See above."""
    checkpoint, folder = map(Path, arguments)
    folder.mkdir(parents=True, exist_ok=True)
    write_standard(Checkpoint.open(checkpoint), folder)


if __name__ == "__main__":
    main(sys.argv[1:])
