"""More than one machine, on Dask: Dask has the scheduler, workers, connections and recovery; what they do is ours.

Examining: connection.py joins a cluster, examining.py batches files and keeps a bounded number in flight, dask_worker.py is
what Dask runs, host.py the process beside it that has a locked worker, as on one machine. Searching: searching.py is the
searcher of a scan, shards.py keeps shards of the reference set on the workers, shard.py is one shard.

Nothing here imports Dask before a command asks for a cluster.
"""
