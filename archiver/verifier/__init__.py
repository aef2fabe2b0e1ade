"""Two verifiers that travel in every evidence bundle, ``verify.py`` and ``verify.html``: they import nothing of ours.

They are files to be copied, not modules to be called: nothing in the archiver imports them, and they share no code
with the archiver's own checks, so that a mistake in one is not repeated by the others.
"""
