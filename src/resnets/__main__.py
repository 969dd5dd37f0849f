"""`python -m resnets` and the `resnets` command."""

from __future__ import annotations

import gc
from typing import NoReturn

from resnets.cli import app

OBJECTS_BETWEEN_COLLECTIONS = 100_000


def main() -> NoReturn:
    """Run the command line of this process and exit.

    Loading torch makes objects by the hundred thousand, none of which is garbage, and Python would look for some after
    every 700 of them, and through all of them at the end: together a sixth of the time of a prediction.
    """
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    try:
        app.main()
    finally:
        gc.freeze()


if __name__ == "__main__":
    main()
