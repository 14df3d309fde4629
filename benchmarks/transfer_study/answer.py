"""Which predictor tells the truth about each arm on each twin, and which on all of them."""

from __future__ import annotations

from collections.abc import Sequence

from dr_grasp.cli.console import print_table
from dr_grasp.transfer import bootstrap
from dr_grasp.transfer.attempt_dataset import read_folder
from dr_grasp.transfer.clustered import eta_of
from dr_grasp.transfer.comparison import TriedGrasps, estimate
from dr_grasp.transfer.grasp_tally import tally_grasps
from dr_grasp.transfer.statistics import Estimate
from transfer_study.evidence import (
    DEFAULT,
    MODEL,
    Evidence,
    groups_of,
    mean_cpu_s,
)
from transfer_study.optimised import KINDS
from transfer_study.plan import LABORATORIES, Plan, bag_name


def print_answer(plan: Plan, evidence: Sequence[Evidence]) -> None:
    """Print a table for each arm and twin, one for all of them, and the best of each."""
    for twin in plan.twins:
        groups = groups_of(evidence, [twin])
        for arm, group in groups.items():
            _print(f"{arm} on twin {twin}", [group], [one for one in evidence if one.arm == arm])
        _print(f"all arms on twin {twin}", [*groups.values()], evidence)
    if len(plan.twins) > 1:
        groups = groups_of(evidence, plan.twins)
        _print("all arms, attempts on all twins together", [*groups.values()], evidence)


def _print(title: str, groups: Sequence[TriedGrasps], evidence: Sequence[Evidence]) -> None:
    costs = mean_cpu_s(evidence)
    costs[MODEL] = sum(
        cost for name, cost in costs.items() if not name.endswith((" mean", " min", "_gap"))
    )
    held = sum(float(group.held.sum()) for group in groups)
    attempts = sum(float(group.attempts.sum()) for group in groups)
    tried = f"{len(evidence)} grasps, {attempts:,.0f} attempts, eta {held / attempts:.2f}"
    print(f"\n{title}: {tried}")
    rows = []
    for name in groups[0].predicted:
        against = None if name == DEFAULT else DEFAULT
        rho, auc = (estimate(groups, kind, name) for kind in (bootstrap.rho, bootstrap.auc))
        more = ["", ""]
        if against is not None:
            kinds = (bootstrap.rho, bootstrap.auc)
            more = [text(estimate(groups, kind, name, against), "+") for kind in kinds]
        rows.append([name, text(rho), text(auc), *more, f"{costs.get(name, 0.0):.2f}"])
    rows.sort(key=lambda row: row[2], reverse=True)
    print_table(["predictor", "rho", "AUC", f"rho - {DEFAULT}", f"AUC - {DEFAULT}", "CPU s"], rows)


def text(found: Estimate, sign: str = "") -> str:
    """A number with its interval; with the sign "+", signs are shown."""
    if found.value is None:
        return "cannot be said"
    value = f"{found.value:{sign}.2f}"
    if found.low is None or found.high is None:
        return value
    return f"{value} [{found.low:{sign}.2f}, {found.high:{sign}.2f}]"


def print_optimised(plan: Plan) -> None:
    """Print the eta of grasps that were optimised, where all of them were tried."""
    rows = []
    for kind in KINDS:
        for twin in plan.twins:
            row = [kind, twin]
            for arm in plan.arms:
                bags = [
                    plan.folder(arm, obj) / f"optimised_{kind}" / bag_name(twin, laboratory)
                    for obj in plan.objects
                    for laboratory in LABORATORIES
                ]
                if not all(bag.exists() for bag in bags):
                    row.append("not tried")
                    continue
                eta = eta_of(tally_grasps(tried for bag in bags for tried in read_folder(bag).rows))
                row.append("cannot be said" if eta is None else text(Estimate.of_eta(eta)))
            rows.append(row)
    print("\neta of grasps optimised for MDR:")
    print_table(["must hold in", "twin", *plan.arms], rows)
