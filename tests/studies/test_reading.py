"""What a study's page holds of names of strangers is shown and never run."""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest

from hpcvox import config
from hpcvox.errors import BusyError, ConfigError
from hpcvox.studies import reading
from hpcvox.studies.books.journal import JOURNAL
from hpcvox.studies.books.ledger import FOLDER, SAME_AS, TAKES_UP
from hpcvox.studies.books.storage import storage
from hpcvox.studies.settings import Dimension, StudySettings
from hpcvox.studies.study import _NAME
from tests.support.browsing import cleared, errors, wait

NAME = "<img src=x onerror=alert(1)>&\x1b"
CHOICE = "</script><script>alert(2)</script>"


@pytest.fixture
def studied(tmp_path: Path) -> Path:
    """A study of two trials whose folder and choices are named by somebody who means ill."""
    out = tmp_path / NAME
    out.mkdir()
    space = {"optimizer": Dimension(choices=[CHOICE, "adam"])}
    config.save(StudySettings(out=out, space=space), out / "config.yaml")
    study = optuna.create_study(storage=storage(out), study_name=_NAME)
    for value in range(2):
        trial = study.ask({"optimizer": optuna.distributions.CategoricalDistribution([CHOICE, "adam"])})
        trial.set_user_attr(FOLDER, f"trials/{value}")
        trial.report(float(value), 1)
        study.tell(trial, float(value))
    return out


def of_trials(*said: dict[str, object]) -> Callable[[str], str]:
    """The journal with further attributes of its trials."""

    def change(text: str) -> str:
        for number, attributes in enumerate(said):
            plain = f'"user_attr":{{"{FOLDER}":"trials/{number}"}}}}\n'
            head = f'{{"op_code":8,"worker_id":"x","trial_id":{number},"user_attr":'
            more = "".join(f"{head}{json.dumps({key: value})}}}\n" for key, value in attributes.items())
            assert plain in text
            text = text.replace(plain, plain + more)
        return text

    return change


STRANGE: dict[str, Callable[[str], str]] = {
    "a folder elsewhere": of_trials({FOLDER: "../../elsewhere"}),
    "a folder that is none": of_trials({FOLDER: [1]}),
    "the result of no trial": of_trials({SAME_AS: 7}),
    "the result of what is no trial": of_trials({SAME_AS: {}}),
    "a trial that takes up itself": of_trials({TAKES_UP: 0}),
    "two values": lambda text: text.replace('"values":[0.0]', '"values":[0.0,1.0]'),
    "no operation": lambda text: "1\n" + text,
    "another operation": lambda text: '{"op_code":99}\n' + text,
    "nesting": lambda text: "[" * 100_000 + "\n" + text,
    "no text": lambda text: "\udcff\n" + text,
}


@pytest.mark.parametrize("kind", STRANGE)
def test_a_journal_of_a_stranger_is_told_on_one_line(studied: Path, kind: str) -> None:
    journal = studied / JOURNAL
    before = journal.read_text("utf-8")
    journal.write_text(STRANGE[kind](before), "utf-8", errors="surrogateescape")
    assert journal.read_bytes() != before.encode()
    for look in (reading.best, reading.table, reading.plot):
        with pytest.raises(ConfigError, match=r"journal\.log is damaged") as error:
            look(studied)
        assert ("of no such study" in str(error.value)) == (
            "trial" in kind or "folder" in kind or "values" in kind
        )
        assert "\n" not in str(error.value)
        assert len(str(error.value)) < 1000


def test_results_that_lead_in_a_circle_are_told(studied: Path) -> None:
    journal = studied / JOURNAL
    circle = of_trials({SAME_AS: 1}, {SAME_AS: 0})
    journal.write_text(circle(journal.read_text("utf-8")), "utf-8")
    with pytest.raises(ConfigError, match="has no run"):
        reading.best(studied)


def test_a_journal_that_is_a_link_is_read_and_not_written(studied: Path, tmp_path: Path) -> None:
    journal = studied / JOURNAL
    journal.rename(tmp_path / "precious")
    journal.symlink_to(tmp_path / "precious")
    before = (tmp_path / "precious").read_bytes()
    reading.best(studied)
    with pytest.raises(BusyError, match="no plain file"):
        optuna.load_study(study_name=_NAME, storage=storage(studied)).ask()
    (tmp_path / "none").unlink(missing_ok=True)
    (studied / f".{JOURNAL}.lock").unlink()
    (studied / f".{JOURNAL}.lock").symlink_to(tmp_path / "none")
    with pytest.raises(BusyError, match="no plain file"):
        optuna.load_study(study_name=_NAME, storage=storage(studied)).ask()
    assert not (tmp_path / "none").exists()
    assert (tmp_path / "precious").read_bytes() == before


def test_names_on_the_page_are_text(studied: Path) -> None:
    assert reading.plot(studied).summary.startswith("4 plots in ")
    page = (studied / reading.PLOTS).read_text("utf-8")
    assert "&lt;img src=x onerror=alert(1)&gt;&amp;" in page
    assert "<img" not in page.partition("<script")[0]
    assert CHOICE not in page
    assert page.count("<script") == page.count("</script>")


def test_the_page_runs_its_own_scripts_alone_and_fetches_nothing(studied: Path) -> None:
    reading.plot(studied)
    page = (studied / reading.PLOTS).read_text("utf-8")
    found = re.search(r'<meta http-equiv="Content-Security-Policy" content="(.*?)">', page)
    assert found is not None
    assert found[1].startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-inline" not in found[1].partition("style-src")[0]
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    assert re.findall(r"'sha256-(.*?)'", found[1]) == hashes
    assert len(hashes) == 2
    # parcoords, scattergl and the like make code when they are drawn, which the policy forbids
    figures = json.loads(page.partition('id="figures">')[2].partition("</script>")[0])
    assert [figure["data"][0]["type"] for figure in figures] == ["scatter"] * 4
    assert re.findall(r"<script[^>]+>", page) == ['<script type="application/json" id="figures">']
    assert not re.search(r"<(script|link|img)[^>]*(src|href)=", page.partition("<script>")[0])


def test_the_page_of_many_settings_fits_a_phone(browser: Any, tmp_path: Path) -> None:
    names = ["epochs", "batch_size", "seed", "patience", "warmup"]
    config.save(
        StudySettings(out=tmp_path, space={name: Dimension(low=1, high=9) for name in names}),
        tmp_path / "config.yaml",
    )
    study = optuna.create_study(storage=storage(tmp_path), study_name=_NAME)
    for value in range(2):
        trial = study.ask({name: optuna.distributions.IntDistribution(1, 9) for name in names})
        trial.set_user_attr(FOLDER, f"trials/{value}")
        trial.report(float(value), 1)
        study.tell(trial, float(value))
    reading.plot(tmp_path)
    cleared(browser)
    metrics = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        browser.get((tmp_path / reading.PLOTS).as_uri())
        wait(browser, "return document.querySelectorAll('.plot .main-svg').length >= 4")
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
        slices = "return document.querySelectorAll('.plot')[2].getBoundingClientRect().width"
        assert browser.execute_script(slices) == 5 * 240
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert errors(browser) == []
