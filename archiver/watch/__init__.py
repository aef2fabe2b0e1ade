"""What is watched, when it is due, and what is made of a snapshot."""
