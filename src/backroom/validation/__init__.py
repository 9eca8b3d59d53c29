"""Is the input right: bodies, queries, arguments. Reads the catalog, no I/O."""
