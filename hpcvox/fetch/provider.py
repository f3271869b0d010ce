"""What every provider of crystals can do, whatever its database speaks."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from hpcvox.fetch.pages import Header


class Database(NamedTuple):
    """What a database tells of itself."""

    base: str  # its base URL
    api_version: str
    license: str | None
    units: dict[str, str | None]  # of the targets
    sortable: bool = True  # by id


class Page(NamedTuple):
    """One answer."""

    url: str  # or another name of the place, which no other page has
    entries: list[Any]
    next: str | None  # the url of the page that follows
    meta: dict[str, Any]


class Provider(Protocol):
    """A database to take crystals from."""

    database: Database

    def pages(self, came: Sequence[Header]) -> Iterator[Page]:
        """The pages that follow those that came.

        Raises:
            SourceError: the database cannot be asked, or answers something else.
        """

    def record(self, entry: Any) -> dict[str, Any]:
        """``{"id": ..., "structure": {...}, property: number, ...}`` of one entry of a page.

        Raises:
            Rejected: it has no words for the entry.
        """
