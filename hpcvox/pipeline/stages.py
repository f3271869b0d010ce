"""The stages of the pipeline in their order, and where below ``out`` the folders of each are."""

from typing import Final, NamedTuple

from hpcvox.files.timings import FILE as TIMINGS


class Stage(NamedTuple):
    """A job of the pipeline, its function (loaded when its turn comes), and where below ``out`` its folders are."""

    name: str
    function: str
    folders: dict[str, str | list[str]]

    @property
    def verb(self) -> str:
        """What the stage is called to users."""
        return self.name.replace("_", "-")

    @property
    def does(self) -> str:
        """The verb that does it: some do so in several stages, with other settings."""
        return {"featurize-graph": "featurize", "finetune-unet": "train-unet"}.get(self.verb, self.verb)


FINETUNED: Final = "finetuned_unet"
CRYSTALS: Final = "database/crystals.csv"
SCREENED: Final = "screened/cifs"
JUDGED: Final = "judged/cifs"

STAGES = (
    Stage("database", "hpcvox.database.job:run", {"out": "database"}),
    Stage("featurize", "hpcvox.featurize.job:run", {"source": CRYSTALS, "out": "shards"}),
    Stage("featurize_graph", "hpcvox.featurize.job:run", {"source": CRYSTALS, "out": "graphs"}),
    Stage("train_unet", "hpcvox.training.job:run", {"shards": "shards", "out": "unet"}),
    Stage("train_vae", "hpcvox.training.job:run", {"shards": "shards", "unet": "unet", "out": "vae"}),
    Stage(
        "finetune_unet",
        "hpcvox.training.job:run",
        {"shards": "shards", "initial": "unet", "vae": "vae", "out": FINETUNED},
    ),
    Stage("train_cgcnn", "hpcvox.training.job:run", {"shards": "graphs", "out": "cgcnn"}),
    Stage(
        "evaluate",
        "hpcvox.experiments.court:run",
        {"shards": "shards", "unet": FINETUNED, "vae": "vae", "out": "evaluation"},
    ),
    Stage("generate", "hpcvox.generation.job:run", {"unet": FINETUNED, "vae": "vae", "out": "generated"}),
    Stage("judge", "hpcvox.generation.judging.job:run", {"generated": "generated", "out": "judged"}),
    Stage("screen", "hpcvox.screening.job:run", {"source": JUDGED, "models": ["cgcnn"], "out": "screened"}),
    Stage("relax", "hpcvox.relaxation.job:run", {"source": SCREENED, "out": "relaxed"}),
    Stage(
        "report",
        "hpcvox.report.job:run",
        {
            "database": "database",
            "shards": "shards",
            "unet": "unet",
            "vae": "vae",
            "finetuned_unet": FINETUNED,
            "generated": "generated",
            "evaluation": "evaluation",
            "judged": "judged",
            # where there are any, a run's of before or a user's among them
            "screened": "screened",
            "relaxed": "relaxed",
            "timings": TIMINGS,
            "out": "report",
        },
    ),
)
