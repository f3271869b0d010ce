"""Settings that several verbs have, each explained once."""

from typing import Annotated

from pydantic import Field

Actors = Annotated[
    int,
    Field(
        ge=0,
        description="processes that work in parallel; 0: one for each CPU (of the allocation or the Ray cluster)",
    ),
]

IdColumn = Annotated[
    str,
    Field(
        description="column of identifiers in tables, frames, JSON objects and database rows; auto: the first of "
        "material_id, id, mp_id, cif_id and name that exists, else the row number"
    ),
]

CifColumn = Annotated[str, Field(description="column of CIFs in tables")]

MaxSites = Annotated[int, Field(ge=1, le=10_000, description="reject cells with more atoms")]

HeldOutFraction = Annotated[
    float, Field(gt=0, lt=1, description="share of the materials to hold out of training")
]
