"""Asking web archives of other people for copies, one module for each; what they answer is compared elsewhere."""
