"""One run: batches go out, jobs come back, every row gets its fate."""
