"""Runs work on a Dask cluster instead of worker processes of this machine."""

from __future__ import annotations

import asyncio
import logging
import pickle
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import CancelledError, Executor, Future
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

from dr_grasp import __version__
from dr_grasp.core.engine import Engine
from dr_grasp.errors import DrGraspError, SettingsError, WorkerError
from dr_grasp.objects.object_spec import load_object
from dr_grasp.provenance.fingerprint import fingerprint
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.workers.pool import Pool, ResultT, WorkT

CONNECT_S = 10.0
"""Longest wait for a scheduler's answer [s]."""

ABSENT_S = 600.0
"""Longest time without any worker [s]; jobs of a batch system may wait in its queue."""

COUNT_S = 1.0
"""Time between two counts of the workers [s]."""

_one_at_a_time = threading.Lock()
"""Held while a piece of work runs: a Dask worker may have several threads, PyBullet only one."""


class ClusterPool(Pool):
    """The workers of a Dask cluster, which may come and go.

    Results depend on versions, on the robot and on the object. Each piece of work carries their
    fingerprints, and a worker with other ones refuses the work, even if it joined late.
    """

    def __init__(self, address: str, say: Callable[[str], None] | None = None) -> None:
        """Connect to a scheduler.

        Args:
            address: Address of the scheduler, such as tcp://host:8786.
            say: Called with one line of text when there are no workers and the run waits.

        Raises:
            SettingsError: The address is not valid, or the package distributed is not installed.
            WorkerError: No scheduler answers.
        """
        self._address = address
        self._say = say or (lambda line: None)
        self._client = _connect(address)
        self._executor: Executor = self._client.get_executor(pure=False)
        self._identity = cache(identity)
        self._threads = 0
        self._counted_s = self._seen_s = 0.0

    def close(self) -> None:
        """Disconnect from the cluster, which drops our work; may be called twice."""
        self._client.close(CONNECT_S)

    def run(
        self,
        function: Callable[[WorkT], ResultT],
        work: Iterable[WorkT],
        is_cancelled: Callable[[], bool],
    ) -> Iterator[tuple[WorkT, ResultT] | None]:
        """Call a function with each piece of work, in any order, on the cluster.

        Args:
            function: A function of a module, so that workers can import it.
            work: Pieces with the attributes `robot` and `object`, or with a `grasp` that has them.
            is_cancelled: Polled every 50 ms; True ends the run at once.

        Yields:
            Pieces of work with their results; None last if the run was cancelled.

        Raises:
            WorkerError: Workers died again and again at the same work, or have other versions or
                models than this machine; there were no workers for long; the scheduler is gone.
        """
        from distributed import KilledWorker

        self._counted_s, self._seen_s = 0.0, time.monotonic()
        self._identity = cache(identity)  # for this run only: files of robots may change later
        try:
            yield from super().run(function, work, is_cancelled)
        except KilledWorker as error:
            deaths = error.allowed_failures + 1
            raise WorkerError(
                f"{self._address}: workers died {deaths} times at the same work; "
                "is there enough memory? Their logs may tell"
            ) from error
        except ImportError as error:
            raise WorkerError(
                f"{self._address}: a worker cannot run our work: {error}; "
                f"is dr_grasp {__version__} installed there?"
            ) from error
        except CancelledError as error:
            raise self._lost() from error

    def _workers(self) -> int:
        if self._client.status != "running":
            raise self._lost()
        now = time.monotonic()
        if now - self._counted_s >= COUNT_S:
            try:
                threads = sum(self._client.nthreads().values())
            except OSError as error:
                raise self._lost() from error
            if not threads and (self._threads or not self._counted_s):
                self._say(f"{self._address}: no workers; waiting up to {ABSENT_S:.0f} s for one")
            self._threads, self._counted_s = threads, now
        if self._threads:
            self._seen_s = now
        elif now - self._seen_s > ABSENT_S:
            raise WorkerError(
                f"{self._address}: no workers for {ABSENT_S:.0f} s; "
                f"start some with `dask worker {self._address} --nthreads 1`"
            )
        return max(1, self._threads)

    def _submit(self, function: Callable[[WorkT], ResultT], piece: WorkT) -> Future[ResultT]:
        named: Any = getattr(piece, "grasp", piece)
        engine = getattr(piece, "engine", Engine.BULLET)
        expected = self._identity(named.robot, named.object, engine)
        packed = pickle.dumps((function, piece))
        parcel = _Parcel(packed, named.robot, named.object, engine, expected)
        return self._executor.submit(pickle.loads, pickle.dumps(parcel))

    def _lost(self) -> WorkerError:
        return WorkerError(f"{self._address}: the scheduler has ended or is out of reach")


def identity(robot: str, obj: str, engine: Engine = Engine.BULLET) -> dict[str, str]:
    """Versions and fingerprints that a result depends on; all machines must have the same.

    PyBullet is always among them: every engine takes kinematics and distances from it.

    Raises:
        DrGraspError: This machine has no such robot or object.
    """
    return {
        "dr_grasp": __version__,
        "pybullet": version("pybullet"),
        engine.package: version(engine.package),
        "numpy": version("numpy"),  # draws the perturbations
        f"robot {robot}": fingerprint(load_robot(robot)),
        f"object {obj}": fingerprint(load_object(obj)),
    }


def _connect(address: str) -> Any:
    _check_address(address)
    try:
        from distributed import Client
    except ImportError as error:
        raise SettingsError(f"{address}: needs a package: pip install distributed") from error
    # If the scheduler is gone, our own error says so in one line.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    try:
        connect: Any = Client  # distributed has no types
        return connect(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, asyncio.TimeoutError) as error:
        raise WorkerError(f"{address}: no Dask scheduler answers in {CONNECT_S:.0f} s") from error


def _check_address(address: str) -> None:
    try:
        parts = urlsplit(address)
        good = parts.scheme in ("tcp", "tls") and parts.hostname and parts.port
    except ValueError:  # the port is no number
        good = False
    if not good or parts.path or parts.query:
        raise SettingsError(f"cluster: expected an address like tcp://host:8786, got {address!r}")


@dataclass(frozen=True, slots=True)
class _Parcel:
    """Work that runs when it is unpickled, so that the scheduler only passes on bytes.

    A worker without our package then answers with an ImportError. If it had to import our function
    to read its task, it would never answer.
    """

    packed: bytes
    robot: str
    object: str
    engine: Engine
    expected: Mapping[str, str]

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        arguments = self.packed, self.robot, self.object, self.engine, self.expected
        return run_packed, arguments


def run_packed(
    packed: bytes, robot: str, obj: str, engine: Engine, expected: Mapping[str, str]
) -> Any:
    """Run a packed (function, argument) on a worker whose `identity` is as expected.

    Raises:
        WorkerError: This worker has another version, robot or object.
    """
    with _one_at_a_time:
        _check_identity(robot, obj, engine, expected)
        function, piece = pickle.loads(packed)
        return function(piece)


def _check_identity(robot: str, obj: str, engine: Engine, expected: Mapping[str, str]) -> None:
    from distributed import get_worker

    here = get_worker().address
    try:
        got = identity(robot, obj, engine)
    except (DrGraspError, OSError) as error:
        raise WorkerError(f"worker {here}: {error}") from None
    unlike = [
        f"{what}: expected {mine}, got {got.get(what)}"
        for what, mine in expected.items()
        if got.get(what) != mine
    ]
    if unlike:
        raise WorkerError(f"worker {here} is not like this machine: {'; '.join(unlike)}")
