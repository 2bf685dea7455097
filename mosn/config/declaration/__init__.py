"""Declarations of RPC protocols: a short YAML file to a mosn.model.Declaration, or findings that say why not.

docs/reference/protocol-declarations.md describes the language.  `numbers` reads types, conditions and sizes, `layout`
the fields, `templates` the frames that the sidecar makes, `load` a file.
"""

from mosn.config.declaration.load import load_declaration, provided, read_declaration

__all__ = ["load_declaration", "provided", "read_declaration"]
