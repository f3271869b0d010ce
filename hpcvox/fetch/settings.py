"""Settings of ``hpcvox fetch``: those of every provider, and those that each provider adds."""

import re
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from hpcvox.config import Settings
from hpcvox.crystals.sources.columns import ID_COLUMNS
from hpcvox.errors import ConfigError, did_you_mean

MAY_CHANGE = ("page_limit", "pause_s", "timeout_s", "retries", "key_file")
"""Settings that do not change what is fetched; they may differ when an interrupted fetch goes on."""

_FIELD = re.compile(r"[a-z_][A-Za-z_0-9]*")
_KEY = re.compile(r"[A-Za-z0-9]{32}")


class FetchSettings(Settings):
    """The settings that all providers have."""

    provider: str = Field(description="what the database speaks")
    url: str = Field(description="base URL of the database")
    properties: list[str] = Field([], description="the database's own fields of numbers to take as targets")
    limit: int | None = Field(
        None, ge=1, description="fetch at most this many structures; null: all that match"
    )
    out: Path = Field(Path("runs/crystals"), description="folder to write; a run that stopped goes on there")
    page_limit: int = Field(
        100, ge=1, le=10_000, description="structures per request; a database may give fewer"
    )
    pause_s: float = Field(
        0.5,
        ge=0,
        le=3600,
        description="seconds between two requests; there is never more than one request at a time",
    )
    timeout_s: float = Field(
        60.0,
        gt=0,
        le=3600,
        description="seconds; if a server is silent for this long, or needs ten times as long for one answer, the "
        "request is repeated",
    )
    retries: int = Field(
        6,
        ge=0,
        le=100,
        description="further tries after a request has failed, each after a longer pause, or the one that the server "
        "asks for",
    )

    @classmethod
    def variant(cls, tree: Mapping[str, Any]) -> type[Settings]:
        """The settings class of the provider that ``tree`` names; ``optimade`` if it names none."""
        name = tree.get("provider", "optimade")
        if not isinstance(name, str) or name not in VARIANTS:
            near = did_you_mean(str(name), VARIANTS)
            raise ConfigError(f"provider: there is no {str(name)!r}: {near}valid: {', '.join(VARIANTS)}")
        return VARIANTS[name]

    @classmethod
    def kinds(cls) -> Mapping[str, Iterable[str]]:
        """See :class:`hpcvox.config.Settings`."""
        return {"provider": VARIANTS}

    @property
    def question(self) -> dict[str, Any]:
        """The query: which structures to fetch."""
        raise NotImplementedError

    @field_validator("url")
    @classmethod
    def _plain(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be the http or https address of a database")
        if "@" in parts.netloc:  # it would be saved with the results
            raise ValueError("must hold no user name or password")
        if parts.query or parts.fragment:
            raise ValueError("must be the base URL, without ? or #: which structures is another setting")
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


class OptimadeSettings(FetchSettings):
    """hpcvox fetch: crystals from a database on the network that speaks OPTIMADE, into a file for hpcvox featurize.

    Run it where there is internet (a login node): compute nodes have none.

    Examples:
      hpcvox fetch filter='nelements=2 AND elements HAS "O"' limit=1000 out=runs/oxides
    """

    provider: Literal["optimade"] = Field("optimade", description="what the database speaks")
    url: str = Field(
        "https://optimade.materialsproject.org",
        description="base URL of the database, http or https, with or without /v1; https://www.optimade.org lists "
        "those there are; redirections and links to other servers are not followed",
    )
    filter: str = Field(
        "",
        description='which structures, as a filter of OPTIMADE: nelements=2 AND elements HAS "O"; empty: all of them',
    )
    properties: list[str] = Field(
        [], description="the database's own fields of numbers to take as targets, as [_oqmd_stability]"
    )

    @property
    def question(self) -> dict[str, Any]:
        """See :class:`FetchSettings`."""
        return {"filter": self.filter}


class MaterialsProjectSettings(FetchSettings):
    """hpcvox fetch: crystals from the Materials Project by its own API, into a file for hpcvox featurize.

    It needs the extra mp and your own key (https://materialsproject.org/api), which is neither saved nor shown.
    Run it where there is internet (a login node): compute nodes have none.

    Examples:
      hpcvox fetch configs/fetch_materials_project.yaml criteria='{elements: [O], energy_above_hull: [0, 0.05]}'
    """

    provider: Literal["materials_project"] = Field(
        "materials_project", description="what the database speaks"
    )
    url: str = Field(
        "https://api.materialsproject.org",
        description="base URL of the API, https; redirections to other servers are not followed",
    )
    key_file: Path | None = Field(
        None,
        description="file that holds only the key, which nobody else may read (chmod 600); null: take the key from "
        "the environment variable MP_API_KEY",
    )
    criteria: dict[str, Any] = Field(
        {},
        description="which materials, with the names of mp-api's materials.summary.search; a range is [least, "
        "most]: {elements: [O], num_sites: [1, 40], energy_above_hull: [0, 0.05], band_gap: [0.5, "
        "null]}; {}: all of them",
    )
    properties: list[str] = Field(
        ["formation_energy_per_atom", "band_gap", "energy_above_hull"],
        description="fields of numbers of a material's summary to take as targets; fetch.json says their units",
    )
    page_limit: int = Field(100, ge=1, le=1000, description="structures per request")

    @property
    def question(self) -> dict[str, Any]:
        """See :class:`FetchSettings`."""
        return {"criteria": self.criteria}

    @field_validator("key_file")
    @classmethod
    def _no_key(cls, path: Path | None) -> Path | None:
        if path is not None and _KEY.fullmatch(str(path)):  # a validation error would print the key
            raise ConfigError("key_file: give the name of a file that holds the key, not the key itself")
        return path

    @field_validator("url")
    @classmethod
    def _secret(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme != "https" and not _is_loopback(parts.hostname or ""):
            raise ValueError("must be https: the key goes with each request")
        return url


VARIANTS: dict[str, type[FetchSettings]] = {
    "optimade": OptimadeSettings,
    "materials_project": MaterialsProjectSettings,
}


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
