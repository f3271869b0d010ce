"""What people type after a verb does what they mean, or they are told what to write."""

from pathlib import Path

import pytest

from hpcvox import cli, config
from hpcvox.cli import typed
from hpcvox.errors import ConfigError
from hpcvox.featurize.settings import FeaturizeSettings
from hpcvox.generation.settings import GenerateSettings
from hpcvox.networks.cgcnn.settings import TrainCGCNNSettings
from hpcvox.pipeline.settings import PipelineSettings


@pytest.mark.parametrize(
    "words",
    [
        ["source=my.csv", "max_sites=9"],
        ["my.csv", "max_sites=9"],
        ["--source", "my.csv", "--max-sites", "9"],
        ["--source=my.csv", "--max-sites=9"],
        ["source", "=", "my.csv", "max_sites", "=9"],
        ["source=", "my.csv", "max_sites=", "9"],
        ["max_sites=9", "my.csv"],
    ],
)
def test_a_source_and_a_number(words: list[str]) -> None:
    given = typed.read(words, FeaturizeSettings)
    settings = config.load(FeaturizeSettings, given.config, given.overrides)
    assert (settings.source, settings.max_sites) == (Path("my.csv"), 9)


def test_a_config_may_come_after_settings() -> None:
    assert typed.read(["out=x", "a.yaml", "--strict"], FeaturizeSettings) == (
        Path("a.yaml"),
        ["out=x", "strict=true"],
        False,
        False,
    )


def test_a_folder_by_itself_is_the_source(tmp_path: Path) -> None:
    assert typed.read([str(tmp_path)], FeaturizeSettings).overrides == [f"source={tmp_path}"]


def test_an_option_takes_a_value_that_has_an_equals_sign() -> None:
    assert typed.read(["--where", "gap=3"], GenerateSettings).overrides == ["where=gap=3"]


@pytest.mark.parametrize("word", ["-h", "--help", "help"])
def test_help_is_asked_for_anywhere(word: str) -> None:
    assert typed.read(["out=x", word], FeaturizeSettings).help


@pytest.mark.parametrize(
    ("words", "kind", "said"),
    [
        (["a.yaml", "b.yaml"], FeaturizeSettings, "give one config"),
        (["--source"], FeaturizeSettings, "--source has no value: write source=VALUE"),
        (["--sourc"], FeaturizeSettings, "did you mean source?"),
        (["runs/shards"], TrainCGCNNSettings, "such as shards=runs/shards"),
        (["epochs", "5"], TrainCGCNNSettings, "epochs has no value: write epochs=VALUE"),
        (["epoch"], TrainCGCNNSettings, "did you mean epochs? write key=value"),
        (["-5"], TrainCGCNNSettings, "'-5' is no setting: write key=value"),
    ],
)
def test_what_means_nothing_is_told_with_what_to_write(words: list[str], kind: type, said: str) -> None:
    with pytest.raises(ConfigError) as told:
        typed.read(words, kind)
    assert said in str(told.value)


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("targets=energy", ["energy"]),
        ("targets=energy, gap", ["energy", "gap"]),
        ("targets=[energy]", ["energy"]),
        ("targets=['a,b']", ["a,b"]),
        ("targets=007", ["007"]),
        ("targets=null", None),
    ],
)
def test_a_list_of_one_needs_no_brackets(override: str, value: object) -> None:
    assert config.load(FeaturizeSettings, None, [override]).targets == value


def test_numbers_and_stages_need_no_brackets_either() -> None:
    assert config.load(GenerateSettings, None, ["conditions=0,3"]).conditions == [0, 3]
    relax = config.load(PipelineSettings, None, ["relax.stages=chgnet"]).relax
    assert relax is not None
    assert [stage.calculator for stage in relax.stages] == ["chgnet"]


def test_a_group_that_a_file_has_as_null_takes_keys(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("relax: null\ntrain_unet: null\n")
    got = config.load(PipelineSettings, tmp_path / "p.yaml", ["relax.stages=[chgnet]", "train_unet.epochs=3"])
    assert got.train_unet is not None
    assert got.train_unet.epochs == 3


@pytest.mark.parametrize(
    "override",
    ["grid=periodc", "sourc=x", "shapes=any grid=padded", "max_sites=x", "descriptor=densty", "dtype=[a]"],
)
def test_a_key_of_the_command_line_is_never_blamed_on_the_file(tmp_path: Path, override: str) -> None:
    (tmp_path / "c.yaml").write_text("source: my.csv\n")
    with pytest.raises(ConfigError) as told:
        config.load(FeaturizeSettings, tmp_path / "c.yaml", override.split())
    assert not str(told.value).startswith(f"{tmp_path / 'c.yaml'}:")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["featurise"], "did you mean featurize?"),
        (["train_vae"], "did you mean train-vae?"),
        (["shards", "inf"], "did you mean info?"),
        (["study", "bst"], "did you mean best?"),
        (["pipeline", "pln"], "did you mean plan?"),
        (["train", "vea"], "did you mean vae?"),
        (["check", "judg"], "did you mean judge?"),
        (["completion", "bas"], "did you mean bash?"),
        (["featurize", "grid=periodc"], "did you mean periodic?"),
        (["featurize", "descriptor=densty"], "did you mean density?"),
        (["fetch", "provider=optimad"], "did you mean optimade?"),
        (["pipeline", "until=judg"], "until: did you mean judge?"),
        (["generate", "vae=perovskits"], "did you mean perovskites?"),
        (["source=my.csv"], "a verb comes first: hpcvox VERB source=my.csv"),
        (["--source"], "a verb comes first"),
    ],
)
def test_a_word_that_is_nearly_right_is_told_what_it_may_mean(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(words) == 2
    assert said in capsys.readouterr().err


def test_columns_that_are_nearly_right_are_told_what_they_may_mean(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.csv").write_text("material,cif,formation_energy\nm,data_,1.5\n")
    asked = {
        "targets=formation_enrgy": "did you mean formation_energy?",
        "targets=energy": "did you mean formation_energy?",
        "id_column=materal": "did you mean material?",
        "cif_column=ciff": "did you mean cif?",
    }
    for override, said in asked.items():
        assert cli.main(["featurize", "my.csv", "out=x", override]) == 2
        assert said in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["featurize", "train-vae", "shards"])
def test_help_of_a_verb_is_asked_for_in_front_of_it_too(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["help", verb]) == 0
    assert f"hpcvox {verb}" in capsys.readouterr().out


def test_a_verb_of_a_verb_may_be_typed_as_an_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    made = ["database=null", "source=crystals.csv", f"out={tmp_path / 'run'}"]
    Path("crystals.csv").write_text("id,cif\n")
    said = []
    for words in (["plan", *made], ["--plan", *made], [*made, "--plan"]):
        status = cli.main(["pipeline", *words])
        said.append((status, *capsys.readouterr()))
    assert said[0] == said[1] == said[2]
    assert "plan" not in said[0][2], "it is no setting"
    assert cli.main(["campaign", "--status", "nowhere"]) == cli.main(["campaign", "status", "nowhere"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == lines[1]
    assert "nowhere" in lines[0]


def test_an_unknown_key_with_a_shipped_network_names_the_key_that_takes_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["generate", "model=perovskites"]) == 2
    assert "unknown key model: did you mean vae=perovskites? valid here: " in capsys.readouterr().err
