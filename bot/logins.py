"""Which mailboxes and relays are logged in to by OAuth2, with whose tokens, and where the latest are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bot.accounts import trusting
from bot.settings import MailSettings, OAuthSettings
from channels.mail.oauth import AccessTokens, OAuthAccount
from channels.protocol import Now

FOLDER = "oauth"
"""The folder, in the data folder, of the refresh tokens that came later than the configuration."""


@dataclass(frozen=True, slots=True)
class Provider:
    """Where a provider's tokens come from, and what is asked for; ``{tenant}`` is whose directory it is."""

    token_url: str
    device_url: str
    consent_url: str
    scope: str


PROVIDERS: Mapping[str, Provider] = {
    # The mail scope is not among those that Google gives to device codes.
    "google": Provider(
        "https://oauth2.googleapis.com/token", "", "https://accounts.google.com/o/oauth2/v2/auth",
        "https://mail.google.com/",
    ),
    "microsoft": Provider(
        "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
        "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/devicecode",
        "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/authorize",
        "https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/SMTP.Send offline_access",
    ),
    "custom": Provider("", "", "", ""),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Logins:
    """The tokens of each mailbox's two lines; both have the same where the configuration says the same of them."""

    imap: Mapping[str, AccessTokens]
    smtp_out: Mapping[str, AccessTokens]

    @property
    def every(self) -> Mapping[str, AccessTokens]:
        """Each once, by a name of its own."""
        others = {f"{name}.smtp_out": one for name, one in self.smtp_out.items() if self.imap.get(name) is not one}
        return {**self.imap, **others}


def logins_of(boxes: tuple[MailSettings, ...], folder: Path, now: Now) -> Logins:
    """The tokens of a desk whose data are in ``folder``; nothing is asked of anybody yet."""
    imap, smtp_out = {}, {}
    for box in boxes:
        accounts = accounts_of(box, folder)
        made = {kept: AccessTokens(account, now) for kept, account in {a.kept: a for a in accounts.values()}.items()}
        if "imap" in accounts:
            imap[box.name] = made[accounts["imap"].kept]
        if "smtp_out" in accounts:
            smtp_out[box.name] = made[accounts["smtp_out"].kept]
    return Logins(imap, smtp_out)


def accounts_of(box: MailSettings, folder: Path) -> dict[str, OAuthAccount]:
    """The account of each line of a mailbox that is logged in to by OAuth, by ``imap`` and ``smtp_out``."""
    inward = box.imap.oauth if box.imap else None
    found = {}
    if inward is not None and box.imap is not None:
        found["imap"] = _account(box.name, inward, folder / FOLDER / f"{box.name}.json", box.imap.ca_file)
    outward = box.smtp_out.oauth
    if outward is not None:
        same = outward == inward
        kept = folder / FOLDER / (f"{box.name}.json" if same or inward is None else f"{box.name}.smtp_out.json")
        made = _account(box.name, outward, kept, box.smtp_out.ca_file)
        found["smtp_out"] = found["imap"] if same else made
    return found


def _account(mailbox: str, settings: OAuthSettings, kept: Path, ca_file: Path | None) -> OAuthAccount:
    known = PROVIDERS[settings.provider]
    made = OAuthAccount(
        mailbox=mailbox,
        client_id=settings.client_id,
        token_url=settings.token_url or known.token_url.format(tenant=settings.tenant),
        device_url=settings.device_url or known.device_url.format(tenant=settings.tenant),
        consent_url=known.consent_url.format(tenant=settings.tenant),
        scope=settings.scope or known.scope,
        kept=kept,
        # A company's own authority may sign its own provider too; the public ones are trusted as ever.
        tls_context=trusting(ca_file) if settings.provider == "custom" else None,
    )
    secret, token = settings.client_secret, settings.refresh_token
    return replace(
        made,
        client_secret=secret.get_secret_value() if secret else "",
        refresh_token=token.get_secret_value() if token else "",
    )
