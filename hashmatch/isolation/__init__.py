"""Worker processes, which decode files: a hostile file can harm the one that decodes it, and nothing else."""

from hashmatch.isolation.config import Isolation
from hashmatch.isolation.pool import Pool, Task, TaskResult

__all__ = ["Isolation", "Pool", "Task", "TaskResult"]
