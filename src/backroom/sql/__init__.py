"""The question, written: no I/O. Every builder takes a Predicate without default: to pass by the rules one writes `Predicate.ALL`."""
