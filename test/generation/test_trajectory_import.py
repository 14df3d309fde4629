"""Trajectories of other programs become the grasps that they are, whatever the file looks like."""

import csv
from dataclasses import replace

import numpy as np
import pytest
import yaml

from dr_grasp.core.geometry import Pose
from dr_grasp.errors import DrGraspError
from dr_grasp.generation.trajectory_import import import_trajectories
from dr_grasp.objects.object_spec import load_object
from dr_grasp.robots.checking import check_grasp
from dr_grasp.simulation.bullet.world import BulletWorld

PHASES = ["approach", "close", "lift", "hold"]


@pytest.fixture(scope="module")
def world(franka):
    with BulletWorld(franka, load_object("mug")) as world:
        yield world


def sampled(grasp, rate=20.0):
    """Times, arm, finger and phase of a grasp at a rate that has all of its waypoints."""
    ends = np.cumsum(
        [grasp.approach.duration_s, grasp.close.duration_s, grasp.lift.duration_s, grasp.hold_s]
    )
    times = np.round(np.arange(round(ends[-1] * rate) + 1) / rate, 9)
    lifted = grasp.lift_from_grasp.at(times - ends[1])
    arm = np.where((times <= ends[0])[:, None], grasp.approach.at(times), lifted)
    phase = np.minimum(np.searchsorted(ends, times + 1e-9), 3)
    finger = np.where(phase == 0, grasp.close.preshape[0], grasp.close.positions[0])
    return times, arm, finger, phase


def marks(grasp, per_second=1):
    """When the phases begin, in seconds or in rows."""
    durations = [grasp.approach.duration_s, grasp.close.duration_s, grasp.lift.duration_s]
    times = np.round(np.cumsum(durations) * per_second, 6).tolist()
    return dict(zip(("close", "lift", "hold"), times, strict=True))


def place(grasp):
    pose = grasp.object_in_base
    return {
        "position": pose.position.tolist(),
        "quaternion_xyzw": pose.quaternion_xyzw.tolist(),
    }


def write(folder, name, rows, grasp, header=None, delimiter=",", **layout):
    """A file of rows, and the YAML file beside it."""
    path = folder / name
    if path.suffix in (".npy", ".npz"):
        np.savez(path, **rows) if path.suffix == ".npz" else np.save(path, rows)
    else:
        with path.open("w", newline="") as file:
            writer = csv.writer(file, delimiter=delimiter)
            writer.writerows([header, *rows] if header else rows)
    layout = {"object_in_base": place(grasp), **layout}
    path.with_suffix(".yaml").write_text(yaml.safe_dump(layout))
    return path


def number_columns(first):
    """The columns of the joints by number, the arm's from `first` on, then the finger's."""
    arm = {f"panda_joint{1 + index}": first + index for index in range(7)}
    return arm | {"panda_finger_joint1": first + 7}


def with_names(folder, grasp):
    times, arm, finger, phase = sampled(grasp)
    rows = [[t, *q, f, PHASES[p]] for t, q, f, p in zip(times, arm, finger, phase, strict=True)]
    header = ["t", *grasp.approach.joints, "panda_finger_joint1", "what"]
    return write(folder, "plain.csv", rows, grasp, header, time="t", phases={"column": "what"})


def echoed(folder, grasp):
    """As `ros2 topic echo --csv /joint_states` prints it: stamp, frame, names, positions, ..."""
    times, arm, finger, _ = sampled(grasp)
    names = [*grasp.approach.joints, "panda_finger_joint1", "panda_finger_joint2"]
    rows = []
    for t, q, f in zip(times, arm, finger, strict=True):
        seconds, nanoseconds = divmod(round(t * 1e9) + 1683349449_796098206, 10**9)
        rows.append([seconds, nanoseconds, "", *names, *q, f, f, *[0.0] * 9, *[""] * 9])
    phases = marks(grasp) | {"unit": "s"}
    joints = number_columns(12)
    return write(folder, "echo.csv", rows, grasp, time=[0, 1], joints=joints, phases=phases)


