"""Put the rooms in order: what happened in, facts and commands out. Knows no clock, no network, no await."""

from router.engine.engine import Decision, Engine
from router.engine.image import StateImage
from router.engine.recalling import told, unknown
from router.engine.restoring import recovering
from router.engine.state import State

__all__ = ["Decision", "Engine", "State", "StateImage", "recovering", "told", "unknown"]
