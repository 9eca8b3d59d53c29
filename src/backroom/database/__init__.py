"""The question, asked: SQLite and Postgres behind one seam. Read `database.py` first."""
