"""The report of a small run in a real browser: it draws, sorts, cuts and turns, and asks for nothing."""

import base64
import csv
import io
import json
import re
import time
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
import pytest
from PIL import Image

from hpcvox.report.job import run
from tests.support.browsing import cleared, downloaded, errors, requests, wait
from tests.support.report_run import make_run


@pytest.fixture(scope="module")
def opened(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A browser with the report of a small run in it, once it is drawn."""
    settings = make_run(tmp_path_factory.mktemp("runs"))
    run(settings)
    cleared(browser).get((settings.out / "report.html").absolute().as_uri())
    wait(browser, "return document.documentElement.dataset.ready === 'yes'")
    return browser


def colours(png: bytes) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def test_charts_are_drawn(opened: Any) -> None:
    lines = "return document.querySelectorAll('[data-chart=\"{}-loss\"] .scatterlayer .js-line').length"
    assert opened.execute_script(lines.format("unet")) == 2
    assert opened.execute_script(lines.format("vae")) == 2
    images = "return document.querySelectorAll('#{}-view .heatmaplayer image').length"
    assert opened.execute_script(images.format("densities")) == 9
    assert opened.execute_script(images.format("decoded")) == 4


def test_slice_moves(opened: Any) -> None:
    image = "return document.querySelector('#densities-view .heatmaplayer image').getAttribute('href')"
    before = wait(opened, image)
    opened.execute_script(
        "const s = document.getElementById('densities-slice'); s.value = 3; s.dispatchEvent(new Event('input'))"
    )
    wait(opened, image.replace("return ", f"return {json.dumps(before)} !== "))


def test_table_sorts_by_click(opened: Any) -> None:
    table = "[...document.querySelectorAll('#generated table')].at(-1)"
    head = f"[...{table}.tHead.rows[0].cells].findIndex(h => h.textContent === 'a')"
    column = f"return [...{table}.tBodies[0].rows].map(r => Number(r.cells[{head}].textContent))"
    lengths = opened.execute_script(column)
    assert lengths != sorted(lengths)
    opened.execute_script(f"{table}.tHead.rows[0].cells[{head}].querySelector('button').click()")
    assert opened.execute_script(column) == sorted(lengths)
    opened.execute_script(f"{table}.tHead.rows[0].cells[{head}].querySelector('button').click()")
    assert opened.execute_script(column) == sorted(lengths, reverse=True)


def test_crystal_turns_and_changes(opened: Any) -> None:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By

    view = opened.find_element(By.ID, "crystal-view")
    opened.execute_script("arguments[0].scrollIntoView({block: 'center'})", view)
    time.sleep(0.5)
    turn = "return document.getElementById('crystal-view').dataset.turn"
    before, first = opened.execute_script(turn), colours(view.screenshot_as_png)
    red = (first[..., 0] > 200) & (first[..., 1] < 60) & (first[..., 2] < 60)  # oxygen, Jmol's #ff0d0d
    assert red.sum() > 500, "no oxygen atom is to be seen"
    ActionChains(opened).move_to_element(view).click_and_hold().move_by_offset(120, 40).pause(
        0.2
    ).release().perform()
    assert opened.execute_script(turn) != before
    turned = colours(view.screenshot_as_png)
    assert (np.abs(turned.astype(int) - first).max(axis=2) > 30).mean() > 0.02
    kept = opened.execute_script(turn)
    row = opened.find_element(By.CSS_SELECTOR, 'tr[data-crystal="c009"]')
    opened.execute_script("arguments[0].cells[0].click()", row)
    assert opened.execute_script("return document.getElementById('crystal-choice').value") == "c009"
    assert "4.900" in opened.find_element(By.ID, "crystal-cell").text
    legend = opened.find_element(By.ID, "crystal-legend").text.split()
    assert legend == ["O", "Mg"]
    assert opened.execute_script(turn) == kept, "the view stays when another crystal is chosen"


def test_crystals_are_downloaded_from_the_page_itself(opened: Any, tmp_path: Path) -> None:
    """With the folders of the run away: all of it is in the page."""
    click = "document.querySelector('[data-file=\"{}\"]').click()"
    cif = downloaded(opened, tmp_path, click.format("generated.cif"), "generated.cif")
    assert cif.count(b"_cell_length_a") == 9
    frames = downloaded(opened, tmp_path, click.format("generated.extxyz"), "generated.extxyz")
    atoms = ase.io.read(io.StringIO(frames.decode()), ":", format="extxyz")
    assert isinstance(atoms, list)
    assert len(atoms) == 9
    assert atoms[1].info["id"] == "c001"
    assert atoms[1].get_chemical_formula() == "Mg4O4"
    np.testing.assert_allclose(atoms[1].cell.lengths(), 4.1)
    assert atoms[4].info["formula"].startswith("<script>"), "c005, whose formula is hostile, as it is"
    text = downloaded(opened, tmp_path, click.format("generated.csv"), "generated.csv")
    rows = list(csv.DictReader(io.StringIO(text.decode())))
    assert [row["id"] for row in rows] == [c.info["id"] for c in atoms]
    assert "".join(row["cif"] for row in rows).encode() == cif
    assert opened.execute_script("return document.querySelectorAll('[data-file=\"judged.cif\"]').length") == 1


def test_one_crystal_is_downloaded_by_its_row_and_by_its_picture(opened: Any, tmp_path: Path) -> None:
    row = "document.querySelector('#generated [data-cif=\"generated/c009\"]').click()"
    from_row = downloaded(opened, tmp_path / "row", row, "c009.cif")
    assert b"4.9" in from_row
    shown = "document.querySelector('tr[data-crystal=\"c009\"]').cells[0].click();"
    button = "document.getElementById('crystal-cif').click()"
    assert downloaded(opened, tmp_path / "shown", shown + button, "c009.cif") == from_row


def test_latent_space_and_rows_are_drawn(opened: Any) -> None:
    marks = "return document.querySelectorAll('[data-chart=\"latent-{}\"] .scatterlayer path.point').length"
    assert opened.execute_script(marks.format("kinds")) == 48
    assert opened.execute_script(marks.format("condition")) == 48
    widths = "return [...document.querySelectorAll('.gallery img')].map(i => i.naturalWidth)"
    pictures = opened.execute_script(widths)
    assert len(pictures) >= 20
    assert set(pictures) == {16}


def test_it_prints(opened: Any) -> None:
    """Within the width of a sheet, in the colours of paper whatever the screen's, and with every section."""
    dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
    opened.execute_script(
        "window.sheet = null; addEventListener('beforeprint', () => {"
        " const wide = [...document.querySelectorAll('.main-svg')].map(s => s.getBoundingClientRect().width);"
        " const text = document.querySelector('[data-chart=\"vae-loss\"] .xtitle');"
        " window.sheet = { wide: Math.max(...wide), charts: wide.length, ink: getComputedStyle(text).fill }; })"
    )
    before = opened.execute_script("return document.querySelector('[data-chart=\"vae-loss\"]').offsetWidth")
    told = opened.execute_cdp_cmd(
        "Page.printToPDF", {"printBackground": True, "generateDocumentOutline": True}
    )
    pdf = base64.b64decode(told["data"])
    sheet = opened.execute_script("return window.sheet")
    assert sheet["charts"] > 20
    assert sheet["wide"] <= 700, "wider than a sheet of A4 or letter"
    assert sheet["ink"] == "rgb(29, 39, 51)"
    assert pdf.startswith(b"%PDF")
    assert 5 <= len(re.findall(rb"/Type /Page\b", pdf)) <= 40
    outline = [title.decode("latin-1") for title in re.findall(rb"/Title \(([^)]*)\)", pdf)]
    titles = opened.execute_script("return [...document.querySelectorAll('h2')].map(h => h.textContent)")
    assert [title for title in titles if title not in outline] == []
    # afterwards the screen is as it was
    wait(opened, "return !document.documentElement.classList.contains('printing')")
    after = (
        "return document.querySelector('[data-chart=\"vae-loss\"] .main-svg').getBoundingClientRect().width"
    )
    assert abs(opened.execute_script(after) - before) <= 1
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_it_fits_a_phone_from_the_first_moment(opened: Any) -> None:
    """Also what is drawn: a figure follows the width of the page."""
    metrics = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        assert opened.execute_script("return document.documentElement.scrollWidth") <= 390
        rights = "[...document.querySelectorAll('.main-svg')].map(s => s.getBoundingClientRect().right)"
        wait(opened, f"return Math.max(...{rights}) <= 390")
        opened.refresh()
        wait(opened, "return document.documentElement.dataset.ready === 'yes'")
        assert opened.execute_script("return document.documentElement.scrollWidth") <= 390
        assert opened.execute_script(f"return Math.max(...{rights})") <= 390
    finally:
        opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        opened.refresh()
        wait(opened, "return document.documentElement.dataset.ready === 'yes'")


def test_no_error_and_no_request(opened: Any) -> None:
    assert opened.execute_script("return window.hacked") is None
    assert errors(opened) == []
    asked = requests(opened, "file:")
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert len({url for url in asked if url.startswith("file:")}) == 1
