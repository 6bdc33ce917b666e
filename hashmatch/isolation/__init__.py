"""Worker processes: what a hostile file does to a decoder, it does to one of these, and to nothing else."""

from hashmatch.isolation.pool import Outcome, Pool, Task
from hashmatch.isolation.settings import Isolation

__all__ = ["Isolation", "Outcome", "Pool", "Task"]
