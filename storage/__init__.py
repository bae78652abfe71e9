"""What is written down: the stores, one commit per input."""
