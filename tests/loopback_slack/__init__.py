"""A Slack of the tests' own, on the loopback interface: Web API, Socket Mode, signed events, and hands to play people.

It follows what is known of Slack's behaviour where the desk depends on it and refuses loudly what it does not know.
"""

from tests.loopback_slack.embedded import LoopbackSlack, RemoteSlack
from tests.loopback_slack.errors import ControlError
from tests.loopback_slack.manifest import Manifest

__all__ = ["ControlError", "LoopbackSlack", "Manifest", "RemoteSlack"]
