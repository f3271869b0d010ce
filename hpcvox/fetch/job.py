"""The job ``fetch``: gets pages from a database, saves each as it comes, then writes one file of crystals.

``crystals.jsonl.gz`` depends only on the content of the database, not on the size of pages or on interruptions.
"""

import contextlib
import json
from typing import Any, Final

from hpcvox import config
from hpcvox.errors import Rejected, SourceError
from hpcvox.fetch.convert import identifier
from hpcvox.fetch.joining import CARD, announced, finished, join, outcome
from hpcvox.fetch.pages import Header, Pages
from hpcvox.fetch.provider import Page, Provider
from hpcvox.fetch.settings import MAY_CHANGE, FetchSettings, MaterialsProjectSettings, OptimadeSettings
from hpcvox.files import durable
from hpcvox.process.outcome import Outcome
from hpcvox.process.settings_files import CONFIG
from hpcvox.progress import Progress
from hpcvox.terminal import counted

MOST_BARREN: Final = 20
"""Most pages in a row without a new structure; some databases apply the filter after they have counted a page."""


def run(settings: FetchSettings) -> Outcome:
    """Write ``crystals.jsonl.gz``, ``rejects.csv`` and, last, ``fetch.json``; a finished fetch stays as it is.

    Raises:
        ConfigError: the folder holds results of other settings, or the database lacks a property.
        SourceError: the database cannot be reached or used, or nothing matches the filter.
        BusyError: another run is writing the folder.
    """
    out = settings.out
    with durable.sole_writer(out):
        pages = Pages(out)
        if (out / CARD).exists():
            config.claim(settings, out, MAY_CHANGE)
            card = finished(out)
            again = f"; nothing to do, they are of {card['queried'] or 'an earlier run'}"
        else:
            if pages.headers:
                config.claim(settings, out, MAY_CHANGE)
            else:  # nothing came yet, so the user may still correct a filter that was refused
                config.save(settings, out / CONFIG)
            card, again = _fetched(settings, pages), ""
        pages.remove()
    return outcome(out, card, again)


def _fetched(settings: FetchSettings, pages: Pages) -> dict[str, Any]:
    try:
        provider = _reached(settings)
        _collect(provider, settings, pages)
    except SourceError as error:
        if not pages.headers:
            raise
        raise SourceError(
            f"{error}; {counted(pages.entries, 'structure')} kept in {settings.out}: run the same command again to "
            "go on, or remove that folder to begin anew"
        ) from None
    if not pages.entries:
        pages.remove()
        asked = ", ".join(f"{key}={value!r}" for key, value in settings.question.items())
        raise SourceError(f"{provider.database.base}: no structure matches {asked}")
    return join(settings, provider.database, pages)


def _collect(provider: Provider, settings: FetchSettings, pages: Pages) -> None:
    """Fetch and save the pages that are still missing."""
    if pages.headers and pages.headers[-1].next is None:
        return
    seen = {json.loads(line)["id"] for line in pages.crystals()}
    known = {"", *(row[0] for header in pages.headers for row in header.rejects)}
    barren = 0
    n_rejects = sum(len(header.rejects) for header in pages.headers)
    with contextlib.ExitStack() as stack:
        progress: Progress | None = None
        for page in provider.pages(tuple(pages.headers)):
            left = None if settings.limit is None else settings.limit - pages.entries
            entries = page.entries[:left]
            full = left is not None and len(entries) == left
            crystals, rejects = _converted(provider, entries, pages.entries, seen)
            following = None if full else page.next
            pages.add(Header(page.url, following, len(entries), rejects, _meta(page)), crystals)
            n_rejects += len(rejects)
            named = {row[0] for row in rejects} - known - seen
            known |= named
            barren = 0 if crystals or named else barren + 1
            if following is not None and barren == MOST_BARREN:
                raise SourceError(
                    f"{page.url}: {MOST_BARREN} pages in a row have no structure that had not come before, and "
                    "the server names one more: there may be no end to them"
                )
            if progress is None:  # the first page says how many there are, and does not count for the rate
                total = announced(page.meta, settings)
                progress = stack.enter_context(Progress("fetch", total, "crystals", pages.entries))
                progress.advance(0, rejects=n_rejects)
            else:
                progress.advance(len(entries), rejects=n_rejects)
            if full:
                return


def _converted(
    provider: Provider, entries: list[Any], before: int, seen: set[str]
) -> tuple[list[bytes], list[list[str]]]:
    """The lines of the crystals and the rows of the rejects among ``entries``; ``before`` entries came earlier."""
    crystals: list[bytes] = []
    rejects: list[list[str]] = []
    for number, entry in enumerate(entries, before + 1):
        try:
            crystal = provider.record(entry)
            if crystal["id"] in seen:
                raise Rejected("duplicate-id", "a structure of this id came before")
        except Rejected as reason:
            rejects.append([identifier(entry), f"structure {number}", reason.code, str(reason)])
        else:
            seen.add(crystal["id"])
            crystals.append(json.dumps(crystal, separators=(",", ":")).encode())
    return crystals, rejects


def _meta(page: Page) -> dict[str, Any]:
    """The part of an answer's ``meta`` that is saved: numbers and texts, or None."""
    meta, provider = page.meta, page.meta.get("provider")

    def kept(value: Any, kind: type) -> Any:
        return value if isinstance(value, kind) and not isinstance(value, bool) else None

    return {
        "data_returned": kept(meta.get("data_returned"), int),
        "data_available": kept(meta.get("data_available"), int),
        "time_stamp": kept(meta.get("time_stamp"), str),
        "provider": kept(provider.get("name"), str) if isinstance(provider, dict) else None,
        "database_version": kept(meta.get("database_version"), str),
        "more": meta.get("more_data_available") is True,
    }


def _reached(settings: FetchSettings) -> Provider:
    """Connect to the provider that ``settings`` name.

    Raises:
        ConfigError: the database lacks a property, or the user has no key.
        SourceError: it does not answer, or is no such database.
        MissingDependencyError: a library for it is not installed.
    """
    if isinstance(settings, MaterialsProjectSettings):
        from hpcvox.fetch.materials_project import MaterialsProject  # an extra, and slow to import

        return MaterialsProject(settings)
    from hpcvox.fetch.optimade import Optimade

    assert isinstance(settings, OptimadeSettings)
    return Optimade(settings)
