"""What should happen: pure decisions, no I/O, no clock."""
