"""Attempts as tables of them have them, and a real browser to look at a report with."""

import base64
import json
import math
import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dr_grasp.core.fitness import Fitness
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.transfer.attempt_dataset import Dataset
from dr_grasp.transfer.rows import AttemptRow

DAY_NS = 86_400 * 10**9
TRIALS = 50
LOST = (Outcome.MISSED, Outcome.DROPPED_LIFTING, Outcome.DROPPED_HOLDING)


def make_row(name="a1", mdr=0.5, outcome=Outcome.SUCCESS, **changes):
    """One attempt; all four fitnesses are `mdr`, of 50 trials."""
    successes = round(mdr * TRIALS)
    row = AttemptRow(
        bag="bag",
        attempt_id=name,
        stamp_ns=1_763_690_000_123_456_789,
        robot="franka",
        object="mug",
        method="sampler",
        grasp_id="g1",
        trajectory="0123456789abcdef",
        backend="twin",
        profile="default",
        scored_by="dr_grasp 0.3.0, pybullet 3.2.7",
        fitness={one: Fitness(one, successes, TRIALS) for one in Criterion},
        nominal_outcome=Outcome.SUCCESS,
        failures={Outcome.DROPPED_LIFTING: 4 * (TRIALS - successes)} if mdr < 1 else {},
        transfer_probability=None,
        outcome=outcome,
        backend_outcome=outcome,
        reason="as it was",
        said_by="twin",
        said_ns=1_763_690_000_123_456_789,
        reported=False,
        gripper_opening=0.0123,
    )
    return replace(row, **changes)


def make_rows(
    attempts, per_grasp=5, robots=("franka", "baxter"), objects=3, seed=0, slope=2.0, offset=-1.0
):
    """Attempts of grasps that hold with a probability of sigmoid(offset + slope * logit(MDR))."""
    rng = np.random.default_rng(seed)
    number = math.ceil(attempts / per_grasp)
    good = rng.beta(2.5, 1.2, number)
    successes = rng.binomial(TRIALS, good)
    logits = np.log((successes + 0.5) / (TRIALS - successes + 0.5))
    holds = 1 / (1 + np.exp(-(offset + slope * logits)))
    lucky = rng.uniform(size=(number, per_grasp)) < holds[:, None]
    reasons = rng.integers(len(LOST), size=(number, per_grasp))
    rows = []
    for grasp in range(number):
        robot = robots[grasp % len(robots)]
        first = make_row(
            "",
            successes[grasp] / TRIALS,
            robot=robot,
            object=f"object_{grasp % objects:03d}",
            method=("sampler", "me-fit")[grasp % 3 == 0],
            grasp_id=f"{robot}-{grasp:05d}",
        )
        for index in range(min(per_grasp, attempts - len(rows))):
            outcome = Outcome.SUCCESS if lucky[grasp, index] else LOST[reasons[grasp, index]]
            stamp = first.stamp_ns + len(rows) * 10**10
            rows.append(
                replace(
                    first,
                    attempt_id=f"a{len(rows)}",
                    stamp_ns=stamp,
                    said_ns=stamp,
                    outcome=outcome,
                    backend_outcome=outcome,
                )
            )
    return rows


@pytest.fixture
def row():
    return make_row


@pytest.fixture
def many_rows():
    return make_rows


@pytest.fixture
def dataset_of():
    """A data set of rows that are in no bag."""

    def dataset_of(rows, **changes):
        return replace(Dataset(Path("fleet"), tuple(rows), (), ()), **changes)

    return dataset_of


PROGRAMS = ("chromium", "google-chrome", "chromium-browser", "google-chrome-stable")


def find_browser():
    """Path of a browser, or None."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


class Browser:
    """One page of it; everything that the page asks of the network, or complains of, is kept."""

    def __init__(self, send, receive):
        self._send, self._receive = send, receive
        self._rest, self._number, self._session = b"", 0, None
        self.events = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.call(f"{domain}.enable")

    def call(self, method, **params):
        """Ask for something and wait for the answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._send, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]

    def open(self, path, width=1200, height=900, dark=False, media="screen"):
        """Open a file and wait until it is loaded."""
        self.events.clear()
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media=media, features=[scheme])
        self.call("Page.navigate", url=Path(path).absolute().as_uri())
        while "Page.loadEventFired" not in self.methods():
            self._next()

    def methods(self):
        return [event["method"] for event in self.events]

    def requests(self):
        """Addresses that the page asked for, but for what stands inside it."""
        return [
            event["params"]["request"]["url"]
            for event in self.events
            if event["method"] == "Network.requestWillBeSent"
            and not event["params"]["request"]["url"].startswith("data:")
        ]

    def complaints(self):
        """What stands in its console."""
        kinds = ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")
        return [event["params"] for event in self.events if event["method"] in kinds]

    def evaluate(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        return answer["result"].get("value")

    def screenshot(self):
        """PNG of the whole page."""
        answer = self.call("Page.captureScreenshot", captureBeyondViewport=True, format="png")
        return base64.b64decode(answer["data"])

    def pdf(self):
        return base64.b64decode(self.call("Page.printToPDF", printBackground=True)["data"])

    def _next(self):
        deadline = time.monotonic() + 120
        while b"\0" not in self._rest:
            assert time.monotonic() < deadline, "the browser says nothing"
            block = os.read(self._receive, 1 << 20)
            assert block, "the browser is gone"
            self._rest += block
        message, _, self._rest = self._rest.partition(b"\0")
        value = json.loads(message)
        if "method" in value:
            self.events.append(value)
        return value


@contextmanager
def open_browser(profile):
    """A browser with a profile of its own, in a new folder."""
    ours, theirs = os.pipe(), os.pipe()  # what it reads, what it writes
    flags = (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--hide-scrollbars",
    )
    quiet = ("--disable-background-networking", "--disable-component-update", "--disable-sync")
    # The protocol wants 3 and 4, which may be taken here.
    shell = f'exec "$@" 3<&{ours[0]} 4>&{theirs[1]}'
    command = [find_browser(), *flags, *quiet, f"--user-data-dir={profile}"]
    process = subprocess.Popen(
        ["bash", "-c", shell, "bash", *command, "--remote-debugging-pipe", "about:blank"],
        pass_fds=(ours[0], theirs[1]),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(ours[0])
    os.close(theirs[1])
    try:
        yield Browser(ours[1], theirs[0])
    finally:
        process.kill()
        process.wait(30)
        os.close(ours[1])
        os.close(theirs[0])


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """A real one, where there is any."""
    if find_browser() is None:
        pytest.skip(f"needs a browser: none of {', '.join(PROGRAMS)} is installed")
    with open_browser(tmp_path_factory.mktemp("browser")) as found:
        yield found
