"""The HTTP front before scaled web processes; it knows ports and states, not processes.

A connection to a web process carries exactly one request (``Connection: close``), so that even
where two parsers disagreed, nothing of one request could become part of another.
"""
