"""A Slack of the tests' own, on the loopback interface: Web API, Socket Mode, signed events, and hands to play people.

It follows what is known of Slack's behaviour where the desk depends on it and refuses loudly what it does not know.
Where Slack's behaviour is not known it takes the stricter side. Known differences from Slack:

- the limit on all blocks together is counted over their JSON, which refuses a little earlier than Slack;
- any well-formed emoji name is taken, because nothing here knows the thousands that exist;
- the app's own text is kept as sent: no links are found in it, no rich text block is made of it;
- `views.open` from inside a modal is refused, only `views.push` is documented there;
- metadata is shown by history and replies alone, never in the answer to a post or in an event;
- a revoked token revokes the app-level token too, and `install_again` gives the same tokens back;
- group direct messages, user groups, pins, streaming and `message_replied` events do not exist.

`tests/interop` holds it and a Slack from elsewhere to one contract.
"""

from tests.loopback_slack.embedded import LoopbackSlack, RemoteSlack
from tests.loopback_slack.errors import ControlError
from tests.loopback_slack.manifest import Manifest

__all__ = ["ControlError", "LoopbackSlack", "Manifest", "RemoteSlack"]
