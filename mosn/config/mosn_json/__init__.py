"""MOSN's own JSON configuration, translated to the nodes of an Envoy bootstrap.

    translate(root, findings) -> Mapping

Every node that is made keeps the line, column and path of the MOSN value it came from, so the decoder, the rules and
lowering report into the file that the user wrote.  docs/mosn-json.md says what becomes what.
"""

from mosn.config.mosn_json.translate import translate

__all__ = ["translate"]
