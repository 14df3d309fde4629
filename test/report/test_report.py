"""The page: what it says, in words where numbers are lacking."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dr_grasp.core.adr import Boundary
from dr_grasp.core.collisions import Collision
from dr_grasp.core.doubt import Doubt
from dr_grasp.core.engine import Engine
from dr_grasp.core.margin import Count, GraspMargins, Margin
from dr_grasp.core.metric import Metric
from dr_grasp.core.outcome import LinkPair, Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.errors import DrGraspError, FileFormatError, ModelError, UnknownNameError
from dr_grasp.recording.bag_files import LeftOut
from dr_grasp.recording.bag_writer import BagWriter
from dr_grasp.report import tables
from dr_grasp.report.findings import findings_of
from dr_grasp.report.tables import shortened
from dr_grasp.report.wording import estimate_text, points_text, with_interval
from dr_grasp.report.writer import write_report
from dr_grasp.transfer.attempt_dataset import UnreadBag, read_folder


@pytest.fixture
def page_of(tmp_path, dataset_of):
    """Writes a report on rows; gives its text."""

    def page_of(rows, path=None, changes=None, **options):
        out = path or tmp_path / "report.html"
        write_report(out, dataset_of(rows, **(changes or {})), made_ns=10**18, **options)
        return out.read_text(encoding="utf-8")

    return page_of


def words(page):
    """What is written on a page."""
    body = re.sub(r"<(style|svg|title).*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", body).replace("&nbsp;", " ").split())


def test_it_says_what_was_computed(page_of, many_rows, headings):
    rows = many_rows(300)
    page, found = page_of(rows), findings_of(rows)
    said = words(page)
    for heading in headings:
        assert heading in said
    eta = with_interval(found.eta.value, found.eta.interval).partition(" ")[2].replace("\xa0", " ")
    assert (
        f"{found.eta.value:.2f} eta, the share that held {eta}, over 60 grasps, 300 attempts"
        in said
    )
    assert "300 attempts 60 grasps 2 robots 3 objects" in said
    for one in found.criteria:
        for text in (estimate_text(one.rho), estimate_text(one.auc), points_text(one.gain)):
            assert " ".join(text.split()) in said
    for group in (*found.groups["robot"], *found.groups["method"], *found.groups["object"]):
        eta = with_interval(group.eta.value, group.eta.interval)
        assert f"{group.name} {eta}".replace("\xa0", " ") in said
        assert f"{group.eta.held} of {group.eta.attempts} attempts" in said
    training = found.calibration.model.training
    assert f"calibrated model {training.model.brier:.3f} {training.model.log_loss:.3f}" in said
    assert "300 attempts, cross-validated by object" in said
    assert "Cannot be said" not in said and "cannot be said" not in said
    assert page.count('class="panel"') == 6 + 4 * (2 + 2 + 3)
    assert "Grasps with a higher MDR held more often" in said
    rho, auc = found.criteria[-1].rho, found.criteria[-1].auc
    for number, place in ((auc.value, auc.value), (rho.value, (rho.value + 1) / 2)):
        assert f'<circle class="dot" cx="{2 + 96 * place:.2f}%"' in page, number


def test_metrics_come_after_the_criteria_if_there_are_any(page_of, many_rows):
    rows = many_rows(300)
    assert "Other numbers" not in words(page_of(rows))
    measured = [
        replace(one, metrics={Metric.TUG: 1 + one.fitness[Criterion.MDR].value}) for one in rows
    ]
    for one in measured[::7]:
        one.metrics[Metric.COM_DISTANCE] = 0.02
    found = findings_of(measured)
    assert [one.predictor for one in found.metrics] == [Metric.TUG, Metric.COM_DISTANCE]
    assert [one.predictor for one in found.by_robot["franka"]] == [
        *Criterion,
        Metric.TUG,
        Metric.COM_DISTANCE,
    ]
    said = words(page_of(measured))
    assert said.count("com distance (less is better)") == 4  # rho, AUC, robot by robot, gain
    tug, mdr = found.metrics[0], found.criteria[-1]
    assert (tug.rho, tug.auc, tug.gain) == (mdr.rho, mdr.auc, mdr.gain)
    assert said.count(f"tug {' '.join(estimate_text(tug.auc).split())} 300 attempts") == 1
    assert said.index("Spearman's rho OSDR") < said.index("Other numbers")


def test_ten_attempts_say_what_cannot_be_said_yet(page_of, many_rows, headings):
    said = words(page_of(many_rows(10, per_grasp=1)))
    for heading in headings:
        assert heading in said
    assert "for a probability Cannot be said yet: 10 attempts have it; at least 30 are" in said
    assert "Calibrated model Cannot be said yet: expected at least 30 attempts" in said


@pytest.mark.parametrize("number", [1, 9])
def test_fewer_say_so_too(page_of, many_rows, number):
    page = page_of(many_rows(number, per_grasp=1))
    said = words(page)
    has = "9 attempts have" if number == 9 else "1 attempt has"
    assert said.count(f"Cannot be said yet of any of them: {has} it; at least 10 are needed.") == 3
    assert f"cannot be said yet: {has} it; at least 10 are needed." in said
    assert 'class="panel"' not in page


def test_without_scores_it_says_so(page_of, many_rows):
    rows = [replace(one, fitness={}, failures={}) for one in many_rows(20)]
    said = words(page_of(rows))
    assert "No attempt has a score: nothing can be said of any fitness." in said
    assert "no attempt has it; at least 10 are needed" in said
    assert "Which grasps surprise? Cannot be said yet: no attempt has a score." in said


def test_attempts_that_say_nothing_are_counted_and_left_out(page_of, many_rows):
    rows = many_rows(20)
    rows[:3] = [replace(one, outcome=Outcome.PLAN_FAILED) for one in rows[:3]]
    said = words(page_of(rows))
    assert "17 attempts of 20 say something of a grasp" in said
    assert "are left out plan failed: 3" in said
    said = words(page_of([replace(one, outcome=Outcome.CANCELLED) for one in rows]))
    assert "0 attempts of 20 say something" in said
    assert "Where does it hold?" in said and "no attempt says anything of its grasp" in said


def test_no_attempts_at_all_are_refused(dataset_of, tmp_path, row):
    with pytest.raises(DrGraspError, match="expected bags with attempts, got none with any"):
        write_report(tmp_path / "r.html", dataset_of([]))
    with pytest.raises(UnknownNameError, match="unknown backend 'arm'"):
        write_report(tmp_path / "r.html", dataset_of([row()]), backend="arm")
    assert not (tmp_path / "r.html").exists()
    with pytest.raises(FileFormatError, match="cannot be written"):
        write_report(tmp_path / "absent" / "r.html", dataset_of([row()]))


def test_what_a_models_user_should_know_is_said(page_of, many_rows):
    rows = many_rows(105)
    rows = [
        replace(one, fitness={Criterion.MDR: one.fitness[Criterion.MDR]}) for one in rows[:5]
    ] + rows[5:]
    assert "Less is better. 1 of 21 grasps are left out: they lack osdr or" in words(page_of(rows))


def test_eta_against_each_fitness_is_shown_for_each_robot_method_and_object(page_of, many_rows):
    page = page_of(many_rows(120))
    for title, names in (
        ("Robot by robot", ("baxter", "franka")),
        ("Method by method", ("me-fit", "sampler")),
        ("Object by object", ("object_000", "object_001", "object_002")),
    ):
        group = page.partition(f"<summary>{title}</summary>\n    <h3>")[2].partition("</details>")[
            0
        ]
        assert group.count("<svg") == 4 * len(names)
        assert all(name in group for name in names)
        tried = sum(int(n) for n in re.findall(r"<figcaption>(\d+) attempts", group))
        assert tried == 4 * 120  # each attempt once for each fitness
    alike = [
        replace(row, robot="r", method="m", fitness={Criterion.MDR: row.fitness[Criterion.MDR]})
        for row in many_rows(200)
    ]
    alone = page_of([replace(row, object="o") for row in alike])
    assert "Method by method" not in alone and "Object by object" not in alone
    many = [replace(row, object=f"{n % 20:03d}") for n, row in enumerate(alike)]
    assert "And 8 more, with fewer attempts." in words(page_of(many))


def test_only_one_backend_is_looked_at_if_asked(page_of, many_rows):
    rows = many_rows(40)
    rows = [replace(one, backend="ros") if n < 15 else one for n, one in enumerate(rows)]
    said = words(page_of(rows, backend="twin"))
    assert "25 attempts" in said and "Only what twin executed; 15 other attempts." in said
    both = words(page_of(rows))
    assert "Only what" not in both
    assert "By what executed it twin" in both and "executed by" in both.lower()


def test_engines_are_named_and_not_mixed_in_silence(page_of, many_rows):
    rows = many_rows(60)
    assert "Engines of the scores bullet" in words(page_of(rows))
    assert "The scores are of several engines" not in words(page_of(rows))
    mixed = [replace(one, engine=Engine.MUJOCO) if n < 40 else one for n, one in enumerate(rows)]
    said = words(page_of(mixed))
    assert "The scores are of several engines: bullet (20 attempts), mujoco (40 attempts)." in said
    assert "expected scores of one engine" in said  # in place of a calibrated model
    only = words(page_of(mixed, engine="mujoco", backend="twin"))
    assert "Only what twin executed and what mujoco scored; 20 other attempts." in only
    assert "Engines of the scores mujoco" in only and "several engines" not in only


def test_a_twin_that_judges_scores_of_its_own_engine_is_told(page_of, many_rows):
    rows = [replace(one, engine=Engine.MUJOCO_WARP) for one in many_rows(60)]
    other = words(page_of([replace(one, backend_engine="sapien") for one in rows]))
    assert "Engines of the twin sapien" in other and "ran on a twin in" not in other
    same = [
        replace(one, backend_engine="mujoco" if n < 40 else "sapien") for n, one in enumerate(rows)
    ]
    said = words(page_of(same))
    assert "40 attempts ran on a twin in mujoco, where the scores were made, too." in said
    assert "Engines of the twin mujoco, sapien" in said
    assert "By what executed it" in said and "By what executed it" not in other
    found = {group.name: group.eta.attempts for group in findings_of(same).groups["backend"]}
    assert found == {"twin in mujoco": 40, "twin in sapien": 20}


def test_failures_predicted_and_real_side_by_side(page_of, row):
    rows = [row(f"a{n}", 0.5, Outcome.MISSED, grasp_id=f"g{n}") for n in range(3)]
    page = page_of([*rows, row("a9", 0.5, Outcome.SELF_COLLISION, grasp_id="g9")])
    said = words(page)
    assert "dropped lifting 100 % predicted, 0 % real 400 rollouts, 0 attempts" in said
    assert "missed 0 % predicted, 75 % real 0 rollouts, 3 attempts" in said
    assert "self collision 0 % predicted, 25 % real 0 rollouts, 1 attempt" in said
    links = Collision(Criterion.MDR, Outcome.SELF_COLLISION, LinkPair("elbow", "hand"), 4)
    linked = [replace(one, collisions=(links,)) for one in rows]
    said = words(page_of([*linked, row("a9", 0.5, Outcome.SELF_COLLISION, grasp_id="g9")]))
    assert "0 rollouts, 1 attempt; most often elbow with hand (12 of 12)" in said
    widths = [
        re.findall(rf'class="{kind}" width="([^"]*)"', page) for kind in ("predicted", "real")
    ]
    assert widths == [["100.00%", "0.00%", "0.00%"], ["0.00%", "75.00%", "25.00%"]]


def test_everything_that_users_name_is_escaped(page_of, many_rows):
    evil = "<script>alert('x')</script>\"&"
    names = ("bag", "robot", "object", "method", "backend", "reason", "said_by", "profile")
    rows = [
        replace(one, **dict.fromkeys(names, evil), scored_by=evil, grasp_id=f"{evil}{one.grasp_id}")
        for one in many_rows(60)
    ]
    rows[0] = replace(rows[0], outcome=Outcome.MISSED, robot="<b>other</b>")
    causes = {one.trajectory: [evil] for one in rows}
    changes = {"unread": (UnreadBag(evil, evil),), "folder": Path("<script>")}
    page = page_of(rows, changes=changes, causes=causes)
    assert "<script" not in page and "<b>other" not in page
    assert page.count("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#34;&amp;") > 10


def test_it_needs_nothing_but_itself(page_of, many_rows):
    page = page_of(many_rows(40))
    assert not re.search(r"https?:|//[a-z]|url\(|@import|<script|<iframe|<form", page)
    assert set(re.findall(r'(?:src|href)="([^#][^"]{0,12})', page)) <= {"data:,"}
    assert page.count("<style>") == 1
    assert "default-src 'none'" in page


def test_the_same_rows_give_the_same_page(page_of, many_rows):
    rows = many_rows(40)
    assert page_of(rows) == page_of(rows)


def surprising(row):
    """Of 12 grasps, one is fit and fails, one is not and holds."""
    rows = []
    for grasp in range(12):
        mdr = (0.02, 0.5, 0.98)[grasp % 3]
        for index in range(4):
            held = index % 2 == 0 if mdr == 0.5 else mdr > 0.5
            if grasp in (0, 2):
                held = not held
            outcome = Outcome.SUCCESS if held else Outcome.DROPPED_HOLDING
            rows.append(
                row(f"a{grasp}-{index}", mdr, outcome, grasp_id=f"g{grasp}", stamp_ns=index)
            )
    return rows


def test_the_most_surprising_grasps_are_shown(page_of, row):
    found = findings_of(surprising(row))
    assert found.surprise_criterion is Criterion.MDR
    assert [surprise.row.grasp_id for surprise in found.failed] == ["g2"]
    assert [surprise.row.grasp_id for surprise in found.held] == ["g0"]
    assert found.failed[0].row.attempt_id == "a2-3"
    said = words(page_of(surprising(row)))
    assert "High fitness, and failed g2 franka, mug MDR 0.98 [0.90, 1.00], held 0 of 4" in said
    assert "dropped holding: as it was Low fitness, and held g0" in said


def test_at_most_four_of_each_surprise(many_rows):
    rows = [
        replace(one, outcome=Outcome.MISSED) if one.fitness[Criterion.MDR].value > 0.5 else one
        for one in many_rows(200)
    ]
    found = findings_of(rows)
    assert len(found.failed) == 4
    gaps = [surprise.fitness.value - surprise.tally.eta.value for surprise in found.failed]
    assert gaps == sorted(gaps, reverse=True)


@pytest.fixture
def session(tmp_path, samples, row):
    """A bag of attempts, some of them of the surprising grasps."""
    grasps = {}
    with BagWriter(tmp_path / "session" / "bag") as writer:
        for one in surprising(row)[:12]:
            score = samples.score(one.grasp_id, fitness=one.fitness, failures=one.failures)
            grasp = grasps.setdefault(one.grasp_id, samples.grasp(one.grasp_id))
            writer.write_attempt(
                samples.attempt(one.attempt_id, grasp=grasp, score=score, outcome=one.outcome)
            )
    return read_folder(tmp_path / "session")


def test_pictures_are_drawn_of_what_was_executed(session, tmp_path):
    drawn = []

    def draw(grasp):
        drawn.append(grasp.id)
        return np.full((30, 40, 3), 128, np.uint8)

    write_report(tmp_path / "r.html", session, draw=draw)
    page = (tmp_path / "r.html").read_text()
    assert sorted(drawn) == ["g0", "g2"]
    assert page.count('src="data:image/jpeg;base64,') == 2
    drawn.clear()
    write_report(tmp_path / "r.html", session, draw=draw, pictures=1)
    assert drawn == ["g2"]
    write_report(tmp_path / "r.html", session)
    assert "data:image" not in (tmp_path / "r.html").read_text()


def test_what_cannot_be_drawn_is_said(session, tmp_path):
    def draw(grasp):
        raise ModelError(f"no model of {grasp.object}")

    write_report(tmp_path / "r.html", session, draw=draw)
    assert words((tmp_path / "r.html").read_text()).count("no picture: no model of mug") == 2
    for file in (tmp_path / "session" / "bag").iterdir():
        file.unlink()
    write_report(tmp_path / "r.html", session, draw=draw)
    assert "no picture: " in words((tmp_path / "r.html").read_text())


def test_causes_are_counted_with_an_example_of_each(page_of, row):
    causes = {"t0": ["friction"], "t2": ["friction", "inertia"], "t1": []}
    rows = [replace(one, trajectory=one.grasp_id.replace("g", "t")) for one in surprising(row)]
    said = words(page_of(rows, causes=causes))
    assert "friction 0.50 [0.01, 0.99] 4 of 8 attempts, 2 grasps" in said
    assert said.count("for example g2 of mug: held 0 of 4") == 1
    assert "for example g0 of mug: held 4 of 4" in said  # the other one is shown already
    assert "inertia 0.00 [0.00, 0.97] 0 of 4 attempts, 1 grasp" in said
    assert "none of them" in said and "not diagnosed" in said
    assert "Which doubt breaks them?" not in words(page_of(surprising(row)))


def test_each_cause_is_shown_by_an_example(session, tmp_path):
    drawn = []

    def draw(grasp):
        drawn.append(grasp.id)
        return np.zeros((30, 40, 3), np.uint8)

    of_grasp = {"g0": ["friction"], "g1": ["contact"], "g2": ["inertia"]}
    causes = {one.trajectory: of_grasp[one.grasp_id] for one in session.rows}
    write_report(tmp_path / "r.html", session, draw=draw, causes=causes)
    page = (tmp_path / "r.html").read_text()
    assert sorted(drawn) == ["g0", "g1", "g2"]
    assert page.count("<img ") == 5  # two of them twice: they surprise as well
    assert re.search(r"<img [^>]*replay of g1.>\s*<figcaption><b>contact</b><br>g1", page)


def margins_of(name, trajectory, y):
    """Bears so much in y, and every joint error."""
    found = (
        Margin(Boundary(Doubt.Y, True), y, Count(5, 5), 2 * y, Count(0, 3)),
        Margin(Boundary(Doubt.JOINTS, True), 0.08, Count(5, 5)),
    )
    return GraspMargins(name, trajectory, Outcome.SUCCESS, Count(5, 5), found)


def test_margins_are_drawn_the_widest_first(page_of, row):
    rows = [replace(one, trajectory=one.grasp_id.replace("g", "t")) for one in surprising(row)]
    assert "How far may things be off?" not in words(page_of(rows))
    measured = {f"t{number}": margins_of(f"g{number}", f"t{number}", y)
                for number, y in ((0, 0.012), (2, 0.024), (77, 0.03))}  # fmt: skip
    measured["t1"] = GraspMargins("g1", "t1", Outcome.MISSED)
    page = page_of(rows, margins=measured)
    said = words(page)
    places = [said.index(text) for text in (
        "g2 : held 0 of 4 attempts loses it at 48 mm in y",
        "g0 : held 4 of 4 attempts loses it at 24 mm in y",
        "g1 : held 2 of 4 attempts fails undisturbed: missed",
    )]  # fmt: skip
    assert places == sorted(places) and "g77" not in said
    assert page.count('aria-label="Margins of ') == 2
    assert "<title>object along y: bears 24 mm, loses 48 mm</title>" in page
    assert "<title>joint error: bears 4.6 deg, the farthest tried</title>" in page
    # 24 of 60 mm are 40 % of a half bar of 49.
    assert '<rect class="borne" x="200.0" y="8" width="19.6" height="10"/>' in page
    none = words(page_of(rows, margins={"t77": measured["t77"]}))
    assert "Cannot be said yet: no attempt is of a grasp whose margins were measured" in none


def test_of_many_margins_the_widest_and_the_narrowest_are_drawn(page_of, many_rows, monkeypatch):
    monkeypatch.setattr(tables, "MOST_MARGINS", 4)
    rows = [replace(one, trajectory=one.grasp_id) for one in many_rows(40)]
    names = sorted({one.grasp_id for one in rows})
    measured = {name: margins_of(name, name, 0.002 * n) for n, name in enumerate(names, 1)}
    page = page_of(rows, margins=measured)
    drawn = re.findall('aria-label="Margins of (.*?)"', page)
    assert drawn == [names[-1], names[-2], names[1], names[0]]
    assert f"The 2 widest and narrowest of {len(names)}." in words(page)


def test_probabilities_that_scores_had_are_held_against_what_happened(page_of, many_rows):
    rows = [replace(one, transfer_probability=0.7) for one in many_rows(40)]
    assert "Probability in the scores 40 attempts, said before" in words(page_of(rows))
    said = words(page_of(rows[:20]))
    assert "Probability in the scores Cannot be said yet: 20 attempts have it" in said


def test_bags_that_could_not_be_read_are_on_the_page(page_of, many_rows):
    unread = (UnreadBag("day2", "day2: cannot be read: broken"),)
    left_out = (LeftOut(Path("b/old.bag"), "a bag of ROS 1", True), LeftOut(Path("b/a"), "no bag"))
    said = words(page_of(many_rows(20), changes={"unread": unread, "left_out": left_out}))
    assert "b/old.bag was not read: a bag of ROS 1" in said and "b/a" not in said
    assert "1 bag could not be read and is left out of all that follows" in said
    assert "day2: cannot be read: broken" in said


def test_many_attempts_are_a_page_of_moderate_size(page_of, many_rows):
    page = page_of(many_rows(20_000))
    assert len(page) < 1_000_000
    assert "20,000 attempts 4,000 grasps" in words(page)


def test_many_objects_are_summed_up(many_rows):
    groups = findings_of(many_rows(400, objects=70)).groups["object"]
    *shown, rest = shortened(groups)
    assert shown == [*groups[:20]] and rest.name == "50 more, with fewer attempts"
    assert rest.grasps + sum(group.grasps for group in shown) == 80
    assert rest.eta.attempts + sum(group.eta.attempts for group in shown) == 400