def numbers_in_degrees(folder, grasp):
    _, arm, finger, _ = sampled(grasp)
    rows = np.column_stack([np.rad2deg(arm), finger * 1000.0])
    return write(
        folder, "array.npy", rows, grasp, rate_hz=20.0, angle="deg", length="mm",
        joints=number_columns(0), phases=marks(grasp, 20),
    )  # fmt: skip


def filled_up(folder, grasp):
    """Trajectories of different lengths in one array, filled up with NaN."""
    times, arm, finger, phase = sampled(grasp)
    rows = np.column_stack([times * 1000.0, arm, finger, phase])
    padded = np.vstack([rows, np.full((7, rows.shape[1]), np.nan)])
    return write(
        folder, "many.npy", np.stack([padded, padded]), grasp, time="ms", time_unit="ms",
        columns=["ms", *grasp.approach.joints, "finger", "phase"],
        joints={"panda_finger_joint1": "finger"}, phases={"column": "phase"},
    )  # fmt: skip


def zipped(folder, grasp):
    _, arm, finger, phase = sampled(grasp)
    rows = np.column_stack([arm, finger, phase]).astype(np.float64)
    return write(
        folder, "set.npz", {"first": rows, "second": rows}, grasp, rate_hz=20.0,
        joints=number_columns(0), phases={"column": 8},
    )  # fmt: skip


def phases_as_floats(folder, grasp):
    """As pandas writes a column of whole numbers that once lacked one."""
    times, arm, _, phase = sampled(grasp)
    rows = [[t, *q, float(p)] for t, q, p in zip(times, arm, phase, strict=True)]
    header = ["t", *grasp.approach.joints, "phase"]
    return write(folder, "pandas.csv", rows, grasp, header, time="t", phases={"column": "phase"})


STYLES = {
    with_names: 1,
    echoed: 1,
    numbers_in_degrees: 1,
    filled_up: 2,
    zipped: 2,
    phases_as_floats: 1,
}


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.__name__)
def test_an_exported_grasp_comes_back_as_it_was(world, franka, mug_grasps, tmp_path, style):
    grasp = mug_grasps[0]
    imported = import_trajectories(world, [style(tmp_path, grasp)])
    assert imported.refused == () and imported.slowed == ()
    assert len({back.id for back in imported.grasps}) == STYLES[style]
    for back in imported.grasps:
        check_grasp(back, franka)
        assert (back.approach, back.lift) == (grasp.approach, grasp.lift)
        np.testing.assert_allclose(back.close.preshape, grasp.close.preshape, atol=1e-12)
        assert back.close.positions.tolist() == grasp.close.positions.tolist()
        assert (back.close.duration_s, back.hold_s) == (grasp.close.duration_s, grasp.hold_s)
        assert back.close.force == grasp.close.force
        assert back.object_in_base == grasp.object_in_base
        assert back.provenance["method"] == "trajectories"


def test_a_gripper_column_tells_when_the_hand_closes_and_how_far_it_was_open(
    world, mug_grasps, tmp_path
):
    """As a plotting tool exports, with the time of day, and the hand opened again at the end."""
    grasp = mug_grasps[0]
    times, arm, _, phase = sampled(grasp)
    jaws = np.where((phase == 0) | (times > times[-1] - 0.2), 0.5, -1.0)
    rows = [[1683349449.25 + t, *q, j] for t, q, j in zip(times, arm, jaws, strict=True)]
    header = ["__time", *(f"/joint_states/{n}/position" for n in grasp.approach.joints), "/jaws"]
    joints = dict(zip(grasp.approach.joints, header[1:-1], strict=True))
    gripper = {"column": "/jaws", "open": 1.0, "closed": -1.0}
    path = write(
        tmp_path, "plot.csv", rows, grasp, header, time="__time", joints=joints, gripper=gripper
    )
    (back,) = import_trajectories(world, [path]).grasps
    assert np.array_equal(back.approach.positions, grasp.approach.positions)
    np.testing.assert_allclose(back.approach.times_s, grasp.approach.times_s, atol=1e-6)
    assert back.close.preshape.tolist() == pytest.approx([0.03])  # open to three quarters
    assert back.close.positions.tolist() == [0.0] and back.hold_s == 1.0
    # The lift begins and ends so slowly that its first and last rows count as standing still.
    assert 0.5 <= back.close.duration_s <= 0.65
    assert grasp.lift.duration_s - 0.3 <= back.lift.duration_s <= grasp.lift.duration_s
    for end, ours in ((0, grasp.lift.positions[0]), (-1, grasp.lift.positions[-1])):
        np.testing.assert_allclose(back.lift.positions[end], ours, atol=1e-3)


