"""Notices within two seconds that the process at the other end has died or was stopped.

DDS goes on to show the services of a killed process until a lease ends, some 20 s, and requests to
it are lost. So a server publishes a topic of shorter lease, which DDS itself keeps alive; it does
so even while Python computes. A client publishes the id of its goal again and again, from the very
loop that waits for the goal: so a client whose program hangs counts as gone, too.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from rclpy.duration import Duration
from rclpy.event_handler import QoSLivelinessChangedInfo, SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import LivelinessPolicy, QoSProfile, ReliabilityPolicy
from std_msgs.msg import Empty
from unique_identifier_msgs.msg import UUID

LEASE_S = 1.5
"""DDS reports a process that has been silent for this time [s]; it speaks each two thirds of it."""

GONE_AFTER_S = 0.4
"""A server must be reported as silent for this time [s], so that a late sign of life counts."""

HEARTBEAT_S = 0.25
"""Time between two heartbeats of a client [s]."""

VANISHED_AFTER_S = 2.0
"""A client without a heartbeat for this time has vanished [s]."""

TICK_S = 0.1
"""Time between two looks at the clients [s]."""

STALL_S = 1.0
"""If nobody has looked for this time [s], this process was held up, by a busy machine or by
MoveIt's planner. That says nothing of a client, whose heartbeats wait to be read."""

ALIVE = QoSProfile(
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    liveliness=LivelinessPolicy.AUTOMATIC,
    liveliness_lease_duration=Duration(seconds=LEASE_S),
)
"""For <name>/alive, which a server never publishes on: that its publisher exists is the sign."""

HEARTBEAT = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
"""For <action>/heartbeat, with the id of the goal that its client waits for."""


def announce(node: Node, name: str) -> Publisher:
    """Let clients see that this process lives, as long as the publisher exists.

    Args:
        node: Node of the publisher.
        name: Name of the action, or of the node that serves; the topic is <name>/alive.
    """
    return node.create_publisher(Empty, f"{name}/alive", ALIVE)


class ServerWatch:
    """Watches the topic that a server `announce`s.

    A server that never announced itself, such as a controller, never counts as gone.
    """

    def __init__(self, node: Node, name: str) -> None:
        """Begin to watch.

        Args:
            node: Node of the client; its executor must have a thread for the topic's events.
            name: Name with which the server announces itself.
        """
        self._changed = threading.Condition()
        self._silent_since_s: float | None = None
        self._topic = node.create_subscription(
            Empty,
            f"{name}/alive",
            lambda _: None,
            ALIVE,
            # One event at a time. In two threads, "silent" could overtake the "alive" that came
            # after it, and a server that lives would count as gone for ever.
            callback_group=MutuallyExclusiveCallbackGroup(),
            event_callbacks=SubscriptionEventCallbacks(liveliness=self._on_change),
        )

    def _on_change(self, info: QoSLivelinessChangedInfo) -> None:
        with self._changed:
            if info.alive_count:
                self._silent_since_s = None
            elif self._silent_since_s is None:
                self._silent_since_s = time.monotonic()
            self._changed.notify_all()

    @property
    def gone(self) -> bool:
        """Whether the server was there, and gives no sign of life any more."""
        since_s = self._silent_since_s
        return since_s is not None and time.monotonic() - since_s > GONE_AFTER_S

    def wait(self, timeout_s: float) -> bool:
        """Wait until the server is not silent, at most `timeout_s` [s]; False if it still is."""
        with self._changed:
            return self._changed.wait_for(lambda: self._silent_since_s is None, timeout_s)


class Heartbeat:
    """Publishes signs of life of a client, while it waits for a goal."""

    def __init__(self, node: Node, action: str) -> None:
        """Create the publisher, <action>/heartbeat."""
        self._publisher = node.create_publisher(UUID, f"{action}/heartbeat", HEARTBEAT)
        self._next_s = 0.0

    def beat(self, goal_id: UUID) -> None:
        """Publish the goal's id if the last time was `HEARTBEAT_S` ago; call it all the time."""
        now = time.monotonic()
        if now >= self._next_s:
            self._next_s = now + HEARTBEAT_S
            self._publisher.publish(goal_id)


@dataclass(slots=True)
class _Watched:
    """What is known of the client of a goal.

    Attributes:
        beats: Number of heartbeats heard.
        counted: Number of them that the last look has seen.
        silent_s: Time without any, as far as this process had the time to listen [s].
        stalled: Whether this process was held up since the last heartbeat.
    """

    beats: int = 0
    counted: int = 0
    silent_s: float = 0.0
    stalled: bool = False


class ClientWatches:
    """Listens to the heartbeats of an action's clients."""

    def __init__(self, node: Node, action: str) -> None:
        """Subscribe to <action>/heartbeat; the node's executor must have a thread for it."""
        self._watched: dict[bytes, _Watched] = {}
        self._looked_s = time.monotonic()
        group = ReentrantCallbackGroup()
        listen: Any = self._on_heartbeat  # rclpy's types do not know of the second argument
        self._topic = node.create_subscription(
            UUID, f"{action}/heartbeat", listen, HEARTBEAT, callback_group=group
        )
        # Not only when somebody asks: the arm's thread may wait for a recorder meanwhile.
        self._timer = node.create_timer(TICK_S, self._look, callback_group=group)

    def _on_heartbeat(self, goal_id: Any, info: Any) -> None:
        watched = self._watched.get(bytes(goal_id.uuid))
        # DDS notes when it receives a message; one that waited through a stall tells nothing new.
        if watched and time.time_ns() - info["received_timestamp"] < STALL_S * 1e9:
            watched.beats += 1
            watched.stalled = False

    def _look(self) -> None:
        now = time.monotonic()
        passed_s, self._looked_s = now - self._looked_s, now
        for watched in list(self._watched.values()):
            watched.stalled |= passed_s > STALL_S
            if watched.silent_s > VANISHED_AFTER_S:
                continue  # it stays vanished
            if watched.beats != watched.counted:
                watched.counted, watched.silent_s = watched.beats, 0.0
            else:
                watched.silent_s += min(passed_s, 2.0 * TICK_S)

    def watch(self, goal_id: UUID) -> Callable[[], bool]:
        """Begin to watch the client of a goal; `forget` the goal at its end.

        Returns:
            A function that returns whether the client has vanished. After this process was held
            up, it waits for the next heartbeat, some 0.2 s, before it says that the client lives.
        """
        watched = self._watched[bytes(goal_id.uuid)] = _Watched()

        def vanished() -> bool:
            if time.monotonic() - self._looked_s > STALL_S:
                watched.stalled = True
            deadline = time.monotonic() + 2.0 * VANISHED_AFTER_S
            while watched.stalled and watched.silent_s <= VANISHED_AFTER_S:
                if time.monotonic() > deadline:  # nobody listens: the node has ended
                    return True
                time.sleep(TICK_S / 5.0)
            return watched.silent_s > VANISHED_AFTER_S

        return vanished

    def forget(self, goal_id: UUID) -> None:
        """End to watch the client of a goal."""
        self._watched.pop(bytes(goal_id.uuid), None)
