"""Configuration files for tests: written into a folder, read as the desk reads them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from bot.config import Config, load_config
from rules.errors import ConfigError

SMALLEST = """
desk: {name: Acme Support}
storage: {url: "tinydb:./data"}
channels:
  mail:
    - {name: support, address: support@example.com}
"""


def written(folder: Path, text: str = "", *, base: str = SMALLEST) -> Path:
    """A file with the smallest configuration and more lines after it."""
    path = folder / "config.yaml"
    path.write_text(base.lstrip("\n") + dedent(text), encoding="utf-8")
    return path


def loaded(folder: Path, text: str = "", environ: Mapping[str, str] | None = None, *, base: str = SMALLEST) -> Config:
    """The configuration that such a file gives."""
    return load_config(written(folder, text, base=base), environ or {})


def problems(
    folder: Path, text: str = "", environ: Mapping[str, str] | None = None, *, base: str = SMALLEST
) -> list[str]:
    """What is wrong with such a file, without the folder in front."""
    path = written(folder, text, base=base)
    with pytest.raises(ConfigError) as raised:
        load_config(path, environ or {})
    return [problem.removeprefix(f"{folder}/") for problem in raised.value.problems]
