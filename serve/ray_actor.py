"""What an actor of the Ray engine does: holds the model, and scores one part at a time."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data.errors import DataError, WijhaError
from models.checkpoint import Checkpoint
from models.classifier import Classifier
from serve.answers import Answers, answer_key
from serve.inputs import open_inputs
from serve.parts import Part, fetch, publish
from serve.pipeline import scored_items
from serve.scoring import Options, read_items, score_table


class Tries:
    """An actor that counts how often each part was begun, for those that begin it don't live to tell."""

    def __init__(self) -> None:
        self._begun: Counter[str] = Counter()

    def another(self, name: str) -> int:
        """The number of this try, from 1."""
        self._begun[name] += 1
        return self._begun[name]


class PartScorer:
    """An actor: the model, loaded once, and parts scored with it.

    Args:
        files: a reference to the checkpoint's files, name to bytes.
        streams: articles computed at a time.
        tries: the ``Tries`` of the run.
        most: times that a part is begun.
    """

    def __init__(self, files: Any, options: Options, streams: int, tries: Any, most: int) -> None:
        import ray

        self._options, self._tries, self._most = options, tries, most
        self._classifier: Classifier | WijhaError
        # gone once the model is in memory: a worker is ended without a chance to tidy up
        with tempfile.TemporaryDirectory(prefix="wijha-") as folder:
            for name, content in ray.get(files).items():
                Path(folder, name).write_bytes(content)
            self._checkpoint = Checkpoint.open(Path(folder))
            try:
                self._classifier = Classifier.load(
                    self._checkpoint, backend=options.backend, precision=options.precision or None, streams=streams
                )
            except WijhaError as error:  # no GPU runtime on that machine: Ray would start it again for ever
                self._classifier = error

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, list[str]]:
        """One part, as ``_results`` is given it: what was found as JSON, or why it can't be scored."""
        import ray

        job = {name: values[0] for name, values in batch.items()}
        try:
            with tempfile.TemporaryDirectory(prefix="wijha-") as folder:
                if isinstance(self._classifier, WijhaError):
                    raise self._classifier
                if ray.get(self._tries.another.remote(job["name"])) > self._most:
                    raise DataError("worker_lost", f"{self._most} workers were lost over it; is there memory enough?")
                score = self._answers if "path" in job else self._table
                found = score(job, Path(folder), self._classifier)
        except WijhaError as error:
            found = {"error": f"{error.code}: {error.message} [{job['name']}]"}
        except OSError as error:
            found = {"error": f"os_error: {error} [{job['name']}]"}
        return {"name": [job["name"]], "found": [json.dumps(found, ensure_ascii=True)]}

    def _table(self, job: Mapping[str, Any], folder: Path, classifier: Classifier) -> dict[str, Any]:
        part = Part(**json.loads(job["part"]))
        (folder / "in").mkdir()
        source, target = fetch(part, folder / "in"), folder / Path(part.name).name
        table = score_table([source], target, classifier, checkpoint=self._checkpoint, options=self._options)
        summary = table.to_json()
        publish(target, part, {"want": json.loads(job["want"]), "source": part.stamp, "summary": summary})
        return summary

    def _answers(self, job: Mapping[str, Any], folder: Path, classifier: Classifier) -> dict[str, Any]:
        options = self._options
        inputs = open_inputs([Path(job["path"])], folder, options.text_column, options.title_column)
        answers, found, rows = Answers(folder / "answers.sqlite"), [], 0
        with scored_items(read_items(inputs), classifier, answers, options.max_characters) as chunks:
            for item, record, repeated in (scored for chunk in chunks for scored in chunk):
                if not repeated and not item.row.error:
                    found.append((answer_key(item.title, item.text).hex(), record, int(job["first"]) + rows))
                rows += 1
        answers.close()
        return {"rows": rows, "answers": found}
