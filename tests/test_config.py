"""Settings: what is read, what is refused and how it is said; configs/ are the code's defaults."""

import importlib
import os
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from hpcvox import cli, config, defaults
from hpcvox.config import Settings
from hpcvox.errors import ConfigError
from hpcvox.featurize.descriptor import DESCRIPTORS
from hpcvox.featurize.settings import FeaturizeSettings, GraphSettings
from hpcvox.generation.settings import GenerateSettings
from hpcvox.networks.cgcnn.settings import TrainCGCNNSettings
from hpcvox.networks.unet.settings import TrainUNetSettings
from hpcvox.networks.vae.settings import TrainVAESettings
from hpcvox.pipeline.settings import PipelineSettings
from hpcvox.relaxation.settings import RelaxSettings
from hpcvox.rounds.settings import CampaignSettings
from hpcvox.studies.settings import StudySettings
from tests.support.generated_configs import COMMANDS, CONFIGS, printed

VERBS = {" ".join(words): CONFIGS / name for name, words in COMMANDS.items()}
"""Configs by the command that prints them, such as ``featurize descriptor=graph``."""


def settings_of(command: str) -> type[Settings]:
    verb, _, variant = command.partition(" ")
    module, name = cli.VERBS[verb].settings.split(":")
    kind: type[Settings] = getattr(importlib.import_module(module), name)
    key, _, value = variant.partition("=")
    return kind.variant({key: value}) if variant else kind


@pytest.mark.parametrize("name", COMMANDS)
def test_a_jobs_config_is_what_defaults_prints(name: str) -> None:
    assert (CONFIGS / name).read_text("utf-8") == printed(name), "python -m tests.support.generated_configs"


@pytest.mark.parametrize("command", VERBS)
def test_a_jobs_config_is_complete_and_the_defaults(command: str) -> None:
    kind = settings_of(command)
    assert config.load(kind, VERBS[command]) == kind()
    assert _keys(yaml.safe_load(VERBS[command].read_text())) == _keys(kind().model_dump(mode="json"))


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (TrainVAESettings, ["epochs=7", "model.latent=8", "condition='0010'", "unet=a: b"]),
        (RelaxSettings, ["stages=[{calculator: emt, parameters: {x: [1, 'No']}}, chgnet]", "known='null'"]),
        (StudySettings, ["space={a.b: {choices: [1, '1', x]}, '1: c': {low: 1, high: 2}}", "base=#b.yaml"]),
        (PipelineSettings, ["source=my.csv", "train_vae={epochs: 3, model: {latent: 8}}", "screen=null"]),
        (PipelineSettings, []),
        (CampaignSettings, ["samples=10", "relax.stages=[emt]", "train_vae.epochs=2", "budget.core_hours=2"]),
    ],
)
def test_what_defaults_prints_loads_to_the_same(
    kind: type[Settings], given: list[str], tmp_path: Path
) -> None:
    settings = config.load(kind, None, given)
    (tmp_path / "c.yaml").write_text(defaults.text(settings), "utf-8")
    again = config.load(kind, tmp_path / "c.yaml")
    assert again == settings
    assert yaml.safe_load(defaults.text(settings)) is not None


def test_a_stage_of_a_pipeline_takes_over_what_its_printed_config_does_not_set(tmp_path: Path) -> None:
    given = config.load(PipelineSettings, None, ["source=my.csv", "train_vae.condition=gap"])
    (tmp_path / "c.yaml").write_text(defaults.text(given), "utf-8")
    again = config.load(PipelineSettings, tmp_path / "c.yaml")
    assert again.train_vae.model_fields_set == {"condition"}
    assert again.train_cgcnn.model_fields_set == set()


def test_a_comment_says_what_is_valid_where_the_description_does_not() -> None:
    fields = DESCRIPTORS.find("density").load("settings").model_fields
    assert defaults.described(fields["voxels"]).endswith("grid; valid: 8 to 128, a multiple of 8")
    assert defaults.described(fields["dtype"]).endswith("or float32")
    assert "valid" not in defaults.described(TrainVAESettings.model_fields["schedule"])
    assert all(len(line) <= defaults.WIDTH for line in printed("relax.yaml").splitlines())


