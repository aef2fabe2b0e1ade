"""The pure core: bytes in, values or ``FormatError`` out; no disk, no network, no clock, no randomness.

Words used here, once and for all:

*statement*  one canonical JSON line that says what was done, when, how, with which digests;
*entry*      the SHA-256 of one statement line, line feed included: the only thing that enters the log;
*leaf*       SHA-256(0x00 ‖ entry), a leaf of the Merkle tree (RFC 6962, C2SP tlog-tiles);
*checkpoint* the signed head of the log (C2SP tlog-checkpoint);
*stamp*      a verified RFC 3161 reply over a checkpoint or a statement;
*snapshot*   a stored capture, named by the number of its statement.
"""
