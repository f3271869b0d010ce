"""The stages of the pipeline in their order, and the folders of each below ``out``."""

from typing import Final, NamedTuple

from hpcvox.files.timings import FILE as TIMINGS


class Stage(NamedTuple):
    """A job of the pipeline: its name, its function (imported when it runs), and its folders below ``out``."""

    name: str
    function: str
    folders: dict[str, str | list[str]]

    @property
    def verb(self) -> str:
        """The stage's name as users read it."""
        return self.name.replace("_", "-")

    @property
    def does(self) -> str:
        """The verb that runs the stage; one verb may run several stages with different settings."""
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
        "hpcvox.experiments.evaluate.job:run",
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
            # the folders of an earlier run or of the user count, too
            "screened": "screened",
            "relaxed": "relaxed",
            "hull": "hull",
            "timings": TIMINGS,
            "out": "report",
        },
    ),
)
