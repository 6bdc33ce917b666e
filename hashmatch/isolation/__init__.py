"""Worker processes, which decode files: a hostile file can harm the one that decodes it, and nothing else.

pool.py starts workers, gives them tasks and ends those that crash or hang; worker.py is what runs in them. lock.py takes
away their rights, through landlock.py and seccomp.py. wire.py is how they talk, usage.py what they cost, cores.py where
they run, config.py how a person sets all this, tasks.py what a pool is given to do.
"""

from hashmatch.isolation.config import Isolation
from hashmatch.isolation.pool import Pool
from hashmatch.isolation.tasks import Task, TaskResult

__all__ = ["Isolation", "Pool", "Task", "TaskResult"]
