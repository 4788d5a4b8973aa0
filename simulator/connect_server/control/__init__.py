"""The control API: what a server under test offers so that a test can act as its users and its administrator.

It is one contract for the embedded Connect Server and for any other server: `contract.py` holds it as data,
`openapi.json` is the same as a document, and README.md beside it explains it to somebody who implements it.
"""