def test_every_config_means_what_plain_yaml_makes_of_it() -> None:
    """None of them has a word that YAML and a setting's type take for different things."""
    kinds: dict[Path, type[Settings]] = {path: settings_of(command) for command, path in VERBS.items()}
    kinds |= {path: settings_of("study") for path in CONFIGS.glob("study_*.yaml")}
    kinds |= {CONFIGS / f"{verb}.yaml": settings_of(verb) for verb in ("pipeline", "campaign")}
    kinds |= {
        path: settings_of(path.stem.removesuffix("_paper").replace("_", "-"))
        for path in CONFIGS.glob("*_paper.yaml")
    }
    for path, kind in kinds.items():
        tree = yaml.safe_load(path.read_text())
        by_yaml = kind.variant(tree).model_validate(tree)
        assert repr(config.load(kind, path)) == repr(by_yaml), path


@pytest.mark.parametrize("command", [*VERBS, "pipeline", "campaign"])
def test_every_setting_says_what_it_is(command: str) -> None:
    assert defaults.about(settings_of(command))
    for key, field in settings_of(command).model_fields.items():
        assert field.description, f"{command}: {key}"


@pytest.mark.parametrize("name", ["train_unet_paper", "train_vae_paper"])
def test_the_papers_configs_load(name: str) -> None:
    kind = TrainUNetSettings if "unet" in name else TrainVAESettings
    assert config.load(kind, CONFIGS / f"{name}.yaml").epochs == 50


def test_the_papers_cgcnn_is_the_default_network_at_a_constant_rate() -> None:
    paper = config.load(TrainCGCNNSettings, CONFIGS / "train_cgcnn_paper.yaml")
    default = TrainCGCNNSettings()
    assert (paper.model, paper.batch_size, paper.learning_rate) == (default.model, 256, 1e-3)
    assert paper.schedule == "constant"


@pytest.mark.parametrize("name", ["demo", "pipeline"])
def test_the_pipelines_configs_load(name: str) -> None:
    given = config.load(PipelineSettings, CONFIGS / f"{name}.yaml")
    assert given.train_unet is None
    assert given.train_vae.ranks == 2
    assert (given.train_vae.initial is not None) == (name == "demo")


def test_every_config_belongs_to_a_job() -> None:
    known = {path.name for path in VERBS.values()} | {"pipeline.yaml", "campaign.yaml", "demo.yaml"}
    known |= {"train_unet_paper.yaml", "train_vae_paper.yaml", "train_cgcnn_paper.yaml"}
    known |= {
        f"study_{name}.yaml" for name in ("unet", "vae", "cgcnn", "r3dvs", "fingerprint", "resolution")
    }  # test_studies.py
    known |= {"ray_cluster.yaml"}  # Ray's own: tests/jobs/test_ray_submit.py
    assert {path.name for path in CONFIGS.glob("*.yaml")} == known


def test_overrides_win_and_reach_into_groups(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("epochs: 3\nmodel:\n  features: 8\n")
    got = config.load(TrainUNetSettings, path, ["epochs=5", "model.patch=4", "out=/x/y"])
    assert (got.epochs, got.model.features, got.model.patch, got.out) == (5, 8, 4, Path("/x/y"))


def test_what_is_saved_loads_to_the_same(tmp_path: Path) -> None:
    settings = config.load(TrainVAESettings, None, ["epochs=7", "model={latent: 8}"])
    config.save(settings, tmp_path / "c.yaml")
    assert config.load(TrainVAESettings, tmp_path / "c.yaml") == settings


def test_a_number_may_be_a_name() -> None:
    """Databases number their crystals, and tables without a head their columns."""
    got = config.load(GenerateSettings, None, ["base=15400", "towards='007'"])
    assert (got.base, got.towards) == ("15400", "007")
    assert config.load(TrainVAESettings, None, ["condition=0"]).condition == "0"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["epoch=3"], "unknown key epoch: did you mean epochs?"),
        (["model.widths=3"], "unknown key model.widths: .*valid here: .*patch"),
        (["epochs=0"], r"epochs: .*greater than or equal to 1 \(given: 0\)"),
        (["epochs=many"], "epochs: .*integer.*given: 'many'"),
        (["schedule=linear"], "schedule: .*'constant' or 'cosine'"),
        (["learning_rate=.nan"], "learning_rate: "),
        (["epochs"], "'epochs' is not an override: write key=value"),
        (["epochs=[1"], "not valid YAML"),
        (["model=&x {head: [*x]}"], r"an alias \(\*x\) is not allowed here"),
        (["epochs=3", "epochs.x=3"], "epochs is a value, not a group"),
    ],
)
def test_what_is_wrong_is_said(given: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        config.load(TrainUNetSettings, None, given)


@pytest.mark.parametrize("text", ["[1, 2]", "a: b: c", "\tx: 1"])
def test_a_file_that_is_no_config_is_refused_with_its_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"bad\.yaml"):
        config.load(TrainUNetSettings, path)


BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"stages:\n- calculator: emt\n  parameters: {{x: {'{' * 40}}}", "more than 32 deep"),
        ("source: " + "[" * 100_000, r"more than 32 deep \(line 1, column 40\)"),
        ("- " * 5000, "more than 32 deep"),
        (BOMB, r"an alias \(\*a0\) is not allowed here: write the value again \(line 2, column"),
        ("out: &x {y: *x}", r"an alias \(\*x\) is not allowed here"),
        ("base: &x {a: b}\n<<: *x", r"an alias \(\*x\) is not allowed here"),
        ("out: !!str [1]", "a list is no str"),
        ("limit: " + "1" * 5000, "limit: a number of 5000 digits is too long"),
        ("limit: 0o" + "1" * 5000, "limit: "),
        ("out: x\n" * 100_000, "it is longer than 256 KiB"),
        ("out: \x00", "not valid YAML"),
    ],
)
def test_a_config_of_a_stranger_is_refused_at_once_and_on_one_line(
    tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    began = time.monotonic()
    with pytest.raises(ConfigError, match=said) as error:
        config.load(RelaxSettings, path)
    assert time.monotonic() - began < 10
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 3000


def test_a_pipe_and_a_device_are_no_configs(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "device.yaml").symlink_to("/dev/zero")
    for name, kind in (("pipe", "a named pipe"), ("device", "a device")):
        with pytest.raises(ConfigError, match=rf"{name}\.yaml: cannot read the config: it is {kind}"):
            config.load(TrainUNetSettings, tmp_path / f"{name}.yaml")


def test_of_many_wrong_keys_some_are_told_and_of_a_long_value_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("".join(f"key{n}: 1\n" for n in range(1000)) + f"epochs: {'x' * 1000}\n")
    with pytest.raises(ConfigError, match=r"; and 991 more$") as error:
        config.load(TrainUNetSettings, path)
    assert "x" * 300 not in str(error.value)


def test_a_key_in_groups_without_end_is_refused() -> None:
    with pytest.raises(ConfigError, match="no key lies in 100000 groups"):
        config.load(TrainUNetSettings, None, ["a." * 100_000 + "b=1"])


def test_the_descriptor_chooses_the_settings() -> None:
    got = config.load(FeaturizeSettings, None, ["descriptor=graph", "neighbours=4"])
    assert isinstance(got, GraphSettings)
    assert (type(got), got.neighbours) == (DESCRIPTORS.find("graph").load("settings"), 4)
    assert type(config.load(FeaturizeSettings)) is DESCRIPTORS.find("density").load("settings")
    assert type(config.load(FeaturizeSettings, None, ["descriptor='soap'"])) is DESCRIPTORS.find("soap").load(
        "settings"
    )
    with pytest.raises(ConfigError, match=r"unknown key grid: .*valid here: .*neighbours"):
        config.load(FeaturizeSettings, None, ["descriptor=graph", "grid=padded"])
    with pytest.raises(ConfigError, match=r"shapes=any needs grid=periodic"):
        config.load(FeaturizeSettings, None, ["shapes=any", "grid=padded"])
    with pytest.raises(ConfigError, match=r"'Xx' is no element"):
        config.load(FeaturizeSettings, None, ["descriptor=soap", "centres=[O, Xx]"])
    for wrong in ("voxels", "[graph]"):
        with pytest.raises(
            ConfigError, match=r"descriptor: there is no .*valid: density, r3dvs, soap, diffraction, graph"
        ):
            config.load(FeaturizeSettings, None, [f"descriptor={wrong}"])


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the config"):
        config.load(TrainUNetSettings, tmp_path / "none.yaml")


def _keys(tree: dict[str, Any], prefix: str = "") -> set[str]:
    keys = set()
    for key, value in tree.items():
        keys.add(prefix + key)
        if isinstance(value, dict):
            keys |= _keys(value, f"{prefix}{key}.")
    return keys
