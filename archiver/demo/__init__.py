"""The demonstration: a site whose policy changes, a timestamp authority and the daemon, all on loopback."""
