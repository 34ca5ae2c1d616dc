"""Its place alone puts `tests/` on the path, so that tests share helpers such as `contracts_state`."""

from hypothesis import settings

settings.register_profile("no deadline", deadline=None)  # a slow or busy machine is no defect of the code
settings.load_profile("no deadline")
