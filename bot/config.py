"""Reads ``config.yaml``: all that is wrong with it at once, each with its line, or policy and settings (R-OP-1)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from bot.config_checks import check_across, check_languages, names_used
from bot.config_document import Document, Loc, read_document
from bot.config_models import CalendarModel, ConfigModel
from bot.config_policy import build_calendar, build_policy
from bot.config_problems import report_invalid
from bot.config_types import Known
from bot.settings import Settings
from bot.signing import known_secret, signing_secret
from bot.stores import absolute
from bot.wording.load import REFERENCE, SHIPPED, files, load_wording
from rules.errors import ConfigError
from rules.policy import Policy
from rules.wording import Wording
from storage.protocol import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One configuration, whole and checked. ``path`` is the file it was read from."""

    policy: Policy
    settings: Settings
    path: Path

    def signed(self, store: Store | None = None) -> Config:
        """The same with the desk's signing secret, which is made when there is none yet: for who writes only.

        The processes that share a ``store`` share their secret too.
        """
        return replace(self, policy=replace(self.policy, secret=signing_secret(self.settings, store)))

    def beside(self, running: Config) -> Config:
        """As much of this as a running desk can take: its doors, senders and signatures stay until a restart."""
        stays = running.policy
        policy = replace(self.policy, mailboxes=stays.mailboxes, secret=stays.secret, public_url=stays.public_url)
        return replace(self, policy=policy, settings=running.settings)


def load_config(path: Path | str, environ: Mapping[str, str] | None = None) -> Config:
    """Read a configuration file. Relative paths in it are relative to its folder.

    Raises ConfigError with every problem, in the order of the file, each as
    ``config.yaml:41:9: rules[3].then.priority: "P0" is not a priority; did you mean "P1"?``. Writes nothing.
    """
    path = Path(path)
    document = read_document(path, str(path))
    known = Known(
        folder=path.absolute().parent,
        environ=os.environ if environ is None else environ,
        names=names_used(document.data),
    )
    model = _validate(document, known)
    wording = _wording(document, known)
    if model is None or wording is None or document.problems or document.told:
        raise ConfigError(document.sorted_problems())
    settings = _settings(model, known)
    return Config(policy=build_policy(model, wording, known_secret(settings)), settings=settings, path=path.absolute())


def _validate(document: Document, known: Known) -> ConfigModel | None:
    """Check each part by itself and all against each other; None when the models do not fit."""
    if document.data is None:
        return None
    if not isinstance(document.data, dict):
        document.report((), "must be sections such as desk: and channels:, each with its keys")
        return None
    check_across(document)
    model = None
    try:
        model = ConfigModel.model_validate(document.data, context=known)
    except ValidationError as error:
        report_invalid(document, ConfigModel, error)
    _check_calendars(document, known)
    return model


def _check_calendars(document: Document, known: Known) -> None:
    """Hours that overlap, days that contradict each other: what only the built calendar can tell."""
    assert isinstance(document.data, dict)
    calendars = document.data.get("calendars")
    for name, given in calendars.items() if isinstance(calendars, dict) else ():
        loc: Loc = ("calendars", name)
        try:
            model = CalendarModel.model_validate(given, context=known)
        except ValidationError:
            continue
        if not model.always and not model.hours:
            continue
        try:
            build_calendar(name, model, "UTC")
        except ValueError as error:
            document.report((*loc, "hours"), str(error).rstrip("."))


def _wording(document: Document, known: Known) -> Wording | None:
    """The texts of the desk's languages; what is wrong with them is reported with all the rest."""
    desk = document.data.get("desk") if isinstance(document.data, dict) else None
    desk = desk if isinstance(desk, dict) else {}
    own = desk.get("wording")
    folders = [SHIPPED, known.folder / own] if isinstance(own, str) else [SHIPPED]
    found = files(folders)
    check_languages(document, found.__contains__, folders[-1])
    given = desk.get("languages")
    names = given if isinstance(given, list) else []
    wanted = [name for name in names if isinstance(name, str) and name in found]
    try:
        return load_wording(wanted or [REFERENCE], folders)
    except ConfigError as error:
        document.told.extend(error.problems)
        return None


def _settings(model: ConfigModel, known: Known) -> Settings:
    data_dir = model.desk.data_dir or known.folder / "data"
    return Settings(
        data_dir=data_dir,
        storage_url=absolute(model.storage.url, known.folder),
        mail=tuple(
            box.model_copy(update={"smtp_out": box.smtp_out.model_copy(update={"maildir": data_dir / "outgoing"})})
            if not box.smtp_out.host and not box.smtp_out.socket and box.smtp_out.maildir is None
            else box
            for box in model.channels.mail
        ),
        slack=model.channels.slack,
        web=model.channels.web,
        limits=model.limits,
        log=model.log,
        secret=model.desk.secret,
        archive_after=model.storage.archive_after,
        backup=model.backup,
    )
