"""The page of finds: its cards are the lines of the table; in a real browser they sort, filter and turn."""

from pathlib import Path
from typing import Any

import pytest

from hpcvox.rounds import page, reading
from hpcvox.rounds.folders import FINDS
from hpcvox.rounds.summary import Find, RoundSummary
from tests.support.browsing import cleared, errors, wait
from tests.support.campaign_run import BY_ROUND, STAGE, make_campaign

MOST_BYTES = 6_000_000
"""Of a page with few cards: plotly is most of it."""


def written(out: Path) -> Path:
    settings = make_campaign(out)
    done = [RoundSummary.load(out / f"round-{number:03d}" / "kept") for number in BY_ROUND]
    return page.write(settings, [one for one in done if one is not None], [STAGE])


def test_a_campaign_without_a_find_has_a_page_that_says_so(tmp_path: Path) -> None:
    settings = make_campaign(tmp_path / "c")
    (tmp_path / "c" / FINDS).unlink()
    assert "Nothing was found" in page.write(settings, [], [STAGE]).read_text()


@pytest.fixture(scope="module")
def opened(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, list[dict[str, str]]]:
    """A browser with the page in it once it is drawn, and the lines of the table."""
    out = tmp_path_factory.mktemp("campaign") / "finds"
    path = written(out)
    assert path.stat().st_size < MOST_BYTES
    cleared(browser).get(path.absolute().as_uri())
    wait(browser, "return document.documentElement.dataset.ready === 'yes'")
    return browser, reading.rows(out / FINDS)


IDS = "return [...document.querySelectorAll('.card')].map(c => c.dataset.card)"


def put(browser: Any, part: str, value: str) -> None:
    browser.execute_script(
        "const e = document.getElementById(`finds-${arguments[0]}`); e.value = arguments[1];"
        "e.dispatchEvent(new Event('input'))",
        part,
        value,
    )


def test_cards_are_the_lines_of_the_table_and_sort_and_filter(
    opened: tuple[Any, list[dict[str, str]]],
) -> None:
    browser, rows = opened
    assert browser.execute_script(IDS) == [
        row[Find.ID] for row in sorted(rows, key=lambda row: (float(row[Find.ABOVE]), row[Find.ID]))
    ]
    put(browser, "field", "density")
    put(browser, "high", "4.3")
    chosen = [row[Find.ID] for row in rows if float(row[Find.DENSITY]) <= 4.3]
    assert sorted(browser.execute_script(IDS)) == sorted(chosen)
    put(browser, "high", "")
    put(browser, "words", "csznf3")
    assert browser.execute_script(IDS) == [row[Find.ID] for row in rows if row[Find.FORMULA] == "CsZnF3"]
    put(browser, "words", "")
    browser.execute_script(
        "[...document.querySelectorAll('#finds-map b')].find(b => b.textContent === 'Sn').click()"
    )
    assert sorted(browser.execute_script(IDS)) == sorted(
        row[Find.ID] for row in rows if "Sn" in row[Find.FORMULA]
    )
    browser.execute_script(
        "[...document.querySelectorAll('#finds-map b')].find(b => b.textContent === 'Sn').click()"
    )
    assert len(browser.execute_script(IDS)) == len(rows)


def test_a_card_turns_by_the_keys_and_fits_a_phone(opened: tuple[Any, list[dict[str, str]]]) -> None:
    browser, _ = opened
    picture = "return document.querySelector('.card canvas').toDataURL()"
    before = browser.execute_script(picture)
    browser.execute_script(
        "document.querySelector('.card canvas').dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowLeft'}))"
    )
    assert browser.execute_script(picture) != before
    metrics = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        # figures follow the width a moment later
        wait(browser, "return document.documentElement.scrollWidth <= 390")
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert errors(browser) == []
