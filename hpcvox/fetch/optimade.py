"""Fetches from databases that speak OPTIMADE: finds the database, its abilities, and its structures page by page."""

import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from hpcvox.errors import ConfigError, SourceError, did_you_mean
from hpcvox.fetch.client import Session, link
from hpcvox.fetch.convert import FIELDS, record
from hpcvox.fetch.pages import Header
from hpcvox.fetch.provider import Database, Page
from hpcvox.fetch.settings import OptimadeSettings

_VERSIONED = re.compile(r"/v\d+(\.\d+)*$")


class Optimade:
    """A database that speaks OPTIMADE."""

    def __init__(self, settings: OptimadeSettings) -> None:
        self._settings = settings
        self._session = Session(settings.pause_s, settings.timeout_s, settings.retries)
        self.database = database(self._session, settings)

    def pages(self, came: Sequence[Header]) -> Iterator[Page]:
        """See :class:`~hpcvox.fetch.provider.Provider`; a page of ``came`` that comes again is an error."""
        url = came[-1].next if came else first(self.database, self._settings)
        visited = {header.url for header in came}
        while url is not None:
            visited.add(url)
            answer = self._session.object_at(url)
            entries, meta, links = answer.get("data"), answer.get("meta"), answer.get("links")
            if not isinstance(entries, list):
                raise SourceError(f"{url}: the answer holds no list of structures")
            following = _next(url, links if isinstance(links, dict) else {}, self._settings)
            if following in visited:
                raise SourceError(f"{url}: the next page is one that came already: {following}")
            yield Page(url, entries, following, meta if isinstance(meta, dict) else {})
            url = following

    def record(self, entry: Any) -> dict[str, Any]:
        """See :class:`~hpcvox.fetch.provider.Provider`."""
        return record(entry, self._settings.properties)


def database(session: Session, settings: OptimadeSettings) -> Database:
    """Read the description of the database at ``settings.url``.

    Raises:
        SourceError: there is no database of OPTIMADE 1 with structures.
        ConfigError: it lacks a field that ``settings.properties`` name.
    """
    base = settings.url if _VERSIONED.search(settings.url) else f"{settings.url}/v1"
    info = _attributes(session.object_at(f"{base}/info"))
    version = str(info.get("api_version", ""))
    if not version.removeprefix("v").startswith("1."):
        raise SourceError(f"{base}/info: OPTIMADE 1 is needed; the api_version there is {version!r}")
    if info.get("is_index"):
        raise SourceError(f"{base} is an index of databases: give one of those that {base}/links lists")
    fields = session.object_at(f"{base}/info/structures").get("data")
    fields = fields.get("properties") if isinstance(fields, dict) else None
    if not isinstance(fields, dict):
        raise SourceError(f"{base}/info/structures: the database does not say what its structures have")
    for name in settings.properties:
        if name not in fields:
            own = ", ".join(sorted(key for key in fields if key.startswith("_"))) or "none"
            raise ConfigError(
                f"properties: {base} has no field {name}: {did_you_mean(name, fields)}fields of its own: {own}"
            )
    stated = info.get("license")
    stated = stated.get("href") if isinstance(stated, dict) else stated
    units = {name: _unit(fields[name]) for name in settings.properties}
    stated = stated if isinstance(stated, str) else None
    return Database(base, version, stated, units, _sortable(fields.get("id")))


def first(database: Database, settings: OptimadeSettings) -> str:
    """The URL of the first page."""
    query = {"filter": settings.filter} if settings.filter else {}
    query |= _fields(settings)
    query["page_limit"] = str(min(settings.page_limit, settings.limit or settings.page_limit))
    if database.sortable:
        query["sort"] = "id"
    return f"{database.base}/structures?{urlencode(query)}"


def _next(url: str, links: dict[str, Any], settings: OptimadeSettings) -> str | None:
    target = links.get("next")
    target = target.get("href") if isinstance(target, dict) else target
    if not isinstance(target, str) or not target:
        return None
    full = link(url, target)
    # some databases omit the requested fields in their link, and would go on without positions
    if "response_fields" in dict(parse_qsl(urlsplit(full).query)):
        return full
    return f"{full}{'&' if urlsplit(full).query else '?'}{urlencode(_fields(settings))}"


def _fields(settings: OptimadeSettings) -> dict[str, str]:
    return {"response_fields": ",".join(("id", *FIELDS, *settings.properties))}


def _attributes(answer: dict[str, Any]) -> dict[str, Any]:
    data = answer.get("data")
    attributes = data.get("attributes") if isinstance(data, dict) else None
    return attributes if isinstance(attributes, dict) else {}


def _sortable(field: Any) -> bool:
    """Whether a field's description says that one can sort by it, in the form of OPTIMADE 1.1 or 1.2."""
    if not isinstance(field, dict):
        return False
    support = field.get("x-optimade-implementation")
    return bool(field.get("sortable") or (isinstance(support, dict) and support.get("sortable")))


def _unit(field: Any) -> str | None:
    """The unit that a field's description names, if any."""
    unit = field.get("unit", field.get("x-optimade-unit")) if isinstance(field, dict) else None
    return unit if isinstance(unit, str) else None
