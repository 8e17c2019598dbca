"""LitServe around a transformers pipeline, after its examples: ``python lit_server.py MODEL PORT [BATCH]``."""

import sys
from typing import Any

import litserve as ls
from transformers import pipeline


class Api(ls.LitAPI):  # type: ignore[misc]  # not installed where types are checked
    """Texts of one article's windows in, label and score of each out; requests that wait share a batch."""

    def setup(self, device: str) -> None:
        self.classify: Any = pipeline(
            "text-classification", model=sys.argv[1], top_k=None, truncation=True, device="cpu"
        )

    # a type here would be taken for the request's schema
    def decode_request(self, request):  # type: ignore[no-untyped-def]
        return request["inputs"]

    def predict(self, inputs: Any) -> Any:
        if not batch:
            return self.classify(inputs)
        answers = iter(self.classify([text for texts in inputs for text in texts], batch_size=16))
        return [[next(answers) for _ in texts] for texts in inputs]

    def encode_response(self, output: Any) -> Any:
        return {"output": output}


batch = int(sys.argv[3]) if len(sys.argv) > 3 else 0

if __name__ == "__main__":
    api = Api(max_batch_size=batch, batch_timeout=0.01) if batch else Api()
    server = ls.LitServer(api, accelerator="cpu", workers_per_device=1)
    server.run(port=int(sys.argv[2]), host="127.0.0.1", generate_client_file=False, log_level="warning")
