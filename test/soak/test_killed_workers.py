"""Workers killed at random: it costs time, and the scores file is the same to the byte."""

import multiprocessing
import os
import random
import signal
import threading
import time

from typer.testing import CliRunner

from dr_grasp.cli.main import app
from dr_grasp.formats.grasp_file import write_grasps
from dr_grasp.formats.score_file import read_scores

KILLS = 20
"""Kills in a round, three seconds apart in the mean: 20 in a minute. A round ends with the run."""


def test_killed_workers(tmp_path, block_grasps, shortened, rounds, figures):
    grasp_file, whole, out = (tmp_path / name for name in ("grasps", "whole", "out"))
    write_grasps(grasp_file, map(shortened, block_grasps))
    words = ["score", str(grasp_file), "--criteria", "mdr,fdr", "--trials", "20", "--jobs", "2"]

    def score(path):
        done = CliRunner().invoke(app, [*words, "--out", str(path)])
        assert done.exit_code == 0, done.output

    begun = time.monotonic()
    score(whole)
    undisturbed_s = time.monotonic() - begun
    kills, taken_s = 0, 0.0
    rng = random.Random(9)
    for _ in range(rounds(1)):
        ended = threading.Event()

        def kill_at_random(ended=ended):
            nonlocal kills
            for _ in range(KILLS):
                if ended.wait(rng.expovariate(1 / 3.0)):
                    return
                workers = multiprocessing.active_children()
                if workers:
                    os.kill(rng.choice(workers).pid, signal.SIGKILL)
                    kills += 1

        killer = threading.Thread(target=kill_at_random)
        begun = time.monotonic()
        killer.start()
        try:
            score(out)
        finally:
            ended.set()
            killer.join()
        taken_s += time.monotonic() - begun
        assert out.read_bytes() == whole.read_bytes()
        out.unlink()
    figures["killed workers"] = {
        "kills": kills,
        "scores lost": 3 - len(read_scores(whole).scores),
        "undisturbed [s]": round(undisturbed_s, 1),
        "with kills [s a run]": round(taken_s / rounds(1), 1),
    }
