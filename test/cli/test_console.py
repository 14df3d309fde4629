"""Tables in terminals of any width, and in pipes."""

import sys

import pytest

from dr_grasp.cli.console import print_table

ID = "franka-procedural_000-sampler-3-00010"
HEAD = ["grasp", "MDR", *["distance to see (mm)"] * 8]
ROW = [ID, "1.00 [0.44, 1.00]", *["0.000198"] * 8]


@pytest.fixture
def terminal(monkeypatch):
    """Makes standard output a terminal without colours, of some columns."""

    def terminal(columns):
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
        for name, value in {"COLUMNS": str(columns), "LINES": "50", "TERM": "dumb"}.items():
            monkeypatch.setenv(name, value)

    return terminal


def test_a_narrow_terminal_shows_all_numbers_and_breaks_ids(capsys, terminal):
    terminal(100)
    print_table(HEAD, [ROW])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    assert sum(line.count("0.000198") for line in lines) == 8
    assert "".join(line.split("│")[1].strip() for line in lines if "│" in line) == ID


def test_a_wide_terminal_and_a_pipe_show_a_row_in_one_line(capsys, terminal):
    print_table(HEAD, [ROW])
    piped = capsys.readouterr().out
    assert len([line for line in piped.splitlines() if "│" in line]) == 1
    assert all(text in piped for text in ROW)
    terminal(300)
    print_table(HEAD, [ROW])
    assert capsys.readouterr().out == piped
