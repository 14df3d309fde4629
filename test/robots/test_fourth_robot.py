"""A robot that we never heard of, a Kuka iiwa with a WSG 50, is a file and a model: no Python."""

import numpy as np
import pytest

from dr_grasp.common import resources
from dr_grasp.common.resources import resolve_uri
from dr_grasp.core.outcome import Outcome
from dr_grasp.generation.sampler import generate
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.scoring.request import ScoreRequest
from dr_grasp.scoring.scorer import Scorer
from dr_grasp.twin.twin_backend import TwinBackend
from dr_grasp.twin.twin_profile import load_twin_profile

YAML = """
description: Kuka LBR iiwa with the WSG 50 gripper
urdf: kuka_wsg50.urdf
base_link: lbr_iiwa_link_0
arm:
  joints: [lbr_iiwa_joint_1, lbr_iiwa_joint_2, lbr_iiwa_joint_3, lbr_iiwa_joint_4,
           lbr_iiwa_joint_5, lbr_iiwa_joint_6, lbr_iiwa_joint_7]
  home: [0.0, 0.6, 0.0, -1.4, 0.0, 1.14, 0.0]
hand:
  joints: [left_finger_joint]
  force: 30.0
  close_duration_s: 0.6
  tcp_link: wsg50_tcp
  links: [wsg50, left_finger, right_finger]
  friction: 1.0
  synergies:
    pinch:
      open: [0.0]
      closed: [0.05]
      reach_m: 0.01
      approach_axis: [0.0, 0.0, 1.0]
      closing_axis: [1.0, 0.0, 0.0]
      largest_width_m: 0.1
table: {center_xy: [0.6, 0.0], size: [0.7, 1.2, 0.05], top_z: 0.0}
object_xy: [0.55, 0.0]
"""

FINGER = """
<link name="{side}_finger">
  <inertial><mass value="0.1"/><origin xyz="0 0 0.05"/>
    <inertia ixx="1e-4" iyy="1e-4" izz="2e-5" ixy="0" ixz="0" iyz="0"/></inertial>
  <collision><origin xyz="{offset} 0 0.05"/><geometry><box size="0.01 0.02 0.1"/></geometry>
  </collision>
</link>
<joint name="{side}_finger_joint" type="prismatic">
  <origin xyz="{start} 0 0.09"/><axis xyz="{axis} 0 0"/>
  <parent link="wsg50"/><child link="{side}_finger"/>
  <limit lower="0" upper="0.05" velocity="0.21" effort="40"/>{mimic}
</joint>
"""

GRIPPER = """
<link name="wsg50">
  <inertial><mass value="1.2"/><origin xyz="0 0 0.05"/>
    <inertia ixx="3e-3" iyy="3e-3" izz="1e-3" ixy="0" ixz="0" iyz="0"/></inertial>
  <collision><geometry><mesh filename="pybullet_data://gripper/meshes/WSG50_110.stl"/></geometry>
  </collision>
</link>
<joint name="mount" type="fixed"><origin xyz="0 0 0.05"/>
  <parent link="lbr_iiwa_link_7"/><child link="wsg50"/></joint>
<link name="wsg50_tcp"/>
<joint name="tcp" type="fixed"><origin xyz="0 0 0.18"/>
  <parent link="wsg50"/><child link="wsg50_tcp"/></joint>
"""


def kuka_with_gripper():
    arm = resolve_uri("pybullet_data://kuka_iiwa/model.urdf").read_text()
    arm = arm.replace('filename="meshes/', 'filename="pybullet_data://kuka_iiwa/meshes/')
    left = FINGER.format(side="left", offset=-0.005, start=-0.05, axis=1, mimic="")
    right = FINGER.format(
        side="right", offset=0.005, start=0.05, axis=-1, mimic='<mimic joint="left_finger_joint"/>'
    )
    return arm.replace("</robot>", GRIPPER + left + right + "</robot>")


@pytest.fixture
def kuka(tmp_path, monkeypatch):
    robots = tmp_path / "robots"
    robots.mkdir()
    (robots / "kuka_wsg50.yaml").write_text(YAML)
    (robots / "kuka_wsg50.urdf").write_text(kuka_with_gripper())
    monkeypatch.setenv("DR_GRASP_CONFIG", str(tmp_path))
    yield load_robot("kuka_wsg50")
    load_robot.cache_clear()


def test_it_grasps_in_both_engines(kuka):
    assert "kuka_wsg50" in resources.config_names("robots")
    assert len(kuka.arm_limits) == 7 and kuka.hand_limits[0].upper == 0.05
    grasps = generate("kuka_wsg50", "procedural_000", 2, 0)
    for grasp in grasps:
        assert np.isfinite(grasp.approach.positions).all()
    with Scorer(jobs=1) as scorer:
        scores = scorer.score(grasps, ScoreRequest.from_names("default", ["fdr"], 4, 0)).scores
    assert [score.nominal_outcome for score in scores] == [Outcome.SUCCESS] * 2
    with TwinBackend(kuka, load_twin_profile("default")) as twin:
        attempts = [
            twin.attempt(one, None, seed=0, attempt_index=i) for i, one in enumerate(grasps)
        ]
    assert Outcome.SUCCESS in [attempt.outcome for attempt in attempts]
    assert {a.outcome for a in attempts} <= {
        Outcome.SUCCESS,
        Outcome.DROPPED_LIFTING,
        Outcome.DROPPED_HOLDING,
        Outcome.SLIPPED_CLOSING,
    }
