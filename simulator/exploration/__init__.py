"""Model-based federation: generated topologies and histories on a server, compared with what the requirements say."""
