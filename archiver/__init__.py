"""Evidence archiver: captures of web documents that an outsider can check without this software."""

__version__ = "0.1.0"
