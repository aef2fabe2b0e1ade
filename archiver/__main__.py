"""``python -m archiver`` and the ``archiver`` command; answers ``--version`` before anything heavy is imported."""

import sys


def main() -> None:
    """Run the command line; never returns."""
    if sys.argv[1:] == ["--version"]:
        from archiver import __version__

        sys.stdout.write(f"archiver {__version__}\n")
        sys.exit(0)
    from archiver.cli import run

    sys.exit(run())


if __name__ == "__main__":
    main()
