"""SROS 2: writes policies for our nodes, and says how to start a node with them; without ROS.

The enclave of a node, with the node's keys and permissions, is called like the node: /lab/scorer.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from dr_grasp.common.resources import share_directory
from dr_grasp.errors import SettingsError
from dr_grasp.robots.robot_spec import RobotSpec

ENDING = ".policy.xml"

FILES = (
    "cert.pem",
    "key.pem",
    "identity_ca.cert.pem",
    "permissions_ca.cert.pem",
    "governance.p7s",
    "permissions.p7s",
)
"""Files of an enclave that a node needs (`get_security_files` in ROS 2's rmw_dds_common)."""


def enclave(namespace: str, node: str) -> str:
    """Name of the enclave of a node; `namespace` has no slashes at its ends."""
    return f"/{namespace}/{node}" if namespace else f"/{node}"


def policies(namespace: str, robot: RobotSpec) -> str:
    """Make one policy file for all our nodes, from the files in config/security.

    Args:
        namespace: ROS namespace of the nodes, without slashes at its ends.
        robot: The robot, whose file names the actions of its controllers.

    Returns:
        The text of the file, for `ros2 security`.
    """
    whole = ElementTree.Element("policy", version="0.2.0")
    enclaves = ElementTree.SubElement(whole, "enclaves")
    actions = _controller_actions(robot)
    for file in sorted((share_directory() / "config" / "security").glob(f"*{ENDING}")):
        for found in ElementTree.parse(file).iterfind("enclaves/enclave"):
            found.set("path", enclave(namespace, found.get("path", "").strip("/")))
            for profile in found.iterfind("profiles/profile"):
                # Names without a slash at their beginning are below this namespace.
                profile.set("ns", f"/{namespace}")
                _name_controllers(profile, actions)
            enclaves.append(found)
    ElementTree.indent(whole)
    text = ElementTree.tostring(whole, encoding="unicode", xml_declaration=False)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _controller_actions(robot: RobotSpec) -> dict[str, tuple[str, ...]]:
    """Names of actions by the words that stand for them in our files; none without controllers."""
    if robot.hardware is None:
        return {"{arm}": (), "{hand}": ()}
    controllers = robot.hardware.controllers
    return {"{arm}": (controllers.arm,), "{hand}": controllers.hand.actions}


def _name_controllers(profile: ElementTree.Element, actions: dict[str, tuple[str, ...]]) -> None:
    for rules in list(profile):
        for rule in list(rules):
            text = rule.text or ""
            word = next((word for word in actions if text.startswith(word)), None)
            if word is None:
                continue
            rules.remove(rule)
            for name in actions[word]:
                ElementTree.SubElement(rules, rule.tag).text = text.replace(word, name)
        if len(rules) == 0:
            profile.remove(rules)


def check_keystore(keystore: Path, enclaves: Sequence[str], remedy: str) -> None:
    """Check that nodes can start with the keys in a keystore.

    Args:
        keystore: Folder of the keystore.
        enclaves: Names of the enclaves that it must have.
        remedy: Commands that make the keystore, for the message.

    Raises:
        SettingsError: There is no such keystore, an enclave or a file in it is missing, or the
            permissions are for another ROS_DOMAIN_ID than that of this process.
    """
    for name in enclaves:
        folder = keystore / "enclaves" / name.strip("/")
        if not folder.is_dir():
            raise SettingsError(
                f"security: expected the enclave {name} in {folder}, got no such folder; make it: "
                f"{remedy}"
            )
        missing = [file for file in FILES if not (folder / file).is_file()]
        if missing:
            raise SettingsError(
                f"security: expected {', '.join(missing)} of the enclave {name} in {folder}, got "
                f"no such file; make it: {remedy}"
            )
        _check_domain(folder / "permissions.xml", name, remedy)


def _check_domain(permissions: Path, name: str, remedy: str) -> None:
    """Check the domain in the file from which sros2 made the signed permissions, if it is there."""
    if not permissions.is_file():
        return
    try:
        domains = {found.text for found in ElementTree.parse(permissions).iter("id")}
    except (OSError, ElementTree.ParseError) as error:
        raise SettingsError(f"security: {permissions}: {error}; make it: {remedy}") from error
    here = os.environ.get("ROS_DOMAIN_ID") or "0"
    if domains and here not in domains:
        raise SettingsError(
            f"security: expected permissions of the enclave {name} for ROS_DOMAIN_ID {here}, got "
            f"{', '.join(sorted(str(domain) for domain in domains))}; make a new keystore: {remedy}"
        )


def environment(keystore: Path, name: str) -> dict[str, str]:
    """Environment variables with which a process starts secured, or not at all.

    Args:
        keystore: Folder of the keystore.
        name: Name of the enclave.
    """
    return {
        "ROS_SECURITY_ENABLE": "true",
        # Without this, a node without valid keys would start unsecured.
        "ROS_SECURITY_STRATEGY": "Enforce",
        "ROS_SECURITY_KEYSTORE": str(keystore),
        # `--enclave` reaches our own node only; this one also moveit_py's, in the same process.
        "ROS_SECURITY_ENCLAVE_OVERRIDE": name,
    }
