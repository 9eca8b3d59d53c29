"""Who is compared, as data, in the order of the tables."""

from benchmarks.contender import Contender
from benchmarks.contenders.backroom import BACKROOM, BACKROOM_PROJECTS
from benchmarks.contenders.peers import PEERS
from benchmarks.contenders.pocketbase import POCKETBASE, POCKETBASE_PROJECTS

CONTENDERS: dict[str, Contender] = {contender.key: contender for contender in (*BACKROOM, POCKETBASE, *PEERS)}
#: The same servers, as far as they have relations, with projects instead of todos.
WITH_PROJECTS: dict[str, Contender] = {contender.key: contender for contender in (*BACKROOM_PROJECTS, POCKETBASE_PROJECTS)}
