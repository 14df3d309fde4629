"""Installs dr_grasp: by pip, and by colcon as an ament_python package."""

from pathlib import Path
from xml.etree import ElementTree

from setuptools import Distribution, find_packages, setup

NAME = "dr_grasp"
NODES = ["executor", "moveit", "recorder", "scorer", "twin"]
# Left by `make robot-pc`. colcon.pkg has colcon obey it when the workspace is sourced.
HOOK = Path(".venv-robot-pc/robot_pc.dsv")
# What package.xml says, pip says: there is one place for it.
PACKAGE = ElementTree.parse(Path(__file__).with_name("package.xml")).getroot()


class WithData(Distribution):
    """Has an editable installation bring the data files, too, so that ROS finds the package."""

    def has_data(self) -> bool:
        """Setuptools asks this, under this name, when it installs what cannot be editable."""
        return self.has_data_files()


def tree(folder: str) -> list[tuple[str, list[str]]]:
    """The files below a folder, for the same folder below share/."""
    files = [p for p in Path(folder).rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    return [
        (f"share/{NAME}/{parent}", sorted(str(p) for p in files if p.parent == parent))
        for parent in sorted({p.parent for p in files})
    ]


setup(
    distclass=WithData,
    name=NAME,
    version=PACKAGE.findtext("version"),
    description=PACKAGE.findtext("description"),
    maintainer=PACKAGE.findtext("maintainer"),
    maintainer_email=PACKAGE.find("maintainer").get("email"),
    license=PACKAGE.findtext("license"),
    python_requires=">=3.10",
    packages=find_packages(include=[NAME, f"{NAME}.*"]),
    package_data={NAME: ["py.typed"], f"{NAME}.report": ["templates/*"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
        *tree("config"),
        *tree("launch"),
        *tree("urdf"),
        *([(f"share/{NAME}/hook", [str(HOOK)])] if HOOK.is_file() else []),
        # ros2 run and ros2 launch look for executables here. As data files they arrive with
        # pip too, which keeps no libexec folder, and leave no program called `twin` on PATH.
        (f"lib/{NAME}", [f"scripts/{node}" for node in NODES]),
    ],
    entry_points={"console_scripts": ["dr-grasp = dr_grasp.cli.start:main"]},
    # Oldest versions that we have seen it work with. colcon reads none of this: on a robot PC
    # package.xml says what to install.
    install_requires=[
        "clarabel>=0.11.1",
        "cma>=4",
        "coacd>=1.0.14",
        "example-robot-data>=4.3",
        "h5py>=3.10",
        "jinja2>=3.1.2",
        "matplotlib>=3.6",
        "mcap>=1.0.2",
        "mujoco[sysid]>=3.17,<5",
        "numpy>=1.26",
        "pycollada>=0.8",
        "pyarrow>=14.0.2",
        "pybullet>=3.2.7",
        "pydantic>=2.5",
        "pyyaml>=6",
        "qpsolvers>=4.13",
        "ribs>=0.8.3",
        "rich>=13.7",
        "rosbags>=0.11.9",
        "scikit-learn>=1.4.1",
        "scipy>=1.11",
        "trimesh>=5.2",
        "typer>=0.16",
        "xacro>=2.0.8",
    ],
    extras_require={
        "cluster": ["distributed>=2026.8"],
        # Engine mujoco-warp. Each release is made for the MuJoCo of the same number.
        "gpu": ["mujoco-warp>=3.17,<5", "warp-lang>=1.15"],
        # Twins in engine sapien.
        "twin": ["sapien>=3.0.3,<4"],
        # Where there is no ROS. dr_grasp_interfaces is built from its folder, beside this file.
        "ros": [
            "ros-rclpy[fastrtps]~=7.1.6",
            "ros-action-msgs~=2.0.3",
            "ros-builtin-interfaces~=2.0.3",
            "ros-diagnostic-msgs~=5.3.6",
            "ros-geometry-msgs~=5.3.6",
            "ros-sensor-msgs~=5.3.6",
            "ros-std-msgs~=5.3.6",
            "ros-trajectory-msgs~=5.3.6",
            "ros-visualization-msgs~=5.3.6",
        ],
        "test": [
            "hypothesis",
            "import-linter",
            "mypy",
            "pytest<8.4",
            "pytest-cov",
            "pytest-xdist",
            "ruff",
        ],
    },
    zip_safe=False,
)
