"""The embedded Connect Server: the default server under test and the model of correct behaviour."""
