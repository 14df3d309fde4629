"""Draws docs/arms.png: each arm at the end of the hold of a grasp, in PyBullet.

Run from the root of a checkout: python docs/draw_arms.py
"""

from pathlib import Path

from matplotlib.figure import Figure

from dr_grasp.generation.sampler import generate
from dr_grasp.simulation.pictures import picture_of

SHOWN = (
    ("franka", "procedural_001", 0, 1),
    ("baxter", "mug", 0, 1),
    ("ur5_schunk_sih", "cylinder", 3, 3),
)
"""Robot, object, seed, and which of the grasps found under it: those that show the hand well."""

figure = Figure(figsize=(15.0, 5.4), layout="constrained")
for column, (robot, obj, seed, number) in enumerate(SHOWN, 1):
    axes = figure.add_subplot(1, len(SHOWN), column)
    grasp = generate(robot, obj, number, seed)[-1]
    axes.imshow(picture_of(grasp, 1100, 900)[130:730, 330:930])
    axes.set_axis_off()
    axes.set_title(f"{robot}, {obj}", fontsize=13)
figure.savefig(Path(__file__).parent / "arms.png", dpi=80)
