"""Let people and programs ask over HTTP: requests go into the table at the door, answers come out of the tables."""

from router.api.desk import Desk
from router.api.routes import ROUTES, Route
from router.api.server import HttpServer

__all__ = ["ROUTES", "Desk", "HttpServer", "Route"]
