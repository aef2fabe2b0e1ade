"""Declarations: drafts for a human to fill and sign, from templates that are data, with facts that the archive shows.

Nothing is signed here, and nothing is said that the archive does not hold: a fact it lacks reads *not recorded*.
"""
