"""Interpreters: what can be had, what is on this machine, and putting one in place."""
