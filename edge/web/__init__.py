"""The page at http://127.0.0.1:8080 and the HTTP interface behind it.

The daemon, one layer above, implements `control.Control`; `app.create_app` turns it into
routes and `server.Server` serves them from a thread of its own.
"""
