"""Past one machine, on Dask: which brings scheduler, workers, connections and recovery; what they do is ours.

Files to fingerprints: connection.py joins a cluster, examining.py batches files and keeps a bounded number in flight,
worker.py is what Dask runs, host.py the process beside it that has a locked worker as on one machine. Searching:
searching.py is the searcher of a scan, shards.py keeps shards of the reference set on the workers, shard.py is one of them.

Nothing here imports Dask before a cluster is asked for.
"""
