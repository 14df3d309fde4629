"""The same scores from a Dask cluster: real schedulers and workers, on this machine."""

import json
import os
import pickle
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import create_autospec

import pytest
from distributed import Client, Worker
from typer.testing import CliRunner

import dr_grasp
from dr_grasp.cli.main import app
from dr_grasp.common.closing import Closing
from dr_grasp.common.resources import share_directory
from dr_grasp.core.engine import Engine
from dr_grasp.errors import SettingsError, WorkerError
from dr_grasp.formats.grasp_file import read_grasps, write_grasps
from dr_grasp.formats.score_file import read_scores
from dr_grasp.scoring.request import ScoreRequest
from dr_grasp.scoring.scorer import Scorer
from dr_grasp.workers import cluster
from dr_grasp.workers.cluster import ClusterPool, run_packed

REQUEST = ScoreRequest.from_names("default", ["mdr"], 8, 6)
ENDLESS = ScoreRequest.from_names("default", [], 1000, 6)
LIMIT_S = 60.0
MUG = SimpleNamespace(robot="franka", object="mug")


class Dask(Closing):
    """A scheduler, and the workers that a test asks for."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self._folder = folder
        self._settings = settings
        self._file = folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--port", "0", "--dashboard-address", ":0")
        self.workers = []
        self.address = ""

    def ready(self, workers: int) -> None:
        """Start so many workers more, and wait for them."""
        deadline = time.monotonic() + LIMIT_S
        while not self._has_address():
            assert self.scheduler.poll() is None, self._log("scheduler").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        options = ("--nthreads", "1", "--no-nanny", "--local-directory", self._folder)
        self.workers += [self._start("worker", *options) for _ in range(workers)]
        living = sum(worker.poll() is None for worker in self.workers)
        if living:
            with Client(self.address, timeout=LIMIT_S, set_as_default=False) as client:
                client.wait_for_workers(living, timeout=LIMIT_S)

    def _has_address(self) -> bool:
        """Read the address; the file is there before it is whole."""
        with suppress(OSError, json.JSONDecodeError):
            self.address = json.loads(self._file.read_text())["address"]
        return bool(self.address)

    def close(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()  # asked to end, a worker without a scheduler may hang
            process.wait()

    def _start(self, kind: str, *options: object) -> subprocess.Popen:
        words = [sys.executable, "-m", f"distributed.cli.dask_{kind}", "--no-dashboard"]
        words += ["--host", "127.0.0.1", "--scheduler-file", self._file, *options]
        ours = {"PYTHONPATH": str(Path(dr_grasp.__file__).parents[1])}
        with self._log(kind).open("a") as log:
            return subprocess.Popen(
                [str(word) for word in words],
                cwd=self._folder,
                env=os.environ | ours | self._settings,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _log(self, kind: str) -> Path:
        return self._folder / f"{kind}.log"


@pytest.fixture(scope="module")
def dask(tmp_path_factory):
    """A cluster of two workers, for all tests that leave it so."""
    with Dask(tmp_path_factory.mktemp("dask")) as started:
        started.ready(workers=2)
        yield started


@pytest.fixture
def lonely(tmp_path):
    """A scheduler without workers, which gives up work when the first one dies of it."""
    with Dask(tmp_path, DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="0") as started:
        started.ready(workers=0)
        yield started


@pytest.fixture(scope="module")
def grasps(mug_grasps, shortened):
    return [shortened(grasp) for grasp in mug_grasps[:2]]


@pytest.fixture(scope="module")
def reference(grasps):
    """What one process of our own gives."""
    with Scorer(jobs=1) as scorer:
        return scorer.score(grasps, REQUEST).scores


@pytest.fixture
def nobody():
    """An address where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"tcp://127.0.0.1:{taken.getsockname()[1]}"


def run(function, address, work=MUG, is_cancelled=lambda: False, say=None):
    """Results of one piece of work."""
    with ClusterPool(address, say) as pool:
        return list(pool.run(function, [work], is_cancelled))


def verb(*words):
    """Run a command in this process; it succeeds."""
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.output


