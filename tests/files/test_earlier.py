"""Results of other settings: refused, or set aside until those made anew are whole; what is not ours stays."""

from pathlib import Path

import pytest

from hpcvox import config
from hpcvox.database.settings import DatabaseSettings
from hpcvox.errors import ConfigError
from hpcvox.files import earlier
from hpcvox.generation.settings import GenerateSettings, JudgeSettings
from hpcvox.rounds.settings import CampaignSettings


@pytest.fixture
def made(tmp_path: Path) -> DatabaseSettings:
    """Settings of a folder with results, and with a note of its owner."""
    settings = DatabaseSettings(out=tmp_path / "made", seed=1)
    settings.out.mkdir()
    config.claim(settings, settings.out)
    for name in ("crystals.csv", "database.json", "my_notes.txt"):
        (settings.out / name).write_text(name)
    return settings


def other(made: DatabaseSettings, **update: object) -> DatabaseSettings:
    return made.model_copy(update=update)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_other_settings_are_refused_in_one_line_and_nothing_changes(made: DatabaseSettings) -> None:
    before = names(made.out)
    with pytest.raises(ConfigError) as refused:
        config.claim(other(made, seed=2, classes=["AB"]), made.out)
    said = str(refused.value)
    assert said == (
        f"{made.out} holds results of other settings: classes (['AB', 'ABX3', 'Heusler'] → ['AB']), seed (1 → 2): "
        "choose another out, or overwrite=true to have it made anew"
    )
    assert names(made.out) == before
    assert config.load(DatabaseSettings, made.out / "config.yaml").seed == 1


def test_the_same_settings_go_on_whatever_their_processes(
    made: DatabaseSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    config.claim(other(made, actors=3, overwrite=True), made.out)
    assert capsys.readouterr().err == ""
    assert not (made.out / ".before").exists()


def test_what_was_there_is_kept_until_the_new_is_whole(
    made: DatabaseSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    config.claim(other(made, seed=2, overwrite=True), made.out)
    assert "is made anew: seed (1 → 2); until that is whole" in capsys.readouterr().err
    assert names(made.out) == [".before", "config.yaml", "my_notes.txt"]
    assert names(made.out / ".before") == ["config.yaml", "crystals.csv", "database.json"]
    # interrupted, and another setting: what is set aside is what was whole
    (made.out / "crystals.csv").write_text("half")
    config.claim(other(made, seed=3, overwrite=True), made.out)
    assert names(made.out) == [".before", "config.yaml", "my_notes.txt"]
    assert (made.out / ".before" / "crystals.csv").read_text() == "crystals.csv"
    earlier.whole(made.out)
    assert names(made.out) == ["config.yaml", "my_notes.txt"]


def test_an_interrupted_setting_aside_is_gone_on_with(made: DatabaseSettings) -> None:
    (made.out / ".before").mkdir()
    (made.out / "crystals.csv").replace(made.out / ".before" / "crystals.csv")
    config.claim(other(made, seed=2, overwrite=True), made.out)
    assert names(made.out / ".before") == ["config.yaml", "crystals.csv", "database.json"]


def test_a_folder_where_nothing_was_made_takes_any_settings(tmp_path: Path) -> None:
    settings = DatabaseSettings(out=tmp_path)
    config.claim(settings, tmp_path)
    (tmp_path / "my_notes.txt").touch()
    config.claim(other(settings, seed=2), tmp_path)
    assert config.load(DatabaseSettings, tmp_path / "config.yaml").seed == 2


def test_a_path_is_the_same_where_it_leads_to_the_same_or_was_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("a/run", "b/run", "judged"):
        Path(folder).mkdir(parents=True)
    settings = JudgeSettings(generated=Path("a/run"), out=Path("judged"))
    config.claim(settings, settings.out)
    (settings.out / "judged.csv").touch()
    config.claim(settings.model_copy(update={"generated": tmp_path / "a" / "run"}), settings.out)
    of_b = settings.model_copy(update={"generated": Path("b/run")})
    with pytest.raises(ConfigError, match=r"generated \('.*a/run' → 'b/run'\)"):
        config.claim(of_b, settings.out)
    Path("a/run").rmdir()
    config.claim(of_b, settings.out)


def test_what_may_change_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = GenerateSettings(out=tmp_path)
    config.claim(settings, tmp_path)
    (tmp_path / "candidates.csv").touch()
    config.claim(settings.model_copy(update={"per_condition": 7, "threads": 1}), tmp_path)
    assert capsys.readouterr().err == f"{tmp_path} goes on with other settings: per_condition (100 → 7)\n"


def test_settings_in_groups_are_told_by_their_whole_keys(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def claim(*overrides: str) -> None:
        given = config.load(CampaignSettings, None, [f"out={tmp_path}", *overrides])
        config.claim(given, tmp_path, ("budget", "relax.crystals"))

    claim("generate.threads=1")
    (tmp_path / "finds.csv").touch()
    claim("generate.threads=2")
    assert capsys.readouterr().err == ""
    claim("relax.crystals=zip", "budget.calculations=9")
    said = capsys.readouterr().err
    assert "budget.calculations (None → 9), relax.crystals ('folder' → 'zip')" in said
    with pytest.raises(
        ConfigError, match=r"train_vae.model.latent \(256 → 8\): .* remove that folder to begin anew"
    ):
        claim("train_vae.model.latent=8")
