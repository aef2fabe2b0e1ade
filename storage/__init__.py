"""Bytes and rows on disk: files with stated durability, the journal, the writer's lock, the index.

Knows nothing of evidence and imports nothing of ``archiver``. Begin with ``interface.py``: the promises.
"""
