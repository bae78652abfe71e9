"""Who a Slack user is to the desk: by the id in the configuration, else by the mail address in their profile."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from channels.slack.calls import SlackRefusedError, call
from rules.errors import DeliveryError
from rules.model import Actor
from rules.policy import Policy, Staff

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What Slack tells of a user; no ``email`` when it must not be trusted: robots, other workspaces, strangers."""

    name: str
    email: str = ""


class People:
    """Knows users by id and staff by user. What Slack said is remembered until the process ends."""

    def __init__(self, client: AsyncWebClient, policy: Callable[[], Policy]) -> None:
        self._client = client
        self._policy = policy
        self._profiles: dict[str, Profile] = {}
        self._ids: dict[str, str] = {}

    async def actor(self, user: str) -> Actor:
        """Who acts; somebody who is not on the staff list comes without a staff key, and the desk refuses them.

        Raises DeliveryError when Slack cannot be asked now: nothing may be confirmed then.
        """
        policy = self._policy()
        person = policy.staff_by_slack(user)
        if person:
            return Actor(name=person.name, staff=person.key)
        profile = await self._profile(user)
        person = policy.staff_by_email(profile.email) if profile.email else None
        # Somebody with a Slack id of their own in the configuration is never somebody else's profile.
        if person and not person.slack:
            return Actor(name=person.name, staff=person.key)
        return Actor(name=profile.name)

    async def names(self, users: Iterable[str]) -> dict[str, str]:
        """The names of users by id, as far as they can be learnt now."""
        found: dict[str, str] = {}
        for user in users:
            person = self._policy().staff_by_slack(user)
            try:
                found[user] = person.name if person else (await self._profile(user)).name
            except DeliveryError:
                continue
        return found

    async def with_ids(self, policy: Policy, keys: Iterable[str]) -> Policy:
        """The policy with these people's Slack ids filled in from their addresses, so that a mention reaches them."""
        ids = {person.key: await self.id_of(person) for person in map(policy.person, keys) if person}
        if not ids:
            return policy
        staff = tuple(replace(person, slack=ids.get(person.key, person.slack)) for person in policy.staff)
        return replace(policy, staff=staff)

    async def id_of(self, person: Staff) -> str:
        """The Slack user id of a staff member; empty when there is none or Slack does not tell."""
        if person.slack or not person.email:
            return person.slack
        if person.email not in self._ids:
            try:
                asked = self._client.users_lookupByEmail(email=person.email)
                answer = await call("users.lookupByEmail", asked, repeatable=True)
            except SlackRefusedError:
                self._ids[person.email] = ""
            except DeliveryError:
                return ""
            else:
                self._ids[person.email] = str((answer.get("user") or {}).get("id") or "")
        return self._ids[person.email]

    async def _profile(self, user: str) -> Profile:
        if user not in self._profiles:
            try:
                answer = await call("users.info", self._client.users_info(user=user), repeatable=True)
            except SlackRefusedError:
                return Profile(name="somebody Slack does not show")
            self._profiles[user] = _profile_in(answer.get("user") or {})
        return self._profiles[user]


def _profile_in(user: dict[str, Any]) -> Profile:
    told = user.get("profile") or {}
    name = str(user.get("real_name") or told.get("real_name") or user.get("name") or "somebody")
    foreign = user.get("is_bot") or user.get("is_stranger") or user.get("deleted")
    return Profile(name=name, email="" if foreign else str(told.get("email") or "").lower())
