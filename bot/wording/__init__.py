"""Texts by language, one file each."""
