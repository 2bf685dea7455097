"""The admin: Envoy's HTTP API and a console, in the controller process."""

from mosn.admin.context import AdminContext, Change, CommandFailed, WorkerRow
from mosn.admin.server import AdminServer, start

__all__ = ["AdminContext", "AdminServer", "Change", "CommandFailed", "WorkerRow", "start"]