@pytest.mark.parametrize("seconds", [0.2, 0.5, 2.0])
@pytest.mark.parametrize("every", [1, 8])
def test_a_hand_that_closes_slowly_was_as_open_as_when_it_began_to(
    world, mug_grasps, tmp_path, seconds, every
):
    grasp = mug_grasps[0]
    times, arm, _, _ = sampled(grasp)
    closes = grasp.approach.duration_s
    ramp = [times < 0.5, times < closes - seconds / 2, times < closes + seconds / 2]
    share = 0.75 - 0.75 * (times - closes + seconds / 2) / seconds
    noise = np.random.default_rng(0).uniform(-0.004, 0.004, len(times))
    jaws = np.select(ramp, [1.0, 0.75, share], 0.0) + noise
    rows = [[t, *q, j] for t, q, j in zip(times, arm, jaws, strict=True)][::every]
    header = ["t", *grasp.approach.joints, "jaws"]
    gripper = {"column": "jaws", "open": 1.0, "closed": 0.0}
    path = write(tmp_path, "slow.csv", rows, grasp, header, time="t", gripper=gripper)
    (back,) = import_trajectories(world, [path], retime=True).grasps
    (opening,) = back.close.preshape
    assert opening == pytest.approx(0.75 * 0.04, abs=0.0005)


def test_one_file_may_hold_many_and_a_wrong_one_is_refused_by_itself(world, mug_grasps, tmp_path):
    rows, header = [], ["id", "t", *mug_grasps[0].approach.joints, "phase"]
    for name, grasp in zip("abc", mug_grasps, strict=True):
        times, arm, _, phase = sampled(grasp)
        arm = arm + (9.0 if name == "b" else 0.0)
        rows += [[name, t, *q, p] for t, q, p in zip(times, arm, phase, strict=True)]
    rows[-1][4] = "nan"
    path = write(
        tmp_path, "all.csv", rows, mug_grasps[0], header, delimiter=";", time="t",
        trajectory="id", phases={"column": "phase"},
    )  # fmt: skip
    imported = import_trajectories(world, [path])
    assert [grasp.id for grasp in imported.grasps] == ["franka-mug-trajectories-all-a"]
    first = len(sampled(mug_grasps[0])[0]) + 2
    assert [refused.reason for refused in imported.refused] == [
        f"{path}: trajectory b: line {first}, column panda_joint1: expected panda_joint1 within "
        "[-2.8973, 2.8973], got 9",
        f"{path}: trajectory c: line {len(rows) + 1}, column panda_joint3: expected a finite "
        "number, got 'nan'",
    ]


def test_numbers_tell_trajectories_apart_by_all_of_their_digits(world, mug_grasps, tmp_path):
    times, arm, _, phase = sampled(mug_grasps[0])
    rows = [np.column_stack([np.full(len(times), day), times, arm, phase])
            for day in (20260101.0, 20260102.0, 0.5)]  # fmt: skip
    path = write(
        tmp_path, "days.npy", np.vstack(rows), mug_grasps[0], rate_hz=20.0, trajectory=0,
        joints=number_columns(2) | {"panda_finger_joint1": 9}, phases={"column": 9},
    )  # fmt: skip
    assert [grasp.id for grasp in import_trajectories(world, [path]).grasps] == [
        f"franka-mug-trajectories-days-{day}" for day in ("20260101", "20260102", "0.5")
    ]


def test_files_of_the_same_name_are_told_apart_by_their_folders(world, mug_grasps, tmp_path):
    paths = []
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        paths.append(with_names(tmp_path / folder, mug_grasps[0]))
    assert [grasp.id for grasp in import_trajectories(world, paths).grasps] == [
        f"franka-mug-trajectories-{folder}-plain" for folder in ("first", "second")
    ]


