"""Fetches from the Materials Project by mp-api: first the ids of all matching materials, then the materials in pages.

The library makes the queries and checks them; the requests go through a :class:`Session`.
"""

import warnings
from collections.abc import Iterator, Sequence
from typing import Any, Final

import requests

from hpcvox.errors import Rejected, SourceError
from hpcvox.fetch.client import Session, refusal
from hpcvox.fetch.convert import identifier, numbers
from hpcvox.fetch.key import read_key
from hpcvox.fetch.pages import Header
from hpcvox.fetch.provider import Database, Page
from hpcvox.fetch.settings import MaterialsProjectSettings
from hpcvox.fetch.summaries import (
    MPRestError,
    MPRestWarning,
    SummaryRester,
    arguments,
    format_identifier,
    unit,
)
from hpcvox.progress import Progress

IDS_AT_ONCE: Final = 1000
"""As many as the server gives."""


class MaterialsProject:
    """The Materials Project, or a server of its software."""

    def __init__(self, settings: MaterialsProjectSettings) -> None:
        self._settings = settings
        units = {name: unit(name) for name in settings.properties}
        self._criteria = arguments(settings.criteria)
        key = read_key(settings.key_file)
        self._session = _KeyedSession(settings.pause_s, settings.timeout_s, settings.retries)
        self._beat = self._heartbeat()
        self._summary = _Summary(
            key, settings.url, session=self._session, use_document_model=False,
            mute_progress_bars=True, db_version=self._version,
        )  # fmt: skip
        self.database = Database(settings.url, str(self._beat.get("version", "")), None, units)

    @property
    def _version(self) -> str:
        return str(self._beat["db_version"])

    def pages(self, came: Sequence[Header]) -> Iterator[Page]:
        """See :class:`~hpcvox.fetch.provider.Provider`; pages of two releases are not mixed."""
        if came:
            self._refuse_other_release(came[0].meta["database_version"])
        ids = self._ids()
        place = came[-1].next if came else None
        if place is not None and place not in ids:
            raise SourceError(
                f"{place} should come next, and is no longer among the materials that match: "
                f"remove {self._settings.out} and begin anew"
            )
        begin = 0 if place is None else ids.index(place)
        meta = {
            "data_returned": len(ids),
            "provider": {"name": "the Materials Project"},
            "time_stamp": self._beat.get("time"),
            "database_version": self._version,
        }
        for at in range(begin, len(ids), self._settings.page_limit):
            chunk = ids[at : at + self._settings.page_limit]
            following = ids[at + len(chunk)] if at + len(chunk) < len(ids) else None
            entries = self._materials(chunk)
            if following is None:
                before, self._beat = self._version, self._heartbeat()
                self._refuse_other_release(before)
            yield Page(chunk[0], entries, following, meta)

    def record(self, entry: Any) -> dict[str, Any]:
        """See :class:`~hpcvox.fetch.provider.Provider`."""
        if not isinstance(entry.get("structure"), dict):
            raise Rejected("no-structure", "the database names the material and gives no structure of it")
        found = numbers(entry, self._settings.properties)
        return {"id": identifier(entry), "structure": entry["structure"], **found}

    def _ids(self) -> list[str]:
        """The ids of the matching materials, in the server's order; at most as many as are wanted."""
        ids: dict[str, None] = {}
        limit = self._settings.limit
        with Progress("fetch: list", None, "materials") as progress:
            for number in range(1, 10**6):
                found = self._search(
                    self._criteria, ["material_id"], IDS_AT_ONCE, _page=number, _sort_fields="material_id"
                )
                before = len(ids)
                ids |= dict.fromkeys(entry["id"] for entry in found)
                if found and len(ids) == before:
                    raise SourceError(
                        f"{self._settings.url}: the list of materials goes on with those that came before"
                    )
                progress.advance(len(ids) - progress.done)
                if len(found) < IDS_AT_ONCE or (limit is not None and len(ids) >= limit):
                    break
        return list(ids)[:limit]

    def _materials(self, ids: list[str]) -> list[dict[str, Any]]:
        """An entry for each id; it has only the id if the server gives nothing."""
        asked = {"material_ids": ids, "deprecated": self._criteria["deprecated"]}
        fields = ["material_id", "structure", *self._settings.properties]
        found = {entry["id"]: entry for entry in self._search(asked, fields, len(ids))}
        return [found.get(name, {"id": name}) for name in ids]

    def _search(
        self, criteria: dict[str, Any], fields: list[str], count: int, **more: Any
    ) -> list[dict[str, Any]]:
        """The documents of one answer, each with its ``id`` in the usual form (mp-149, not mp-aaaaaaft)."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", MPRestWarning)  # where its documentation is
                # exactly one answer; with num_chunks=None the library may copy a release from another server
                found = self._summary.search(
                    **criteria, fields=fields, chunk_size=count, num_chunks=1, **more
                )
            return [{**entry, "id": format_identifier(entry["material_id"], legacy=True)} for entry in found]
        except (MPRestError, TypeError, ValueError, LookupError, AttributeError) as error:
            said = " ".join(f"{type(error).__name__}: {error}".split())[:1000]
            raise SourceError(
                f"{self._settings.url}: mp-api cannot search for {str(criteria)[:200]}: {said}"
            ) from None

    def _heartbeat(self) -> dict[str, Any]:
        beat = self._session.object_at(f"{self._settings.url}/heartbeat")
        if not isinstance(beat.get("db_version"), str):
            raise SourceError(
                f"{self._settings.url} is no API of the Materials Project: it names no db_version"
            )
        return beat

    def _refuse_other_release(self, before: Any) -> None:
        if self._version != before:
            raise SourceError(
                f"the Materials Project went from release {before} to {self._version} in the midst of this fetch, "
                f"whose materials would be of both: remove {self._settings.out} and begin anew"
            )


class _KeyedSession(Session):
    """Reports errors of queries itself; the library would blame its own version."""

    def request(self, method: str, url: str, **more: Any) -> requests.Response:  # type: ignore[override]
        """See :class:`Session`."""
        response = super().request(method, url, **more)
        if response.status_code in (401, 403):
            raise SourceError(f"{refusal(response)}: is the key yours, and does it still hold?")
        if response.status_code not in (200, 414, 422):  # after 414 and 422 the library asks for less
            raise SourceError(refusal(response))
        return response


class _Summary(SummaryRester):  # type: ignore[misc]
    """The summaries of materials."""

    def _get_heartbeat_info(self, endpoint: str) -> tuple[str, list[str]]:
        """Return known values; the library would send a request without a time limit and without another try."""
        return self.db_version, []

    @property
    def available_fields(self) -> list[str]:
        """The fields, computed once; the library would compute them for each field of each query, in 0.07 s each."""
        return list(self.document_model.model_fields)
