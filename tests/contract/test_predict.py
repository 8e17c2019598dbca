"""``/predict`` as clients of Hugging Face and of text-embeddings-inference use it."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from huggingface_hub import InferenceClient
from huggingface_hub.errors import HfHubHTTPError

from models.checkpoint import Checkpoint
from tests.conftest import SENTENCES, article
from tests.contract.live import Live, serving

TEXT = "\n".join(SENTENCES)


@pytest.fixture(scope="module")
def live(checkpoint: Checkpoint) -> Iterator[Live]:
    with serving(checkpoint, max_articles="5", max_characters="5000") as live:
        yield live


def predict(live: Live, **body: Any) -> Any:
    return httpx.post(f"{live.url}/predict", json=body).raise_for_status().json()


def wanted(live: Live, text: str, title: str = "") -> list[dict[str, Any]]:
    """What ``/classify`` says of the same, in this shape."""
    answer = httpx.post(f"{live.url}/classify", json={"text": text, "title": title}).raise_for_status().json()
    (result,) = answer["results"]
    pairs = [{"label": topic["id"], "score": topic["probability"]} for topic in result["topics"]]
    return sorted(pairs, key=lambda pair: -pair["score"])


def test_hugging_faces_client(live: Live) -> None:
    for client, model in (
        (InferenceClient(model=f"{live.url}/predict", token="none"), None),
        (InferenceClient(token="none"), f"{live.url}/predict"),
    ):
        found = client.text_classification(TEXT, model=model)
        assert [{"label": item.label, "score": item.score} for item in found] == wanted(live, TEXT)
        (first,) = client.text_classification(TEXT, model=model, top_k=1, function_to_apply="sigmoid")
        assert {"label": first.label, "score": first.score} == wanted(live, TEXT)[0]
        with pytest.raises(HfHubHTTPError) as caught:
            client.text_classification(TEXT, model=model, function_to_apply="softmax")
        assert caught.value.response.json()["code"] == "unsupported_function"
        with pytest.raises(HfHubHTTPError):
            client.text_classification("", model=model)


def test_the_shapes_of_text_embeddings_inference(live: Live) -> None:
    alone, other = wanted(live, TEXT), wanted(live, article(1).text, article(1).title)
    assert alone != other
    assert predict(live, inputs=TEXT, truncate=True, raw_scores=False, truncation_direction="Right") == alone
    assert predict(live, inputs=[[TEXT]]) == [alone]
    assert predict(live, inputs=[[TEXT], [article(1).title, article(1).text]]) == [alone, other]


def test_a_list_of_texts_is_a_batch(live: Live) -> None:
    assert predict(live, inputs=[TEXT, TEXT]) == [wanted(live, TEXT)] * 2
    assert predict(live, inputs=[TEXT], parameters={"top_k": 2}) == [wanted(live, TEXT)[:2]]
    assert predict(live, inputs=TEXT, parameters=None, options={"wait_for_model": True}) == wanted(live, TEXT)


@pytest.mark.parametrize(
    ("body", "status", "code", "where"),
    [
        ({}, 422, "bad_request", "inputs"),
        ({"inputs": None}, 422, "bad_request", "inputs"),
        ({"inputs": []}, 422, "bad_request", "inputs"),
        ({"inputs": ["a", 5]}, 422, "bad_request", "inputs[1]"),
        ({"inputs": [["a", "b", "c"]]}, 422, "bad_request", "inputs[0]"),
        ({"inputs": [[]]}, 422, "bad_request", "inputs[0]"),
        ({"inputs": ["a"] * 6}, 413, "too_many_articles", "inputs"),
        ({"inputs": ""}, 422, "empty_text", "inputs"),
        ({"inputs": [TEXT, " "]}, 422, "empty_text", "inputs[1]"),
        ({"inputs": [TEXT, "ب" * 5001]}, 422, "article_too_long", "inputs[1]"),
        ({"inputs": TEXT, "raw_scores": True}, 422, "unsupported_function", "raw_scores"),
        (
            {"inputs": TEXT, "parameters": {"function_to_apply": "none"}},
            422,
            "unsupported_function",
            "parameters.function_to_apply",
        ),
        ({"inputs": TEXT, "parameters": {"top_k": 0}}, 422, "bad_request", "parameters.top_k"),
        ({"inputs": TEXT, "parameters": {"colour": 1}}, 422, "bad_request", "parameters.colour"),
        ({"inputs": TEXT, "colour": 1}, 422, "bad_request", "colour"),
    ],
)
def test_what_cannot_be_predicted(live: Live, body: Any, status: int, code: str, where: str) -> None:
    answer = httpx.post(f"{live.url}/predict", json=body)
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["where"]) == (status, code, where)
