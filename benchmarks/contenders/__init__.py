"""The contenders: the programs that run, and how the harness starts each and speaks to it. Imports nothing: the programs run from here."""
