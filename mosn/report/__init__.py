"""What leaves the box about the traffic: access logs (metric, trace and report sinks are to come)."""

from mosn.report.writer import LogWriter

__all__ = ["LogWriter"]
