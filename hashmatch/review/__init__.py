"""The review page: a person decides on the matches of a kept scan, in a browser, on this machine only.

queue.py holds what needs a decision; picture_maker.py has the locked workers make pictures; access.py keeps everybody else
out; pages.py puts it all into words; server.py answers the browser.
"""
