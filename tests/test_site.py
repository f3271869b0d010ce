"""The documentation site: it builds without a warning, no link is dead, and nothing is fetched from elsewhere."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from hpcvox import __version__
from tests.support.paths import ROOT
from tests.support.shown_commands import pages

LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href", "object": "data"}
"""Elements for which a browser fetches what an attribute names."""

LINKS_THAT_NAME = ("canonical", "next", "prev", "alternate")
"""Values of ``rel`` of a ``link`` that is not fetched."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as ``make docs`` builds it."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "WARNING" not in said
    assert "not included in the nav" not in said, said
    return folder


class Loads(HTMLParser):
    """What a browser would fetch for a page, and where its links lead."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.feed(page.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "link" and given.get("rel") in LINKS_THAT_NAME:
            return
        if tag in LOADED and (named := given.get(LOADED[tag])):
            self.loads.append(named)
        if tag == "a" and (named := given.get("href")):
            self.links.append(named)


def built(site: Path) -> Iterator[tuple[Path, Loads]]:
    """Each page that was built, and what it loads."""
    for page in sorted(site.rglob("*.html")):
        yield page, Loads(page)


def test_a_page_loads_nothing_from_elsewhere(site: Path) -> None:
    loads = {(page.name, load) for page, found in built(site) for load in found.loads}
    assert len(loads) > 50
    assert [one for one in loads if re.match(r"(?i)(https?:)?//", one[1])] == []
    styles = "".join(path.read_text("utf-8") for path in site.rglob("*.css"))
    assert re.findall(r"""(?:@import|url\(\s*["']?)\s*["']?(?:https?:)?//[^)]*""", styles) == []


def test_what_pages_load_is_there_and_their_addresses_are_well_formed(site: Path) -> None:
    for page, found in built(site):
        for load in found.loads:
            if page.name != "404.html" and not load.startswith("data:"):
                assert (page.parent / load.partition("?")[0]).exists(), f"{page.name}: {load}"
        for link in found.links:
            if re.match(r"(?i)[a-z]+:", link):
                assert re.fullmatch(r"https://[a-z0-9.-]+\.[a-z]+(/[^\s<>]*)?", link), f"{page.name}: {link}"


def test_formulas_are_drawn_without_a_script(site: Path) -> None:
    page = (site / "descriptors.html").read_text("utf-8")
    assert page.count("<math") > 10
    assert "arithmatex" not in page


def test_the_site_has_every_page_and_the_reference_its_functions(site: Path) -> None:
    for page in pages()[1:]:
        assert (site / page.relative_to(ROOT / "docs").with_suffix(".html")).exists(), page
    reference = (site / "api.html").read_text("utf-8")
    for name in (
        "api.describing.voxelize",
        "api.networks.load",
        "testing.sources.check_source",
        "errors.Rejected",
    ):
        assert f'id="hpcvox.{name}"' in reference, name
    assert "Five-minute start" in (site / "index.html").read_text("utf-8")


def test_the_citation_is_of_this_version_and_of_the_three_papers() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert {"cff-version", "message", "title", "authors", "type", "license"} <= cited.keys()
    assert cited["version"] == __version__
    bibtex = (ROOT / "docs" / "references.bib").read_text("utf-8")
    dois = re.findall(r"doi\s+= {(.*)}", bibtex)
    assert sorted(dois) == sorted(paper["doi"] for paper in cited["references"])
    assert len(dois) == 3
    assert bibtex.count("{") == bibtex.count("}")
