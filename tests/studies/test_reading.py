"""What a study's page holds of names of strangers is shown and never run."""

import base64
import hashlib
import json
import re
from pathlib import Path

import optuna
import pytest

from hpcvox import config
from hpcvox.studies import reading
from hpcvox.studies.journal import storage
from hpcvox.studies.settings import Dimension, StudySettings
from hpcvox.studies.study import _NAME, FOLDER

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
