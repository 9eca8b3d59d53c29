"""Which rows they may touch: conditions become one caller's predicates."""
