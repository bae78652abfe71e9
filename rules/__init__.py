"""What should happen at a Deskbell desk: pure decisions, no I/O, no clock."""
