"""The names of the files that hold the settings which a job was started with."""

from typing import Final

CONFIG: Final = "config.yaml"
"""The settings of what is in a folder."""

LAUNCH: Final = "launch.yaml"
"""The settings that a training passes to the ranks which it launches."""
