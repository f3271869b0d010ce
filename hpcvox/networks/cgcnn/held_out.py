"""``held_out.csv``: what a CGCNN says of the crystals that its training held out."""

from enum import StrEnum


class Column(StrEnum):
    """Of the table; values in the unit of the target."""

    ID = "id"
    FORMULA = "formula"
    TRUE = "true"
    PREDICTED = "predicted"
