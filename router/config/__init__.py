"""Settings: what is read from `config.yaml`, the environment and the secrets directory, as the plain data others take.

`load(path)` is the whole of it. It refuses what it does not know, in one sentence that names the setting.
"""

from router.config.load import DEFAULT_TEXT, load
from router.config.settings import Config, LabSettings, LogSettings, Mode, StatusSettings, Timings

__all__ = ["DEFAULT_TEXT", "Config", "LabSettings", "LogSettings", "Mode", "StatusSettings", "Timings", "load"]
