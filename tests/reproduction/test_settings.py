"""Papers and experiments are typed without a key; sizes fill what is not set."""

import pytest

from hpcvox import config
from hpcvox.cli import typed
from hpcvox.errors import ConfigError
from hpcvox.reproduction.kajita.settings import KajitaSettings
from hpcvox.reproduction.settings import ReproduceSettings


def read(*words: str) -> KajitaSettings:
    given = typed.read(words, ReproduceSettings)
    settings = config.load(ReproduceSettings, given.config, given.overrides)
    assert isinstance(settings, KajitaSettings)
    return settings


def test_a_paper_and_its_experiments_are_words() -> None:
    settings = read("kajita", "fig4", "fig3", "size=full")
    assert (settings.paper, settings.size, settings.chosen) == ("kajita", "full", ["fig3", "fig4"])
    assert read().chosen == ["fig3", "fig4", "residuals", "claims"]
    assert read("kajita", "--plan").plan


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["fig5"],
            r"'fig5' is none of kajita, .*fig3, fig4, residuals, claims, .*and no setting: did you mean fig",
        ),
        (["experiments=[fig5]"], "experiments: .*did you mean fig.*valid: fig3, fig4, residuals, claims"),
        (["paper=kajit"], "paper: there is no 'kajit': did you mean kajita"),
        (["kajita", "kajita"], "kajita and kajita: give one paper"),
    ],
)
def test_what_is_wrong_is_said(words: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read(*words)


def test_what_is_not_set_follows_the_size() -> None:
    small, full = read("size=small").scale, read("size=full").scale
    assert (full.draws, full.members, full.replicas[-1]) == (20, 5, 30), "as in the paper"
    assert small.draws < full.draws
    mine = read("size=full", "draws=3", "replicas=[8, 2]", "together=true").scale
    assert mine == full._replace(draws=3, replicas=(2, 8), together=True)