def hurried(folder, grasp, factor, **more):
    """The grasp's approach in a part of its time, and its lift as it is."""
    times, arm, finger, phase = sampled(grasp)
    waiting = times - grasp.approach.duration_s * (1.0 - 1.0 / factor)
    times = np.where(phase == 0, times / factor, waiting)
    rows = [[t, *q, f, p] for t, q, f, p in zip(times, arm, finger, phase, strict=True)]
    header = ["t", *grasp.approach.joints, "panda_finger_joint1", "phase"]
    return write(
        folder, "fast.csv", rows, grasp, header, time="t", phases={"column": "phase"}, **more
    )


def test_what_is_too_fast_is_refused_and_retimed_if_asked(world, franka, mug_grasps, tmp_path):
    grasp = mug_grasps[0]
    path = hurried(tmp_path, grasp, 8.0)
    (refused,) = import_trajectories(world, [path]).refused
    path_speeds = np.abs(np.diff(grasp.approach.positions, axis=0)) / 0.05 * 8.0
    limits = np.array([limit.velocity for limit in franka.arm_limits])
    row, column = np.unravel_index((path_speeds / limits).argmax(), path_speeds.shape)
    joint, speed = franka.arm_joints[column], path_speeds[row, column]
    said = (
        f"expected {joint} within {limits[column]:g} rad/s in the approach, got {speed:.3g} rad/s"
    )
    assert f"line {row + 3}, column {joint}: {said}; --retime slows it down" in refused.reason

    imported = import_trajectories(world, [path], retime=True)
    (back,) = imported.grasps
    check_grasp(back, franka)
    assert np.array_equal(back.approach.positions, grasp.approach.positions)
    assert back.lift == grasp.lift
    factor = back.approach.duration_s / (grasp.approach.duration_s / 8.0)
    np.testing.assert_allclose(
        back.approach.times_s, grasp.approach.times_s / 8.0 * factor, atol=1e-8
    )
    assert factor >= speed / limits[column] * 0.999
    (note,) = imported.slowed
    assert note == (
        f"{back.id}: approach {factor:.3g} times slower, since {joint} had {speed:.3g} rad/s of "
        f"{limits[column]:g}"
    )
    assert back.provenance["retimed"] in note


def test_slow_enough_is_not_retimed(world, mug_grasps, tmp_path):
    (back,) = import_trajectories(world, [with_names(tmp_path, mug_grasps[0])], retime=True).grasps
    assert back.approach == mug_grasps[0].approach and "retimed" not in back.provenance


def test_the_object_stands_where_the_caller_says_else_where_the_file_says_else_as_usual(
    world, mug_grasps, tmp_path
):
    path = with_names(tmp_path, mug_grasps[0])
    elsewhere = Pose([0.45, 0.1, 0.002], [0, 0, 0, 1])
    (back,) = import_trajectories(world, [path], object_in_base=elsewhere).grasps
    assert back.object_in_base == elsewhere
    beside = path.with_suffix(".yaml")
    beside.write_text(yaml.safe_dump({"time": "t", "phases": {"column": "what"}}))
    (back,) = import_trajectories(world, [path], beside).grasps
    np.testing.assert_allclose(
        back.object_in_base.position, mug_grasps[0].object_in_base.position, atol=1e-6
    )


def test_the_hand_closes_as_the_yaml_file_says(world, mug_grasps, tmp_path):
    hand = {"preshape": [0.03], "positions": [0.01], "force": 12.0, "duration_s": 0.7}
    path = hurried(tmp_path, mug_grasps[0], 1.0, hand=hand, hold_s=0.4)
    (back,) = import_trajectories(world, [path]).grasps
    close = back.close
    assert (close.preshape.tolist(), close.positions.tolist()) == ([0.03], [0.01])
    assert (close.force, close.duration_s, back.hold_s) == (12.0, 0.7, 0.4)


