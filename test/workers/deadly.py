"""Work for processes that die; a module, so that spawned processes can import it."""

import os
import signal
import time


def square(number):
    time.sleep(0.05)
    return number**2


def crash_at_7(number):
    if number == 7:
        os.kill(os.getpid(), signal.SIGSEGV)
    return square(number)


def exit_at_7(number):
    if number == 7:
        os._exit(9)
    return square(number)


def killed_at_7(number):
    if number == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return square(number)


def slow(number):
    time.sleep(0.4)
    return number**2
