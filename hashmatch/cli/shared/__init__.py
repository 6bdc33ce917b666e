"""What commands have in common.

app.py has the global options and what is said to the person, sections.py help pages in sections, progress.py the bar and
the summary. walking.py, workers.py and cluster.py are options of commands that examine files; the rest serves two or three
commands each.
"""
