"""Settings files in TOML: checked as a whole, every mistake with its line and what to write instead."""
