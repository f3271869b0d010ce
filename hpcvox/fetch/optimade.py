"""What OPTIMADE says: where a database is, what it can do, and its structures, page by page."""

import difflib
import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

from hpcvox.errors import ConfigError, SourceError
from hpcvox.fetch.client import Client, link
from hpcvox.fetch.convert import FIELDS
from hpcvox.fetch.settings import FetchSettings

_VERSIONED = re.compile(r"/v\d+(\.\d+)*$")


class Database(NamedTuple):
    """What a database tells of itself."""

    base: str  # its versioned base URL
    api_version: str
    license: str | None
    sortable: bool  # by id


class Page(NamedTuple):
    """One answer."""

    url: str
    entries: list[Any]
    next: str | None
    meta: dict[str, Any]


def database(client: Client, settings: FetchSettings) -> Database:
    """The database at ``settings.url``.

    Raises:
        SourceError: there is no database of OPTIMADE 1 with structures.
        ConfigError: it has no field of the name of one of ``settings.properties``.
    """
    base = settings.url if _VERSIONED.search(settings.url) else f"{settings.url}/v1"
    info = _attributes(client.get(f"{base}/info"))
    version = str(info.get("api_version", ""))
    if not version.removeprefix("v").startswith("1."):
        raise SourceError(f"{base}/info: OPTIMADE 1 is needed; the api_version there is {version!r}")
    if info.get("is_index"):
        raise SourceError(f"{base} is an index of databases: give one of those that {base}/links lists")
    fields = client.get(f"{base}/info/structures").get("data")
    fields = fields.get("properties") if isinstance(fields, dict) else None
    if not isinstance(fields, dict):
        raise SourceError(f"{base}/info/structures: the database does not say what its structures have")
    for name in settings.properties:
        if name not in fields:
            near = difflib.get_close_matches(name, fields, n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            own = ", ".join(sorted(key for key in fields if key.startswith("_"))) or "none"
            raise ConfigError(f"properties: {base} has no field {name}: {hint}fields of its own: {own}")
    stated = info.get("license")
    stated = stated.get("href") if isinstance(stated, dict) else stated
    return Database(base, version, stated if isinstance(stated, str) else None, _sortable(fields.get("id")))


def first(database: Database, settings: FetchSettings) -> str:
    """The URL of the first page."""
    query = {"filter": settings.filter} if settings.filter else {}
    query |= _fields(settings)
    query["page_limit"] = str(min(settings.page_limit, settings.limit or settings.page_limit))
    if database.sortable:
        query["sort"] = "id"
    return f"{database.base}/structures?{urlencode(query)}"


def pages(client: Client, url: str, settings: FetchSettings, visited: set[str]) -> Iterator[Page]:
    """The pages from ``url`` on; a page of ``visited`` that comes again is an error.

    Raises:
        SourceError: the database cannot be asked, answers something else, or sends on in a circle or away.
    """
    following: str | None = url
    while following is not None:
        url = following
        visited.add(url)
        answer = client.get(url)
        entries, meta, links = answer.get("data"), answer.get("meta"), answer.get("links")
        if not isinstance(entries, list):
            raise SourceError(f"{url}: the answer holds no list of structures")
        following = _next(url, links if isinstance(links, dict) else {}, settings)
        if following in visited:
            raise SourceError(f"{url}: the next page is one that came already: {following}")
        yield Page(url, entries, following, meta if isinstance(meta, dict) else {})


def _next(url: str, links: dict[str, Any], settings: FetchSettings) -> str | None:
    target = links.get("next")
    target = target.get("href") if isinstance(target, dict) else target
    if not isinstance(target, str) or not target:
        return None
    full = link(url, target)
    # Some databases forget in their link what was asked for, and would go on without the positions.
    if "response_fields" in dict(parse_qsl(urlsplit(full).query)):
        return full
    return f"{full}{'&' if urlsplit(full).query else '?'}{urlencode(_fields(settings))}"


def _fields(settings: FetchSettings) -> dict[str, str]:
    return {"response_fields": ",".join(("id", *FIELDS, *settings.properties))}


def _attributes(answer: dict[str, Any]) -> dict[str, Any]:
    data = answer.get("data")
    attributes = data.get("attributes") if isinstance(data, dict) else None
    return attributes if isinstance(attributes, dict) else {}


def _sortable(field: Any) -> bool:
    """Whether a field's description says that it can be sorted by, as OPTIMADE 1.1 or as 1.2 has it."""
    if not isinstance(field, dict):
        return False
    support = field.get("x-optimade-implementation")
    return bool(field.get("sortable") or (isinstance(support, dict) and support.get("sortable")))
