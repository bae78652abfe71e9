"""The desk in a PostgreSQL or SQLite database, chosen by ``storage.url`` alone."""
