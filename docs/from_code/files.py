"""Reference of the files that `dr-grasp` writes and reads, from the classes that read them."""

from __future__ import annotations

from dr_grasp.core.collisions import Collision
from dr_grasp.core.diagnosis import Diagnosis
from dr_grasp.core.fitness import Fitness, GraspScore, RefusedGrasp, Selection
from dr_grasp.core.geometry import Pose
from dr_grasp.core.margin import Count, GraspMargins, JointRanges, Margin
from dr_grasp.core.trajectory import GraspTrajectory, HandClose, Waypoints
from dr_grasp.formats import (
    collision_records,
    diagnosis_file,
    grasp_file,
    margin_records,
    margins_file,
    score_file,
    score_records,
)
from dr_grasp.generation.importers import pose_list
from dr_grasp.transfer import model_terms, transfer_model
from from_code.schemas import keys_table
from from_code.settings import Sections, sections

GRASPS: Sections = {
    "": (grasp_file.GraspFileRecord,),
    "of each grasp": (grasp_file.GraspRecord, GraspTrajectory),
    "`object_in_base`": (grasp_file.PoseRecord, Pose),
    "`approach` and `lift`": (grasp_file.WaypointsRecord, Waypoints),
    "`close`": (grasp_file.CloseRecord, HandClose),
}
SCORES: Sections = {
    "": (score_records.ScoreFileRecord, score_file.ScoreFile),
    "of each score": (score_records.ScoreRecord, GraspScore),
    "each of `fitness`": (score_records.FitnessRecord, Fitness),
    "each of `collisions`": (collision_records.CollisionRecord, Collision),
    "each of `refused`": (score_records.RefusalRecord, RefusedGrasp),
    "`selection`": (score_records.SelectionRecord, Selection),
}
DIAGNOSIS: Sections = {
    "": (diagnosis_file.DiagnosisFileRecord, diagnosis_file.DiagnosisFile),
    "of each diagnosis": (diagnosis_file.DiagnosisRecord, Diagnosis),
}
MARGINS: Sections = {
    "": (margins_file.MarginsFileRecord, margins_file.MarginsFile),
    "`measured_with`": (margins_file.MeasuredWith,),
    "of each grasp": (margin_records.GraspMarginsRecord, GraspMargins),
    "each of `margins`": (margin_records.MarginRecord, Margin),
    "`background`, `held` and `lost`": (margin_records.CountRecord, Count),
    "`joint`": (margin_records.JointRecord, JointRanges),
}
TRANSFER_MODEL: Sections = {
    "": (transfer_model.TransferModel,),
    "`steps`": (model_terms.Steps,),
    "each of `metrics`": (model_terms.MetricTerm,),
    "`training`": (transfer_model.Training,),
    "each loss of `training`": (transfer_model.Loss,),
}
POSES: Sections = {
    "": (pose_list.PoseFileRecord,),
    "of each grasp": (pose_list.PoseGraspRecord,),
}

FILES = {
    "grasps": GRASPS,
    "scores": SCORES,
    "diagnosis": DIAGNOSIS,
    "margins": MARGINS,
    "transfer_model": TRANSFER_MODEL,
    "poses": POSES,
}


def keys(name: str) -> str:
    """The tables of one of `FILES`, a section each."""
    lines = []
    for place, found in sections(FILES[name]).items():
        if place:
            lines.append(f"Keys {'of ' * (not place.startswith('of '))}{place}:\n")
        lines.append(keys_table(found))
    return "\n".join(lines)
