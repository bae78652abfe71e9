"""Where emulate is not like Slack: the one list. The contract suite checks that each line of it is still true."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Difference:
    """`name` is used by the suite; `slack` is what docs.slack.dev says, `emulate` what emulate 0.12.2 does instead."""

    name: str
    slack: str
    emulate: str


DIFFERENCES = (
    # Calls
    Difference("reads by GET", "a method that reads can be called by GET", "404; POST with a form or JSON body only"),
    Difference("unknown token", "invalid_auth", "any bearer is taken for its first user"),
    Difference("unknown arguments", "(the loopback Slack refuses them to find slips)", "ignored"),
    Difference("unknown method", "HTTP 200 with unknown_method", "HTTP 404 without ok"),
    Difference("app tokens", "apps.connections.open gives a socket address", "no Socket Mode"),
    # Messages
    Difference("bot_id of messages", "on every message of an app", "missing; the app's user is all there is"),
    Difference("metadata only when asked for", "left out without include_all_metadata", "always there"),
    Difference("limits of blocks", "invalid_blocks with json-pointers", "any list of objects is taken"),
    Difference("length of an update", "msg_too_long beyond 4,000 characters", "taken up to 40,000"),
    Difference("updates of blocks are unmarked", "no edited mark when blocks change", "every update is marked edited"),
    Difference("posting outside one's channels", "not_in_channel", "any public channel is taken"),
    Difference("hidden channels", "channel_not_found where the bot is not in", "not_in_channel"),
    Difference("broken thread_ts", "invalid_thread_ts", "taken as it is"),
    Difference("replies to nothing", "cannot_reply_to_message", "a thread without a root"),
    Difference("whispers to those outside", "user_not_in_channel for a user unknown there", "user_not_found"),
    # History
    Difference("latest_reply", "on the root of a thread", "missing; reply_count and reply_users are there"),
    Difference("thread_ts of roots", "a root with replies carries its own ts", "missing"),
    Difference("history by time", "oldest, latest and inclusive", "ignored: always all of it"),
    Difference("threads by time", "oldest and latest", "ignored: always all of it"),
    Difference("threads in pages", "cursor and limit", "ignored: always one page"),
    Difference("unknown threads", "thread_not_found", "an empty list"),
    Difference("broadcast replies", "stand in the channel's history too", "stand in the thread alone"),
    Difference("deleted roots", "a tombstone keeps the thread's place", "the root is gone from the thread"),
    # People
    Difference("stranger emoji", "invalid_name", "any name is taken"),
    # Files
    Difference("downloads without a token", "a login page with status 200", "401"),
    Difference("announced length", "the upload must have it", "any length is taken"),
    # Views
    Difference("limits of views", "invalid_arguments with json-pointers", "any list of objects is taken"),
    Difference("size of views", "view_too_large beyond 250 kB", "taken"),
    Difference("pushing on nothing", "not_found", "view_not_found"),
    # Events
    Difference("challenge", "a request URL must answer url_verification first", "never asked"),
    Difference("wrapper", "token, api_app_id, authorizations, event_context", "team_id, event_id, event_time alone"),
    Difference("channel_type", "on every message event", "missing"),
    Difference("event_ts", "on every event", "on changed and deleted messages alone"),
    Difference("marks of a person's message", "client_msg_id and a rich text block", "missing"),
    Difference("mentions", "app_mention beside message, with the same ts", "message alone"),
    Difference("author of the reacted message", "item_user", "missing"),
    Difference("further attempts", "three, with x-slack-retry-num", "none"),
    Difference("only one's own channels", "nothing from channels the bot is not in", "everything"),
    Difference("thread_broadcast", "the subtype of a reply sent to the channel too", "reply_broadcast alone"),
)

BY_NAME = {each.name: each for each in DIFFERENCES}
