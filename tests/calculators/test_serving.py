"""A config names a calculator: what it names is looked at before any of it is called."""

from pathlib import Path

import pytest

from hpcvox import config
from hpcvox.errors import ConfigError, MissingDependencyError
from hpcvox.relaxation import job
from hpcvox.relaxation.settings import RelaxSettings
from tests.support.paths import ROOT
from tests.support.small_cifs import NACL, cif

SUPPORT = "tests.support.faulty_calculators"


@pytest.fixture
def called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that is there once the code has been called that stands beside the faulty calculators."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("CALLED", str(tmp_path / "called"))
    return tmp_path / "called"


def refusal(tmp_path: Path, calculator: str, **parameters: object) -> str:
    (tmp_path / "x.cif").write_text(cif((5.64, 5.64, 5.64, 90, 90, 90), NACL))
    stage = {"calculator": calculator, "parameters": parameters}
    tree = {"source": str(tmp_path / "x.cif"), "out": str(tmp_path / "out"), "stages": [stage]}
    settings = config.validate(RelaxSettings, tree, "test")
    with pytest.raises(ConfigError) as error:
        job.run(settings)
    return str(error.value)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("function", "a function"),
        ("Other", "another class"),
        ("Path", "another class"),
        ("os", "a module"),
    ],
)
def test_what_is_no_calculator_is_refused_and_not_called(
    called: Path, tmp_path: Path, name: str, kind: str
) -> None:
    assert refusal(tmp_path, f"{SUPPORT}:{name}") == (
        f"stages: {SUPPORT}:{name} is no calculator and was not called: it must be a subclass of ASE's Calculator, "
        f"but is {kind}"
    )
    assert not called.exists()


def test_a_command_is_not_run(tmp_path: Path) -> None:
    made = tmp_path / "made"
    assert "is no calculator and was not called" in refusal(tmp_path, "os:system", command=f"touch {made}")
    assert "is no calculator and was not called" in refusal(
        tmp_path, "subprocess:Popen", args=["touch", str(made)]
    )
    assert not made.exists()


def test_a_name_that_is_not_there_is_said(called: Path, tmp_path: Path) -> None:
    said = refusal(tmp_path, f"{SUPPORT}:Absent")
    assert said.startswith(f"stages: {SUPPORT}:Absent cannot be found: module ")
    said = refusal(tmp_path, "tests.absent:Absent")
    assert said == "stages: tests.absent:Absent cannot be found: No module named 'tests.absent'"
    settings = config.validate(RelaxSettings, {"stages": ["__main__:x"]}, "test")
    with pytest.raises(MissingDependencyError, match="__main__, which is not installed"):
        job.run(settings)
