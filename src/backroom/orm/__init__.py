"""The same questions from Python: rules, sql and database, as typed rows."""
