"""How it runs: configuration, wiring and the main path."""
