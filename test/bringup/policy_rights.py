"""Reads what a policy file of SROS 2 allows, as sros2 itself translates it for DDS.

Source: sros2 0.13.0, sros2/policy/templates/dds/permissions.xsl.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from xml.etree import ElementTree

KINDS = ("publish", "subscribe", "reply", "request")
REQUESTS = ("cancel_goal", "get_result", "send_goal")
ACTION_TOPICS = ("feedback", "status")


@dataclass
class Rights:
    """Patterns of names by kind: what is allowed, and what of that is denied."""

    allow: dict[str, set[str]] = field(default_factory=lambda: {kind: set() for kind in KINDS})
    deny: dict[str, set[str]] = field(default_factory=lambda: {kind: set() for kind in KINDS})

    def may(self, kind, name):
        return matches(name, self.allow[kind]) and not matches(name, self.deny[kind])


def matches(name, patterns):
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def enclaves(text):
    """Rights by the path of each enclave of a policy file."""
    found = {}
    for enclave in ElementTree.fromstring(text).iterfind("enclaves/enclave"):
        rights = found[enclave.get("path")] = Rights()
        for profile in enclave.iterfind("profiles/profile"):
            add(rights, profile)
    return found


def profile(text, node):
    """Rights in the profile of one node."""
    rights = Rights()
    for found in ElementTree.fromstring(text).iterfind("enclaves/enclave/profiles/profile"):
        if found.get("node") == node:
            add(rights, found)
    return rights


def add(rights, profile):
    for rules in profile:
        for verb, decision in rules.attrib.items():
            patterns = rights.allow if decision == "ALLOW" else rights.deny
            for rule in rules:
                name = full_name(rule.text, profile.get("ns"), profile.get("node"))
                for kind, named in in_words_of_topics(verb, name):
                    patterns[kind].add(named)


def full_name(name, space, node):
    base = space if space.endswith("/") else f"{space}/"
    if name.startswith("/"):
        return name
    return f"{base}{node}{name[1:]}" if name.startswith("~") else f"{base}{name}"


def in_words_of_topics(verb, name):
    """An action is three services and two topics."""
    if verb not in ("call", "execute"):
        return [(verb, name)]
    served = verb == "execute"
    services, topics = ("reply", "publish") if served else ("request", "subscribe")
    return [(services, f"{name}/_action/{part}") for part in REQUESTS] + [
        (topics, f"{name}/_action/{part}") for part in ACTION_TOPICS
    ]
