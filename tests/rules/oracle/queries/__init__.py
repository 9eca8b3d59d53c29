"""The oracle of queries: drawn schemas, rules, rows and callers, and what they ask of the wire (docs/rest.md), beside plain Python over all rows.

    kinds      kinds of values: which are drawn, how they compare, how the wire and the databases spell them
    scene      chance -> an app, its people, its rows (data)
    questions  what can be asked (data), and chance -> a question
    spell      a question -> a request
    sight      V(me): the rows and cells that one caller is shown
    answers    a question over V(me) -> the reply
    writes     a write -> the reply, and the tables afterwards
    stage      a scene, running
    play       all of that, side by side

`python -m tests.rules.oracle queries --cases 10000 --seed 7` asks as long as one likes.
"""
