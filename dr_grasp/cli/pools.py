"""Option and pool for commands that simulate on this machine or on a cluster."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from dr_grasp.cli.console import complain
from dr_grasp.workers.pool import Pool, WorkerPool

Cluster = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Dask scheduler, such as tcp://host:8786, with workers to use in place of --jobs.",
    ),
]

PROCESSORS = os.cpu_count() or 1

Jobs = Annotated[
    int, typer.Option(help="Worker processes.", show_default="the number of processors")
]


def make_pool(jobs: int, cluster: str | None) -> Pool:
    """Make a pool of `jobs` processes on this machine, or of the workers of a cluster, if given.

    Raises:
        DrGraspError: `jobs` is below 1, or the cluster cannot be used.
    """
    if cluster is None:
        return WorkerPool(jobs)
    from dr_grasp.workers.cluster import ClusterPool  # only a cluster needs asyncio and sockets

    return ClusterPool(cluster, complain)
