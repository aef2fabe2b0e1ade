"""Output formats of a citation record, one file each; ``archiver.registry.plugins`` finds them."""
