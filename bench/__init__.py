"""Measures the archiver against other people's tools on this machine; ``docs/benchmarks.md`` says what and how."""
