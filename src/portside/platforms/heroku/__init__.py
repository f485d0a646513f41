"""The classic buildpack: a platform's calls become builds of the core, and its answers come back.

What a platform relies on (paths, names, values, exit codes, report keys) is the contract in
docs/classic-buildpack.md.
"""
