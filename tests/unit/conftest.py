"""Its presence puts this directory on ``sys.path``, so that tests can import ``fakes``."""
