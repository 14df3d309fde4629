"""The program `dr-grasp`: handles Ctrl-C while the modules of the commands are loaded."""

from __future__ import annotations

import os
import signal

INTERRUPTED = 130
"""Exit status after Ctrl-C, as in shells."""


def main() -> None:
    """Run the program."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)
        # Whoever starts this program may block SIGINT until now, so that it is not lost.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    from dr_grasp.cli.main import main as run  # takes a second

    run()


def _end(number: int, frame: object) -> None:
    # Nothing is open yet that would have to be closed.
    os.write(2, b"dr-grasp: interrupted\n")
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    main()
