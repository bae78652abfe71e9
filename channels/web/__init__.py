"""The console page and the pages customers open."""
