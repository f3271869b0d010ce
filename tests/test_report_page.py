"""The report of a small run: CIFs, densities, tables, metrics in; one page out, tried in a real browser."""

import csv
import io
import json
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
import pytest
from ase.spacegroup import crystal
from PIL import Image

from hpcvox.config import load
from hpcvox.descriptors.density import voxelize
from hpcvox.errors import ConfigError, SourceError
from hpcvox.report.job import run
from hpcvox.report.settings import ReportSettings

HOSTILE = "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>"
FCC = [(0, 0, 0), (0.5, 0.5, 0.5)]


def table(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def rocksalt(a: float, cation: str, anion: str) -> ase.Atoms:
    return crystal([cation, anion], FCC, spacegroup=225, cellpar=[a, a, a, 90, 90, 90])


def perovskite(a: float, x: str, y: str) -> ase.Atoms:
    sites = [(0.5, 0.5, 0.5), (0, 0, 0), (0.5, 0, 0)]
    return crystal([x, y, "O"], sites, spacegroup=221, cellpar=[a, a, a, 90, 90, 90])


def make_database(folder: Path) -> None:
    folder.mkdir(parents=True)
    rng = np.random.default_rng(1)
    kinds = ("rocksalt", "perovskite", "heusler")
    rows = [
        {
            "material_id": f"m{k}",
            "formula": "MgO",
            "class": kinds[k % 3],
            "formation_energy": rng.normal(-1 - k % 3, 0.3),
            "energy_model": "chgnet-0.4.2",
            "a": 4.2,
        }
        for k in range(300)
    ]
    table(folder / "crystals.csv", rows)
    (folder / "config.yaml").write_text("size: 300\nseed: 17\n")
    (folder / "database.json").write_text(json.dumps({"crystals": 300, "seconds": 12.5, "seed": 17}))


def make_shards(folder: Path) -> None:
    folder.mkdir(parents=True)
    shards = [{"file": "shard-00000.h5", "samples": 298, "rejects": 2}]
    (folder / "manifest.json").write_text(
        json.dumps({"n_entries": 300, "n_samples": 298, "n_rejects": 2, "grid": "periodic", "shards": shards})
    )
    rejects = [
        {"id": "x.cif", "origin": "dir/x.cif", "code": "cif-syntax", "message": "line 3: no loop"},
        {"id": HOSTILE, "origin": "dir/y.cif", "code": "disordered", "message": HOSTILE},
    ]
    table(folder / "rejects.csv", rejects)


def make_training(folder: Path, *, torn: bool) -> None:
    folder.mkdir(parents=True)
    lines = []
    for epoch in range(1, 31):
        record: dict[str, Any] = {"epoch": epoch, "step": 40 * epoch}
        record |= {"train/loss": 3 * 0.85**epoch + 0.02, "train/recall": 1 - 0.9**epoch}
        if epoch % 2 == 0:
            record |= {"held_out/loss": 3 * 0.86**epoch + 0.05, "held_out/recall": 0.97 - 0.9**epoch}
        lines.append(json.dumps(record))
    (folder / "metrics.jsonl").write_text("\n".join(lines) + ("\n" + lines[-1][:20] if torn else "\n"))
    (folder / "config.yaml").write_text(f"epochs: 30\nseed: 3\nnote: '{HOSTILE.replace(chr(39), '')}'\n")
    (folder / "model.json").write_text(json.dumps({"weights": 12345, "versions": {"torch": "2.13.0"}}))


def make_examples(folder: Path) -> None:
    true = []
    for atoms in (rocksalt(4.25, "Mg", "O"), perovskite(3.94, "Sr", "Ti"), rocksalt(5.6, "Na", "Cl")):
        lengths = atoms.cell.lengths()
        true.append(
            voxelize(lengths, atoms.get_scaled_positions() % 1, atoms.numbers.astype(np.uint8)).density
        )
    density = np.stack(true).astype(np.float16)
    moved = (0.9 * np.roll(density, 1, axis=3)).astype(np.float16)
    np.savez(
        folder / "examples.npz",
        density_true=density,
        density_reconstructed=moved,
        ids=np.array([b"MgO", b"SrTiO3", HOSTILE.encode()], dtype="S"),
    )


def make_generated(folder: Path) -> None:
    (folder / "cifs").mkdir(parents=True)
    rows = []
    for k in range(12):
        name = f"c{k:03d}" if k != 5 else "c005<b>"
        atoms = rocksalt(4.0 + 0.1 * k, "Mg", "O") if k % 2 else perovskite(3.8 + 0.05 * k, "Sr", "Ti")
        valid = k % 4 != 3
        if valid:
            ase.io.write(folder / "cifs" / f"{name.replace('<b>', '')}.cif", atoms, format="cif")
        rows.append(
            {
                "id": name,
                "decile": k % 10,
                "valid": valid,
                "code": "" if valid else "too-close",
                "message": "" if valid else "sites 0.41 Å apart",
                "formula": (atoms.get_chemical_formula(empirical=True) if k != 5 else HOSTILE)
                if valid
                else "",
                "a": round(float(atoms.cell.lengths()[0]), 4),
                "cif": f"cifs/{name.replace('<b>', '')}.cif" if valid else "",
            }
        )
    table(folder / "candidates.csv", rows)
    summary = {"samples": 12, "valid": 9, "condition": "formation_energy", "formulas": 3}
    (folder / "summary.json").write_text(json.dumps(summary))
    density = np.random.default_rng(0).random((5, 16, 16, 16)).astype(np.float16)
    np.savez(folder / "densities.npz", density=density, ids=np.array([f"d{k}".encode() for k in range(5)]))


def make_evaluation(folder: Path) -> None:
    folder.mkdir(parents=True)
    figures = {
        "length_mae": 0.31,
        "emd": 0.19,
        "recall": 0.8765,
        "failure_rate": 0.05,
        "failures": {"no-atoms": 2},
    }
    ways = {"segmentation": figures, "reconstruction": figures | {"emd": None}}
    (folder / "metrics.json").write_text(json.dumps(ways | {"held_out_crystals": 40}))
    table(folder / "per_crystal.csv", [{"id": f"m{k}", "formula": "NaN", "emd": 0.1 * k} for k in range(3)])


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> ReportSettings:
    root = tmp_path_factory.mktemp("runs")
    make_database(root / "database")
    make_shards(root / "shards")
    make_training(root / "unet", torn=True)
    make_training(root / "vae", torn=False)
    make_examples(root / "vae")
    make_generated(root / "generated")
    make_evaluation(root / "evaluation")
    names = ("database", "shards", "unet", "vae", "generated", "evaluation")
    return ReportSettings(out=root / "report", **{name: root / name for name in names})


@pytest.fixture(scope="module")
def page(settings: ReportSettings) -> Path:
    start = time.monotonic()
    outcome = run(settings)
    assert time.monotonic() - start < 15
    path = settings.out / "report.html"
    assert str(path) in outcome.summary
    assert "nothing to show" not in outcome.summary
    assert outcome.exit_status == 0
    return path


def test_nothing_is_run_that_came_from_data(page: Path) -> None:
    text = page.read_text()
    assert HOSTILE not in text
    assert "&lt;script&gt;window.hacked = 1" in text
    assert (
        re.search(
            r"<script[^>]* src=|<link[^>]* href=\"(?!data:)|<img[^>]* src=",
            text.split("<main>")[1].split("</main>")[0],
        )
        is None
    )
    assert "'unsafe-eval'" not in text.split("</head>")[0]


def test_page_is_small_and_whole(page: Path) -> None:
    text = page.read_text()
    assert len(text.encode()) < 8e6
    for said in (
        "chgnet-0.4.2",
        "cif-syntax",
        "too-close",
        "no-atoms",
        "0.8765",
        "75.0 %",
        "298",
        "1 line(s) of metrics.jsonl",
    ):
        assert said in text
    assert (page.parent / "config.yaml").is_file()
    links = re.findall(r'<a href="([^"#][^"]*)"', text.split("<main>")[1].split("</main>")[0])
    assert links
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_missing_parts_are_said(settings: ReportSettings, tmp_path: Path) -> None:
    nowhere = tmp_path / "none"
    outcome = run(
        ReportSettings(
            out=tmp_path / "report",
            database=nowhere,
            shards=None,
            unet=settings.unet,
            vae=settings.unet,
            generated=settings.unet,
            evaluation=nowhere,
        )
    )
    text = (tmp_path / "report" / "report.html").read_text()
    assert f"There is no folder {nowhere}" in text
    assert "its folder is null" in text
    assert "has no examples.npz" in text
    assert "has no candidates.csv" in text
    assert "Generated crystals" in outcome.summary


def test_nothing_at_all_is_an_error(tmp_path: Path) -> None:
    parts = ("database", "shards", "unet", "vae", "generated", "evaluation")
    with pytest.raises(SourceError, match="nothing to report"):
        run(ReportSettings(out=tmp_path, **{part: tmp_path / part for part in parts}))
    with pytest.raises(SourceError, match="all null"):
        run(ReportSettings(out=tmp_path, **dict.fromkeys(parts)))
    assert not (tmp_path / "report.html").exists()


def test_out_is_a_folder() -> None:
    with pytest.raises(ConfigError, match="out is a folder"):
        load(ReportSettings, overrides=["out=runs/report.html"])


def test_damaged_files_are_said(settings: ReportSettings, tmp_path: Path) -> None:
    vae, generated = tmp_path / "vae", tmp_path / "generated"
    shutil.copytree(settings.vae or Path(), vae)
    shutil.copytree(settings.generated or Path(), generated)
    (vae / "examples.npz").write_bytes((vae / "examples.npz").read_bytes()[:5000])
    (vae / "model.json").write_text("{")
    (vae / "metrics.jsonl").write_text('{"step": 1, "train/loss": NaN}\n{"step": 2, "train/loss": 0.5}\n')
    (generated / "cifs" / "c000.cif").write_text("data_x\nloop_\n")
    run(ReportSettings(out=tmp_path / "r", vae=vae, generated=generated))
    text = (tmp_path / "r" / "report.html").read_text()
    for said in (
        "examples.npz cannot be read",
        "model.json cannot be read",
        "not a finite number 1",
        "c000.cif cannot be drawn",
    ):
        assert said in text


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    webdriver = pytest.importorskip("selenium.webdriver")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("no Chromium with its chromedriver here")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    flags = (
        "headless=new no-sandbox disable-gpu disable-quic no-first-run "
        "disable-background-networking disable-component-update disable-sync window-size=1200,1000"
    )
    for flag in [*flags.split(), f"user-data-dir={tmp_path_factory.mktemp('chromium')}"]:
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driving = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield driving
    driving.quit()


@pytest.fixture(scope="module")
def opened(browser: Any, page: Path) -> Any:
    browser.get(page.as_uri())
    wait(browser, "return document.documentElement.dataset.ready === 'yes'")
    return browser


def wait(browser: Any, script: str, seconds: float = 20) -> Any:
    until = time.monotonic() + seconds
    while not (value := browser.execute_script(script)):
        assert time.monotonic() < until, script
        time.sleep(0.1)
    return value


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


def test_no_error_and_no_request(opened: Any) -> None:
    assert opened.execute_script("return window.hacked") is None
    assert [line for line in opened.get_log("browser") if line["level"] == "SEVERE"] == []
    events = [json.loads(line["message"])["message"] for line in opened.get_log("performance")]
    requests = [e["params"] for e in events if e["method"] == "Network.requestWillBeSent"]
    asked = [
        r["request"]["url"] for r in requests if r["documentURL"].startswith("file:")
    ]  # not the first tab's
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert len({url for url in asked if url.startswith("file:")}) == 1
