"""A table of texts through a transformers pipeline, as people write it: ``python table.py MODEL IN.csv OUT.csv``."""

import sys
from typing import Any

import pandas as pd
from transformers import pipeline

model, source, target = sys.argv[1:]
table = pd.read_csv(source)
classify: Any = pipeline("text-classification", model=model, top_k=None, truncation=True, batch_size=16, device="cpu")
answers = classify(table["text"].tolist())
scores = pd.DataFrame([{score["label"]: score["score"] for score in answer} for answer in answers])
pd.concat([table, scores], axis=1).to_csv(target, index=False)
