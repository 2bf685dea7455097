"""Messages of mosn.protocol.v1."""
