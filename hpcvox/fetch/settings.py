"""Settings of ``hpcvox fetch``."""

import re
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from hpcvox.config import Settings
from hpcvox.crystals.columns import ID_COLUMNS

MAY_CHANGE = ("page_limit", "pause_s", "timeout_s", "retries")
"""The settings that do not decide what is fetched: an interrupted fetch goes on with others."""

_FIELD = re.compile(r"[a-z_][a-z_0-9]*")


class FetchSettings(Settings):
    """What ``hpcvox fetch`` is told."""

    provider: Literal["optimade"] = Field("optimade", description="what the database speaks")
    url: str = Field(
        "https://optimade.materialsproject.org",
        description="base URL of the database, http or https, with or without /v1",
    )
    filter: str = Field("", description="OPTIMADE filter: which structures; empty: all of them")
    properties: list[str] = Field(
        [], description="the database's own fields of numbers to take as targets, e.g. [_oqmd_stability]"
    )
    limit: int | None = Field(None, ge=1, description="take at most so many structures; null: all that match")
    out: Path = Field(Path("runs/crystals"), description="folder to write; a run that stopped goes on there")
    page_limit: int = Field(
        100, ge=1, le=10_000, description="structures asked for at once; a database may give fewer"
    )
    pause_s: float = Field(0.5, ge=0, le=3600, description="s; rest between two requests")
    timeout_s: float = Field(60.0, gt=0, le=3600, description="s; a server silent for so long is asked again")
    retries: int = Field(6, ge=0, le=100, description="further tries of a request that failed")

    @field_validator("url")
    @classmethod
    def _plain(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be the http or https address of a database")
        if "@" in parts.netloc:  # it would be saved with the results
            raise ValueError("must hold no user name or password")
        if parts.query or parts.fragment:
            raise ValueError("must be the base URL, without ? or #; conditions go into filter")
        return url.rstrip("/")

    @field_validator("properties")
    @classmethod
    def _fields(cls, names: list[str]) -> list[str]:
        for name in names:
            if not _FIELD.fullmatch(name) or name in (*ID_COLUMNS, "structure"):
                raise ValueError(f"{name!r} is no field of numbers")
        if len(set(names)) < len(names):
            raise ValueError("a field is named twice")
        return names