def test_scores_are_those_of_one_process(dask, grasps, reference):
    values = [fitness.value for score in reference for fitness in score.fitness.values()]
    assert any(0 < value < 1 for value in values)  # worth comparing with
    with Scorer(pool=ClusterPool(dask.address)) as scorer:
        assert scorer.score(grasps, REQUEST).scores == reference


def test_a_killed_worker_costs_time_only(dask, grasps, reference):
    victim = dask.workers[0]

    def kill_once(progress):
        if progress.rollouts_done > 2:
            victim.kill()

    with Scorer(pool=ClusterPool(dask.address)) as scorer:
        scores = scorer.score(grasps, REQUEST, on_progress=kill_once).scores
    assert victim.wait(LIMIT_S) < 0
    assert scores == reference
    dask.ready(workers=1)


def test_cancel_stops_at_once_and_the_cluster_lives_on(dask, grasps, reference):
    heard = []
    with Scorer(pool=ClusterPool(dask.address)) as scorer:
        batch = scorer.score(grasps, ENDLESS, heard.append, is_cancelled=lambda: bool(heard))
        assert batch.cancelled and batch.scores == ()
        assert len(heard) <= 4  # what had ended when it was asked for
        assert scorer.score(grasps[:1], REQUEST).scores == reference[:1]


def test_the_program_scores_on_a_cluster(dask, grasps, reference, tmp_path):
    write_grasps(tmp_path / "grasps.json", grasps)
    words = ["score", tmp_path / "grasps.json", "--criteria", "mdr", "--trials", 8, "--seed", 6]
    verb(*words, "--out", tmp_path / "scores.json", "--cluster", dask.address)
    assert read_scores(tmp_path / "scores.json").scores == reference


def test_the_program_finds_the_same_grasps_on_a_cluster(dask, tmp_path):
    words = ["generate", "--robot", "franka", "--object", "mug", "--evaluations", 4]
    verb(*words, "--out", tmp_path / "here", "--jobs", 1)
    verb(*words, "--out", tmp_path / "there", "--cluster", dask.address)
    assert read_grasps(tmp_path / "here").grasps
    assert (tmp_path / "here").read_bytes() == (tmp_path / "there").read_bytes()


def test_another_version_is_refused_by_the_workers_name(dask, grasps, monkeypatch):
    monkeypatch.setattr(cluster, "__version__", "99.1")
    with Scorer(pool=ClusterPool(dask.address)) as scorer, pytest.raises(WorkerError) as raised:
        scorer.score(grasps, REQUEST)
    message = str(raised.value)
    assert message.startswith("worker tcp://127.0.0.1:")
    expected = f"is not like this machine: dr_grasp: expected 99.1, got {dr_grasp.__version__}"
    assert message.endswith(expected)


def test_models_that_differ_are_refused_by_name(dask, tmp_path, monkeypatch):
    ours = (share_directory() / "config" / "objects" / "box.yaml").read_text()
    own = tmp_path / "objects"
    own.mkdir()
    (own / "box.yaml").write_text(ours.replace("mass:", "mass: 0.321  # "))
    (own / "brick.yaml").write_text(ours)
    monkeypatch.setenv("DR_GRASP_CONFIG", str(tmp_path))
    with pytest.raises(WorkerError, match=r"worker tcp://\S+ is not .*: object box: expected \w+"):
        run(repr, dask.address, SimpleNamespace(robot="franka", object="box"))
    with pytest.raises(WorkerError, match=r"worker tcp://\S+: unknown object 'brick'"):
        run(repr, dask.address, SimpleNamespace(robot="franka", object="brick"))


def test_an_engine_of_another_version_is_refused_where_it_is_used(dask, monkeypatch):
    other = SimpleNamespace(robot="franka", object="box", engine=Engine.MUJOCO)
    assert cluster.identity("franka", "box").keys() == (
        cluster.identity("franka", "box", Engine.MUJOCO).keys() - {"mujoco"}
    )
    real = cluster.version
    monkeypatch.setattr(cluster, "version", lambda name: "9" if name == "mujoco" else real(name))
    with pytest.raises(WorkerError, match=r"is not like this machine: mujoco: expected 9, got 3"):
        run(repr, dask.address, other)
    run(repr, dask.address, SimpleNamespace(robot="franka", object="box"))


