"""Faults rehearsed over real sockets: a lab of its own per case, the real process, judged by the venue's own record.

Where to look: `rows` what is rehearsed; `subjects` who is; `play` how one case goes; `judge` what it comes to; `run`
many cases at once; `page` the table as a document.
"""