@pytest.mark.parametrize(("commanded", "closed"), [(False, 0.0), (True, 0.02)])
def test_a_measured_finger_does_not_say_where_it_was_sent(
    world, mug_grasps, tmp_path, commanded, closed
):
    grasp = mug_grasps[0]
    stopped = replace(grasp.close, positions=[0.02], preshape=[0.04 if commanded else 0.0403])
    path = hurried(tmp_path, replace(grasp, close=stopped), 1.0, hand={"commanded": commanded})
    (back,) = import_trajectories(world, [path]).grasps
    assert back.close.positions.tolist() == [closed]
    assert back.close.preshape.tolist() == [0.04]  # a sensor may say a bit more than the limit


BASE = {"time": "t", "phases": {"column": "phase"}}
GRIPPER = {"column": "panda_finger_joint1", "open": 0.04, "closed": 0.0}


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ({"time": "t"}, "fast.yaml: document: expected phases or gripper, to know when the hand"),
        ({**BASE, "rate_hz": 20}, "expected either time or rate_hz, got both"),
        ({"phases": {"column": "phase"}}, "expected either time or rate_hz, got neither"),
        ({**BASE, "speed": 2}, "fast.yaml: speed: expected no such key"),
        ({**BASE, "rate_hz": 0}, "rate_hz: expected greater than 0, got 0"),
        ({**BASE, "time": "time"}, "fast.csv: column 'time': expected one of t, panda_joint1, "),
        ({**BASE, "time": 99}, "fast.csv: column 99: expected 0 to 9"),
        ({**BASE, "joints": {"j1": "t"}}, "joints: expected joints of franka, panda_joint1, "),
        ({**BASE, "joints": {"panda_joint1": "q"}}, "fast.csv: column 'q': expected one of t, "),
        ({**BASE, "columns": ["a", "b"]}, "fast.csv: columns: expected 10 names, got 2"),
        ({**BASE, "hand": {"synergy": "bite"}}, "unknown synergy 'bite'"),
        ({**BASE, "hand": {"preshape": [0, 0]}}, "hand.preshape: expected 1 numbers, for panda"),
        ({**BASE, "object_in_base": {"position": [0.5, 0, 0.5]}}, "m above the top; it would"),
        ({**BASE, "object_in_base": {"position": [3, 0, 0]}}, "object pose: expected on the table"),
        ({"time": "t", "phases": {"close": 1.5, "lift": 3}}, "expected whole numbers of rows"),
        ({"time": "t", "phases": {"close": 1}}, "phases: expected close and lift, or column"),
        ({"time": "t", "gripper": {**GRIPPER, "open": 0.0}}, "expected open and closed to differ"),
    ],
)  # fmt: skip
def test_a_wrong_yaml_file_is_refused_with_its_key(world, mug_grasps, tmp_path, layout, message):
    path = hurried(tmp_path, mug_grasps[0], 1.0)
    path.with_suffix(".yaml").write_text(yaml.safe_dump(layout))
    with pytest.raises(DrGraspError) as caught:
        import_trajectories(world, [path])
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ({"phases": {"close": 40, "lift": 50, "hold": 900}}, "got 40 row, 50 row, 900 row"),
        ({"phases": {"close": 0, "lift": 50}}, "at least one row before close and after lift"),
        ({"phases": {"close": 30, "lift": 50}}, "line 32 to line 52: expected the arm to stand"),
        ({"phases": {"column": "t"}}, "expected a phase, approach, close, lift, hold or 0, 1, 2"),
        (
            {"gripper": GRIPPER | {"closed": 1.0}},
            "got it never closed: never past 0.52, the middle of open and closed",
        ),
        ({"gripper": GRIPPER | {"open": 0.2}}, "got it closed in line 2, the first"),
        ({"gripper": {"column": "t", "open": 0.0, "closed": 8.6}}, "got no motion of the arm"),
    ],
)
def test_phases_that_cannot_be_are_refused_with_their_rows(
    world, mug_grasps, tmp_path, layout, message
):
    path = hurried(tmp_path, mug_grasps[0], 1.0)
    path.with_suffix(".yaml").write_text(yaml.safe_dump({"time": "t", **layout}))
    (refused,) = import_trajectories(world, [path]).refused
    assert refused.reason.startswith(f"{path}: ") and message in refused.reason


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: [*lines[:5], lines[5] + ",1", *lines[6:]], "line 6: expected 10 columns"),
        (lambda lines: lines[:1], "expected rows of numbers, got none"),
        (lambda lines: [], "expected rows of numbers, got none"),
        (lambda lines: [lines[0].replace("panda_joint2", "panda_joint1"), *lines[1:]],
         "panda_joint2: expected a column of its name"),
        (lambda lines: [lines[0], '"' + lines[1]], "line 2: expected cells, got"),
    ],
)  # fmt: skip
def test_a_broken_table_is_refused_with_its_line(world, mug_grasps, tmp_path, change, message):
    path = hurried(tmp_path, mug_grasps[0], 1.0)
    path.write_text("\n".join(change(path.read_text().splitlines())))
    with pytest.raises(DrGraspError) as caught:
        import_trajectories(world, [path])
    assert str(caught.value).startswith(f"{path}: ") and message in str(caught.value)


