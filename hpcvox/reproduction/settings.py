"""The settings that the experiments of all papers have."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import Field, field_validator

from hpcvox.config import Settings
from hpcvox.errors import ConfigError, did_you_mean
from hpcvox.reproduction.papers import KAJITA, PAPERS

T = TypeVar("T")


class ReproduceSettings(Settings):
    """The settings that the experiments of all papers have."""

    paper: str = Field(description="the paper")
    experiments: list[str] = Field([], description="its experiments to repeat; []: all")
    size: Literal["small", "full"] = Field(
        "small",
        description="small: half an hour on two cores, with less of everything, which the page lists; full: as in the "
        "paper, for a cluster; settings that are null follow it",
    )
    out: Path = Field(
        Path("runs/reproduce"),
        description="folder of everything; the page of a paper and its table are in OUT/PAPER; a run that stopped goes "
        "on there",
    )
    seed: int = Field(0, ge=0, description="seed of all draws")
    draws: int | None = Field(
        None,
        ge=1,
        le=1000,
        description="repeats of every experiment with other crystals; a result is their mean and standard deviation",
    )
    plan: bool = Field(
        False,
        description="only list the steps, and how many there are; none is done (in a folder that has results: what is "
        "left to do)",
    )

    @classmethod
    def variant(cls, tree: Mapping[str, Any]) -> type[Settings]:
        """The settings class of the paper that ``tree`` names; Kajita's if it names none."""
        name = tree.get("paper", KAJITA.name)
        if not isinstance(name, str) or name not in PAPERS:
            near = did_you_mean(str(name), PAPERS)
            raise ConfigError(f"paper: there is no {str(name)!r}: {near}valid: {', '.join(PAPERS)}")
        return PAPERS[name].settings_class()

    @classmethod
    def kinds(cls) -> Mapping[str, Iterable[str]]:
        """See :class:`hpcvox.config.Settings`."""
        return {"paper": PAPERS}

    @classmethod
    def words(cls) -> Mapping[str, Iterable[str]]:
        """See :class:`hpcvox.config.Settings`."""
        return {
            "paper": list(PAPERS),
            "experiments": list(
                dict.fromkeys(name for paper in PAPERS.values() for name in paper.experiments)
            ),
        }

    @field_validator("experiments")
    @classmethod
    def _known(cls, names: list[str]) -> list[str]:
        valid = PAPERS[cls.model_fields["paper"].default].experiments
        for name in names:
            if name not in valid:
                raise ValueError(f"{did_you_mean(name, valid)}valid: {', '.join(valid)}")
        return names

    @property
    def chosen(self) -> list[str]:
        """The experiments to repeat, in the paper's order."""
        return [
            name
            for name in PAPERS[self.paper].experiments
            if not self.experiments or name in self.experiments
        ]

    @property
    def folder(self) -> Path:
        """The folder of the paper."""
        return self.out / self.paper


def given(value: T | None, usual: T) -> T:
    """What is set, or what is usual for the size."""
    return usual if value is None else value
