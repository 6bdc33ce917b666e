"""The version of the program: the package, the database and the lists all name this one."""

__version__ = "0.1.0"
