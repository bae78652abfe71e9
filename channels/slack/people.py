"""Who a Slack user is to the desk: by the id in the configuration, else by the mail address in their profile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from channels.protocol import Now
from channels.slack.calls import AWAY_FOR_ALL, SlackAwayError, SlackRefusedError, SlackThrottledError, call
from channels.slack.latest import Latest
from rules.errors import DeliveryError, TemporaryDeliveryError
from rules.model import Actor
from rules.policy import Policy, Staff

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient


REMEMBERED = timedelta(hours=1)
"""So long what Slack said of somebody holds; people change their names and leave."""

PEOPLE_MOST = 5000
"""So many people are remembered; others are asked about again."""

NOT_SHOWN_FOR = timedelta(minutes=5)
"""So long it holds that Slack does not know somebody or does not show them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What Slack tells of a user; no ``email`` when it must not be trusted: robots, other workspaces, strangers."""

    name: str
    email: str = ""


class People:
    """Knows users by id and staff by user. What Slack said is remembered for a while."""

    def __init__(
        self,
        client: AsyncWebClient,
        policy: Callable[[], Policy],
        now: Now,
        team: Callable[[], str] = lambda: "",
    ) -> None:
        """``team`` gives the id of our workspace, empty until Slack told it."""
        self._client = client
        self._policy = policy
        self._now = now
        self._team = team
        self._profiles: dict[str, tuple[datetime, Profile]] = Latest(PEOPLE_MOST)
        self._ids: dict[str, tuple[datetime, str]] = Latest(PEOPLE_MOST)
        self._paused_until: dict[str, datetime] = {}

    async def actor(self, user: str) -> Actor:
        """Who acts; somebody who is not on the staff list comes without a staff key, and the desk refuses them.

        Their address is told only where Slack vouches for it. Raises DeliveryError when Slack cannot be asked now:
        nothing may be confirmed then.
        """
        policy = self._policy()
        person = policy.staff_by_slack(user)
        if person:
            return Actor(name=person.name, staff=person.key, user=user, email=person.email)
        profile = await self._profile(user)
        person = policy.staff_by_email(profile.email) if profile.email else None
        # Somebody with a Slack id of their own in the configuration is never somebody else's profile.
        if person and not person.slack:
            return Actor(name=person.name, staff=person.key, user=user, email=person.email)
        return Actor(name=profile.name, user=user, email=profile.email)

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
        """The policy with these people's Slack ids filled in from their addresses, so that a mention reaches them.

        Raises TemporaryDeliveryError when Slack cannot be asked now.
        """
        ids = {person.key: await self._id_of(person) for person in map(policy.person, keys) if person}
        if not ids:
            return policy
        staff = tuple(replace(person, slack=ids.get(person.key, person.slack)) for person in policy.staff)
        return replace(policy, staff=staff)

    async def id_of(self, person: Staff) -> str:
        """The Slack user id of a staff member; empty when there is none or Slack does not tell."""
        try:
            return await self._id_of(person)
        except DeliveryError:
            return ""

    async def _id_of(self, person: Staff) -> str:
        if person.slack or not person.email:
            return person.slack
        told_at, found = self._ids.get(person.email, (None, ""))
        if told_at is None or self._now() - told_at > (REMEMBERED if found else NOT_SHOWN_FOR):
            try:
                answer = await self._ask(
                    "users.lookupByEmail", lambda: self._client.users_lookupByEmail(email=person.email)
                )
            except SlackRefusedError as refused:
                if refused.code in AWAY_FOR_ALL:
                    raise SlackAwayError(str(refused)) from refused
                found = ""
            else:
                user = answer.get("user") or {}
                found = "" if user.get("deleted") else str(user.get("id") or "")
            self._ids[person.email] = (self._now(), found)
        return found

    async def _profile(self, user: str) -> Profile:
        told_at, known = self._profiles.get(user, (None, Profile(name="")))
        if told_at is not None and self._now() - told_at <= (REMEMBERED if known.name else NOT_SHOWN_FOR):
            return known if known.name else _HIDDEN
        try:
            answer = await self._ask("users.info", lambda: self._client.users_info(user=user))
        except SlackRefusedError as refused:
            if refused.code in AWAY_FOR_ALL:
                raise SlackAwayError(str(refused)) from refused
            self._profiles[user] = (self._now(), Profile(name=""))
            return _HIDDEN
        profile = _profile_in(answer.get("user") or {}, self._team())
        self._profiles[user] = (self._now(), profile)
        return profile

    async def _ask(self, method: str, make: Callable[[], Awaitable[Any]]) -> dict[str, Any]:
        """Ask Slack, but not before a pause is over that it asked for: many things are heard from one stranger."""
        until, now = self._paused_until.get(method), self._now()
        if until is not None and now < until:
            raise TemporaryDeliveryError(f"Slack asked to wait before {method}.", until - now)
        try:
            return await call(method, make(), repeatable=True)
        except SlackThrottledError as told:
            self._paused_until[method] = now + timedelta(seconds=told.wait_s)
            raise


_HIDDEN = Profile(name="somebody Slack does not show")


def _profile_in(user: dict[str, Any], team: str) -> Profile:
    told = user.get("profile") or {}
    name = str(user.get("real_name") or told.get("real_name") or user.get("name") or "somebody")
    foreign = user.get("is_bot") or user.get("is_stranger") or user.get("deleted") or _is_elsewhere(user, team)
    return Profile(name=name, email="" if foreign else str(told.get("email") or "").lower())


def _is_elsewhere(user: dict[str, Any], team: str) -> bool:
    """Whether somebody belongs to another workspace, where they may have written any address into their profile."""
    theirs = str(user.get("team_id") or "")
    organisation = user.get("enterprise_user") or {}
    return bool(team and theirs) and team != theirs and team not in (organisation.get("teams") or ())
