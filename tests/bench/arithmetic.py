"""How many floating-point operations the matrix products of a network take.

A product of (T, n) and (n, m) is T·n·m multiplications and as many additions: 2·T·n·m. With d the hidden size, i the
intermediate one, L layers and K·(2 + S) values a token, a window of T tokens takes in the layout of ModernBERT

    linear layers   2·T·(L·(3·d² + d² + 2·i·d + i·d) + d·K·(2 + S))     queries, keys and values; output; GeGLU; heads
    attention       L·2·(2·T²·d)                                        queries by keys; weights by values

The first is 2·T·(entries of all matrices but the embeddings), which holds for any encoder. Attention is counted as it
is computed: over the whole window in local layers too, of which ``needed`` is what their reach would take. Softmax,
norms, activation and rotation are not counted: they are no matrix products.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import safe_open


@dataclass(frozen=True)
class Sizes:
    """What the formula needs.

    Attributes:
        matrices: (out, in) of each matrix that tokens are multiplied by.
        hidden: d.
        layers: L.
        local: how many of them are local.
        reach: tokens on each side that a local layer looks at.
    """

    matrices: tuple[tuple[int, int], ...]
    hidden: int
    layers: int
    local: int = 0
    reach: int = 0

    @classmethod
    def read(cls, folder: Path) -> Sizes:
        """Of a checkpoint folder."""
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        with safe_open(folder / "model.safetensors", framework="np") as file:
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 - no dict
        matrices = [shape for name, shape in shapes.items() if len(shape) == 2 and "embeddings" not in name]
        local = list(config.get("layer_types", ())).count("sliding_attention")
        return cls(
            tuple((out, width) for out, width in sorted(matrices)),
            config["hidden_size"],
            config["num_hidden_layers"],
            local,
            config.get("local_attention", 0) // 2,
        )

    def linear(self, tokens: int) -> int:
        """Operations of the linear layers on a window of so many tokens."""
        return 2 * tokens * sum(out * width for out, width in self.matrices)

    def attention(self, tokens: int) -> int:
        """Operations of both products of the attention, as computed."""
        return 4 * tokens**2 * self.hidden * self.layers

    def needed(self, tokens: int) -> int:
        """Operations of them whose result is not masked out."""
        places = np.arange(tokens)
        seen = np.minimum(places, self.reach) + np.minimum(places[::-1], self.reach) + 1
        return 4 * self.hidden * ((self.layers - self.local) * tokens**2 + self.local * int(seen.sum()))

    def products(self, tokens: int) -> list[tuple[int, int, int]]:
        """(T, in, out) of the different linear layers, large ones only."""
        return [(tokens, n, m) for m, n in sorted(set(self.matrices)) if min(m, n) >= self.hidden]
