"""The `watchkit` command, and `python -m watchkit`; both need the extra `cli`."""

import sys

FROM_THE_EXTRA = ("click", "rich")


def main() -> None:
    """Run the command line; without its extra, say what to install and exit with status 2."""
    try:
        from watchkit import cli  # noqa: PLC0415 - what it imports may not be installed

        cli.main()
    except ModuleNotFoundError as missing:
        if missing.name not in FROM_THE_EXTRA:
            raise

        print(  # noqa: T201 - this is a command
            f"watchkit: the command line needs {missing.name}: pip install 'watchkit[cli]'",
            file=sys.stderr,
        )
        sys.exit(2)


if __name__ == "__main__":
    main()
