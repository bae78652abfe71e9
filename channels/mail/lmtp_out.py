"""The same conversation with a mail store instead of a relay: LMTP (RFC 2033), on a socket or a port."""

from __future__ import annotations

from typing import Literal

import aiosmtplib
from aiosmtplib.typing import Default


class Lmtp(aiosmtplib.SMTP):
    """An SMTP client that says LHLO where SMTP says EHLO (RFC 2033 §4.1)."""

    async def ehlo(
        self,
        *,
        hostname: str | None = None,
        timeout: float | Literal[Default.token] | None = Default.token,  # noqa: ASYNC109 - the parameter is aiosmtplib's
    ) -> aiosmtplib.SMTPResponse:
        """Say who we are and hear what the store can do. Raises SMTPHeloError when it does not want us."""
        name = hostname or self.local_hostname or "localhost"
        response = await self.execute_command(b"LHLO", name.encode("ascii"), timeout=timeout)
        if response.code != aiosmtplib.SMTPStatus.completed:
            raise aiosmtplib.SMTPHeloError(response.code, response.message)
        self.last_ehlo_response = response
        return response

    async def helo(
        self,
        *,
        hostname: str | None = None,
        timeout: float | Literal[Default.token] | None = Default.token,  # noqa: ASYNC109 - the parameter is aiosmtplib's
    ) -> aiosmtplib.SMTPResponse:
        """LMTP has no HELO to fall back to."""
        return await self.ehlo(hostname=hostname, timeout=timeout)