def test_times_that_stand_still_are_refused_with_their_line(world, mug_grasps, tmp_path):
    path = hurried(tmp_path, mug_grasps[0], 1.0)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:3], lines[2], *lines[3:]]))
    (refused,) = import_trajectories(world, [path]).refused
    assert refused.reason == (
        f"{path}: line 4, column t: expected times that increase, got 0.05 s after 0.05 s"
    )


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("x.npy", b"PK", "expected a NumPy file, got other bytes"),
        ("x.npy", b"\x93NUMPY\x01\x00\x10\x00{'descr': 'x'}", "expected a whole NumPy file, got"),
        ("x.npz", b"PK\x03\x04", "expected a whole NumPy file, got"),
        ("x.mat", b"", "expected a file named .csv, .tsv, .txt, .npy, .npz, got 'x.mat'"),
        ("x.csv", b"\xff\xfe1", "expected text in UTF-8, got other bytes"),
    ],
)
def test_a_broken_file_is_refused(world, tmp_path, name, data, message):
    path = tmp_path / name
    path.write_bytes(data)
    (tmp_path / "x.yaml").write_text(yaml.safe_dump({"rate_hz": 20, "phases": {"column": 8}}))
    with pytest.raises(DrGraspError) as caught:
        import_trajectories(world, [path])
    assert str(caught.value).startswith(f"{path}: ") and message in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "more", "message"),
    [
        (np.zeros(5), {}, "expected numbers of shape (rows, columns) or (trajectories, rows, "),
        (np.zeros((3, 9), bool), {}, "got bool of shape (3, 9)"),
        (np.zeros((0, 9)), {}, "expected rows of numbers, got none"),
        (np.zeros((3, 5)), {}, "column 5: expected 0 to 4"),
    ],
)
def test_an_array_of_another_shape_is_refused(world, mug_grasps, tmp_path, rows, more, message):
    path = write(
        tmp_path, "x.npy", rows, mug_grasps[0], rate_hz=20, joints=number_columns(0),
        phases={"column": 8}, **more,
    )  # fmt: skip
    with pytest.raises(DrGraspError) as caught:
        import_trajectories(world, [path])
    assert message in str(caught.value)


def test_an_array_is_chosen_by_name(world, mug_grasps, tmp_path):
    path = zipped(tmp_path, mug_grasps[0])
    beside = path.with_suffix(".yaml")
    content = yaml.safe_load(beside.read_text())
    beside.write_text(yaml.safe_dump(content | {"array": "second"}))
    assert [g.id for g in import_trajectories(world, [path]).grasps] == [
        "franka-mug-trajectories-set"
    ]
    beside.write_text(yaml.safe_dump(content | {"array": "third"}))
    with pytest.raises(DrGraspError, match=r"array 'third': expected one of 'first, second'"):
        import_trajectories(world, [path])
    np.savez(path, second=np.load(path)["second"], fps=20.0)
    beside.write_text(yaml.safe_dump(content))
    with pytest.raises(DrGraspError, match=r"array fps: .*; array in the YAML file says which one"):
        import_trajectories(world, [path])


def test_files_without_a_yaml_file_are_refused(world, mug_grasps, tmp_path):
    path = with_names(tmp_path, mug_grasps[0])
    path.with_suffix(".yaml").unlink()
    with pytest.raises(DrGraspError, match=r"plain\.yaml: cannot be read: No such file"):
        import_trajectories(world, [path])
