"""Worker processes: what a hostile file does to a decoder, it does to one of these, and to nothing else."""

from hashmatch.isolation.config import Isolation
from hashmatch.isolation.pool import Pool, Task, TaskResult

__all__ = ["Isolation", "Pool", "Task", "TaskResult"]
