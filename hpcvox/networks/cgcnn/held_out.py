"""``held_out.csv``: the predictions of a CGCNN for the crystals that its training held out."""

from enum import StrEnum


class Column(StrEnum):
    """The columns of the table; values are in the unit of the target."""

    ID = "id"
    FORMULA = "formula"
    TRUE = "true"
    PREDICTED = "predicted"
