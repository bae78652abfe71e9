"""The doors at which mail comes in by SMTP and LMTP, as the configuration has them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor

from bot.clock import Clock
from bot.config import Config
from bot.settings import MailSettings
from channels.mail.batches import Together
from channels.mail.smtp_in import SmtpLimits, SmtpListener
from channels.protocol import Hearing
from rules.model import Message

_NO_LIMIT = 2**40


def mail_listeners(
    config: Config,
    hearing: Hearing,
    clock: Clock,
    executor: Executor,
    together: Together,
    *,
    expect: Callable[[Sequence[Message]], None] = lambda messages: None,
    reuse_port: bool = False,
) -> list[SmtpListener]:
    """One listener for each address, SMTP before LMTP; mailboxes that name the same address share it.

    With ``reuse_port`` other processes of the desk may listen there too.
    """
    limits = config.settings.limits
    smtp_limits = SmtpLimits(
        size=limits.message_size or _NO_LIMIT,
        connections=limits.smtp_connections or _NO_LIMIT,
        memory=limits.smtp_memory or _NO_LIMIT,
    )
    shared: dict[tuple[bool, str, int], list[MailSettings]] = {}
    for lmtp in (False, True):
        for box in config.settings.mail:
            way = box.lmtp_in if lmtp else box.smtp_in
            if way:
                shared.setdefault((lmtp, way.listen.host, way.listen.port), []).append(box)
    return [
        SmtpListener(
            host=host,
            port=port,
            mailboxes=[config.policy.mailbox(box.name) for box in boxes],
            hearing=hearing,
            now=clock.now,
            executor=executor,
            together=together,
            expect=expect,
            limits=smtp_limits,
            certificate=None if lmtp else next((box.smtp_in.certificate for box in boxes if box.smtp_in), None),
            key=None if lmtp else next((box.smtp_in.key for box in boxes if box.smtp_in), None),
            lmtp=lmtp,
            reuse_port=reuse_port,
        )
        for (lmtp, host, port), boxes in shared.items()
    ]
