"""A worker of a study whose trainings are small ones: ``python -m tests.support.study_worker key=value ...``.

It is ``hpcvox study`` in all else.
"""

import sys

from hpcvox.cli import console
from hpcvox.studies import job
from tests.support import small_training

if __name__ == "__main__":
    job.TRAINING = small_training.COMMAND
    sys.argv.insert(1, "study")
    console()
