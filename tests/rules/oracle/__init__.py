"""An oracle for the rules: it draws an app as plain tuples, plays it over HTTP, and says by itself what every reply must be.

    draw    chance -> a specification (tuples)
    build   a specification -> Resource classes with `allow(...)`
    truth   a specification -> true, false or unknown, over dicts; imports nothing of ours
    model   what each request must answer, and what it must leave in the tables
    play    both, side by side

`python -m tests.rules.oracle --cases 1000 --seed 7` plays as long as one likes.
"""