def test_a_worker_without_our_package_says_so(dask, monkeypatch):
    class Foreign:
        def __init__(self, *contents):
            pass

        def __reduce__(self):
            return __import__, ("dr_grasp_of_the_future",)

    monkeypatch.setattr(cluster, "_Parcel", Foreign)
    with pytest.raises(WorkerError, match=r"cannot run our work: No module named 'dr_grasp_of_the"):
        run(repr, dask.address)


def test_a_cluster_without_workers_is_waited_for_and_given_up(lonely, monkeypatch):
    monkeypatch.setattr(cluster, "ABSENT_S", 0.2)
    said = []
    with pytest.raises(WorkerError, match=r"no workers for 0 s; start some with `dask worker tcp"):
        run(repr, lonely.address, say=said.append)
    assert said == [f"{lonely.address}: no workers; waiting up to 0 s for one"]


def test_a_scheduler_that_dies_is_an_error(lonely):
    def kill():
        lonely.scheduler.kill()
        return False

    with pytest.raises(WorkerError, match="the scheduler has ended or is out of reach"):
        run(repr, lonely.address, is_cancelled=kill)


class Deadly:
    """Nobody survives unpacking it."""

    def __reduce__(self):
        return os._exit, (3,)


def test_work_that_kills_its_workers_is_an_error(lonely):
    lonely.ready(workers=1)
    work = SimpleNamespace(robot="franka", object="mug", poison=Deadly())
    with pytest.raises(WorkerError, match="workers died 1 times at the same work"):
        run(repr, lonely.address, work)


@pytest.mark.parametrize(
    "address", ["", "here", "host:8786", "tcp://host", "tcp://host:x", "http://host:1", "tcp://:1"]
)
@pytest.mark.parametrize("asked", ["score", "generate"])
def test_a_bad_address_is_one_line(asked, address, grasps, tmp_path):
    write_grasps(tmp_path / "grasps.json", grasps[:1])
    words = {
        "score": ["score", str(tmp_path / "grasps.json")],
        "generate": ["generate", "--robot", "franka", "--object", "mug"],
    }[asked]
    out = tmp_path / "out.json"
    done = CliRunner().invoke(app, [*words, "--out", str(out), "--cluster", address])
    assert done.exit_code == 1
    expected = f"cluster: expected an address like tcp://host:8786, got {address!r}"
    assert done.stderr == f"dr-grasp: {expected}\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["grasps.json"]


def test_a_scheduler_that_is_not_there_is_one_line(nobody, grasps, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_S", 1.0)
    write_grasps(tmp_path / "grasps.json", grasps[:1])
    words = ["score", str(tmp_path / "grasps.json"), "--out", str(tmp_path / "out.json")]
    done = CliRunner().invoke(app, [*words, "--cluster", nobody])
    assert done.exit_code == 1
    assert done.stderr == f"dr-grasp: {nobody}: no Dask scheduler answers in 1 s\n"


def test_without_distributed_only_the_cluster_lacks(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(SettingsError, match=r"needs a package: pip install distributed"):
        ClusterPool("tcp://127.0.0.1:8786")
    code = "import sys, dr_grasp.cli.main; sys.exit('distributed' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=120).returncode == 0


_both = threading.Barrier(2)


def meet(_):
    """Whether two are here at once."""
    try:
        _both.wait(0.2)
    except threading.BrokenBarrierError:
        return False
    return True


def test_a_worker_with_threads_does_one_thing_at_a_time(monkeypatch):
    worker = create_autospec(Worker, instance=True, address="tcp://here")
    monkeypatch.setattr("distributed.get_worker", lambda: worker)
    met, ours = [], cluster.identity("franka", "mug")
    packed = pickle.dumps((meet, 0))
    work = (packed, "franka", "mug", Engine.BULLET, ours)
    threads = [threading.Thread(target=lambda: met.append(run_packed(*work))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_S)
    assert met == [False, False]


def test_closing_twice_does_no_harm(dask):
    pool = ClusterPool(dask.address)
    pool.close()
    pool.close()
