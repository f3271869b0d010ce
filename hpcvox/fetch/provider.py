"""The interface of a provider of crystals."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from hpcvox.fetch.pages import Header


class Database(NamedTuple):
    """The description of a database."""

    base: str  # its base URL
    api_version: str
    license: str | None
    units: dict[str, str | None]  # of the targets
    sortable: bool = True  # by id


class Page(NamedTuple):
    """One answer."""

    url: str  # the URL, or another unique name of the page
    entries: list[Any]
    next: str | None  # the url of the page that follows
    meta: dict[str, Any]


class Provider(Protocol):
    """A database to take crystals from."""

    database: Database

    def pages(self, came: Sequence[Header]) -> Iterator[Page]:
        """Yield the pages after those that came.

        Raises:
            SourceError: the database does not answer, or gives an invalid answer.
        """

    def record(self, entry: Any) -> dict[str, Any]:
        """``{"id": ..., "structure": {...}, property: number, ...}`` of one entry of a page.

        Raises:
            Rejected: the record cannot express the entry.
        """
