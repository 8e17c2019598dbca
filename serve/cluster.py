"""A Ray cluster: where it is, the actors that it runs for us, and what they find."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from data.errors import ConfigError
from models.checkpoint import MANIFEST, Checkpoint
from serve.ray_actor import PartScorer, Tries
from serve.scoring import Options

_TRIES = 6  # of a part whose worker or machine is lost: one that kills each worker must come to an end


@dataclass(frozen=True)
class Cluster:
    """Where the actors run, and what each gets.

    Attributes:
        address: of a running cluster (``auto``, ``host:6379``, ``ray://…``); default: one on this machine alone.
        actors: at most so many; 0: as many as the cluster has room for when the run begins.
        cpus: cores of one actor, and articles computed by it at a time.
        gpus: of one actor; with ``Options.backend`` "torch".
    """

    address: str | None = None
    actors: int = 0
    cpus: int = 1
    gpus: float = 0.0


def score_parts(
    cluster: Cluster, checkpoint: Checkpoint, options: Options, todo: Sequence[Mapping[str, Any]], *, ordered: bool
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The ``name`` of each of ``todo`` and what an actor found (see ``PartScorer``), as they come or in their order.

    One that no actor lives through has an ``error``, like one that can't be read; so has one where an actor met a
    fault of ours, which comes last: Ray has said which.

    Raises:
        ConfigError: ``missing_extra``, ``no_cluster``.
    """
    if not todo:
        return
    ray = connect(cluster)
    from ray.data import ActorPoolStrategy, DataContext

    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = ordered
    context.max_errored_blocks = -1  # the others are scored all the same
    files = {name: (checkpoint.folder / name).read_bytes() for name in [MANIFEST, *checkpoint.manifest["files"]]}
    room = int(ray.cluster_resources().get("CPU", 1) // cluster.cpus)
    if cluster.gpus:
        room = int(ray.cluster_resources().get("GPU", 0) // cluster.gpus)
    if room < 1:
        raise ConfigError("no_cluster", f"no room for an actor of {cluster.cpus} CPUs and {cluster.gpus} GPUs")
    actors = min(cluster.actors or room, len(todo))
    # lives on where its machine is lost, with its counts at nothing
    tries = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)(Tries).remote()
    done = ray.data.from_items([dict(item) for item in todo], override_num_blocks=len(todo)).map_batches(
        PartScorer,
        fn_constructor_args=(ray.put(files), options, cluster.cpus, tries, _TRIES),
        batch_size=1,
        # one part at an actor and none waiting there: what a lost machine held is one part an actor
        compute=ActorPoolStrategy(min_size=1, max_size=actors, max_tasks_in_flight_per_actor=1),
        num_cpus=cluster.cpus,
        num_gpus=cluster.gpus or None,
    )
    missing = {str(item["name"]): None for item in todo}
    for row in done.iter_rows():
        del missing[row["name"]]
        yield row["name"], json.loads(row["found"])
    for name in missing:
        yield name, {"error": f"internal: a fault of ours; its trace is above [{name}]"}


def connect(cluster: Cluster) -> Any:
    """Ray, connected; one that is connected already stays so.

    Raises:
        ConfigError: ``missing_extra``, ``no_cluster``.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # nothing is reported to anybody
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise ConfigError(
            "missing_extra", "this engine needs Ray: pip install --editable '.[ray]' in the clone"
        ) from error
    if not ray.is_initialized():
        # an address names a cluster that runs; without one a variable of the environment must not name it either
        own = {"address": cluster.address} if cluster.address else {"address": "local", "include_dashboard": False}
        try:
            ray.init(**own, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise ConfigError("no_cluster", str(error).splitlines()[0], where=cluster.address or "") from error
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    return ray
