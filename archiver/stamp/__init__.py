"""Asking timestamp authorities, one module for each kind; what they answer is verified in ``archiver.evidence``."""
