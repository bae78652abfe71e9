"""How people, channels, messages and files look in the JSON that Slack sends."""

from __future__ import annotations

import mimetypes

from tests.loopback_slack.errors import Json
from tests.loopback_slack.state import APP_ID, BOT_ID, BOT_USER_ID, TEAM_ID, Channel, File, Message, User, Workspace


def user_json(user: User, with_email: bool) -> Json:
    """A user as users.info shows it; the email only when the token may read it, and never a bot's."""
    profile: Json = {
        "real_name": user.real_name,
        "display_name": user.name,
        "real_name_normalized": user.real_name,
        "display_name_normalized": user.name,
        "team": user.team_id,
    }
    if with_email and user.email and not user.is_bot:
        profile["email"] = user.email
    if user.is_bot:
        profile |= {"bot_id": BOT_ID, "api_app_id": APP_ID}
    return {
        "id": user.id,
        "team_id": user.team_id,
        "name": user.name,
        "real_name": user.real_name,
        "deleted": user.deleted,
        "tz": user.tz,
        "is_bot": user.is_bot,
        "is_app_user": False,
        "is_admin": False,
        "is_stranger": user.team_id != TEAM_ID,
        "profile": profile,
    }


def channel_json(channel: Channel) -> Json:
    """A conversation as conversations.info shows it."""
    if channel.is_im:
        other = next((member for member in channel.members if member != BOT_USER_ID), BOT_USER_ID)
        return {"id": channel.id, "created": channel.created, "is_im": True, "user": other, "is_org_shared": False}
    return {
        "id": channel.id,
        "name": channel.name,
        "name_normalized": channel.name,
        "created": channel.created,
        "is_channel": not channel.is_private,
        "is_group": channel.is_private,
        "is_im": False,
        "is_mpim": False,
        "is_private": channel.is_private,
        "is_archived": channel.is_archived,
        "is_general": channel.name == "general",
        "is_shared": False,
        "is_ext_shared": False,
        "is_member": BOT_USER_ID in channel.members,
        "context_team_id": TEAM_ID,
        "topic": {"value": "", "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
    }


def file_json(file: File, base_url: str) -> Json:
    """A file as messages and files.* answers carry it; its URLs point back at this server."""
    private = f"{base_url}/files-pri/{TEAM_ID}-{file.id}"
    return {
        "id": file.id,
        "created": file.created,
        "timestamp": file.created,
        "name": file.name,
        "title": file.title or file.name,
        "mimetype": mimetypes.guess_type(file.name)[0] or "application/octet-stream",
        "filetype": file.snippet_type or file.name.rpartition(".")[2],
        "user": file.user,
        "size": file.size,
        "mode": "snippet" if file.snippet_type else "hosted",
        "is_external": False,
        "file_access": "visible",
        "url_private": f"{private}/{file.name}",
        "url_private_download": f"{private}/download/{file.name}",
        "permalink": f"{base_url}/files/{file.user}/{file.id}/{file.name}",
    }


def bot_profile_json(workspace: Workspace) -> Json:
    """The `bot_profile` on the app's own messages."""
    name = workspace.users[BOT_USER_ID].name
    return {"id": BOT_ID, "app_id": APP_ID, "name": name, "deleted": False, "team_id": TEAM_ID, "updated": 0}


class Renderer:
    """Turns messages into Slack's JSON; knows the base URL that file links need."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.base_url = ""

    def message(self, message: Message, with_metadata: bool = False, with_reactions: bool = True) -> Json:
        """A message as history, events and interaction payloads show it."""
        shown: Json = {"type": "message", "user": message.user, "ts": message.ts, "text": message.text}
        shown["team"] = TEAM_ID
        optional = {
            "subtype": message.subtype,
            "client_msg_id": message.client_msg_id,
            "blocks": message.blocks,
            "attachments": message.attachments,
            "edited": message.edited,
            "username": message.username,
            "icons": message.icons,
            "metadata": message.metadata if with_metadata else None,
            "files": [file_json(file, self.base_url) for file in message.files],
            "reactions": reactions_json(message) if with_reactions else None,
        }
        shown |= {name: value for name, value in optional.items() if value}
        if message.bot_id:
            profile = bot_profile_json(self.workspace)
            shown |= {"bot_id": message.bot_id, "app_id": APP_ID, "bot_profile": profile}
        if message.files:
            shown["upload"] = False
        return shown | self._thread(message)

    def _thread(self, message: Message) -> Json:
        channel = self.workspace.channels[message.channel]
        if message.is_reply:
            root = channel.messages.get(message.thread_ts or "")
            parent = {"parent_user_id": root.user} if root else {}
            return {"thread_ts": message.thread_ts, **parent}
        replies = channel.replies(message.ts)
        if not replies:
            return {}
        authors = list(dict.fromkeys(reply.user for reply in replies))
        return {
            "thread_ts": message.ts,
            "reply_count": len(replies),
            "reply_users_count": len(authors),
            "latest_reply": replies[-1].ts,
            "reply_users": authors,
            "is_locked": message.ts in channel.locked_threads,
            "subscribed": False,
        }


def reactions_json(message: Message) -> list[Json]:
    """The reactions on a message, in the order in which they were first given."""
    return [
        {"name": name, "users": list(users), "count": len(users)} for name, users in message.reactions.items() if users
    ]
