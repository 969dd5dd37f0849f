"""`python -m resnets` and the `resnets` command."""

from __future__ import annotations

from resnets.cli.app import main

if __name__ == "__main__":
    main()
