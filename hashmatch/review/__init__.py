"""The review page: a person decides on the matches of a kept scan, in a browser, on this machine only.

queue.py has what is to be decided; picture_maker.py has pictures made in the locked workers; access.py lets nobody else in;
pages.py puts it all into words, and server.py answers.
"""
