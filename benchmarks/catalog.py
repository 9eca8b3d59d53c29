"""Who is compared, as data, in the order of the tables."""

from benchmarks.contender import Contender
from benchmarks.contenders.backroom import BACKROOM
from benchmarks.contenders.peers import PEERS
from benchmarks.contenders.pocketbase import POCKETBASE

CONTENDERS: dict[str, Contender] = {contender.key: contender for contender in (*BACKROOM, POCKETBASE, *PEERS)}
