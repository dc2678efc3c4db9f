"""`python -m impact` and the command `impact`."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line; say plainly what to install where its packages are missing."""
    try:
        from impact.cli import run
    except ModuleNotFoundError as missing:
        if missing.name is not None and missing.name.split(".")[0] == "impact":
            raise
        print(
            f"The command needs the package {missing.name}: pip install 'impact-evaluation[cli,report]'",
            file=sys.stderr,
        )
        return 2
    return run()


if __name__ == "__main__":
    sys.exit(main())
