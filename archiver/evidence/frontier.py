"""The right edge of a growing Merkle tree: append leaves, ask for the root at any moment, in logarithmic memory."""

from __future__ import annotations

from archiver.evidence.merkle import EMPTY_ROOT, node_hash


class Frontier:
    """Roots of the perfect subtrees that make up the tree, largest first (RFC 6962, section 2.1)."""

    def __init__(self) -> None:
        self._peaks: list[tuple[int, bytes]] = []
        self.size = 0

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash."""
        width = 1
        while self._peaks and self._peaks[-1][0] == width:
            leaf = node_hash(self._peaks.pop()[1], leaf)
            width *= 2
        self._peaks.append((width, leaf))
        self.size += 1

    def root(self) -> bytes:
        """The root over all leaves so far."""
        if not self._peaks:
            return EMPTY_ROOT
        root = self._peaks[-1][1]
        for _, peak in reversed(self._peaks[:-1]):
            root = node_hash(peak, root)
        return root
