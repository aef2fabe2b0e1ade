"""Telling people: one module for each kind of channel; what is told, and to whom, is decided in pure modules here."""
