"""Where commands simulate: on this machine, or on a cluster."""

from __future__ import annotations

from typing import Annotated

import typer

from dr_grasp.cli.console import complain
from dr_grasp.workers.cluster import ClusterPool
from dr_grasp.workers.pool import Pool, WorkerPool

Cluster = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Dask scheduler whose workers take the place of --jobs, such as tcp://host:8786.",
    ),
]


def make_pool(jobs: int, cluster: str | None) -> Pool:
    """Workers of this machine, or of a cluster if one is named.

    Raises:
        DrGraspError: Fewer than one job, or a cluster that cannot be used.
    """
    return WorkerPool(jobs) if cluster is None else ClusterPool(cluster, complain)
