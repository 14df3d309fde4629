"""Peak memory of scoring files of many grasps, and how it grows with their number.

The grasps are copies of one, under other names, and a stand-in replaces their rollouts: what is
measured is reading, keeping account, the journal and writing, each size in a process of its own.
"""

import argparse
import json
import multiprocessing
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from stand_in import StandIn

from dr_grasp.cli.console import print_table
from dr_grasp.formats.grasp_file import GraspReader, grasp_to_dict
from dr_grasp.formats.score_file import write_score_stream
from dr_grasp.generation.sampler import generate
from dr_grasp.scoring.request import ScoreRequest
from dr_grasp.scoring.score_journal import ScoreJournal
from dr_grasp.scoring.scorer import Scorer
from dr_grasp.scoring.tally import software_version


def write_copies(path: Path, number: int) -> None:
    """A grasp file as `write_grasps` writes it, line by line."""
    (grasp,) = generate("franka", "procedural_000", 1, 0)
    record = grasp_to_dict(grasp)
    with path.open("w", encoding="utf-8") as file:
        file.write('{\n"schema_version": 1,\n"kind": "dr_grasp/grasps",\n"grasps": [\n')
        for index in range(number):
            end = ",\n" if index < number - 1 else "\n]\n}\n"
            file.write(json.dumps({**record, "id": f"g{index}"}) + end)


def score(path: Path) -> tuple[float, float]:
    """Score a file; returns the peak of this process [MB] and the seconds it took."""
    request = ScoreRequest.from_names("default", ["mdr"], 20, 0)
    began, out = time.monotonic(), path.with_suffix(".scores")
    reader = GraspReader(path)
    with ScoreJournal(path.with_suffix(".journal"), request, reader.sha256) as journal:
        stream = Scorer(pool=StandIn()).stream(reader, request, reader.count, journal)
        write_score_stream(
            out, stream, seed=0, profile="default", software_version=software_version()
        )
    return peak_mb(), time.monotonic() - began


def peak_mb() -> float:
    """Peak memory of this process [MB]; that of `resource` is never below its parent's."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 100_000])
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for number in options.sizes:
            path = Path(folder) / f"{number}.json"
            write_copies(path, number)
            with ProcessPoolExecutor(1, context) as process:
                peak, seconds = process.submit(score, path).result()
            rows.append(
                [
                    str(number),
                    f"{path.stat().st_size / 1e6:.0f}",
                    f"{peak:.0f}",
                    f"{seconds / number * 1e3:.2f}",
                ]
            )
    print_table(["grasps", "file [MB]", "peak memory [MB]", "ms a grasp"], rows)


# The processes import this file anew.
if __name__ == "__main__":
    main()
