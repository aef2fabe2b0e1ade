"""``python -m bench [SUITE]…``: measure, print tables, save ``bench/results/SUITE.json``."""

from __future__ import annotations

import argparse
import compileall
import importlib
from collections.abc import Sequence
from pathlib import Path

from bench.tables import Result, load, markdown, write_page

SUITES = {
    "capture": "1000 documents against wget, warcio and requests, plain and over TLS",
    "verify": "a WARC of half a gigabyte against warcio and fastwarc, and a whole archive",
    "startup": "what a command costs before it does anything",
    "memory": "peak memory for one response of 200 MiB",
    "certificate": "certificates as PDF against reportlab and WeasyPrint",
    "wacz": "a WACZ of 100 MB of WARC against py-wacz",
    "bundle": "an evidence bundle of a snapshot of 100 MB against sha256sum and zip -0",
    "watch": "real policies with known answers: what is reported, what is missed, and how fast",
    "micro": "single steps: tokens, checkpoints, recovery, canonical JSON, WARC writing",
}


def compile_sources() -> None:
    """Do what pip does when it installs a package: the peers came with their bytecode, a source tree may have none."""
    for package in ("archiver", "storage"):
        compileall.compile_dir(Path(__file__).parents[1] / package, quiet=1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the suites that were named, or all of them."""
    about = "\n".join(f"  {name:<12}{text}" for name, text in SUITES.items())
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=f"Measure the archiver against other tools, each in turn.\n\n{about}",
        epilog="BENCH_SCRATCH: folder for corpus and archives (2 GB, on a real disk; default bench/scratch). "
        "BENCH_SITE: folder of HTML files to capture instead of the made corpus. "
        "BENCH_POLICIES: data set of the watch suite.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("suites", nargs="*", metavar="SUITE", help="default: all")
    parser.add_argument("--rounds", type=int, help="rounds of each comparison (default 5)")
    parser.add_argument("--quick", action="store_true", help="one round, little data: does it run at all")
    parser.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    parser.add_argument("--saved", action="store_true", help="print what the last runs saved, measure nothing")
    parser.add_argument("--page", action="store_true", help="put the tables into docs/benchmarks.md too")
    options = parser.parse_args(arguments)
    names = options.suites or [name for name in SUITES if name != "watch" or has_policies()]
    unknown = [name for name in names if name not in SUITES]
    if unknown:
        parser.error(f"no suite {unknown[0]}; there are {', '.join(SUITES)}")
    if not options.saved:
        compile_sources()
    results = []
    for name in names:
        result = load(name) if options.saved else run(name, options.quick, options.rounds)
        if not options.saved:
            result.save()
        results.append(result)
        show(result, as_markdown=options.markdown)
    if options.page:
        write_page(results)


def has_policies() -> bool:
    """Whether the data set of the watch suite is there; it cannot be given away with the project."""
    from bench.policies.corpus import FOLDER

    return (FOLDER / "manifest.json").exists()


def run(name: str, quick: bool, rounds: int | None) -> Result:
    """Run one suite; a quick one takes little data and one round."""
    some = rounds or (1 if quick else 5)
    settings: dict[str, dict[str, int]] = {
        "capture": {"rounds": some, "documents": 100 if quick else 1000},
        "verify": {"rounds": some, "documents": 100 if quick else 1000, "copies": 1 if quick else 12},
        "startup": {"runs": 2 if quick else 8 * some},
        "memory": {"rounds": rounds or (1 if quick else 3)},
        "certificate": {"rounds": some},
        "wacz": {"rounds": some, "documents": 20 if quick else 1000},
        "bundle": {"rounds": some, "megabytes": 5 if quick else 100},
        "watch": {"rounds": some, "documents": 3 if quick else 1000},
        "micro": {"rounds": some, "documents": 50 if quick else 1000},
    }
    result = importlib.import_module(f"bench.{name}").suite(**settings[name])
    assert isinstance(result, Result)
    return result


def show(result: Result, *, as_markdown: bool) -> None:
    """Print the tables of one suite."""
    if as_markdown:
        print(markdown(result))
        return
    print("; ".join(f"{name} {value}" for name, value in result.machine.items()), end="\n\n")
    for table in result.tables:
        print(table.plain())


if __name__ == "__main__":
    main()
