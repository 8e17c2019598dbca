"""FastAPI around a transformers pipeline, as people write it: ``python plain_server.py MODEL PORT``."""

import sys
from typing import Any

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from transformers import pipeline

app = FastAPI()
classify: Any = pipeline("text-classification", model=sys.argv[1], top_k=None, truncation=True, device="cpu")


class Request(BaseModel):
    """The texts of one article's windows."""

    inputs: list[str]


@app.post("/predict")
def predict(request: Request) -> Any:
    """Label and score of each text."""
    return classify(request.inputs)


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[2]), log_level="warning")
