"""Ways of capturing a URL: one file per way, all through a recorder that sees the wire."""
