"""Puts this directory on ``sys.path``, for what the integration and acceptance tests share."""
